"""Whether tests can run jLEMS, which needs a Java runtime."""

from __future__ import annotations

import pytest

from tvbo_lite.backends.java import has_java

__all__ = ["has_java", "needs_java"]

needs_java = pytest.mark.skipif(not has_java(), reason="no Java runtime")

"""Whether tests can run jLEMS, which needs a Java runtime."""

from __future__ import annotations

import pytest

from tvbo_lite.backends.java import find_java
from tvbo_lite.errors import BackendError


def has_java() -> bool:
    try:
        find_java()
    except BackendError:
        return False
    return True


needs_java = pytest.mark.skipif(not has_java(), reason="no Java runtime")

"""The comments of LEMS documents, as descriptions of the elements that they stand before or behind.

The reader of models drops comments; they are looked for only where somebody wants to see them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tvbo_lite.errors import Location, ReadError
from tvbo_lite.formats._xml import comments_in
from tvbo_lite.formats.lems import sources

if TYPE_CHECKING:
    from lxml.etree import _Element

    from tvbo_lite.lems.model import Model

__all__ = ["Comments", "comments_of"]

_MARKUP = re.compile(r"<\s*/?\s*\w")  # an element that was taken out is no description
_PROSE = ("notes", "Notes", "Description")

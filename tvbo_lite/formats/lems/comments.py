"""The comments of LEMS documents, as descriptions of the elements that they stand before or behind.

The reader of models drops comments; they are looked for only where somebody wants to see them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tvbo_lite.errors import Location, ReadError
from tvbo_lite.formats._xml import comments_in, line_of, local_name, parse_bytes
from tvbo_lite.formats.lems import sources

if TYPE_CHECKING:
    from lxml.etree import _Element

    from tvbo_lite.lems.model import Model

__all__ = ["Comments", "comments_of"]

_MARKUP = re.compile(r"<\s*/?\s*\w")  # an element that was taken out is no description
_PROSE = ("notes", "Notes", "Description")


class Comments:
    """The description of the element that starts on a line of a file; that of a root is the document's."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, int | None], list[str]] = {}

    def __call__(self, place: Location) -> str | None:
        lines = self._found.get((place.file or "", place.line))
        return "\n".join(lines) if lines else None

    def add(self, place: Location, text: str) -> None:
        """One more comment on the element at a place."""
        self._found.setdefault((place.file or "", place.line), []).append(text)


def comments_of(model: Model) -> Comments:
    """The comments in the files that a model was read from, as far as these still are where they were."""
    found = Comments()
    items = (model, *model.component_types, *model.components)
    for name in dict.fromkeys(item.location.file or "" for item in items):
        origin = sources.named(name)
        if origin is not None:
            _read(origin, found)
    return found


def _read(origin: sources.Origin, found: Comments) -> None:
    try:
        root = parse_bytes(origin.read(), origin.name, comments=True)
    except ReadError:  # it has changed since it was read, and descriptions are no reason to stop
        return
    for comment in comments_in(root):
        text = _lines(comment.text)
        owner = _owner(comment, root)
        if text and owner is not None and not _MARKUP.search(text):
            found.add(Location(origin.name, line_of(owner)), text)
    for child in root:
        if not _is_comment(child) and local_name(child.tag) in _PROSE and _lines(child.text):
            found.add(Location(origin.name, line_of(root)), _lines(child.text))


def _lines(text: str | None) -> str:
    return "\n".join(filter(None, (" ".join(line.split()) for line in (text or "").splitlines())))


def _owner(comment: _Element, root: _Element) -> _Element | None:
    """The element that a comment is about: that on whose line it stands, else the next one."""
    parent, before = comment.getparent(), comment.getprevious()
    while before is not None and _is_comment(before) and "\n" not in (before.tail or ""):
        before = before.getprevious()
    if before is not None and not _is_comment(before) and "\n" not in (before.tail or ""):
        return before
    if parent is None or (parent is root and _is_first(comment)):
        return root
    if before is None and "\n" not in (parent.text or ""):
        return parent
    after = comment.getnext()
    while after is not None and _is_comment(after):
        after = after.getnext()
    return after


def _is_first(comment: _Element) -> bool:
    """Whether no element stands before a comment."""
    return all(map(_is_comment, comment.itersiblings(preceding=True)))


def _is_comment(node: _Element) -> bool:
    return not isinstance(node.tag, str)

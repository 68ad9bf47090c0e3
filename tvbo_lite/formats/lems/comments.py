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
    places = [model.location, *(item.location for item in model.component_types)]
    places += (item.location for item in model.components)
    for name in dict.fromkeys(place.file or "" for place in places):
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
    """The element that a comment is about: that on whose line it stands, else the next one.

    One with an empty line below it is about nothing, but at the top of a document about that.
    """
    parent, before = comment.getparent(), _skip(comment, after=False)
    if parent is None:
        return root
    if "\n" not in _between(before if before is not None else parent, comment):
        return parent if before is None else before
    if (comment.tail or "").count("\n") > 1:
        return root if parent is root and before is None else None
    return _skip(comment, after=True)


def _skip(comment: _Element, *, after: bool) -> _Element | None:
    """The next element before or after a comment, beside it."""
    step = comment.getnext if after else comment.getprevious
    found = step()
    while found is not None and _is_comment(found):
        found = found.getnext() if after else found.getprevious()
    return found


def _between(start: _Element, comment: _Element) -> str:
    """The white space from the end of an element, or from the start of the parent, to a comment."""
    parent = comment.getparent()
    text = (start.text if start is parent else start.tail) or ""
    node = start.getnext() if start is not parent else next(iter(start), None)
    while node is not None and node is not comment:
        text += (node.text or "") + (node.tail or "")
        node = node.getnext()
    return text


def _is_comment(node: _Element) -> bool:
    return not isinstance(node.tag, str)

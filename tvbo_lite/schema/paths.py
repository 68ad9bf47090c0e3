"""Places inside a document: paths of keys and indices, and the text that shows them to a modeller."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tvbo_lite.errors import Location
from tvbo_lite.numerals import whole

__all__ = ["DocumentPath", "Locate", "Locator", "document_path", "path_text", "without_lines"]

DocumentPath = tuple[str | int, ...]
"""Keys and list indices from the top of a document: ``("network", "edges", 3, "source")``."""

Locate = Callable[[DocumentPath], Location]
"""Gives the place of a path in the user's file."""

OLDER_SPELLINGS = {"components": "modes"}
"""Key of the model -> its older spelling, which a document may use instead."""


def path_text(path: DocumentPath) -> str | None:
    """``network.edges[3].source``; None for the document itself."""
    text = ""
    for key in path:
        if isinstance(key, int):
            text += f"[{key}]"
        elif key.replace("-", "_").isidentifier():
            text += f".{key}" if text else key
        else:
            text += f'["{key}"]'
    return text or None


def without_lines(path: DocumentPath) -> Location:
    """The place in a document that came from no file."""
    return Location(path=path_text(path))


def document_path(data: Any, path: tuple[str | int, ...]) -> DocumentPath:
    """The path in the document as written of a path in the model.

    The two differ where a list of items with ``name`` stands for a map, where one item stands for a list of
    one, and where a key has an older spelling. Follows ``path`` as far as the document goes; what is not in
    it is kept as it is.
    """
    found: list[str | int] = []
    for key in path:
        if key == 0 and isinstance(data, dict) and key not in data:
            continue
        step = _step(data, key)
        found.append(step)
        data = _child(data, step)
    return tuple(found)


def _step(data: Any, key: str | int) -> str | int:
    if isinstance(data, list) and isinstance(key, str):
        names = (item.get("name") if isinstance(item, dict) else item for item in data)
        number = whole(key)
        numbered = number if number is not None and number < len(data) else key
        return next((index for index, name in enumerate(names) if name == key), numbered)
    if isinstance(data, dict) and key not in data:
        older = OLDER_SPELLINGS.get(str(key), key)
        return older if older in data else key
    return key


def _child(data: Any, key: str | int) -> Any:
    if isinstance(data, dict):
        return data.get(key)
    if isinstance(data, list) and isinstance(key, int) and 0 <= key < len(data):
        return data[key]
    return None


@dataclass(frozen=True, slots=True)
class Locator:
    """Finds a thing of the model in the file it was read from. All locators are equal to each other, so
    that two experiments compare by what they say, not by where they were read.

    ``names`` are those of the document by the names that the model has in their place.
    """

    data: Any = field(default=None, compare=False, repr=False)
    locate: Locate = field(default=without_lines, compare=False, repr=False)
    names: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)

    def __call__(self, path: tuple[str | int, ...]) -> Location:
        """The place of the model path ``path``, such as ``("network", "nodes", 0)``."""
        written = tuple(self.names.get(key, key) if isinstance(key, str) else key for key in path)
        return self.locate(document_path(self.data, written))

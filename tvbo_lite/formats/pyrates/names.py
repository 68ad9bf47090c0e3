"""Where the templates of a name are: ``model_templates.neural_mass_models.qif.qif`` or ``path/to/file/qif``.

A dotted name starts with a Python package, which is found but not imported; before the template's name
stands that of its file, without ending. A path has the same two last parts, its file with or without
ending.
"""

from __future__ import annotations

from importlib.machinery import PathFinder
from pathlib import Path
from typing import NamedTuple

from tvbo_lite.errors import NOWHERE, Location, Problem, ReadError, nearest
from tvbo_lite.formats.files import is_file, is_folder

__all__ = ["Place", "completed", "find"]

SUFFIXES = (".yaml", ".yml")
PYRATES = "model_templates"


class Place(NamedTuple):
    """A template's file and its name in it."""

    file: Path
    name: str


def find(name: str, location: Location = NOWHERE) -> Place:
    """The file of a template. ``location`` is where the name stands, for messages.

    Raises `ReadError` for a name that is no path and has no dot, and where no such file is found.
    """
    if _is_path(name):
        file, _, template = name.replace("\\", "/").rpartition("/")
        return Place(_existing(Path(file), name, location), template)
    parts = name.split(".")
    if len(parts) < 3 or not all(parts):
        expected = "package.file.template, or path/to/file/template"
        raise ReadError(Problem(f"'{name}' names no PyRates template", location, expected))
    *packages, file, template = parts
    return Place(_existing(_package(packages, name, location) / file, name, location), template)


def completed(name: str, source: str) -> str:
    """A name that stands in the template ``source``, and without dots means the same file or folder."""
    if "." in name or _is_path(name):
        return name
    if _is_path(source):
        return source.replace("\\", "/").rpartition("/")[0] + f"/{name}"
    return f"{source.rpartition('.')[0]}.{name}"


def _is_path(name: str) -> bool:
    return "/" in name or "\\" in name


def _existing(stem: Path, name: str, location: Location) -> Path:
    candidates = [stem] if stem.suffix in SUFFIXES else [Path(f"{stem}{suffix}") for suffix in SUFFIXES]
    for candidate in candidates:
        if is_file(candidate):
            return candidate
    near = stem.parent.glob("*") if is_folder(stem.parent) else ()
    there = [item.stem for item in near if item.suffix in SUFFIXES]
    hint = nearest(stem.stem, there)
    raise ReadError(Problem(f"no file of '{name}': there is no {candidates[0]}", location, hint=hint))


def _package(parts: list[str], name: str, location: Location) -> Path:
    top = _top_folder(parts[0])
    if top is None:
        hint = "it comes with PyRates: 'pip install pyrates'" if parts[0] == PYRATES else None
        message = f"'{name}': there is no Python package '{parts[0]}'"
        raise ReadError(Problem(message, location, "an installed package, or path/to/file/template", hint))
    return top.joinpath(*parts[1:])


def _top_folder(package: str) -> Path | None:
    """The folder of an installed package, which is not imported."""
    spec = PathFinder.find_spec(package)
    places = list(spec.submodule_search_locations or ()) if spec else []
    return Path(places[0]) if places else None

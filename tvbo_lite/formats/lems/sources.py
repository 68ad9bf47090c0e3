"""Where the text of a LEMS document and of what it includes comes from.

An include is looked for beside the including file, then in the search folders (``-I``), then among
the NeuroML core types and canonical examples inside the installed pyneuroml package's jar.
"""

from __future__ import annotations

import posixpath
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from tvbo_lite.errors import Location, Problem, ReadError, nearest
from tvbo_lite.formats.files import is_file, is_folder, is_link
from tvbo_lite.formats.neuroml import jar
from tvbo_lite.reading import document_of

_CORE_PREFIX = "jNeuroML:NeuroML2CoreTypes/"


@dataclass(frozen=True, slots=True)
class OnDisk:
    """A file of the user's."""

    path: Path

    @property
    def name(self) -> str:
        return str(self.path)

    @property
    def key(self) -> str:
        return str(self.path.resolve())

    def read(self) -> bytes:
        return document_of(self.path)

    def place(self, file: str) -> str | None:
        return str(self.path.parent / file)

    def beside(self, file: str) -> Origin | None:
        path = self.path.parent / file
        return OnDisk(path) if is_file(path) else None


@dataclass(frozen=True, slots=True)
class InJar:
    """A canonical example, or what one of them includes, named by its path inside the jar."""

    member: str

    @property
    def name(self) -> str:
        return f"jNeuroML:{self.member}"

    @property
    def key(self) -> str:
        return self.name

    def read(self) -> bytes:
        return jar.example_file(self.member)

    def place(self, file: str) -> str | None:
        return f"jNeuroML:{self._member(file)}"

    def _member(self, file: str) -> str:
        return posixpath.normpath(posixpath.join(posixpath.dirname(self.member), file))

    def beside(self, file: str) -> Origin | None:
        member = self._member(file)
        return InJar(member) if jar.has_example_file(member) else None


@dataclass(frozen=True, slots=True)
class Core:
    """One of the NeuroML core type files; they include one another by bare name."""

    file: str

    @property
    def name(self) -> str:
        return f"{_CORE_PREFIX}{self.file}"

    @property
    def key(self) -> str:
        return self.name

    def read(self) -> bytes:
        data = jar.core_file(self.file)
        if data is None:  # has been checked when this object was made
            raise ReadError(Problem("is not among the core type files", Location(self.name)))
        return data

    def place(self, file: str) -> str | None:
        del file
        return None  # core types are looked for last in any case

    def beside(self, file: str) -> Origin | None:
        return core(file)


@dataclass(frozen=True, slots=True)
class Text:
    """A document given as a string; its includes are looked for in ``folder``."""

    text: str
    name: str = "<string>"
    folder: Path | None = None

    @property
    def key(self) -> str:
        return self.name

    def read(self) -> bytes:
        return self.text.encode()

    def place(self, file: str) -> str | None:
        return str(self.folder / file) if self.folder else None

    def beside(self, file: str) -> Origin | None:
        path = self.folder / file if self.folder else None
        return OnDisk(path) if path and is_file(path) else None


Origin: TypeAlias = OnDisk | InJar | Core | Text


def core(file: str) -> Core | None:
    """The core type file of that name, whatever folder the include gives."""
    base = posixpath.basename(file.replace("\\", "/"))
    return Core(base) if base in jar.core_names() else None


def is_core(location: Location) -> bool:
    """Whether something was read from one of NeuroML's core type files."""
    return (location.file or "").startswith(_CORE_PREFIX)


def named(name: str) -> Origin | None:
    """The document whose ``name`` that is, where it can be read again; none for core types and texts."""
    inside = name.removeprefix("jNeuroML:")
    if inside != name:
        return InJar(inside) if jar.has_example_file(inside) else None
    return OnDisk(Path(name)) if name and is_file(Path(name)) else None


def main(name: str | Path) -> Origin:
    """A file on disk; else, where the name (``.xml`` may be left out) is that of a canonical example, that
    one from the jar.

    Raises `ReadError` where it is neither, with the nearest example's name.
    """
    path = Path(name)
    if is_file(path):
        return OnDisk(path)
    for member in (f"LEMSexamples/{name}", f"LEMSexamples/{name}.xml"):
        if path.name == str(name) and jar.has_example_file(member):
            return InJar(member)
    link = "is a symbolic link that leads nowhere" if is_link(path) else None
    none = link or "there is no such file, and no canonical example of that name"
    what = "is a folder" if is_folder(path) else none
    hint = nearest(path.name, jar.example_names())
    raise ReadError(Problem(what, Location(str(name)), None, hint))


def included(file: str, origin: Origin, search: Sequence[Path], location: Location) -> Origin:
    """The document that ``<Include file=.../>`` means.

    Raises:
        ReadError: there is none; the message lists every place where it was looked for.
    """
    found = origin.beside(file)
    for folder in search:
        if found is None and is_file(folder / file):
            found = OnDisk(folder / file)
    found = found or core(file)
    if found is None:
        places = [origin.place(file), *(str(folder / file) for folder in search)]
        tried = [_absent(place) for place in dict.fromkeys(filter(None, places))]
        tried.append(f"{'and ' if tried else ''}NeuroML has no core type file of that name")
        message = f"include '{file}' is not found: {', '.join(tried)}"
        raise ReadError(Problem(message, location, None, nearest(file, _names_near(origin, search))))
    return found


def _absent(place: str) -> str:
    """That a file is not there, or what is there instead."""
    if Path(place).is_symlink():
        return f"{place} is a symbolic link that leads nowhere"
    return f"{place} is a folder" if Path(place).is_dir() else f"there is no {place}"


def _names_near(origin: Origin, search: Sequence[Path]) -> list[str]:
    """What could have been meant: core type files, and the files in the folders looked in."""
    folders = [*search, *([origin.path.parent] if isinstance(origin, OnDisk) else [])]
    found = (path for folder in folders for ending in ("*.*ml", "*.h5") for path in folder.glob(ending))
    own = {path.name for path in found if path.is_file()}
    return [*jar.core_names(), *sorted(own)]

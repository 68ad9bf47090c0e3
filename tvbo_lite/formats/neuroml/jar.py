"""What the jNeuroML jar inside the installed ``pyneuroml`` package holds.

The jar is a zip file of about 13 000 members. `zipfile` needs 0.1 s to list them and 0.03 s to be
imported; we want about sixty, so the central directory is searched for their names instead, which
takes 2 ms (PKWARE, APPNOTE.TXT 6.3.10, sections 4.3.7, 4.3.12 and 4.3.16). ``pyneuroml`` itself is
never imported: that takes seconds.
"""

from __future__ import annotations

import os
import re
import struct
import zlib
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path, PurePosixPath
from typing import BinaryIO, NamedTuple

from tvbo_lite.atomic import write_beside
from tvbo_lite.errors import BackendError, ReadError, nearest

__all__ = [
    "core_file",
    "core_names",
    "example_file",
    "example_names",
    "extract_examples",
    "find_example",
    "has_example_file",
    "jar_path",
]

CORE = "NeuroML2CoreTypes/"
LEMS_EXAMPLES = "LEMSexamples/"
EXAMPLES = "examples/"

_PATTERN = "jNeuroML-*-jar-with-dependencies.jar"
_REPAIR = "install it anew with: pip install --force-reinstall pyneuroml"
_END = struct.Struct("<4s4H2LH")  # end of central directory
_ENTRY = struct.Struct("<4s6H3L5H2L")  # a member's entry in the central directory
_LOCAL = struct.Struct("<4s5H3L2H")  # the header before a member's data
_COMMENT_LIMIT = 65535  # bytes
_STORED, _DEFLATED = 0, 8


class _Member(NamedTuple):
    offset: int  # of the local header
    packed: int  # bytes
    size: int  # bytes
    crc: int
    method: int


# ---- where the jar is ------------------------------------------------------------------------


def jar_path() -> Path:
    """The jNeuroML jar of the installed ``pyneuroml``.

    Raises:
        BackendError: ``pyneuroml`` is not installed, or its jar is missing.
    """
    spec = find_spec("pyneuroml")
    folders = (spec.submodule_search_locations if spec else None) or ()
    if not folders:
        msg = (
            "the package pyneuroml, which brings NeuroML's core types and jLEMS, is not installed; "
            "do: pip install pyneuroml"
        )
        raise BackendError(msg)
    for folder in folders:
        found = sorted(Path(folder, "lib").glob(_PATTERN), key=_natural)
        if found:
            return found[-1]
    places = ", ".join(str(Path(folder, "lib")) for folder in folders)
    msg = f"pyneuroml is installed, but {places} holds no {_PATTERN}; {_REPAIR}"
    raise BackendError(msg)


def _natural(name: object) -> list[tuple[int, str]]:
    """Sort key by which ``Ex2`` comes before ``Ex10``."""
    return [(int(digits or -1), text) for digits, text in re.findall(r"(\d+)|(\D+)", str(name))]


# ---- what it holds ---------------------------------------------------------------------------


@lru_cache(maxsize=1)
def core_names() -> tuple[str, ...]:
    """Names of NeuroML's core type files, such as ``Cells.xml``."""
    return _names(CORE)


def core_file(name: str) -> bytes | None:
    """The content of a core type file, or None where NeuroML has no such file."""
    return _read(CORE + name) if name in core_names() else None


@lru_cache(maxsize=1)
def example_names() -> tuple[str, ...]:
    """Names of the canonical LEMS examples, in their order: Ex0, Ex1, Ex2, ..., Ex27."""
    names = _names(LEMS_EXAMPLES)
    return tuple(name for name in names if name.startswith("LEMS_") and name.endswith(".xml"))


def find_example(name: str) -> str:
    """The jar member of a canonical example; ``.xml`` and the folder may be left out.

    Raises:
        ReadError: there is no such example; the message names the nearest one.
    """
    plain = PurePosixPath(name).name
    for candidate in (plain, f"{plain}.xml"):
        if candidate in example_names():
            return LEMS_EXAMPLES + candidate
    hint = nearest(plain, example_names()) or f"there are: {', '.join(example_names())}"
    raise ReadError(f"jNeuroML has no example '{name}'; {hint}")


def has_example_file(member: str) -> bool:
    """Whether the jar has that file below ``LEMSexamples/`` or ``examples/``."""
    return member.startswith((LEMS_EXAMPLES, EXAMPLES)) and _is_file(member) and member in _directory()


def example_file(member: str) -> bytes:
    """The content of an example, such as ``examples/NML2_FullNeuroML.nml``.

    Raises:
        ReadError: the jar has no such file below ``LEMSexamples/`` or ``examples/``.
    """
    if not has_example_file(member):
        names = [folder + name for folder in (LEMS_EXAMPLES, EXAMPLES) for name in _names(folder)]
        hint = nearest(member, names) or f"its examples are below {LEMS_EXAMPLES} and {EXAMPLES}"
        raise ReadError(f"the jNeuroML jar has no example '{member}'; {hint}")
    return _read(member)


def extract_examples(directory: str | Path) -> list[Path]:
    """Write ``LEMSexamples/`` and ``examples/`` below ``directory``; the files written, in order.

    Each file is written beside its place and renamed, so that a reader never sees half of one.
    """
    written = []
    for folder in (LEMS_EXAMPLES, EXAMPLES):
        for name in _names(folder):
            target = Path(directory, folder, *PurePosixPath(name).parts)
            write_beside(target, _read(folder + name))
            written.append(target)
    return written


# ---- the zip format, as far as it is needed ----------------------------------------------------


def _names(folder: str) -> tuple[str, ...]:
    members = (name.removeprefix(folder) for name in _directory() if name.startswith(folder))
    return tuple(sorted((name for name in members if _is_file(name)), key=_natural))


def _is_file(name: str) -> bool:
    """A member that is a file and stays inside its folder."""
    return bool(name) and not name.endswith("/") and ".." not in PurePosixPath(name).parts


@lru_cache(maxsize=1)
def _directory() -> dict[str, _Member]:
    """The members below the folders of interest."""
    path = jar_path()
    with path.open("rb") as file:
        entries = _central_directory(file, path)
    members: dict[str, _Member] = {}
    for folder in (CORE, LEMS_EXAMPLES, EXAMPLES):
        members |= _members(entries, folder.encode())
    if not any(name.startswith(CORE) for name in members):
        msg = f"{path}: the jar holds no {CORE}; {_REPAIR}"
        raise BackendError(msg)
    return members


def _central_directory(file: BinaryIO, path: Path) -> bytes:
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - _END.size - _COMMENT_LIMIT))
    tail = file.read()
    at = tail.rfind(b"PK\5\6")
    if at < 0 or len(tail) - at < _END.size:
        msg = f"{path}: not a jar file, or only half of one; {_REPAIR}"
        raise BackendError(msg)
    length, start = _END.unpack_from(tail, at)[5:7]
    file.seek(start)
    return file.read(length)


def _members(entries: bytes, folder: bytes) -> dict[str, _Member]:
    members = {}
    at = entries.find(folder)
    while at >= 0:
        entry = at - _ENTRY.size
        if entry >= 0 and entries.startswith(b"PK\1\2", entry):
            method, crc, packed, size, length, offset = _fields(entries, entry)
            name = entries[at : at + length].decode()
            members[name] = _Member(offset, packed, size, crc, method)
        at = entries.find(folder, at + 1)
    return members


def _fields(entries: bytes, at: int) -> tuple[int, int, int, int, int, int]:
    """Method, checksum, packed size, size, length of the name, offset of the local header."""
    values = _ENTRY.unpack_from(entries, at)
    return values[4], values[7], values[8], values[9], values[10], values[16]


def _read(name: str) -> bytes:
    path = jar_path()
    member = _directory()[name]
    with path.open("rb") as file:
        file.seek(member.offset)
        header = _LOCAL.unpack(file.read(_LOCAL.size))
        file.seek(header[9] + header[10], os.SEEK_CUR)
        packed = file.read(member.packed)
    content = _unpack(packed, member)
    if content is None or len(content) != member.size or zlib.crc32(content) != member.crc:
        msg = f"{path}: its member {name} is damaged; {_REPAIR}"
        raise BackendError(msg)
    return content


def _unpack(packed: bytes, member: _Member) -> bytes | None:
    if member.method == _STORED:
        return packed
    if member.method != _DEFLATED:
        return None
    try:
        return zlib.decompress(packed, -zlib.MAX_WBITS)
    except zlib.error:
        return None

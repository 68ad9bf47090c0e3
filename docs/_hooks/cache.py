"""What an earlier build made: a folder of files for each thing, until what it is made of changes."""

from __future__ import annotations

import functools
import hashlib
import shutil
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import tvbo_lite
from tvbo_lite import resources

if TYPE_CHECKING:
    from types import ModuleType

Contents = dict[str, bytes]  # by the names of files


def place(cache: Path, name: str, *given: str | Path | ModuleType) -> Path:
    """The folder of ``name``, which is made of the ``given`` things, tvbo_lite and pyneuroml's jLEMS."""
    digest = hashlib.sha256(_program())
    for one in given:
        path = one if isinstance(one, str | Path) else Path(str(one.__file__))
        digest.update(path.encode() if isinstance(path, str) else path.read_bytes())
    return cache / f"{name}-{digest.hexdigest()[:16]}"


@functools.cache
def _program() -> bytes:
    digest = hashlib.sha256(version("pyneuroml").encode())
    templates = resources.folder("lems_templates").iterdir()
    for file in [*sorted(Path(tvbo_lite.__file__).parent.rglob("*.py")), *sorted(templates)]:
        digest.update(file.read_bytes())
    return digest.digest()


def write(folder: Path, contents: Contents) -> None:
    """Keep files, in place of those that were kept under the same name."""
    for old in folder.parent.glob(f"{folder.name.rpartition('-')[0]}-*"):
        shutil.rmtree(old)
    beside = folder.with_suffix(".new")
    beside.mkdir(parents=True)
    for file, content in contents.items():
        (beside / file).write_bytes(content)
    beside.rename(folder)


def read(folder: Path) -> Contents | None:
    """The files that `write` kept; None where there are none."""
    return {file.name: file.read_bytes() for file in folder.iterdir()} if folder.is_dir() else None

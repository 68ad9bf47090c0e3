"""Files by name: whether there is one, and those that belong together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath

from tvbo_lite.atomic import all_beside, beside
from tvbo_lite.errors import RenderError

__all__ = ["Files", "Stored", "is_file", "is_folder", "is_link", "write_beside", "write_files"]


def is_file(path: Path) -> bool:
    """Whether there is such a file. A name that no file can have, such as one too long, is that of none."""
    return _is(path.is_file)


def is_folder(path: Path) -> bool:
    """Whether there is such a folder; as `is_file`."""
    return _is(path.is_dir)


def is_link(path: Path) -> bool:
    """Whether there is such a symbolic link; as `is_file`."""
    return _is(path.is_symlink)


def _is(asked: Callable[[], bool]) -> bool:
    try:
        return asked()
    except OSError:
        return False


@dataclass(frozen=True, slots=True)
class Stored:
    """A file that is no text, such as one in HDF5: ``write(path)`` makes it."""

    write: Callable[[Path], None]


@dataclass(frozen=True, slots=True)
class Files(Mapping[str, str | Stored]):
    """Texts by file name, in the order in which they are written; ``main`` is the one to open or run."""

    main: str
    texts: Mapping[str, str | Stored]

    def __post_init__(self) -> None:
        """Only plain names: a text never lands outside the folder that the user names.

        Raises:
            RenderError: a name leads elsewhere, or ``main`` is none of the files.
        """
        for name in self.texts:
            plain = name == PurePosixPath(name).name == PureWindowsPath(name).name
            if not plain or name in ("", ".", "..") or "\0" in name:
                msg = f"'{name}' cannot be the name of a file"
                raise RenderError(msg)
        if self.main not in self.texts:
            msg = f"the main file '{self.main}' is not among {', '.join(self.texts)}"
            raise RenderError(msg)

    def __getitem__(self, name: str) -> str | Stored:
        return self.texts[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.texts)

    def __len__(self) -> int:
        return len(self.texts)


def write_files(folder: str | Path, files: Files) -> tuple[Path, ...]:
    """Write every file below ``folder``, each beside its place; then they are renamed, the main one last.

    Returns the paths in the order of ``files``. Raises `OSError` as the system does.
    """
    names = sorted(files, key=lambda name: name != files.main)
    with all_beside([Path(folder, name) for name in names]) as places:
        for name, place in zip(names, places, strict=True):
            _write(place, files[name])
    return tuple(Path(folder, name) for name in files)


def write_beside(path: Path, content: bytes | str | Stored) -> None:
    """Write a file as `tvbo_lite.atomic.beside` says."""
    if isinstance(content, Stored) and path.exists() and not path.is_file():
        raise RenderError(f"{path} is no file, so it cannot hold what is no text")
    with beside(path) as new:
        _write(new, content)


def _write(path: Path, content: bytes | str | Stored) -> None:
    if isinstance(content, Stored):
        content.write(path)
    else:
        path.write_bytes(content.encode() if isinstance(content, str) else content)

"""What is said where an optional library is missing; how files are read."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

import pytest

from tvbo_lite.errors import Location, ReadError, UnsupportedError
from tvbo_lite.extras import EXTRAS, needed
from tvbo_lite.reading import bytes_of, text_of


@pytest.mark.parametrize("package", sorted(EXTRAS))
def test_an_extra_brings_its_package(package: str) -> None:
    """The command that a message names installs what is missing."""
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]
    assert any(line.startswith(f"{package}>") for line in project["optional-dependencies"][EXTRAS[package]])


def test_a_missing_package_is_told_from_a_broken_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """One is not installed; the other cannot be loaded, with the reason; both name the command."""
    monkeypatch.setitem(sys.modules, "h5py", None)
    with (
        pytest.raises(
            UnsupportedError, match=r"^files need .* h5py, which is not installed; pip install 'tv"
        ),
        needed("h5py", "files"),
    ):
        import h5py  # noqa: F401
    (tmp_path / "zarr.py").write_text("import nothing_of_that_name\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "zarr", raising=False)
    with (
        pytest.raises(
            UnsupportedError, match=r"zarr, which cannot be loaded: .*nothing_of.*; pip .*, or wait$"
        ),
        needed("zarr", "stores", instead="wait"),
    ):
        import zarr  # noqa: F401


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """Where another file names it, the place there is told too."""
    file = tmp_path / "none.txt"
    with pytest.raises(ReadError, match=r"^\S*none\.txt: cannot be read: No such file"):
        bytes_of(file)
    with pytest.raises(ReadError, match=r"^a\.yaml:3: the file \S*none\.txt cannot be read: No such file"):
        text_of(file, Location("a.yaml", 3))
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(ReadError, match="it is not UTF-8 text"):
        text_of(file)
    file.write_bytes("\ufeffgrün\r\nrot\r".encode())
    assert text_of(file) == "grün\nrot\n"

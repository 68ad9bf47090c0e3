"""Writing: whole or not at all."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from tvbo_lite.atomic import aside, beside, write_beside


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_replaced_whole(tmp_path):
    """The new content stands alone in its folder, which is made if need be."""
    path = tmp_path / "new" / "a.dat"
    write_beside(path, b"one")
    write_beside(path, b"two")
    assert path.read_bytes() == b"two"
    assert names(path.parent) == ["a.dat"]


def test_a_folder_is_replaced_whole(tmp_path):
    """Nothing of the old folder is left in the new one."""
    path = tmp_path / "run.zarr"
    for name in ("old", "new"):
        with beside(path) as new:
            new.mkdir()
            (new / name).touch()
    assert names(path) == ["new"]
    assert names(tmp_path) == ["run.zarr"]


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_what_fails_leaves_the_old_file(tmp_path, error):
    """And nothing beside it, whatever was raised."""
    path = tmp_path / "a.dat"
    path.write_bytes(b"old")
    with pytest.raises(type(error)), beside(path) as new:  # noqa: PT012  half of a file, then the error
        new.write_bytes(b"ha")
        raise error
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["a.dat"]


def test_a_folder_that_cannot_take_its_place_leaves_the_old_one(tmp_path, monkeypatch):
    """The old folder has its name again."""
    path = tmp_path / "run.zarr"
    path.mkdir()
    (path / "old").touch()
    rename = Path.rename

    def refused(self, target):
        if "old" not in self.name and "old" not in Path(target).name:
            raise OSError(5, "Input/output error")
        return rename(self, target)

    with pytest.raises(OSError, match="Input/output"), beside(path) as new:  # noqa: PT012
        new.mkdir()
        monkeypatch.setattr(Path, "rename", refused)
    assert names(path) == ["old"]
    assert names(tmp_path) == ["run.zarr"]


def test_nobody_else_writes_beside(tmp_path):
    """Each thread has a name of its own, which keeps the ending."""
    found = []
    thread = threading.Thread(target=lambda: found.append(aside(tmp_path / "a.nc")))
    thread.start()
    thread.join()
    found.append(aside(tmp_path / "a.nc"))
    assert len(set(found)) == 2
    assert {path.suffix for path in found} == {".nc"}


def test_two_at_once_do_not_mix(tmp_path):
    """One of them is there in the end, whole, and nothing else."""
    path = tmp_path / "run.zarr"

    def write(number: int) -> None:
        for _ in range(50):
            with beside(path) as new:
                new.mkdir()
                for part in range(5):
                    (new / f"{number}.{part}").touch()

    threads = [threading.Thread(target=write, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = names(path)
    assert len(found) == 5
    assert len({name[0] for name in found}) == 1
    assert names(tmp_path) == ["run.zarr"]

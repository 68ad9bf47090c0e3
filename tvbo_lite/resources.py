"""Where the data folders that travel with the package lie: templates, schemas, reference examples.

In an installed wheel they are inside the package (``tvbo_lite/_data/<name>``); in a checkout they
stand beside it, at the root of the repository.
"""

from __future__ import annotations

from pathlib import Path

from tvbo_lite.errors import ReadError

__all__ = ["FOLDERS", "folder"]

FOLDERS = ("lems_templates", "schemas", "reference_examples")

_PACKAGE = Path(__file__).resolve().parent


def folder(name: str, package: Path = _PACKAGE) -> Path:
    """The shipped folder ``name``, one of `FOLDERS`.

    Raises:
        ReadError: the folder is neither in the package nor beside it (a broken installation).
    """
    if name not in FOLDERS:
        msg = f"no data folder '{name}' is shipped; there are {', '.join(FOLDERS)}"
        raise ReadError(msg)
    places = (package / "_data" / name, package.parent / name)
    for place in places:
        if place.is_dir():
            return place
    msg = f"the data folder '{name}' is missing; looked in {' and '.join(map(str, places))}"
    raise ReadError(msg)

"""Where the Python programs and compilers are that other simulators need."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from tvbo_lite.errors import BackendError

__all__ = ["find_python", "need_programs", "path_with"]

_HAS = "import importlib.util, sys; sys.exit(importlib.util.find_spec(sys.argv[1]) is None)"


def find_python(package: str, variable: str, extra: str) -> Path:
    """A Python that has ``package``: the one that ``variable`` names, else the running one.

    Raises:
        BackendError: there is none. The message names the variable and the extra to install.
    """
    chosen = os.environ.get(variable)
    if chosen:
        return _chosen(chosen, package, variable)
    if find_spec(package) is not None and sys.executable:
        return Path(sys.executable)
    msg = (
        f"the package {package} is not installed for {sys.executable or 'this Python'}. "
        f'Do: pip install "tvbo-lite[{extra}]", or set {variable} to the python program of an '
        f"environment that has it"
    )
    raise BackendError(msg)


def _chosen(text: str, package: str, variable: str) -> Path:
    found = shutil.which(Path(text).expanduser())
    if found is None:
        msg = f"{variable} is '{text}', which is not a program; set it to a python program, or unset it"
        raise BackendError(msg)
    asked = [found, "-c", _HAS, package]
    if subprocess.run(asked, capture_output=True, check=False).returncode:  # noqa: S603  the user's own choice
        msg = f"{variable} is '{text}', which has no package {package}; do: {text} -m pip install {package}"
        raise BackendError(msg)
    return Path(found)


def need_programs(names: Sequence[str], wanted_by: str) -> None:
    """Raises `BackendError` where one of the programs is not on the path."""
    missing = [name for name in names if shutil.which(name) is None]
    if missing:
        msg = (
            f"{wanted_by} needs a C compiler; on the path there is no {' and no '.join(missing)}. "
            "Install it: build-essential on Debian and Ubuntu, gcc and make on Fedora, "
            "xcode-select --install on macOS"
        )
        raise BackendError(msg)


def path_with(python: Path) -> str:
    """``PATH`` with the folder of a Python first, where the programs of its packages are."""
    return os.pathsep.join([str(python.parent), os.environ.get("PATH", os.defpath)])

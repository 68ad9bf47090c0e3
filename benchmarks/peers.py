"""Other simulators to measure against, each in an environment of its own since they need different numpy.

``python -m benchmarks.peers FOLDER`` makes the environments, ``--only nest`` one of them.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import venv
from collections.abc import Iterator
from pathlib import Path

__all__ = ["PEERS", "find", "scripts", "versions"]

PEERS = {"annarchy": "ANNarchy", "brian2": "Brian 2", "nest": "NEST", "pyrates": "PyRates", "tvbo": "TVBO"}
PACKAGES = {"nest": "nest-simulator"}  # where the package has another name than the environment
FOLDER = "TVBO_LITE_PEERS"  # the folder with the environments
HERE = Path(__file__).parent
scripts = HERE / "scripts"


def variable(name: str) -> str:
    """The environment variable that names the Python of one peer, wherever it is."""
    return f"TVBO_LITE_{name.upper()}_PYTHON"


def find(name: str) -> Path | None:
    """The Python that has a peer; None where there is none."""
    named, folder = os.environ.get(variable(name)), os.environ.get(FOLDER)
    places = [Path(named)] if named else []
    places += [_python(Path(folder) / name)] if folder else []
    return next((place for place in places if place.exists()), None)


def _python(environment: Path) -> Path:
    return environment / "bin" / "python"


def versions() -> Iterator[str]:
    """A line for each peer: its version here, or that there is none."""
    for name, title in PEERS.items():
        python = find(name)
        yield f"{title} {_version(name, python)}" if python else f"no {title}"


def _version(name: str, python: Path) -> str:
    code = f"from importlib.metadata import version; print(version({PACKAGES.get(name, name)!r}))"
    return subprocess.run([python, "-c", code], check=True, capture_output=True, text=True).stdout.strip()


def main() -> int:
    """Make the environments; the exit status is the number of those that could not be made."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description=__doc__)
    parser.add_argument("folder", type=Path, help="where the environments shall be")
    parser.add_argument("--only", choices=sorted(PEERS), action="append", help="make this one")
    options = parser.parse_args()
    missing = [name for name in options.only or PEERS if not _made(name, options.folder.absolute())]
    for name in missing:
        print(f"there is no {PEERS[name]} for this machine", file=sys.stderr)
    print(f"export {FOLDER}={options.folder.absolute()}")
    return len(missing)


def _made(name: str, folder: Path) -> bool:
    venv.create(folder / name, with_pip=True)
    file = HERE / "requirements" / f"{name}.txt"
    command = [_python(folder / name), "-m", "pip", "install", "--quiet", "--requirement", file]
    return subprocess.run(command, check=False, stdout=sys.stderr).returncode == 0


if __name__ == "__main__":
    sys.exit(main())

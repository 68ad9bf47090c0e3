"""tvbo_lite as an engine of the OSB Model Validation framework (OMV), under OMV's own program.

OMV knows the engines of its own package and has no place to add others, so this module adds its two to
OMV's table and is then the program ``omv``: ``python -m tvbo_lite.adapters.omv_engine test FILE.omt``.
The classes use OMV and the program ``tvbo-lite`` only, as a process of its own, so that they can stand in
``omv/engines`` as they are.
"""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed_version
from pathlib import Path

from omv.common.inout import check_output, inform, pip_install, trim_path
from omv.engines import OMVEngines
from omv.engines.engine import EngineExecutionError, OMVEngine
from omv.engines.utils import resolve_paths

__all__ = ["TvboLiteEngine", "TvboLiteValidateEngine", "main", "register"]


class TvboLiteEngine(OMVEngine):  # type: ignore[misc]  # OMV has no types
    """``engine: tvbo_lite`` runs the target, an experiment in YAML or a LEMS file.

    Output files are written where the simulation puts them, seen from the folder of the target.
    """

    name = "tvbo_lite"
    command = "run"

    @staticmethod
    def is_installed() -> str | bool:
        """The version, or False."""
        try:
            return f"v{installed_version('tvbo-lite')}"
        except PackageNotFoundError:
            return False

    @staticmethod
    def install(version: str | None) -> None:
        """From PyPI: the newest version where none is named."""
        pip_install("tvbo-lite", version)

    def run(self) -> None:
        """Run each file of the target; ``stdout`` and ``returncode`` are those of the last process.

        Raises:
            EngineExecutionError: `tvbo-lite` refused the file or failed, or there is no file.
        """
        self.returncode, self.stdout = 2, f"no file fits the target {self.modelpath}"
        files = resolve_paths(self.modelpath)
        for file in files:
            inform(f"Running file {trim_path(file)} with {self.name}", indent=1)
            command = [sys.executable, "-m", "tvbo_lite", self.command, file]
            try:
                self.stdout, self.returncode = check_output(command, cwd=str(Path(file).parent)), 0
            except subprocess.CalledProcessError as error:
                self.stdout, self.returncode = error.output, error.returncode
                raise EngineExecutionError(f"{self.name} failed with {file}") from error
        if not files:
            raise EngineExecutionError(self.stdout)


class TvboLiteValidateEngine(TvboLiteEngine):
    """``engine: tvbo_lite_validate`` checks the files of the target and runs none."""

    name = "tvbo_lite_validate"
    command = "validate"


def register() -> None:
    """Add both engines to those that OMV knows in this process."""
    OMVEngines.update({engine.name: engine for engine in (TvboLiteEngine, TvboLiteValidateEngine)})


def main() -> None:
    """The program ``omv`` with both engines."""
    from omv.omv_util import main as omv

    register()
    omv()


if __name__ == "__main__":
    main()

"""The OSB Model Validation framework runs its tests with tvbo_lite as their engine."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tvbo_lite.resources import folder

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("omv") is None, reason="needs OSBModelValidation (pip install tvbo-lite[omv])"
)

CELLS = """\
<neuroml xmlns="http://www.neuroml.org/schema/neuroml2" id="cells">
    <iafCell id="iaf" leakReversal="-50mV" thresh="-55mV" reset="-70mV" C="0.2nF" leakConductance="0.01uS"/>
</neuroml>
"""


def omv(cwd: Path, *arguments: str) -> tuple[int, str]:
    """The exit status of ``omv``, and what it tells."""
    command = [sys.executable, "-m", "tvbo_lite.adapters.omv_engine", *arguments]
    done = subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, encoding="utf-8", timeout=300, check=False,
        env=os.environ | {"PYTHONIOENCODING": "utf-8"},
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


def test_the_framework_runs_our_test_and_sees_a_wrong_time(tmp_path: Path) -> None:
    """The shipped example passes; with another spike time expected of one cell, that cell alone fails."""
    shutil.copytree(folder("reference_examples") / "izhikevich", tmp_path, dirs_exist_ok=True)
    status, told = omv(tmp_path, "test", "izhikevich.omt")
    assert status == 0, told
    assert "Test passed: izhikevich.omt" in told
    properties = tmp_path / "izhikevich.mep"
    right = properties.read_text()
    assert right.count("38.835") == 1
    properties.write_text(right.replace("38.835", "38.84"))
    status, told = omv(tmp_path, "test", "izhikevich.omt")
    assert status == 1
    assert (told.count("✔"), told.count("✘")) == (1, 1)


def test_the_framework_validates_all_files_of_a_target(tmp_path: Path) -> None:
    """The engine that validates passes what is valid, and fails one invalid file among others."""
    (tmp_path / "a.nml").write_text(CELLS)
    (tmp_path / "all.omt").write_text("target: '*.nml'\nengine: tvbo_lite_validate\n")
    status, told = omv(tmp_path, "test", "all.omt")
    assert status == 0, told
    (tmp_path / "b.nml").write_text(CELLS.replace(' C="0.2nF"', ""))
    status, told = omv(tmp_path, "test", "all.omt")
    assert status == 1
    assert "b.nml:2: " in told
    assert "Return code: 2" in told


def test_a_model_that_cannot_be_run_fails(tmp_path: Path) -> None:
    """What tvbo-lite says of the model is in what the framework tells."""
    (tmp_path / "experiment.yaml").write_text("dynamics: {iri: neuroml:fitzHughNagumoCel}\n")
    (tmp_path / "run.omt").write_text("target: experiment.yaml\nengine: tvbo_lite\n")
    status, told = omv(tmp_path, "test", "run.omt")
    assert status == 1
    assert "experiment.yaml:1" in told


def test_the_engines_of_lems_are_called_as_the_framework_calls_them() -> None:
    """The names by which ``tvbo-lite omv`` picks tests in a folder are those of engines, ours among them."""
    code = (
        "from tvbo_lite.adapters.omv_engine import OMVEngines, register; "
        "from tvbo_lite.cli.omv import ENGINES; "
        "register(); print(set(ENGINES) - {name.lower() for name in OMVEngines})"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "set()"

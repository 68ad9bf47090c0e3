"""Experiments in YAML to the LEMS model that they mean."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from tvbo_lite.formats.lems.reader import link
from tvbo_lite.formats.yaml.reader import read_text
from tvbo_lite.lems.model import Include, Model
from tvbo_lite.reading import text_of
from tvbo_lite.schema.load import load
from tvbo_lite.transforms.lower import lower
from tvbo_lite.transforms.quantity import UnitTable
from tvbo_lite.transforms.types import TypeTable

if TYPE_CHECKING:
    from tvbo_lite.schema import Experiment

__all__ = ["model_of", "read"]

_CORE = ("Cells.xml", "Networks.xml", "Inputs.xml", "Simulation.xml", "PyNN.xml")  # all that lowering names


def read(path: str | Path, search: Sequence[Path] = ()) -> Model:
    """The model that the experiment in a file means; its includes are named, not followed.

    Raises as `SimulationExperiment.from_file` and `SimulationExperiment.model` do.
    """
    document = read_text(text_of(path), str(path))
    return model_of(load(document.data, document.location))


def model_of(experiment: Experiment) -> Model:
    """The model that an experiment means; see `SimulationExperiment.model`."""
    return lower(experiment, *_core())


@cache
def _core() -> tuple[TypeTable, UnitTable]:
    """NeuroML's core component types and units, read once from the installed pyneuroml."""
    core = link(Model(includes=tuple(map(Include, _CORE))))
    return TypeTable(core.component_types), UnitTable(core.dimensions, core.units)

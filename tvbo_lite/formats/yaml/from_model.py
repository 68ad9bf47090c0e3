"""From a LEMS model, with the comments of its files, to the experiment that a person would have written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tvbo_lite.formats.lems.comments import comments_of
from tvbo_lite.formats.lems.normal import own_part
from tvbo_lite.formats.lems.reader import link
from tvbo_lite.lems.model import Include, Model
from tvbo_lite.schema.load import load
from tvbo_lite.transforms.raising import raised
from tvbo_lite.transforms.types import TypeTable

if TYPE_CHECKING:
    from tvbo_lite.losses import Losses
    from tvbo_lite.schema import Experiment

__all__ = ["experiment_of"]

CORE_FILES = ("NeuroML2CoreTypes.xml", "PyNN.xml", "Simulation.xml")


def experiment_of(model: Model, losses: Losses) -> Experiment:
    """The experiment that a linked model says; what YAML cannot hold goes to ``losses``.

    The core types are known whether or not the model has them: NeuroML files never name them.

    Raises:
        UnsupportedError: two components have the same id.
        SchemaError: a name or a text that the dialect refuses.
    """
    own = own_part(model)
    core = link(Model(includes=tuple(map(Include, CORE_FILES))))
    types = TypeTable((*own.component_types, *core.component_types))
    return load(raised(own, types, losses, comments_of(own)))

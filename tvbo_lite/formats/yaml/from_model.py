"""From a LEMS model, with the comments of its files, to the experiment that a person would have written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tvbo_lite.formats.lems.comments import comments_of
from tvbo_lite.formats.lems.core import CORE_FILES
from tvbo_lite.formats.lems.normal import own_part
from tvbo_lite.formats.lems.reader import link
from tvbo_lite.formats.lems.sources import is_core
from tvbo_lite.lems.model import Include, Model
from tvbo_lite.schema.load import load
from tvbo_lite.transforms.raising import raised
from tvbo_lite.transforms.types import TypeTable

if TYPE_CHECKING:
    from tvbo_lite.losses import Losses
    from tvbo_lite.schema import Experiment

__all__ = ["experiment_of"]


def experiment_of(model: Model, losses: Losses) -> Experiment:
    """The experiment that a linked model says; what YAML cannot hold goes to ``losses``.

    The core types are known also where the model has none, as NeuroML files never name them; but not in
    a LEMS document that declares all that it uses.

    Raises:
        UnsupportedError: two components have the same id.
        SchemaError: a name or a text that the dialect refuses.
    """
    own = own_part(model)
    core = Model() if _is_plain(model) else link(Model(includes=tuple(map(Include, CORE_FILES))))
    types = TypeTable((*own.component_types, *core.component_types))
    return load(raised(own, types, losses, comments_of(own)))


def _is_plain(model: Model) -> bool:
    """Whether a LEMS document has no core types and needs none: its components are of types of its own."""
    declared = {item.name for item in model.component_types}
    used = {item.type or item.tag for item in model.components if item.extends is None}
    places = [*(item.location for item in model.component_types), *(item.location for item in model.units)]
    return not any(map(is_core, places)) and used <= declared and bool(declared or model.dimensions)

"""Names that LEMS cannot hold, replaced by names that it can: ``τ_e`` by ``tau_e``, ``cell 1`` by ``cell_1``.

An id in LEMS and NeuroML is of ASCII letters, digits and underscores, and does not start with a digit
(NeuroML's schema, type ``NmlId``). People name things as their papers do.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tvbo_lite.lems.renamed import Renamed, can_be_id, replaced
from tvbo_lite.schema import Dynamics, Equation, Experiment, Function, Network
from tvbo_lite.schema.base import Item, SchemaModel
from tvbo_lite.schema.dynamics import Event, StateVariable
from tvbo_lite.schema.exploration import Observation
from tvbo_lite.schema.network import Coupling, Edge, Node
from tvbo_lite.schema.populations import Input, Population, Projection
from tvbo_lite.schema.recordings import Column, EventSelection, Line
from tvbo_lite.schema.rules import ConnectionRule
from tvbo_lite.schema.stimulation import Stimulus
from tvbo_lite.schema.values import Parameter
from tvbo_lite.transforms.expand.parts import changed, has_equations

if TYPE_CHECKING:
    from tvbo_lite.transforms.expand.report import Path

__all__ = ["with_lems_names"]

# What gives names: fields that are maps by name, or a name.
_EQUATIONS = ("parameters", "derived_parameters", "state_variables", "derived_variables", "coupling_inputs")
_VARIABLES = (*_EQUATIONS, "functions", "arguments")
_GIVING: dict[type[SchemaModel], tuple[str, ...]] = {
    Experiment: ("functions",),
    Dynamics: ("name", "functions", "components"),
    Network: ("name", "dynamics", "populations", "projections", "inputs", "components", "coupling"),
    Function: ("arguments",),
    Coupling: ("name", "parameters"),
    Stimulus: ("parameters",),
}
# What names are used in, other than equations and the keys of maps: a name, several, or a path of names.
_USING: dict[type[SchemaModel], tuple[str, ...]] = {
    Dynamics: ("name", "output", "prototype"),
    Parameter: ("name", "value"),
    Network: ("name", "order"),
    Node: ("dynamics",),
    Edge: ("coupling", "source_var", "target_var"),
    Coupling: ("name", "incoming_states", "local_states"),
    Event: ("name", "target_component"),
    Stimulus: ("name", "target_var"),
    Observation: ("name", "source"),
    Population: ("name", "dynamics", "record"),
    Projection: ("name", "source", "target", "synapse", "pre_component", "target_var"),
    Input: ("name", "source", "target", "population"),
    Column: ("quantity",),
    Line: ("quantity",),
    EventSelection: ("select",),
}
_EXPRESSIONS: dict[type[SchemaModel], tuple[str, ...]] = {
    Equation: ("rhs",),
    StateVariable: ("initial_value",),
    ConnectionRule: ("probability",),
}
_LOOKED_AT = frozenset(
    {"dynamics", "network", "coupling", "stimulation", "observations", "functions", "events", "recordings"}
)
_WORD = re.compile(r"[^\W\d]\w*")
_ENDS = ("_i", "_j")  # of a variable at the target and at the source of a coupling


def with_lems_names(experiment: Experiment) -> tuple[Experiment, tuple[Renamed, ...]]:
    """The experiment with names that LEMS can hold, everywhere they are used, and what was renamed.

    Places are still found by the names of the original. Attributes and parts of NeuroML elements have the
    names that their types give, and are left alone.
    """
    places: dict[str, Path] = {}
    for path, name in _given(experiment, ()):
        places.setdefault(name, path)
    wrong = [name for name in places if name and not can_be_id(name)]
    if not wrong:
        return experiment, ()
    names = _replacements(wrong, taken=set(places))
    told = tuple(Renamed(old, new, experiment.locate(places[old])) for old, new in names.items())
    return _Renaming(names).experiment(experiment), told


def _given(value: SchemaModel, path: Path) -> Iterator[tuple[Path, str]]:
    """Every name that something is given, with its place; that of a key before that of a ``name`` inside."""
    giving = _giving(value)
    looked_at = (
        value.model_fields_set & _LOOKED_AT if isinstance(value, Experiment) else value.model_fields_set
    )
    for field in sorted(looked_at):  # always in the same order, as the first of two alike gets the plain name
        held, here = getattr(value, field), (*path, field)
        names = [held] if isinstance(held, str) else held if isinstance(held, dict) else ()
        if field in giving:
            numbers = field not in _VARIABLES  # are ids in LEMS
            for name in names:
                if not (numbers and name.isdecimal()):
                    yield (here if isinstance(held, str) else (*here, name)), name
        if isinstance(held, SchemaModel):
            yield from _given(held, here)
        elif isinstance(held, dict):
            for key, item in held.items():
                if isinstance(item, SchemaModel):
                    yield from _given(item, (*here, key))


def _giving(value: SchemaModel) -> tuple[str, ...]:
    if isinstance(value, Dynamics) and has_equations(value):
        return _GIVING[Dynamics] + _EQUATIONS
    return next((fields for kind, fields in _GIVING.items() if isinstance(value, kind)), ())


def _replacements(wrong: list[str], taken: set[str]) -> dict[str, str]:
    """A name of its own for each, in the order given."""
    found: dict[str, str] = {}
    for name in wrong:
        plain = new = _plain(name)
        number = 2
        while new in taken:
            new, number = f"{plain}_{number}", number + 1
        taken.add(new)
        found[name] = new
    return found


def _plain(name: str) -> str:
    letters = "".join(map(_letter, unicodedata.normalize("NFKD", name)))
    word = re.sub(r"_{2,}", "_", letters).strip("_") or "unnamed"
    return word if can_be_id(word) else f"_{word}"


def _letter(character: str) -> str:
    """ASCII for one character: Greek letters by their names, accents away, all else an underscore."""
    if character.isascii():
        return character if character.isalnum() else "_"
    if unicodedata.combining(character):
        return ""
    words = unicodedata.name(character, "").split()
    if words[:1] == ["GREEK"]:
        return words[-1].capitalize() if "CAPITAL" in words else words[-1].lower()
    return "_"


class _Renaming:
    """Replaces names in the parts of an experiment."""

    def __init__(self, names: Mapping[str, str]) -> None:
        self.names = names

    def experiment(self, experiment: Experiment) -> Experiment:
        new = changed(experiment, **{field: self.value(getattr(experiment, field)) for field in _LOOKED_AT})
        back = {good: name for name, good in self.names.items()}
        new._locator = replace(experiment._locator, names=back)  # noqa: SLF001  pydantic's private attribute
        return new

    def value(self, value: Any) -> Any:
        if isinstance(value, SchemaModel):
            return self.model(value)
        if isinstance(value, list):
            return [self.value(item) for item in value]
        if isinstance(value, dict):
            named = all(isinstance(item, Item) for item in value.values())
            keys = self.names if named else {}
            return {keys.get(key, key): self.value(item) for key, item in value.items()}
        return value

    def model(self, model: SchemaModel) -> SchemaModel:
        new = {}
        for field in type(model).model_fields:
            old = getattr(model, field)
            changed_value = self._rule(model, field)(old)
            if changed_value is not old and changed_value != old:
                new[field] = changed_value
        return changed(model, **new) if new else model

    def _rule(self, model: SchemaModel, field: str) -> Callable[[Any], Any]:
        for table, rule in ((_USING, self.used), (_EXPRESSIONS, self.expression)):
            if any(isinstance(model, kind) and field in fields for kind, fields in table.items()):
                return rule
        if field == "name" and isinstance(model, Item):
            return self.used
        return self.value

    def used(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self.used(item) for item in value]
        if not isinstance(value, str):
            return self.value(value)
        return replaced(value, self.names)

    def expression(self, value: Any) -> Any:
        return _WORD.sub(lambda match: self.word(match[0]), value) if isinstance(value, str) else value

    def word(self, text: str) -> str:
        name, end = (text[:-2], text[-2:]) if text.endswith(_ENDS) else (text, "")
        return self.names.get(text) or (self.names[name] + end if name in self.names else text)

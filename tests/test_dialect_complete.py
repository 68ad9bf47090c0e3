"""Nothing that an experiment can say is left out in silence: every key changes the model or is refused."""

# ruff: noqa: E501  the YAML of small models reads better unbroken

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, get_args, get_origin

import pytest
import yaml

from tvbo_lite.errors import InputError, UnsupportedError
from tvbo_lite.experiment import SimulationExperiment
from tvbo_lite.formats.yaml.reader import read_text
from tvbo_lite.formats.yaml.to_model import _core
from tvbo_lite.schema import Experiment
from tvbo_lite.schema.base import SchemaModel, Shorthand
from tvbo_lite.schema.paths import path_text
from tvbo_lite.transforms.lower import lower

ROOT = Path(__file__).parents[1]

# Words for people, and what needs no expression: whether it is there makes no difference to a simulation.
PROSE = {
    "label", "description", "references", "symbol",
    "Dynamics.source", "Experiment.id", "Equation.lhs", "Function.iri", "Parameter.domain",
    "StateVariable.domain", "StateVariable.variable_of_interest", "DerivedVariable.conditional", "Coupling.sparse",
}  # fmt: skip


def models(model: type[SchemaModel] = Experiment) -> list[type[SchemaModel]]:
    """Every model of the schema that an experiment can hold."""
    found: dict[type[SchemaModel], None] = {}

    def add(one: type[SchemaModel]) -> None:
        if one in found:
            return
        found[one] = None
        for field in one.model_fields.values():
            for inner in inside(field.annotation):
                add(inner)

    add(model)
    return list(found)


def inside(annotation: Any) -> Iterator[type[SchemaModel]]:
    """The models in the type of a field."""
    if isinstance(annotation, type) and issubclass(annotation, SchemaModel):
        yield annotation
    for argument in get_args(annotation):
        yield from inside(argument)


def fields() -> list[str]:
    """``Node.parameters`` and so on, without what is prose."""
    every = [f"{model.__name__}.{key}" for model in models() for key in model.model_fields if key != "name"]
    return [name for name in every if not {name, name.rpartition(".")[2]} & PROSE]


def held(annotation: Any, value: Any) -> type[SchemaModel] | None:
    """The model that a value is of, or that its items are of; of several in a union the one that fits."""
    alone = [one for one in get_args(annotation) if isinstance(one, type) and issubclass(one, SchemaModel)]
    return alone[0] if alone and isinstance(value, dict) else next(inside(annotation), None)


def is_map(annotation: Any) -> bool:
    return get_origin(annotation) is dict or any(map(is_map, get_args(annotation)))


Place = tuple[str, tuple[str | int, ...]]  # a field, and where it stands


def places(data: Any, model: type[SchemaModel], path: tuple[str | int, ...] = ()) -> Iterator[Place]:
    """Every field that a document sets; short forms are written out."""
    if not isinstance(data, dict):
        return
    for key, value in data.items():
        field = model.model_fields.get(key)
        if field is None:
            continue
        yield f"{model.__name__}.{key}", (*path, key)
        inner = held(field.annotation, value)
        if inner is None:
            continue
        items = (
            value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        )
        several = isinstance(value, list) or is_map(field.annotation)
        if several:
            for name, item in items:
                yield from places(item, inner, (*path, key, name))
        else:
            yield from places(value, inner, (*path, key))


def written_out(data: Any, model: type[SchemaModel]) -> Any:
    """The document without short forms, so that each field has a place."""
    if issubclass(model, Shorthand) and not isinstance(data, dict):
        return {model.shorthand: data}
    columns = getattr(model, "columns", ())
    if columns and isinstance(data, list):
        data = dict(zip(columns, data, strict=False))
    if not isinstance(data, dict):
        return data
    found = {}
    for key, value in data.items():
        field = model.model_fields.get(key)
        inner = held(field.annotation, value) if field else None
        if inner is None or field is None:
            found[key] = value
        elif is_map(field.annotation) and isinstance(value, dict):
            found[key] = {
                name: written_out({} if item is None else item, inner) for name, item in value.items()
            }
        elif isinstance(value, list):
            named = is_map(field.annotation) and "name" in inner.model_fields
            items = [{"name": item} if named and isinstance(item, str) else item for item in value]
            found[key] = [written_out(item, inner) for item in items]
        else:
            found[key] = written_out(value, inner)
    return found


def outcome(data: Any) -> object:
    """The model that a document means, or what is wrong with it."""
    try:
        experiment = SimulationExperiment.model_validate(data)
        model = lower(experiment, *_core())
        seen = experiment.run().observations if experiment.observations else {}
        return model, {name: item.to_dict() for name, item in seen.items()}
    except InputError as error:
        return str(error)
    except ValueError as error:
        return f"schema: {error}"


def without(data: Any, path: tuple[str | int, ...]) -> Any:
    """The document without the field."""
    found = copy.deepcopy(data)
    at = found
    for key in path[:-1]:
        at = at[key]
    del at[path[-1]]
    return found


def other(data: Any, path: tuple[str | int, ...]) -> Any:
    """The document with another value of the field."""
    found = copy.deepcopy(data)
    at = found
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = another(at[path[-1]])
    return found


def another(value: Any) -> Any:
    """Another value of the same kind."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + 1
    if isinstance(value, dict):
        return {key: another(item) if index == 0 else item for index, (key, item) in enumerate(value.items())}
    return f"{value}_other" if isinstance(value, str) else [another(item) for item in value]


@cache
def documents() -> dict[str, Any]:
    found = {f"text {number}": read_text(text, f"{number}").data for number, text in enumerate(TEXTS)}
    for path in sorted((ROOT / "reference_examples").glob("*/experiment.yaml")):
        found[path.parent.name] = read_text(path.read_text(encoding="utf-8"), path.name).data
    return {name: written_out(data, Experiment) for name, data in found.items()}


@cache
def used() -> set[str]:
    """The fields of which a document shows that they matter."""
    found: set[str] = set()
    wanted = set(fields())
    for data in documents().values():
        base = outcome(data)
        for name, path in places(data, Experiment):
            if name in wanted - found and matters(base, data, path):
                found.add(name)
    return found


def matters(base: object, data: Any, path: tuple[str | int, ...]) -> bool:
    """Whether the model, or the message, is another one without the field, or with another value."""
    found = (outcome(change(data, path)) for change in (without, other))
    return any(one != base for one in found if not (isinstance(one, str) and one.startswith("schema: ")))


# ---- documents that set what the reference examples do not ----------------------------------------------

EQUATIONS = """\
functions: {double: {arguments: [a], equation: 2*a}}
events: {kick: {target_component: osc, event_type: preset_time, trigger_times: [1], affect: x = 0.5}}
dynamics:
  name: osc
  parameters:
    k: {value: 0.5, heterogeneous: true, distribution: {name: Normal, seed: 3, domain: {lo: 0, hi: 4}, parameters: {mean: 1, sd: 0.5}}}
    p: {equation: 0.3*2}
  derived_parameters: {q: {equation: p + 1}}
  state_variables:
    x: {equation: "double(c) - k*x*q + r + I", coupling_variable: true, distribution: {domain: {lo: 0, hi: 1}}}
    y: {equation: "x - y", record: false, initial_value: 0.3}
  derived_variables:
    o: {equation: own(x)}
    r: {record: true, cases: [{condition: x > 1, equation: 1}, {equation: 0}]}
    I: {equation: 0.1}
  functions: {own: {arguments: [b], equation: b + 1}}
  coupling_inputs: [c]
  output: [y]
  events:
    up: {condition: x > top, parameters: {top: 0.8}, affect: y = 1}
network:
  number_of_nodes: 4
  parameters: {G: 2}
  graph_generator: {type: ErdosRenyi, seed: 7, directed: true, parameters: {p: 0.6, weight: 0.3}}
  coupling:
    c: {iri: "tvbo:Linear", pre_expression: x_j - x_i + G, post_expression: a*gx, parameters: {a: 0.5}, incoming_states: [x], local_states: [y]}
observations:
  fine: {source: x}
  coarse: {source: [x, fine], equation: "f(g*mean(x))", parameters: {g: 2}, functions: {f: {arguments: [a], equation: a + 1}}, period: 0.2, unit: ms}
integration: {step_size: 0.1, duration: 2}
"""
COUPLED = """\
dynamics:
  name: osc
  parameters: {k: 0.5}
  state_variables: {s: {equation: c + d - k*s}, y: {equation: s - y}}
  coupling_inputs: [c, d]
network:
  dynamics: {other: {state_variables: {w: {equation: -w}, z: {equation: -z}}, output: [z], coupling_inputs: [e]}}
  nodes: [{id: 0, parameters: {k: 0.7}}, {id: 3, record: false}, {id: 5, dynamics: other, position: {x: 1, y: 2, z: 3}}]
  edges:
    - {source: 0, target: 3, weight: 0.3, source_var: y, target_var: d}
    - {source: 3, target: 0, source_var: s, target_var: c, parameters: {weight: 2}}
    - {source: 5, target: 3, target_var: d}
    - {source: 3, target: 3, target_var: c}
coupling: {name: c, pre_expression: x_j, incoming_states: [s]}
integration: {step_size: 0.1, duration: 2}
"""
DELAYED = """\
dynamics: {name: osc, state_variables: {x: {equation: c}}, coupling_inputs: [c]}
network:
  number_of_nodes: 2
  coupling: {c: {delayed: false}}
  edges: [{source: 0, target: 1, delay: 3}]
integration: {step_size: 0.1, duration: 2}
"""
MARKED = COUPLED.replace(", incoming_states: [s]", "").replace("k*s}", "k*s, coupling_variable: true}")
LATE = DELAYED.replace("{delayed: false}", "{}").replace(
    "{x: {equation: c}}",
    "{x: {equation: c, history: 2}}, derived_variables: {q: {equation: 2*x, history: 1}}",
)
LATE = LATE.replace("delay: 3}", "delay: 3}, {source: 1, target: 0, source_var: q, delay: 1}")
UNITS = """\
dynamics:
  name: osc
  parameters: {tau: {value: 5, unit: ms}}
  derived_parameters: {u: {equation: 1/tau, unit: per_ms}}
  derived_variables: {w: {equation: 2*v, unit: mV, conditional: false}}
  state_variables: {v: {equation: -w*u + s*R*u, unit: mV}}
  coupling_inputs: {s: {unit: nA, dimension: 1}}
stimulation:
  one: {target_var: s, equation: a*2, parameters: {a: 1}, unit: nA, onset: 1, duration: 3, regions: [0], weighting: [2]}
network: {number_of_nodes: 1, parameters: {R: {value: 1, unit: Mohm}}}
integration: {step_size: 0.1, duration: 2}
"""
WIDE = UNITS.replace("dimension: 1", "dimension: 2")
STIMULATED = """\
dynamics:
  name: osc
  parameters: {I: 0.5}
  state_variables: {x: {equation: I - x}}
  stimulus: {target_var: I, samples: {values: [1, 2, 3], step_size: 0.5}}
integration: {step_size: 0.1, duration: 2}
"""
LINES = STIMULATED.replace("step_size: 0.5}", "step_size: 0.5, linear: true}")
TIMES = STIMULATED.replace("step_size: 0.5}", "times: [0, 0.5, 1]}")
FILE = STIMULATED.replace("values: [1, 2, 3], step_size: 0.5", "file: nowhere.txt")
SHAPES = """\
network:
  dynamics:
    cell: {iri: neuroml:cell, components: {all: {iri: neuroml:segmentGroup, parameters: {members: {shape: "0"}}}}}
  nodes: [{id: 0, dynamics: cell}]
integration: {step_size: 0.1, duration: 2}
"""
POPULATIONS = """\
constants: {c0: {value: 1 mV, dimension: voltage, symbol: c1}}
dimensions: {odd: {m: 1, l: 1, t: 1, i: 1, k: 1, n: 1, j: 1}}
units: {oddity: {dimension: odd, power: 1, scale: 2, offset: 3}}
assertions: [{dimension: voltage, matches: current * resistance}]
network:
  iri: neuroml:networkWithTemperature
  parameters: {temperature: 22 degC}
  dynamics:
    cell: {iri: neuroml:iafCell, parameters: {leakReversal: -60mV, thresh: -55mV, reset: -62mV, C: 1.0nF, leakConductance: 0.05uS}}
    named: {iri: neuroml:pulseGenerator, element: Component, unread: {odd: "1"}, parameters: {delay: 5ms, duration: 40ms, amplitude: 0.4 nA}}
    stim: {iri: neuroml:pulseGenerator, parameters: {delay: 5ms, duration: 40ms, amplitude: 0.4 nA}}
    again: {iri: neuroml:pulseGenerator, prototype: stim}
    ampa: {iri: neuroml:expOneSynapse, parameters: {gbase: 5nS, erev: 0mV, tauDecay: 3ms}}
    silent: {iri: neuroml:silentSynapse}
    graded: {iri: neuroml:linearGradedSynapse, parameters: {conductance: 5pS}}
  populations:
    pyr: {dynamics: cell, size: 3, record: [v], iri: neuroml:population, components: {property: {parameters: {tag: a, value: b}}}}
    bask: {dynamics: cell, positions: {0: [1, 2, 3]}}
  projections:
    one: {source: pyr, target: pyr, synapse: ampa, anonymous: true, iri: neuroml:projection, connections: [{pre: 0, post: 1, weight: 2, delay: 1 ms, destination: synapses, id: 7}]}
    two: {source: pyr, target: pyr, synapse: graded, pre_component: silent, connections: [{pre: 0, post: 1, pre_segment: 0, pre_fraction: 0.5, post_segment: 0, post_fraction: 0.4, synapse: graded, pre_component: silent, iri: neuroml:continuousConnectionInstance}]}
    four: {source: pyr, target: bask, synapse: ampa, connections: [{pre: 0, post: 0, id: 7}]}
    three: {source: "pyr[0]", target: "pyr[1]", synapse: ampa, weight: 2, delay: 1 ms, destination: synapses}
  inputs:
    i1: {source: stim, population: pyr, to: [{cell: 1, weight: 2, segment: 0, fraction: 0.5, destination: synapses, id: 5}]}
    i2: {source: stim, target: "pyr[0]", destination: synapses}
  components: {i3: {iri: neuroml:explicitInput, anonymous: true, parameters: {target: "pyr[0]", input: stim}}}
  order: [pyr, i2, bask]
recordings:
  files: {of1: {file: b.dat, every: 0.2 ms, columns: {v: "pyr[0]/v"}}, of0: {file: a.dat, folder: results, anonymous: true, columns: {v: {quantity: "pyr[0]/v", anonymous: true}}}}
  events: {sp: {file: a.spikes, folder: results, format: TIME_ID, anonymous: true, events: {0: {select: "pyr[0]", port: in, anonymous: true}}}}
  displays: {d: {title: t, time_scale: 1s, xmin: 0, xmax: 1, ymin: 0, ymax: 1, anonymous: true, lines: {l: {quantity: "pyr[0]/v", scale: 1mV, color: "#fff", time_scale: 1s, anonymous: true}}}}
  components: {Meta: {parameters: {for: neuron}}}
integration: {step_size: 0.1, duration: 2, time_scale: ms, method: euler, report: r.txt, target: stim, parameters: {seed: 4}}
"""
EXTRA = POPULATIONS.replace("iri: neuroml:population,", 'iri: neuroml:population, parameters: {extra: "1"},')
EXTRA = EXTRA.replace("iri: neuroml:projection,", 'iri: neuroml:projection, parameters: {extra: "1"},')
EXTRA = EXTRA.replace("population: pyr, to", 'population: pyr, parameters: {extra: "1"}, to')
GRIDS = EQUATIONS.replace("domain: {lo: 0, hi: 4}", "domain: {lo: 0, hi: 4, n: 3, log_scale: true}")
GRIDS = GRIDS.replace("domain: {lo: 0, hi: 1}", "domain: {lo: 0, hi: 1, step: 0.1}")
RULES = """\
network:
  dynamics:
    cell: {iri: neuroml:iafCell, parameters: {leakReversal: -60mV, thresh: -55mV, reset: -62mV, C: 1.0nF, leakConductance: 0.05uS}}
    ampa: {iri: neuroml:expOneSynapse, parameters: {gbase: 5nS, erev: 0mV, tauDecay: 3ms}}
  populations: {pyr: {dynamics: cell, size: 30, record: false}, some: {dynamics: cell, size: 9, record: {v: {every: 0.2, of: "0:6", sample: 2, seed: 3}}}}
  projections:
    one: {source: pyr, target: pyr, synapse: ampa, rule: {type: fixed_probability, probability: 0.7, self_connections: true, weight: 2, delay: 1 ms, seed: 3}}
    two: {source: pyr, target: pyr, synapse: ampa, rule: {type: fixed_in_degree, degree: 2}}
integration: {step_size: 0.1, duration: 2}
"""
PLACED = """\
network:
  dynamics:
    cell: {iri: neuroml:iafCell, parameters: {leakReversal: -60mV, thresh: -55mV, reset: -62mV, C: 1.0nF, leakConductance: 0.05uS}}
    ampa: {iri: neuroml:expOneSynapse, parameters: {gbase: 5nS, erev: 0mV, tauDecay: 3ms}}
  populations:
    pyr: {dynamics: cell, record: false, layout: {grid: [6, 2], spacing: [20], x: 3, y: {distribution: {name: Uniform, domain: {lo: 0, hi: 9}}}, z: {value: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]}, seed: 4}}
  projections:
    one: {source: pyr, target: pyr, synapse: ampa, rule: {type: distance_dependent, probability: 0.9*exp(-d/l), max_distance: 70 um, parameters: {l: 90 um}}}
    two: {source: pyr, target: pyr, synapse: ampa, rule: {type: fixed_out_degree, degree: 8, multapses: true}}
    three: {source: pyr, target: pyr, synapse: ampa, rule: {type: Star, directed: true, parameters: {center: 1}}}
    four: {source: pyr, target: pyr, synapse: ampa, connections: {file: %s, seed: 5, delay: {equation: l/(1*m_per_s)}, weight: {distribution: {name: Normal, parameters: {mean: 1, sd: 0.1}}}, parameters: {l: 900 um}}}
integration: {step_size: 0.1, duration: 2}
""" % (ROOT / "tests" / "connections.csv")
NO_DATASET = PLACED.replace("seed: 5,", "dataset: edges,")
AIMED = RULES.replace("rule: {type: fixed_in", "target_var: s, rule: {type: fixed_in")
TYPES = """\
core: false
dimensions: {time: {t: 1}, voltage: {m: 1, l: 2, t: -3, i: -1}}
units: {ms: {dimension: time, power: -3}, V: {dimension: voltage}}
component_types:
  Simulation: {parameters: {length: time, step: time}, references: {target: {type: base, local: true}}, without_dynamics: true, simulation: [{kind: Run, attributes: {component: target, variable: t, increment: step, total: length}}]}
  base: {parameters: {a: {dimension: voltage}}, event_ports: {in: in, out: out}, exposures: {v: {dimension: voltage}}}
  all:
    extends: base
    exposures: {f: }
    index_parameters: {n: {dimension: none}}
    derived_parameters: {d: {dimension: voltage, equation: a*2}, e: {select: "other/a"}}
    fixed: {a: 1}
    properties: {w: {dimension: voltage, default: 1}}
    constants: {C: {value: 1ms, dimension: time}}
    texts: [text]
    paths: [path]
    links: {l: base}
    component_requirements: {r: base}
    instance_requirements: {peer: base}
    requirements: {u: {dimension: voltage}}
    child: {c: {type: base}}
    children: {cs: {type: base}}
    attachments: {att: {type: base}}
    simultaneous: true
    state_variables: {v: {dimension: voltage, exposure: v, equation: a/C}, x: {}}
    derivatives: {x: 1/C}
    derived_variables:
      s: {dimension: voltage, select: "cs[*]/v", reduce: add, required: false}
      f: {equation: x, exposure: f}
      g: {cases: [{condition: x .gt. 0, equation: 1}, {equation: 0}]}
    on_start: {assign: {v: a}, events: [out], transition: one}
    on_conditions: [{test: v .gt. a, assign: {v: 0}, events: [out], transition: one}]
    on_events: [{port: in, assign: {v: 0}}]
    regimes:
      one: {initial: true, state_variables: {y: {}}, derivatives: {y: 1/C}, derived_variables: {z: {equation: y}}, on_entry: {assign: {y: 0}}, on_conditions: [{test: y .gt. 1, transition: two}], on_events: [{port: in, events: [out]}]}
      two: {}
    kinetic_schemes: {k: {nodes: cs, state_variable: v, edges: cs, edge_source: from, edge_target: to, forward_rate: rf, reverse_rate: rr, dependency: v, step: d}}
    structure: [{kind: With, attributes: {instance: path, as: b}, parts: [{kind: Assign, attributes: {property: w, value: "1"}}]}]
network: {dynamics: {sim: {iri: Simulation, parameters: {length: 1 ms, step: 1 ms, target: it}}, it: {iri: base, parameters: {a: 1 V}}}}
target: sim
"""

TEXTS = [
    EQUATIONS, GRIDS, COUPLED, MARKED, DELAYED, LATE, UNITS, WIDE, STIMULATED, LINES, TIMES, FILE, SHAPES, POPULATIONS, EXTRA, RULES, AIMED, PLACED, NO_DATASET, TYPES,
]  # fmt: skip

NOISY = """\
dynamics: {name: osc, state_variables: {x: {equation: -x, noise: {intensity: 2, seed: 4}}}}
integration: {step_size: 0.1, duration: 2, method: heun}
"""
ALL_NOISY = """\
dynamics: {name: osc, state_variables: {x: {equation: -x}}}
integration: {step_size: 0.1, duration: 2, noise: {parameters: {sigma: 2}}}
"""
PINK = NOISY.replace("seed: 4", "noise_type: pink")
SCALED = NOISY.replace("seed: 4", "additive: false")
ADAPTIVE = """\
dynamics: {name: osc, state_variables: {x: {equation: -x}}}
integration: {step_size: 0.1, duration: 2, method: dopri5, abs_tol: 0.001, rel_tol: 0.001}
"""
TEXTS += [NOISY, ALL_NOISY, PINK, SCALED, ADAPTIVE]

# What only `explore` reads: a run is that of the experiment itself (tests/test_explore.py).
SWEPT = {"Exploration", "Axis"}
SWEEPS = "Experiment.explorations"
REFUSING = """\
dynamics: {name: osc, state_variables: {x: {equation: -x}}}
observations: {o: {iri: bold, source: x}}
integration: {step_size: 0.1, duration: 2, transient_time: 1}
"""
TEXTS.append(REFUSING)


def test_the_lists_of_this_file_name_what_there_is() -> None:
    """A field that is gone is gone here too."""
    known = {f"{model.__name__}.{key}" for model in models() for key in model.model_fields}
    assert {name for name in PROSE if "." in name} <= known
    assert {name for name in PROSE if "." not in name} <= {name.rpartition(".")[2] for name in known}
    assert {model.__name__ for model in models()} >= SWEPT


@pytest.mark.parametrize("number", range(len(TEXTS)))
def test_the_documents_are_right_or_refused_by_name(number: int) -> None:
    """None of them breaks the schema."""
    found = outcome(documents()[f"text {number}"])
    assert not (isinstance(found, str) and found.startswith("schema: ")), found


def test_every_field_matters_or_is_refused() -> None:
    """Whatever an experiment says changes the model or the result, or raises an error that names it."""
    left = [name for name in fields() if name not in used() and name.partition(".")[0] not in SWEPT]
    assert left in ([], [SWEEPS])


@cache
def first_places() -> dict[str, tuple[str, tuple[str | int, ...]]]:
    """For each field a document that sets it, and where; but the names, which tests/test_schema.py has."""
    found: dict[str, tuple[str, tuple[str | int, ...]]] = {}
    for document, data in documents().items():
        for name, path in places(data, Experiment):
            if path[-1] != "name":
                found.setdefault(name, (document, path))
    return found


def put(data: Any, path: tuple[str | int, ...], key: str, value: Any) -> str:
    """The document as YAML with another key, or another value, at a place."""
    found = without(data, path)
    at = found
    for step in path[:-1]:
        at = at[step]
    at[key] = value
    return yaml.safe_dump(found, sort_keys=False, allow_unicode=True)


def value_at(data: Any, path: tuple[str | int, ...]) -> Any:
    for key in path:
        data = data[key]
    return data


def faults(text: str) -> str:
    with pytest.raises(InputError) as caught:
        SimulationExperiment.from_string(text, "e.yaml")
    return str(caught.value)


def test_every_misspelt_key_is_told_with_its_line_and_the_right_key() -> None:
    """One letter too many in any key of the dialect: the line, the place, and the key that was meant."""
    assert len(first_places()) > 200
    for name, (document, path) in first_places().items():
        data, key = documents()[document], str(path[-1])
        wrong = f"{key}zq"
        text = put(data, path, wrong, value_at(data, path))
        line = next(number for number, one in enumerate(text.splitlines(), 1) if f"{wrong}:" in one)
        found = faults(text)
        assert f"e.yaml:{line}: {path_text((*path[:-1], wrong))}: '{wrong}' is not a key of" in found, name
        hint = f"did you mean '{key}'?" in found
        assert hint or (len(key) < 3 and re.search(rf"expected one of .*\b{key}\b", found)), (name, found)


def test_a_value_of_another_kind_is_told_with_its_line() -> None:
    """A list of lists of mappings, which nothing takes, at any key of the dialect."""
    for name, (document, path) in first_places().items():
        key = str(path[-1])
        text = put(documents()[document], path, key, [[{"odd": "value"}]])
        found = faults(text)
        line = text[: text.index("odd: value")].count("\n") + 1
        lines = [int(number) for number in re.findall(r"e\.yaml:(\d+): ", found)]
        assert any(line - 1 <= number <= line for number in lines), (name, found)
        assert f"{path_text(path)}" in found, (name, found)


REASONS = ["integration: 'transient_time'", "observation o: 'iri'"]


@pytest.mark.parametrize("message", REASONS)
def test_what_cannot_be_used_yet_is_refused_by_name(message: str) -> None:
    """All of it at once, each with its place."""
    with pytest.raises(UnsupportedError) as caught:
        SimulationExperiment.from_string(REFUSING, "e.yaml").model()
    assert message in str(caught.value)
    assert all(problem.location.line for problem in caught.value.problems)

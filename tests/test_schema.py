"""The experiment schema: what is accepted, what it means, and how mistakes are told."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from tvbo_lite.errors import SchemaError
from tvbo_lite.formats.yaml.reader import read_text
from tvbo_lite.schema import METHODS, Experiment, Parameter, Position
from tvbo_lite.schema.load import load

EXAMPLES = Path(__file__).resolve().parents[2] / "shared" / "tvbo_examples"


def read(text: str) -> Experiment:
    document = read_text(text, "model.yaml")
    return load(document.data, document.location)


def problems_of(text: str) -> list[str]:
    with pytest.raises(SchemaError) as caught:
        read(text)
    return [str(problem) for problem in caught.value.problems]


CELL = """
label: Two cells
dynamics:
  name: cell
  parameters:
    C: {value: 10, unit: pF}
    E: -50
    tau: 3.0e1
  state_variables:
    v: {equation: {rhs: (E - v) / tau}, initial_value: -60, unit: mV}
    w: {equation: {rhs: 0}}
  events:
    spike: {condition: {rhs: v > 0}, affect: {rhs: v = E}}
network:
  dynamics:
    cell: {iri: neuroml:iafCell}
    pulse: {name: pulse, iri: neuroml:pulseGenerator}
  nodes:
    - {id: 0, dynamics: cell}
    - {id: 10, dynamics: pulse, record: false, position: {x: 1, y: 2.5}}
  edges:
    - {source: 10, target: 0}
integration:
  step_size: 0.1
  duration: 300
"""


def test_an_experiment_is_read_as_written() -> None:
    """Names, numbers and units arrive as written: integers stay integers, units stay texts."""
    experiment = read(CELL)
    assert experiment.dynamics is not None
    parameters = experiment.dynamics.parameters
    assert parameters["C"].value == 10
    assert type(parameters["C"].value) is int
    assert type(parameters["tau"].value) is float
    assert parameters["C"].unit == "pF"
    assert type(experiment.dynamics.state_variables["v"].initial_value) is int
    assert experiment.network is not None
    assert experiment.network.nodes[1].position == Position(x=1, y=2.5, z=0)


def test_defaults() -> None:
    """What is left out has the default of the dialect."""
    experiment = read(CELL)
    assert experiment.dynamics is not None
    assert experiment.network is not None
    assert experiment.integration is not None
    w = experiment.dynamics.state_variables["w"]
    assert (w.initial_value, w.record, w.unit) == (0.1, True, None)
    assert experiment.network.number_of_nodes == 1
    assert [node.record for node in experiment.network.nodes] == [True, False]
    assert (experiment.integration.method, experiment.integration.time_scale) == ("euler", "ms")
    noise = read("integration: {step_size: 1, duration: 1, noise: {}}").integration
    assert noise is not None
    assert noise.noise is not None
    assert (noise.noise.seed, noise.noise.noise_type) == (42, "gaussian")


def test_maps_keep_the_declared_order_and_fill_in_names() -> None:
    """Collections keep their order; each item knows its name."""
    experiment = read("dynamics: {parameters: {z: 1, a: 2, m: 3}}")
    assert experiment.dynamics is not None
    assert [(key, item.name) for key, item in experiment.dynamics.parameters.items()] == [
        ("z", "z"),
        ("a", "a"),
        ("m", "m"),
    ]


def test_a_list_of_named_items_is_the_same_as_a_map() -> None:
    """``[{name: a, value: 1}]`` and ``{a: {value: 1}}`` and ``{a: 1}`` are equal."""
    as_list = read("dynamics: {parameters: [{name: a, value: 1}, {name: b, value: na}]}")
    as_map = read("dynamics: {parameters: {a: {value: 1}, b: {name: b, value: na}}}")
    short = read("dynamics: {parameters: {a: 1, b: na}}")
    assert as_list == as_map == short


def test_coupling_inputs_and_arguments_may_be_bare_names() -> None:
    """Coupling inputs and arguments of functions can be listed by name alone."""
    experiment = read(
        "dynamics: {coupling_inputs: [I_syn, I_gap]}\nfunctions: {f: {arguments: [x, y], equation: x + y}}"
    )
    assert experiment.dynamics is not None
    assert list(experiment.dynamics.coupling_inputs) == ["I_syn", "I_gap"]
    assert experiment.dynamics.coupling_inputs["I_gap"].name == "I_gap"
    assert list(experiment.functions["f"].arguments) == ["x", "y"]
    assert experiment == read(
        "dynamics: {coupling_inputs: {I_syn: , I_gap: {}}}\n"
        "functions: {f: {arguments: {x: , y: }, equation: {rhs: x + y}}}"
    )


def test_modes_is_the_older_spelling_of_components() -> None:
    """``modes`` is stored as ``components``, at every depth."""
    older = read("dynamics: {modes: {na: {modes: {m: {iri: neuroml:gateHHrates}}}}}")
    newer = read("dynamics: {components: {na: {components: {m: {iri: neuroml:gateHHrates}}}}}")
    assert older == newer
    assert older.dynamics is not None
    assert older.dynamics.components["na"].components["m"].iri == "neuroml:gateHHrates"


@pytest.mark.parametrize("item", ["na", "{value: na}", "{description: na}", "{label: na}", "{shape: na}"])
def test_a_text_attribute_has_several_spellings(item: str) -> None:
    """All spellings of a text-valued attribute give the same text."""
    experiment = read(f"dynamics: {{parameters: {{ion: {item}}}}}")
    assert experiment.dynamics is not None
    assert experiment.dynamics.parameters["ion"].text == "na"


@pytest.mark.parametrize(
    "parameter",
    [
        Parameter(value=1, description="a number"),
        Parameter(unit="mV", label="a quantity without a value"),
        Parameter.model_validate({"equation": "a + b", "description": "a sum"}),
        Parameter(),
    ],
)
def test_a_quantity_has_no_text(parameter: Parameter) -> None:
    """A label or description beside a value, a unit or an equation is no text value."""
    assert parameter.text is None


def test_an_expression_may_stand_for_its_equation() -> None:
    """``equation: x`` is ``equation: {rhs: x}``; numbers and truth values become text."""
    experiment = read(
        "dynamics: {derived_variables: {x: {equation: a + 1}, y: {equation: {rhs: 0}},"
        " z: {cases: [{condition: x > 1, equation: 2.5}, {equation: {rhs: false}}]}}}"
    )
    assert experiment.dynamics is not None
    x, y, z = experiment.dynamics.derived_variables.values()
    assert (x.equation and x.equation.rhs, y.equation and y.equation.rhs) == ("a + 1", "0")
    assert [case.equation.rhs for case in z.cases] == ["2.5", "False"]
    assert z.cases[1].condition is None


def test_empty_sections_are_sections_left_out() -> None:
    """A key without a value means the same as no key."""
    assert read("dynamics: {name: a, parameters: , events: }\nnetwork:\nexplorations:\n") == read(
        "dynamics: {name: a}"
    )


def test_the_case_of_a_method_does_not_count() -> None:
    """``Heun`` is ``heun``."""
    integration = read("integration: {method: Heun, step_size: 1, duration: 1}").integration
    assert integration is not None
    assert integration.method == "heun"


def test_an_exploration_is_read() -> None:
    """An exploration has axes by name, each with a domain or a list of values."""
    experiment = read(
        "explorations: {scan: {mode: zip, n_trials: 2, space: {Cell.I: {domain: {lo: 0, hi: 1, n: 3}},"
        " Cell.a: {explored_values: [1, 2, 3]}}}}"
    )
    scan = experiment.explorations["scan"]
    assert (scan.mode, scan.n_trials) == ("zip", 2)
    assert scan.space["Cell.a"].explored_values == [1, 2, 3]


def test_things_of_the_model_are_found_in_the_file() -> None:
    """``locate`` gives the line of a thing by its path in the model, however the file spells it."""
    experiment = read(
        "dynamics:\n"
        "  parameters:\n"
        "    - name: a\n"
        "      value: 1\n"
        "    - name: b\n"
        "      value: 2\n"
        "  modes:\n"
        "    na:\n"
        "      iri: neuroml:ionChannelHH\n"
    )
    assert str(experiment.locate(("dynamics", "parameters", "b", "value"))) == (
        "model.yaml:6: dynamics.parameters[1].value"
    )
    assert experiment.locate(("dynamics", "components", "na", "iri")).line == 9
    assert experiment.locate(("dynamics", "components", "na", "type")).line == 8


def test_experiments_are_compared_by_what_they_say() -> None:
    """The place that an experiment was read from counts neither in comparisons nor in dumps."""
    a, b = read("label: x"), read("\n\nlabel: x")
    assert a == b
    assert a.locate(("label",)).line != b.locate(("label",)).line
    assert a == Experiment(label="x")
    assert a.model_dump(exclude_unset=True) == {"label": "x"}


def test_an_experiment_cannot_be_changed() -> None:
    """Models are frozen."""
    with pytest.raises(ValidationError):
        read("label: x").label = "y"


def test_a_dump_loads_as_the_same_experiment() -> None:
    """What the model dumps is a document of the same experiment."""
    experiment = read(CELL)
    assert load(experiment.model_dump(exclude_unset=True)) == experiment
    assert load(experiment.model_dump()) == experiment


def test_data_without_a_file_is_located_by_its_path() -> None:
    """Data from Python gives problems that name the place in the data."""
    with pytest.raises(SchemaError, match=r"^network\.nodes\[0\]: 'id' is missing$"):
        load({"network": {"nodes": [{}]}})


NODES = "network:\n  nodes: [{id: 0}, {id: 5}]\n"
SPACE = "explorations:\n  e:\n    space:\n"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("lable: x", "model.yaml:1: lable: 'lable' is not a key of an experiment; did you mean 'label'?"),
        (
            "dynamics:\n  components:\n    na:\n      componets: {}",
            (
                "model.yaml:4: dynamics.components.na.componets: 'componets' is not a key of a dynamics; "
                "did you mean 'components'?"
            ),
        ),
        (
            "network:\n  nodes:\n    - id: 0\n      xyz: 3",
            (
                "model.yaml:4: network.nodes[0].xyz: 'xyz' is not a key of a node; expected one of "
                "description, dynamics, id, label, parameters, position, record"
            ),
        ),
        (
            "dynamics:\n  state_variables:\n    - {name: v, equation: {rsh: x}}",
            "model.yaml:3: dynamics.state_variables[0].equation: 'rhs' is missing",
        ),
        ("label: 3", "model.yaml:1: label: found 3; expected a text; put it in quotes"),
        (
            "dynamics:\n  state_variables: {v: {record: yes}}",
            "model.yaml:2: dynamics.state_variables.v.record: found 'yes'; expected true or false",
        ),
        ("network:\n  nodes: {a: 1}", "model.yaml:2: network.nodes: found a mapping; expected a list"),
        (
            "network:\n  nodes: [{id: a}]",
            "model.yaml:2: network.nodes[0].id: found 'a'; expected a whole number",
        ),
        (
            "network:\n  nodes: [3]",
            "model.yaml:2: network.nodes[0]: found 3; expected a node, written as a mapping",
        ),
        (
            "dynamics:\n  events: 3",
            "model.yaml:2: dynamics.events: found 3; expected a mapping",
        ),
        (
            "dynamics:\n  parameters:\n    a:\n",
            "model.yaml:3: dynamics.parameters.a: found nothing; expected a parameter, written as a mapping",
        ),
        (
            "dynamics:\n  parameters:\n    a: {name: b}\n",
            (
                "model.yaml:3: dynamics.parameters.a.name: the name 'b' differs from the key 'a'; "
                "expected 'a', or no name here"
            ),
        ),
        (
            "dynamics:\n  parameters:\n    - name: a\n    - name: a\n",
            (
                "model.yaml:4: dynamics.parameters[1]: the name 'a' is given twice; "
                "expected a name of its own for each item"
            ),
        ),
        (
            "dynamics:\n  parameters:\n    - value: 3\n",
            (
                "model.yaml:3: dynamics.parameters[0]: item 1 of the list has no name; "
                "expected an item with the key 'name'"
            ),
        ),
        (
            "dynamics:\n  parameters: {a: {value: {b: 1}}}",
            (
                "model.yaml:2: dynamics.parameters.a.value: found a mapping; "
                "expected a number, a text, true or false, or a list of such"
            ),
        ),
        (
            "dynamics:\n  state_variables: {v: {initial_value: .inf}}",
            "model.yaml:2: dynamics.state_variables.v.initial_value: found inf; expected a finite number",
        ),
        (
            "dynamics:\n  modes: {}\n  components: {}",
            (
                "model.yaml:1: dynamics: 'components' and its older spelling 'modes' are both given; "
                "expected only 'components'"
            ),
        ),
        (
            "dynamics:\n  events:\n    s: {affect: v = 0}",
            (
                "model.yaml:3: dynamics.events.s: the event never happens; "
                "expected 'condition', or 'trigger_times'"
            ),
        ),
        (
            "dynamics:\n  events:\n    s: {event_type: preset_time, condition: v > 0}",
            (
                "model.yaml:3: dynamics.events.s: an event of type preset_time has no 'trigger_times'; "
                "expected a list of times"
            ),
        ),
        ("id: [1]", "model.yaml:1: id: found a list; expected a text or a whole number"),
        (
            "network:\n  number_of_nodes: 0",
            "model.yaml:2: network.number_of_nodes: found 0; expected a whole number from 1 on",
        ),
        (
            "network:\n  nodes:\n    - id: 1\n    - id: 2\n    - id: 1",
            (
                "model.yaml:5: network.nodes[2].id: network.nodes[0] has the id 1 too; "
                "expected an id of its own for each node"
            ),
        ),
        (
            NODES + "  edges:\n    - {source: 0, target: 6}",
            "model.yaml:4: network.edges[0].target: there is no node with the id 6; expected one of 0, 5",
        ),
        (
            "network:\n  number_of_nodes: 2\n  edges:\n    - {source: 0, target: 2}",
            (
                "model.yaml:4: network.edges[0].target: there is no node with the id 2; "
                "expected 0 to 1, for 'number_of_nodes' is 2"
            ),
        ),
        (
            NODES + "  edges:\n    - {source: 0, target: 5, weight: 1, parameters: {weight: 2}}",
            (
                "model.yaml:4: network.edges[0].weight: 'weight' is also given in the parameters of this "
                "edge; expected one of the two"
            ),
        ),
        ("integration:\n  duration: 1", "model.yaml:1: integration: 'step_size' is missing"),
        (
            "integration:\n  duration: 1\n  step_size: -1",
            "model.yaml:3: integration.step_size: found -1; expected a number above 0",
        ),
        (
            "integration:\n  step_size: 0.3\n  duration: 1",
            (
                "model.yaml:3: integration.duration: 1 is 3.33333333 times the step size 0.3; "
                "expected a whole number of steps; the nearest is 0.9"
            ),
        ),
        (
            "integration:\n  step_size: 2\n  duration: 1",
            (
                "model.yaml:3: integration.duration: 1 is 0.5 times the step size 2; "
                "expected a whole number of steps; the nearest is 2"
            ),
        ),
        (
            "integration: {step_size: 1, duration: 1, time_scale: min}",
            "model.yaml:1: integration.time_scale: found 'min'; expected one of ms, s, us",
        ),
        (
            "integration: {step_size: 1, duration: 1, method: eular}",
            (
                "model.yaml:1: integration.method: found 'eular'; "
                f"expected one of {', '.join(METHODS)}; did you mean 'euler'?"
            ),
        ),
        (
            SPACE + "      x.a: {domain: {lo: 2, hi: 1, n: 3}}",
            (
                "model.yaml:4: explorations.e.space[\"x.a\"].domain: 'lo' (2) is above 'hi' (1); "
                "expected lo at most hi"
            ),
        ),
        (
            SPACE + "      x.a: {}",
            (
                'model.yaml:4: explorations.e.space["x.a"]: the parameter has no values to take; '
                "expected 'domain' or 'explored_values'"
            ),
        ),
        (
            SPACE + "      x.a: {domain: {lo: 1, hi: 2}}",
            (
                'model.yaml:4: explorations.e.space["x.a"]: the domain does not say which values to take; '
                "expected 'lo', 'hi', and 'n' or 'step'"
            ),
        ),
        (
            SPACE + "      x.a: {domain: {lo: 1, hi: 2, n: 3}, explored_values: [1]}",
            (
                "model.yaml:4: explorations.e.space[\"x.a\"]: 'domain' and 'explored_values' are both given; "
                "expected one of the two"
            ),
        ),
        (
            SPACE + "      a: {explored_values: [1]}\n      b: {domain: {lo: 0, hi: 1, n: 2}}\n    mode: zip",
            (
                "model.yaml:3: explorations.e.space: the parameters take different numbers of values "
                "(a: 1, b: 2); expected the same number"
            ),
        ),
        (
            "explorations:\n  e: {mode: grid}",
            (
                "model.yaml:2: explorations.e.mode: found 'grid'; "
                "expected product (each with each) or zip (side by side)"
            ),
        ),
    ],
)
def test_a_mistake_is_told_with_its_place(text: str, problem: str) -> None:
    """Each rule that a document breaks gives a problem with line, path, finding and expectation."""
    assert problem in problems_of(text)


@pytest.mark.parametrize(
    "text",
    [
        "network: {nodes: [{id: 7}, {id: 3}], edges: [{source: 7, target: 3}, {source: 3, target: 3}]}",
        "network: {number_of_nodes: 2, edges: [{source: 0, target: 1, weight: 2, delay: {value: 1}}]}",
        "integration: {step_size: 0.005, duration: 300.0}",
        "integration: {step_size: 0.1, duration: 0.3}",
        "integration: {step_size: 1.0e-3, duration: 100000}",
        "dynamics: {events: {s: {event_type: preset_time, trigger_times: []}}}",
        "explorations: {e: {mode: zip, space: {a: {explored_values: [1]}, b: {explored_values: [2]}}}}",
    ],
)
def test_a_document_that_keeps_the_rules_is_accepted(text: str) -> None:
    """The counterpart of each structural rule."""
    assert isinstance(read(text), Experiment)


def test_all_problems_are_reported_at_once_in_file_order() -> None:
    """Wrong fields, wrong names and wrong relations are told together, sorted by line."""
    problems = problems_of(
        "lable: x\n"
        "dynamics:\n"
        "  parameters:\n"
        "    - {name: a, vlaue: 1}\n"
        "    - {value: 1}\n"
        "network:\n"
        "  nodes: [{id: 0, recrod: true}]\n"
        "  edges: [{source: 0, target: 1}]\n"
        "integration: {step_size: 0.3, duration: 1, time_scale: h}\n"
    )
    assert [int(problem.split(":")[1]) for problem in problems] == [1, 4, 5, 7, 8, 9, 9]


JARGON = re.compile(
    r"pydantic|https?://|Input should|valid (string|dictionary)"
    r"|(string|int|bool|list|dict|model)_type|Extra inputs",
    re.IGNORECASE,
)
KEYS = sorted(
    {"name", "value", "rhs", "modes", "lo", "hi", "n"}
    | {key for model in (Experiment, Parameter) for key in model.model_fields}
    | {"nodes", "edges", "id", "source", "target", "space", "e", "step_size", "duration", "parameters"}
    | {"state_variables", "number_of_nodes", "weight", "cases", "time_scale", "method", "components"}
)
LEAF = st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(["x", "", "euler"])
ANYTHING = st.recursive(
    LEAF,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=25,
)


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.sampled_from(KEYS), ANYTHING, max_size=5))
def test_any_data_is_an_experiment_or_refused_in_plain_words(data: dict[str, Any]) -> None:
    """Whatever the data, it loads or raises SchemaError, without a word of the validation library."""
    try:
        text = str(load(data).model_dump())
    except SchemaError as error:
        text = str(error)
    assert text
    assert not JARGON.search(text)


@pytest.mark.parametrize("number", [10**400, -(10**400)])
@pytest.mark.parametrize("place", ["step_size", "duration", "transient_time"])
def test_huge_numbers_are_refused_not_a_crash(number: int, place: str) -> None:
    """A whole number beyond the range of floats is an ordinary problem."""
    with pytest.raises(SchemaError):
        load({"integration": {"step_size": 1, "duration": 1, place: number}})


def test_huge_counts_are_no_crash() -> None:
    """A number of nodes beyond memory does not stop the checks of the edges."""
    network = {"number_of_nodes": 10**30, "edges": [{"source": -1, "target": 5}]}
    with pytest.raises(SchemaError, match="no node with the id -1"):
        load({"network": network})


def example_files() -> list[Path]:
    return sorted(EXAMPLES.glob("*.yaml"))


def test_the_published_examples_load_unchanged() -> None:
    """All experiments of TVBO's NeuroML documentation load, and load again from their dump."""
    if not EXAMPLES.is_dir():
        pytest.skip(f"no folder {EXAMPLES}")
    for path in example_files():
        experiment = read(path.read_text(encoding="utf-8"))
        assert load(experiment.model_dump(exclude_unset=True)) == experiment, path.name

"""Short forms of an experiment become their long forms: graphs, distributions, what all dynamics share."""

# ruff: noqa: E501  the rows of tables and the YAML of small models read better unbroken

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from tvbo_lite.errors import InputError
from tvbo_lite.experiment import SimulationExperiment
from tvbo_lite.schema import Distribution, Experiment
from tvbo_lite.transforms.expand import expand
from tvbo_lite.transforms.expand.distributions import DISTRIBUTIONS, draw
from tvbo_lite.transforms.expand.shapes import KINDS
from tvbo_lite.transforms.lower.context import Context

BASE = """\
dynamics:
  name: osc
  parameters: {k: 0.5}
  state_variables:
    x: {equation: "c - k*x", initial_value: 1}
  coupling_inputs: [c]
network:
  number_of_nodes: 12
  graph_generator: {type: Complete}
integration: {step_size: 0.1, duration: 1}
"""


class Reported:
    """Collects problems as `Context` does, without types and units."""

    def __init__(self) -> None:
        self.found: list[str] = []

    def report(
        self,
        path: object,
        message: str,
        expected: str | None = None,
        hint: str | None = None,
        kind: object = None,
    ) -> None:
        self.found.append(f"{path}: {message}; {expected}; {hint}")

    def unsupported(self, path: object, message: str, hint: str | None = None) -> None:
        self.report(path, message, None, hint)


def changed(text: str, old: str, new: str) -> str:
    assert old in text, old
    return text.replace(old, new, 1)


def expanded(text: str) -> Experiment:
    report = Reported()
    found = expand(SimulationExperiment.from_string(text), report)
    assert report.found == []
    return found


def joined(text: str) -> list[tuple[int, int]]:
    """The ends of the edges of a graph generator given as YAML."""
    network = expanded(changed(BASE, "{type: Complete}", text)).network
    assert network is not None
    assert network.graph_generator is None
    return [(edge.source, edge.target) for edge in network.edges]


# ---- graphs ------------------------------------------------------------------------------------------

DETERMINED = {
    "{type: Complete}": 132,
    "{type: Complete, directed: true}": 132,
    "{type: Cycle}": 24,
    "{type: Cycle, directed: true}": 12,
    "{type: Path}": 22,
    "{type: Path, directed: true}": 11,
    "{type: Star}": 22,
    "{type: Star, directed: true, parameters: {center: 3}}": 11,
    "{type: Empty}": 0,
    "{type: Grid, parameters: {rows: 3}}": 34,
    "{type: Grid, parameters: {rows: 3, columns: 4, periodic: 1}}": 48,
    "{type: Grid, directed: true, parameters: {columns: 4}}": 17,
    "{type: WattsStrogatz, parameters: {k: 4, p: 0.3}}": 48,
    "{type: WattsStrogatz, directed: true, parameters: {k: 4, p: 1}}": 24,
    "{type: BarabasiAlbert, parameters: {m: 2}}": 2 * (2 + 9 * 2),
    "{type: RandomRegular, parameters: {d: 3}}": 36,
    "{type: RandomRegular, directed: true, parameters: {d: 3}}": 36,
    "{type: ErdosRenyi, parameters: {p: 1}}": 132,
    "{type: ErdosRenyi, parameters: {p: 0}}": 0,
}


@pytest.mark.parametrize("text", DETERMINED)
def test_graphs_have_their_number_of_edges(text: str) -> None:
    """No loops, no edge twice; without direction each edge both ways."""
    edges = joined(text)
    assert len(edges) == DETERMINED[text]
    assert len(set(edges)) == len(edges)
    assert all(i != j and 0 <= i < 12 and 0 <= j < 12 for i, j in edges)
    if "directed" not in text:
        assert {(j, i) for i, j in edges} == set(edges)


def test_every_kind_of_graph_is_tested() -> None:
    """A kind that is new in the table has a row above."""
    assert {text.split(",")[0].strip("{}").removeprefix("type: ") for text in DETERMINED} == set(KINDS)


@pytest.mark.parametrize("directed", ["false", "true"])
def test_a_regular_graph_is_regular(directed: str) -> None:
    """Every node has d edges, in and out."""
    edges = joined(f"{{type: RandomRegular, directed: {directed}, parameters: {{d: 4}}}}")
    assert set(Counter(i for i, _ in edges).values()) == set(Counter(j for _, j in edges).values()) == {4}


def test_a_random_graph_has_as_many_edges_as_its_probability_says() -> None:
    """200 nodes, p = 0.1, within five standard deviations of the binomial."""
    text = changed(BASE, "number_of_nodes: 12", "number_of_nodes: 200")
    network = expanded(
        changed(text, "{type: Complete}", "{type: ErdosRenyi, directed: true, parameters: {p: 0.1}}")
    ).network
    assert network is not None
    assert abs(len(network.edges) - 3980) < 5 * np.sqrt(39800 * 0.09)


@pytest.mark.parametrize("kind", ["ErdosRenyi, parameters: {p: 0.4}", "WattsStrogatz, parameters: {k: 4, p: 0.5}", "BarabasiAlbert, parameters: {m: 2}", "RandomRegular, parameters: {d: 3}"])  # fmt: skip
def test_the_seed_decides_and_nothing_else(kind: str) -> None:
    """The same seed gives the same graph, another seed another one; left out it is 42."""
    one, same, other = (joined(f"{{seed: {seed}, type: {kind}}}") for seed in (42, 42, 43))
    assert one == same == joined(f"{{type: {kind}}}")
    assert one != other


def test_generated_edges_carry_what_the_generator_says() -> None:
    """A weight drawn for each pair is the same in both directions; texts and units are kept."""
    text = "{type: Cycle, parameters: {weight: {unit: nS, distribution: {name: Uniform, domain: {lo: 1, hi: 2}}}, delay: {value: 0, unit: ms}, source_var: x, target_var: c}}"
    network = expanded(changed(BASE, "{type: Complete}", text)).network
    assert network is not None
    weights = {(edge.source, edge.target): edge.weight for edge in network.edges}
    values = {ends: weight.value for ends, weight in weights.items() if weight}
    assert all(1 <= value <= 2 and value == values[j, i] for (i, j), value in values.items())
    assert len(set(values.values())) == 12
    first = network.edges[0]
    assert (first.weight and first.weight.unit, first.delay and first.delay.value) == ("nS", 0)
    assert (first.source_var, first.target_var) == ("x", "c")


def test_a_graph_may_join_some_of_the_nodes_and_adds_to_the_edges() -> None:
    """``nodes`` are their ids; edges that are listed stay first."""
    text = changed(
        BASE,
        "{type: Complete}",
        "{type: Path, parameters: {nodes: [5, 2, 7]}}\n  edges: [{source: 1, target: 0}]",
    )
    network = expanded(text).network
    assert network is not None
    assert [(edge.source, edge.target) for edge in network.edges] == [(1, 0), (5, 2), (2, 5), (2, 7), (7, 2)]


WRONG_GRAPHS = [
    (
        "{type: Complet}",
        "network.graph_generator.type: there is no graph 'Complet'; expected Complete, ErdosRenyi",
        "did you mean 'Complete'?",
    ),
    ("{type: complete}", "there is no graph 'complete'", "did you mean 'Complete'?"),
    ("{type: ErdosRenyi}", "ErdosRenyi needs 'p'", "parameters: {p: ...}"),
    ("{type: ErdosRenyi, parameters: {p: 2}}", "p is 2, not a probability", ""),
    (
        "{type: ErdosRenyi, parameters: {p: {value: 1, unit: ms}}}",
        "ErdosRenyi: p is 1 ms",
        "a number without unit",
    ),
    ("{type: WattsStrogatz, parameters: {k: 3, p: 0}}", "k is 3; it is an even number", ""),
    ("{type: BarabasiAlbert, parameters: {m: 12}}", "m is 12; it is from 1", ""),
    ("{type: RandomRegular, parameters: {d: 12}}", "no graph of 12 nodes has 12 edges at each", ""),
    ("{type: RandomRegular, parameters: {d: 1.5}}", "d is 1.5, not a whole number", ""),
    ("{type: Grid}", "Grid needs 'rows'", ""),
    ("{type: Grid, parameters: {rows: 5}}", "12 nodes are not 5 rows of 2", ""),
    ("{type: Star, parameters: {center: 12}}", "center is 12; the nodes are 0 to 11", ""),
    ("{type: Star, parameters: {centre: 1}}", "Star has no parameter 'centre'", "did you mean 'center'?"),
    ("{type: Star, parameters: {nodes: [0, 13]}}", "the nodes are [0, 13]", "a list of ids of nodes"),
    (
        "{type: Star, parameters: {weight: {distribution: {name: Even}}}}",
        "network.graph_generator.parameters.weight.distribution.name: there is no distribution 'Even'",
        "",
    ),
]


@pytest.mark.parametrize(("text", "message", "more"), WRONG_GRAPHS, ids=[row[1][:40] for row in WRONG_GRAPHS])
def test_what_is_wrong_with_a_graph_is_named(text: str, message: str, more: str) -> None:
    """With its place and what is possible."""
    with pytest.raises(InputError) as caught:
        SimulationExperiment.from_string(changed(BASE, "{type: Complete}", text), "e.yaml").model()
    assert message in str(caught.value)
    assert more in str(caught.value)


# ---- distributions -----------------------------------------------------------------------------------

# distribution -> mean and standard deviation
MOMENTS = {
    "{name: Uniform, parameters: {lo: 1, hi: 3}}": (2, 2 / np.sqrt(12)),
    "{domain: {lo: 1, hi: 3}}": (2, 2 / np.sqrt(12)),
    "{name: Normal, parameters: {mean: 5, sd: 2}}": (5, 2),
    "{name: Gaussian, parameters: {mu: 5, sigma: 2}}": (5, 2),
    "{name: TruncatedNormal, parameters: {mean: 0, sd: 1}, domain: {lo: 0}}": (
        np.sqrt(2 / np.pi),
        np.sqrt(1 - 2 / np.pi),
    ),
    "{name: LogNormal, parameters: {mu: 0, sigma: 0.5}}": (
        np.exp(0.125),
        np.sqrt((np.exp(0.25) - 1) * np.exp(0.25)),
    ),
    "{name: Exponential, parameters: {mean: 3}}": (3, 3),
    "{name: Exponential, parameters: {rate: 4}}": (0.25, 0.25),
    "{name: Gamma, parameters: {shape: 4, scale: 0.5}}": (2, 1),
    "{name: Gamma, parameters: {shape: 4, rate: 2}}": (2, 1),
    "{name: Beta, parameters: {a: 2, b: 2}}": (0.5, np.sqrt(1 / 20)),
    "{name: Poisson, parameters: {mean: 4}}": (4, 2),
    "{name: Constant, parameters: {value: 7}}": (7, 0),
    "{name: Discrete, parameters: {values: [1, 3]}}": (2, 1),
    "{name: Choice, parameters: {values: [1, 3], probabilities: [3, 1]}}": (1.5, np.sqrt(0.75)),
}


def distribution(text: str) -> Distribution:
    found = SimulationExperiment.from_string(changed(BASE, "k: 0.5", f"k: {{distribution: {text}}}"))
    assert found.dynamics is not None
    item = found.dynamics.parameters["k"].distribution
    assert item is not None
    return item


@pytest.mark.parametrize("text", MOMENTS)
def test_values_have_the_moments_of_their_distribution(text: str) -> None:
    """20000 values, within six standard errors of the mean, 5 % of the deviation."""
    report = Reported()
    values = draw(distribution(text), "k", 20_000, (), report)
    mean, deviation = MOMENTS[text]
    assert values is not None
    assert abs(values.mean() - mean) <= 6 * deviation / np.sqrt(20_000)
    assert abs(values.std() - deviation) <= 0.05 * deviation


def test_every_distribution_is_tested() -> None:
    """One that is new in the table has a row above."""
    assert set(DISTRIBUTIONS) <= {text.split(",")[0].split(": ")[1] for text in MOMENTS}


def test_values_outside_the_domain_are_drawn_anew() -> None:
    """No value lies outside, and none piles up at its ends."""
    values = draw(
        distribution("{name: Normal, parameters: {mean: 0, sd: 1}, domain: {lo: -0.5, hi: 2}}"),
        "k",
        5000,
        (),
        Reported(),
    )
    assert values is not None
    assert values.min() > -0.5
    assert values.max() < 2


def test_the_numbers_of_a_seed_are_kept() -> None:
    """Published experiments have to give the same numbers in later versions."""
    values = draw(distribution("{domain: {lo: 0, hi: 1}, seed: 7}"), "osc.k", 3, (), Reported())
    assert values is not None
    assert values.tolist() == [0.44574146400375614, 0.29411077505236494, 0.9666667889677553]


MANY = changed(BASE, "k: 0.5", "k: {heterogeneous: true, distribution: {domain: {lo: 0, hi: 1}}}")


def test_each_node_gets_a_value_of_its_own() -> None:
    """As a parameter of the node; its name is what it would be without."""
    result = SimulationExperiment.from_string(
        changed(MANY, "number_of_nodes: 12", "number_of_nodes: 3")
    ).run()
    assert list(result.integration.data.coords["quantity"].values) == [
        "osc_pop[0]/x",
        "osc_pop[1]/x",
        "osc_pop[2]/x",
    ]
    assert len(set(result.recording.values[-1])) == 3


def test_a_new_distribution_does_not_change_the_others() -> None:
    """Each parameter has a stream of its own; also each state variable."""

    def values(text: str) -> list[object]:
        network = expanded(text).network
        assert network is not None
        return [node.parameters["k"].value for node in network.nodes]

    more = changed(
        MANY,
        "parameters: {k",
        "parameters: {a: {heterogeneous: true, distribution: {domain: {lo: 0, hi: 1}}}, k",
    )
    more = changed(more, "initial_value: 1", "distribution: {domain: {lo: 0, hi: 1}}")
    assert values(MANY) == values(more)
    assert len(set(values(MANY))) == 12
    assert values(changed(MANY, "domain", "seed: 1, domain")) != values(MANY)


def test_what_a_node_says_itself_counts_first() -> None:
    """The others keep the values that they would have."""
    listed = "nodes: [" + ", ".join(f"{{id: {i}}}" for i in range(12)) + "]"
    plain = expanded(changed(MANY, "number_of_nodes: 12", listed)).network
    own = expanded(
        changed(MANY, "number_of_nodes: 12", listed.replace("{id: 4}", "{id: 4, parameters: {k: 9}}"))
    ).network
    assert plain is not None
    assert own is not None
    differ = [a.id for a, b in zip(plain.nodes, own.nodes, strict=True) if a != b]
    assert (differ, own.nodes[4].parameters["k"].value) == ([4], 9)


def test_initial_values_may_be_drawn_or_listed() -> None:
    """One for each node; a list has one for each node too."""
    drawn = SimulationExperiment.from_string(
        changed(BASE, "initial_value: 1", "distribution: {name: Normal, parameters: {mean: 5, sd: 1}}")
    ).run()
    assert len(set(drawn.recording.values[0])) == 12
    listed = changed(
        changed(BASE, "number_of_nodes: 12", "number_of_nodes: 2"),
        "k: 0.5",
        "k: {value: [0.5, 0.7], heterogeneous: true}",
    )
    values = SimulationExperiment.from_string(listed).run().recording.values[1]
    assert np.allclose(values, [1 + 0.1 * (1 - 0.5), 1 + 0.1 * (1 - 0.7)])


def test_a_single_value_may_be_drawn() -> None:
    """Of a parameter, of a coupling, of an edge; all nodes share it."""
    text = changed(BASE, "k: 0.5", "k: {distribution: {domain: {lo: 0, hi: 1}}}")
    text = changed(
        text,
        "graph_generator: {type: Complete}",
        "edges: [{source: 0, target: 1, weight: {distribution: {domain: {lo: 2, hi: 3}}}, parameters: {}}]",
    )
    text = changed(
        text,
        "  edges",
        "  coupling: {c: {pre_expression: g*x_j, parameters: {g: {distribution: {domain: {lo: 4, hi: 5}}}}}}\n  edges",
    )
    found = expanded(text)
    assert found.dynamics is not None
    assert found.network is not None
    k, weight, g = (
        found.dynamics.parameters["k"],
        found.network.edges[0].weight,
        found.network.coupling["c"].parameters["g"],
    )
    assert weight is not None
    assert 0 < k.value < 1
    assert 2 < weight.value < 3
    assert 4 < g.value < 5


WRONG_VALUES = [
    (
        "{name: Unifrom}",
        "dynamics.parameters.k.distribution.name: there is no distribution 'Unifrom'",
        "did you mean 'Uniform'?",
    ),
    ("{name: Uniform}", "Uniform needs 'lo'", "parameters: {lo: ...}"),
    ("{name: Uniform, parameters: {lo: 2, hi: 1}}", "Uniform: lo (2) is above hi (1)", ""),
    ("{name: Normal, parameters: {mean: 1, sd: -1}}", "Normal: sd is -1", "a number from 0 on"),
    ("{name: Normal, parameters: {mean: 1, sdd: 1}}", "Normal has no parameter 'sdd'", "did you mean 'sd'?"),
    ("{name: Normal, parameters: {mean: a, sd: 1}}", "Normal: mean is 'a'", "a number without unit"),
    (
        "{name: Normal, parameters: {mean: 0, sd: 1}, domain: {lo: 90}}",
        "next to no value lies in the domain",
        "",
    ),
    ("{name: Discrete}", "a choice needs 'values'", ""),
    (
        "{name: Discrete, parameters: {values: [1], probabilities: [0]}}",
        "the probabilities are not from 0 on",
        "",
    ),
    (
        "{name: Discrete, parameters: {value: [1]}}",
        "a choice has no parameter 'value'",
        "did you mean 'values'?",
    ),
]


@pytest.mark.parametrize(("text", "message", "more"), WRONG_VALUES, ids=[row[1][:40] for row in WRONG_VALUES])
def test_what_is_wrong_with_a_distribution_is_named(text: str, message: str, more: str) -> None:
    """With its place and what is possible."""
    with pytest.raises(InputError) as caught:
        SimulationExperiment.from_string(
            changed(BASE, "k: 0.5", f"k: {{distribution: {text}}}"), "e.yaml"
        ).model()
    assert message in str(caught.value)
    assert more in str(caught.value)


def test_a_list_of_values_has_one_for_each_node() -> None:
    """Too few are named."""
    text = changed(BASE, "k: 0.5", "k: {value: [1, 2], heterogeneous: true}")
    with pytest.raises(InputError, match="2 values for 12 nodes"):
        SimulationExperiment.from_string(text).model()


# ---- what all dynamics share -------------------------------------------------------------------------


def test_functions_of_the_experiment_are_known_to_all_equations() -> None:
    """Those that a dynamics calls, directly or through others; its own count first."""
    text = "functions: {f: {arguments: [a], equation: 'g(a)*2'}, g: {arguments: [a], equation: a + 1}, h: {arguments: [a], equation: a}}\n"
    found = expanded(text + changed(BASE, "c - k*x", "f(x)"))
    assert found.dynamics is not None
    assert list(found.dynamics.functions) == ["g", "f"]
    values = SimulationExperiment.from_string(text + changed(BASE, "c - k*x", "f(x)")).run().recording.values
    assert np.isclose(values[1, 0], 1 + 0.1 * 4)


def test_constants_of_the_network_are_known_where_they_are_named() -> None:
    """A dynamics' own parameter counts first."""
    text = changed(
        changed(BASE, "c - k*x", "K - k*x"), "network:\n", "network:\n  parameters: {K: 3, k: 99}\n"
    )
    assert np.isclose(
        SimulationExperiment.from_string(text).run().recording.values[1, 0], 1 + 0.1 * (3 - 0.5)
    )


def test_events_of_the_experiment_happen_to_a_dynamics() -> None:
    """The one that ``target_component`` names, or the only one with equations."""
    event = "events: {kick: {event_type: preset_time, trigger_times: [0.5], affect: x = 7}}\n"
    values = SimulationExperiment.from_string(event + BASE).run().recording.values
    assert values[5, 0] == 7
    named = event.replace("affect", "target_component: osc, affect")
    assert np.array_equal(SimulationExperiment.from_string(named + BASE).run().recording.values, values)
    with pytest.raises(InputError, match="nothing says which dynamics"):
        SimulationExperiment.from_string(named.replace("osc", "ocs") + BASE).model()


def test_an_experiment_without_short_forms_stays_as_it_is() -> None:
    """The very same object."""
    experiment = SimulationExperiment.from_string(changed(BASE, "  graph_generator: {type: Complete}\n", ""))
    assert expand(experiment, Reported()) is experiment


def test_a_context_of_lowering_collects_the_problems() -> None:
    """So that they come together with all others."""
    assert {"report", "unsupported"} <= set(dir(Context))

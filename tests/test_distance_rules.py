"""Rules by distance: who is connected, how late and how strongly; where cells are; graphs."""

# ruff: noqa: E501  messages read better unbroken

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tvbo_lite import SimulationExperiment
from tvbo_lite.errors import ExpressionError, InputError, UnitError, UnsupportedError
from tvbo_lite.formats.lems.normal import normal_form
from tvbo_lite.lems.rows import Rows, parts_of
from tvbo_lite.transforms.expand.shapes import KINDS
from tvbo_lite.transforms.lower import distances
from tvbo_lite.transforms.lower.distances import between, blocks, within

NETWORK = """
network:
  dynamics:
    cell: {iri: neuroml:iafCell, parameters: {leakReversal: -50 mV, thresh: -55 mV, reset: -70 mV, C: 0.2 nF, leakConductance: 0.01 uS}}
    syn: {iri: neuroml:expOneSynapse, parameters: {gbase: 0.2 nS, erev: 0 mV, tauDecay: 5 ms}}
  populations:
    P: {dynamics: cell, %s}
    Q: {dynamics: cell, %s}
  projections:
    pq: {source: %s, target: %s, synapse: syn, rule: %s}
integration: {step_size: 0.1, duration: 20}
"""
CLOUD = (
    "size: %d, layout: {x: {distribution: {name: Uniform, domain: {lo: 0, hi: 400}}},"
    " y: {distribution: {name: Uniform, domain: {lo: 0, hi: 400}}}, seed: 8}"
)
GRID = "layout: {grid: [4, 3], spacing: 50}"


def experiment(rule, source="P", target="P", p=GRID, q="size: 5"):
    return SimulationExperiment.from_string(NETWORK % (p, q, source, target, rule))


def network(exp):
    return next(item for item in exp.model().components if item.tag == "network")


def rows(rule, **options):
    projection = next(item for item in network(experiment(rule, **options)).children if item.id == "pq")
    (part,) = parts_of(projection.children)
    assert isinstance(part, Rows)
    return part


def pairs(rule, **options):
    columns = rows(rule, **options).columns
    return columns["preCellId"].values, columns["postCellId"].values


def places(exp, name="P"):
    """In µm, shape (size, 3)."""
    population = next(item for item in network(exp).children if item.id == name)
    instances = [item.children[0].attributes for item in population.children]
    return np.array([[float(item[axis]) for axis in "xyz"] for item in instances])


# ---- where cells are -----------------------------------------------------------------------------------


def test_a_grid_places_its_instances_row_after_row():
    """x runs first; size is the product; all lies in LEMS as a populationList."""
    exp = experiment("{type: all_to_all}", p="layout: {grid: [3, 2], spacing: [10, 20], z: 7}")
    expected = [[0, 0, 7], [10, 0, 7], [20, 0, 7], [0, 20, 7], [10, 20, 7], [20, 20, 7]]
    assert places(exp).tolist() == expected
    assert network(exp).children[0].type == "populationList"
    assert network(exp).children[0].attributes["size"] == "6"


def test_coordinates_may_be_listed_drawn_or_have_units():
    """Lengths are µm where no unit is given; what is drawn depends on the seed and the axis alone."""
    layout = "layout: {x: [1, 2, 3], y: 0.01 mm, z: {distribution: {name: Uniform, domain: {lo: 0, hi: 1}}, unit: m}}"
    with pytest.raises(UnitError, match="unknown unit 'mm'"):
        experiment("{type: all_to_all}", p=f"size: 3, {layout}").model()
    exp = experiment("{type: all_to_all}", p=f"size: 3, {layout.replace('0.01 mm', '0.01 cm')}")
    found = places(exp)
    assert found[:, 0].tolist() == [1, 2, 3]
    assert found[:, 1] == pytest.approx([100, 100, 100])
    assert (found[:, 2] > 1000).any()
    assert (found[:, 2] < 1e6).all()
    one, other = (places(experiment("{type: all_to_all}", p=CLOUD % 5)) for _ in range(2))
    assert np.array_equal(one, other)
    assert len(np.unique(one[:, :2])) == 10


def test_cells_that_differ_may_have_places_and_run_in_jlems():
    """Their places stand behind the cells; jLEMS finds the same traces."""
    exp = SimulationExperiment.from_string("""
network:
  dynamics:
    cell:
      parameters: {I: {distribution: {name: Uniform, domain: {lo: 10, hi: 16}}}, c: -65, d: 8}
      coupling_inputs: {pulses: {}}
      state_variables:
        v: {equation: 0.04*v**2 + 5*v + 140 - u + I + pulses, initial_value: -65}
        u: {equation: 0.02*(0.2*v - u), initial_value: -13}
      events: {spike: {condition: v >= 30, affect: v = c; u = u + d}}
  populations: {P: {dynamics: cell, layout: {grid: [3, 4], spacing: 50}}}
  projections:
    a:
      source: P
      target: P
      rule: {type: distance_dependent, probability: exp(-d/(90*um)), weight: 5, delay: {equation: 0.5*ms + d/(100*um/ms)}}
integration: {step_size: 0.5, duration: 100}
""")
    ours, theirs = exp.run(), exp.run("neuroml")
    assert np.array_equal(ours.data.values.astype("f4"), theirs.data.values.astype("f4"))
    assert np.ptp(ours.data.values) > 50
    assert exp.render().count("<location ") == 12


# ---- pairs by their distance ---------------------------------------------------------------------------


CLOUDS = st.integers(0, 40).flatmap(
    lambda n: st.lists(st.tuples(*[st.floats(-500, 500, width=32)] * 3), min_size=n, max_size=n)
)


@settings(max_examples=60, deadline=None)
@given(one=CLOUDS, two=CLOUDS, limit=st.floats(0.1, 2000))
def test_pairs_within_reach_are_those_of_all_pairs_that_are_near(one, two, limit):
    """In order of source and target, whatever boxes space is cut into."""
    a, b = (np.array(cloud, dtype=float).reshape(-1, 3) for cloud in (one, two))
    near = between(a[:, None], b[None]) <= limit * 1e-6 if len(a) and len(b) else np.zeros((0, 0), dtype=bool)
    found = [block.pairs(np.arange(len(block.distances))) for block in within(a, b, limit * 1e-6)]
    pre = np.concatenate([np.zeros(0, int), *(part[0] for part in found)])
    post = np.concatenate([np.zeros(0, int), *(part[1] for part in found)])
    assert np.array_equal(np.stack((pre, post)), np.stack(np.nonzero(near)))


@pytest.mark.parametrize("limit", [None, 90e-6])
def test_blocks_do_not_change_what_is_found(monkeypatch, limit):
    """One block or many: the same pairs at the same distances."""
    rng = np.random.default_rng(3)
    a, b = rng.uniform(0, 300, (50, 3)), rng.uniform(0, 300, (40, 3))

    def found():
        parts = [
            (*item.pairs(np.arange(len(item.distances))), item.distances) for item in blocks(a, b, limit)
        ]
        return np.concatenate([np.stack(part) for part in parts], axis=1)

    whole = found()
    monkeypatch.setattr(distances, "_BLOCK", 64)
    assert np.array_equal(found(), whole)


@pytest.mark.parametrize("limit", ["", ", max_distance: 250 um"])
def test_the_share_of_connected_pairs_follows_the_probability(limit):
    """In ten classes of distance within 5 standard deviations of the binomial distribution."""
    rule = (
        f"{{type: distance_dependent, probability: 0.8*exp(-d/l), parameters: {{l: 150 um}}, seed: 4{limit}}}"
    )
    exp = experiment(rule, p=CLOUD % 400)
    where = places(exp)
    pre, post = pairs(rule, p=CLOUD % 400)
    apart = np.linalg.norm(where[:, None] - where[None], axis=2)
    joined = np.zeros((400, 400), dtype=bool)
    joined[pre, post] = True
    assert joined.sum() == len(pre)
    assert not joined.diagonal().any()
    reach = 250 if limit else math.inf
    others = ~np.eye(400, dtype=bool)
    assert not joined[apart > reach].any()
    for low in np.arange(0, min(reach, 500), 50):
        here = others & (apart >= low) & (apart < low + 50)
        p = 0.8 * np.exp(-apart[here] / 150)
        assert abs(joined[here].sum() - p.sum()) < 5 * np.sqrt((p * (1 - p)).sum())


def test_delays_and_weights_follow_the_distance():
    """To the last bits: delay = offset + d / velocity, weight = exp(-d / l)."""
    rule = (
        "{type: all_to_all, parameters: {l: 80 um, velocity: {value: 0.3, unit: m_per_s}},"
        " delay: {equation: 0.5*ms + d/velocity}, weight: {equation: exp(-d/l)}}"
    )
    found, where = rows(rule), places(experiment(rule))
    pre, post = (found.columns[name].values for name in ("preCellId", "postCellId"))
    apart = np.linalg.norm(where[pre] - where[post], axis=1)
    assert found.columns["delay"].values == pytest.approx(0.5 + apart / 300, rel=1e-12)
    assert found.columns["weight"].values == pytest.approx(np.exp(-apart / 80), rel=1e-12)
    assert found.columns["delay"].after == " ms"


def test_a_kernel_with_a_step_is_a_choice():
    """Neighbours on a grid of 50 µm: 17 pairs of sides, both ways."""
    pre, post = pairs("{type: distance_dependent, probability: 'Piecewise((1, d < 60*um), (0, True))'}")
    assert len(pre) == 2 * 17
    assert {abs(j - i) for i, j in zip(pre.tolist(), post.tolist(), strict=True)} == {1, 4}


def test_an_instance_is_connected_to_itself_only_where_that_is_asked_for():
    """At the distance 0, which a probability may not even be defined for."""
    rule = "{type: distance_dependent, probability: 'Min(1, 10*um/d)'%s}"
    pre, post = pairs(rule % "")
    assert not (pre == post).any()
    pre, post = pairs("{type: distance_dependent, probability: 1, self_connections: true}")
    assert len(pre) == 144


def test_between_populations_the_same_seed_gives_the_same_network():
    """Whatever weights and delays are; another seed gives another one."""
    rule = "{type: distance_dependent, probability: 0.5, seed: %d%s}"
    options = {"source": "P", "target": "Q", "q": CLOUD % 30}
    first = pairs(rule % (1, ""), **options)
    drawn = ", weight: {distribution: {name: Normal, parameters: {mean: 0, sd: 1}}}, delay: 3 ms"
    again, other = pairs(rule % (1, drawn), **options), pairs(rule % (2, ""), **options)
    assert np.array_equal(np.stack(first), np.stack(again))
    assert not np.array_equal(first[0], other[0])


def test_empty_populations_have_no_connections():
    """Whatever the rule: there are no pairs."""
    empty = "size: 0, layout: {x: 1}"
    for limit in ("", ", max_distance: 1 um"):
        pre, _ = pairs(f"{{type: distance_dependent, probability: 1{limit}}}", p=empty)
        assert len(pre) == 0
        pre, _ = pairs(f"{{type: distance_dependent, probability: 1{limit}}}", q=empty, target="Q")
        assert len(pre) == 0
    assert len(pairs("{type: fixed_probability, probability: 0.5}", p=empty)[0]) == 0
    assert len(pairs("{type: ErdosRenyi, parameters: {p: 0.5}}", p=empty)[0]) == 0


def test_listed_positions_give_distances_too():
    """With ids from 0 on, in order; others are refused, for rules count."""
    listed = "positions: [[0, 0, 0], [30, 40, 0], [300, 0, 0]]"
    pre, post = pairs("{type: distance_dependent, probability: 1, max_distance: 50 um}", p=listed)
    assert list(zip(pre.tolist(), post.tolist(), strict=True)) == [(0, 1), (1, 0)]
    with pytest.raises(InputError, match="the instances of 'P' are 4, 2; expected 0 to 1, in this order"):
        experiment("{type: all_to_all}", p="positions: {4: [0, 0, 0], 2: [1, 1, 1]}").model()


def test_a_network_by_distance_agrees_with_jlems_and_with_its_own_file():
    """Traces to the float32 that jLEMS prints; the LEMS file says the network again."""
    exp = experiment(
        "{type: distance_dependent, probability: 0.9*exp(-d/(100*um)), weight: {equation: 3*exp(-d/(200*um))},"
        " delay: {equation: 0.5*ms + d/(100*um/ms)}}"
    )
    ours, theirs = exp.run().data.values, exp.run("neuroml").data.values
    assert np.ptp(ours) > 0.01
    assert np.abs(ours - theirs).max() < 1e-6 * np.ptp(theirs)
    again = SimulationExperiment.from_lems(exp.model())
    assert normal_form(again.model()) == normal_form(exp.model())


# ---- graphs --------------------------------------------------------------------------------------------


GRAPHS = {
    "Complete": "",
    "ErdosRenyi": "p: 0.4",
    "WattsStrogatz": "k: 4, p: 0.3",
    "BarabasiAlbert": "m: 2",
    "RandomRegular": "d: 3",
    "Grid": "rows: 3",
    "Cycle": "",
    "Path": "",
    "Star": "center: 2",
    "Empty": "",
}


@pytest.mark.parametrize("directed", [False, True])
@pytest.mark.parametrize("name", list(KINDS))
def test_a_graph_joins_the_instances_of_one_population(name, directed):
    """Both ways unless it is directed; no loops, no pair twice; sorted by source."""
    text = f"{{type: {name}, directed: {str(directed).lower()}, parameters: {{{GRAPHS[name]}}}, seed: 3}}"
    pre, post = pairs(text)
    found = list(zip(pre.tolist(), post.tolist(), strict=True))
    assert found == sorted(set(found))
    assert all(i != j for i, j in found)
    both = {(j, i) for i, j in found} == set(found)
    assert both or directed
    assert bool(found) == (name != "Empty")


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 99), degree=st.sampled_from([2, 4, 5]))
def test_every_node_of_a_regular_graph_has_the_same_degree(seed, degree):
    """In and out."""
    pre, post = pairs(f"{{type: RandomRegular, parameters: {{d: {degree}}}, seed: {seed}}}")
    assert np.bincount(pre).tolist() == np.bincount(post).tolist() == [degree] * 12


def test_a_ring_without_chance_is_its_neighbours_with_delays_by_distance():
    """Watts and Strogatz's ring with p = 0; a parameter named d of a graph is not the distance."""
    rule = "{type: WattsStrogatz, parameters: {k: 2, p: 0}, delay: {equation: 1*ms + d/(1*m_per_s)}}"
    found = rows(rule)
    pre, post = (found.columns[name].values for name in ("preCellId", "postCellId"))
    assert {(j - i) % 12 for i, j in zip(pre.tolist(), post.tolist(), strict=True)} == {1, 11}
    assert found.columns["delay"].values.min() == pytest.approx(1.05)


def test_a_graph_runs_as_jlems_runs_it():
    """Small world with weights that are drawn."""
    exp = experiment(
        "{type: WattsStrogatz, parameters: {k: 4, p: 0.3}, delay: 1 ms,"
        " weight: {distribution: {name: Uniform, domain: {lo: 1, hi: 4}}}}",
        p="size: 12",
    )
    ours, theirs = exp.run().data.values, exp.run("neuroml").data.values
    assert np.ptp(ours) > 0.01
    assert np.abs(ours - theirs).max() < 1e-6 * np.ptp(theirs)


# ---- degrees -------------------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(
    kind=st.sampled_from(["fixed_in_degree", "fixed_out_degree"]),
    degree=st.integers(0, 15),
    multapses=st.booleans(),
    own=st.booleans(),
    seed=st.integers(0, 9),
)
def test_degrees_are_exact(kind, degree, multapses, own, seed):
    """Each has the degree; a pair occurs twice, and an instance by itself, only where that is asked for."""
    rule = (
        f"{{type: {kind}, degree: {degree}, multapses: {str(multapses).lower()},"
        f" self_connections: {str(own).lower()}, seed: {seed}}}"
    )
    most = 12 if own else 11
    if degree > most and not multapses:
        with pytest.raises(InputError, match=f"the degree is {degree}, but 'P' has {most}"):
            pairs(rule, p="size: 12")
        return
    pre, post = pairs(rule, p="size: 12")
    assert np.bincount(post if kind == "fixed_in_degree" else pre, minlength=12).tolist() == [degree] * 12
    assert own or not (pre == post).any()
    assert multapses or len({*zip(pre.tolist(), post.tolist(), strict=True)}) == len(pre)
    assert (np.diff(pre) >= 0).all()


def test_multapses_choose_each_pair_alike():
    """Chi-square of 40 000 choices among 20 sources below its 99.99 percentile (45.97 at 19 degrees)."""
    rule = "{type: fixed_in_degree, degree: 40, multapses: true, self_connections: true}"
    pre, post = pairs(rule, source="Q", target="P", p="size: 1000", q="size: 20")
    counts = np.bincount(pre, minlength=20)
    assert ((counts - 2000) ** 2 / 2000).sum() < 45.97
    assert len({*zip(pre.tolist(), post.tolist(), strict=True)}) < len(pre)


# ---- what is wrong -------------------------------------------------------------------------------------


def distance(text):
    return f"{{type: distance_dependent, {text}}}"


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        (
            distance("probability: 2*exp(-d/(100*um))"),
            "rule.probability: pq: the probability is 1.21306 at a distance of 50 um; it must be from 0 to 1",
        ),
        (distance("probability: -0.1"), "pq: the probability is -0.1 at a distance of 50 um; it must be from"),
        (
            distance("probability: exp(-d/100)"),
            "rule.probability: pq: probability: exp() is given length; it takes a number without unit",
        ),
        (distance("probability: d/(1*ms)"), "pq: probability: 'd/(1*ms)' is permeability; expected a number"),
        (distance("probability: exp(-d/(9*umm))"), "pq: probability: 'umm' is not declared in expression"),
        (distance("probability: 0.1*random(1)"), "random() in an expression of the distance"),
        (distance("probability: 0.1, parameters: {l: 2 um}"), "parameters.l: pq: no expression uses 'l'"),
        (distance("probability: d/d, parameters: {d: 2 um}"), "parameters.d: pq: 'd' is the distance"),
        (distance("probability: 0.1, max_distance: 30"), "'30' is a number without unit, not length"),
        (distance("probability: 0.1, max_distance: -3 um"), "max_distance is -3 um; expected a length above"),
        (distance("max_distance: 3 um"), "pq: distance_dependent needs 'probability'"),
        (
            "{type: fixed_probability, probability: exp(-d/um)}",
            "pq: the probability is 'exp(-d/um)'; it must be a number (distance_dependent takes expressions)",
        ),
        ("{type: fixed_probability, probability: 1.5}", "pq: the probability is 1.5; it must be from 0 to 1"),
        ("{type: fixed_probability, probability: -1}", "pq: the probability is -1; it must be from 0 to 1"),
        ("{type: one_to_one}", "pq: one_to_one connects each instance of 'P' to itself (self_connections: true)"),
        ("{type: fixed_in_degree, degree: -1}", "pq: the degree is -1, but 'P' has 11 other instances"),
        ("{type: fixed_out_degree, degree: 12}", "pq: the degree is 12, but 'P' has 11 other instances"),
        ("{type: all_to_all, multapses: true}", "pq: all_to_all: 'multapses' is not supported yet"),
        (
            "{type: all_to_all, delay: 0.05 ms}",
            "pq.delay: a delay of 0.05 ms is within a step of 0.1 ms; expected 0, or 0.1 ms and more",
        ),
        ("{type: all_to_all, delay: -2 ms}", "pq.delay: a delay of -2 ms; expected 0 or more"),
        (
            "{type: all_to_all, delay: {equation: d/(1*m_per_s)}}",
            "pq.delay: a delay of 0.05 ms that follows from the distance is within a step of 0.1 ms (and 57 more)",
        ),
        ("{type: all_to_all, delay: {equation: d/um}}", "'d/um' is a number without unit; expected time"),
        (
            "{type: all_to_all, self_connections: true, weight: {equation: um/d}}",
            "pq.weight: a weight of inf that follows from the distance (and 11 more); expected a finite number",
        ),
        ("{type: all_to_all, weight: {value: 1, equation: 2}}", "pq.weight has 'value' and 'equation'"),
        ("{type: Ring}", "pq: there is no rule 'Ring'"),
        ("{type: WattStrogatz}", "did you mean 'WattsStrogatz'?"),
        ("{type: WattsStrogatz, parameters: {k: 3, p: 0}}", "pq: WattsStrogatz: k is 3; it is an even number"),
        ("{type: WattsStrogatz, parameters: {k: 2}}", "WattsStrogatz needs 'p'"),
        ("{type: BarabasiAlbert, parameters: {m: 2, q: 3}}", "BarabasiAlbert has no parameter 'q'; expected m"),
        ("{type: Cycle, self_connections: true}", "pq: Cycle: 'self_connections' is not supported yet"),
    ],
)  # fmt: skip
def test_a_rule_that_cannot_be_met_is_said(rule, message):
    """With its place, what was found and what was expected."""
    with pytest.raises((InputError, UnsupportedError, UnitError, ExpressionError)) as error:
        experiment(rule).model()
    assert message in str(error.value)
    assert "<string>:10: network.projections.pq.rule" in str(error.value)


@pytest.mark.parametrize(
    ("population", "message"),
    [
        ("size: -3", "P: the size is -3; expected a whole number from 0 on"),
        ("size: -3, layout: {x: 1}", "P: the size is -3; expected a whole number from 0 on"),
        ("layout: {x: 1}", "P: nothing says how many instances there are"),
        ("layout: {grid: [2, 2]}", "P: the spacing of the grid is not given; expected a number above 0 (in µm)"),
        ("layout: {grid: [2, 2], spacing: [1, 2, 3]}", "P: the spacing of the grid is 1, 2, 3"),
        ("layout: {grid: [2, 2], spacing: 0}", "P: the spacing of the grid is 0"),
        ("layout: {grid: [1, 1, 1, 1], spacing: 1}", "P: a grid of 4 axes; expected at most 3"),
        ("size: 5, layout: {grid: [2, 2], spacing: 1}", "the size is 5, but the grid has 2 x 2 = 4 places"),
        ("size: 2, layout: {spacing: 4}", "P: 'spacing' without 'grid'"),
        ("size: 2, layout: {x: [1, 2, 3]}", "P: x: 3 values for 2 instances; expected a number, or a list of 2"),
        ("size: 2, layout: {x: {value: 1, unit: mV}}", "P: x: '1 mV' is voltage, not length"),
        ("positions: [[1, 2]], layout: {x: 1}", "P: both 'positions' and a 'layout'; expected one of them"),
    ],
)  # fmt: skip
def test_a_layout_that_cannot_be_is_said(population, message):
    """With its place, what was found and what was expected."""
    with pytest.raises(InputError) as error:
        experiment("{type: all_to_all}", source="Q", target="Q", p=population).model()
    assert message in str(error.value)
    assert "<string>:7: network.populations.P" in str(error.value)


def test_a_rule_by_distance_needs_places_and_a_graph_one_population():
    """Both are said of the population that lacks them."""
    with pytest.raises(InputError, match="'Q' has no positions, and so no distances"):
        experiment(distance("probability: 0.5"), target="Q").model()
    with pytest.raises(InputError, match="'Q' has no positions, and so no distances"):
        experiment("{type: all_to_all, weight: {equation: d/um}}", target="Q").model()
    with pytest.raises(InputError, match="Cycle joins the instances of one population, not 'P' and 'Q'"):
        experiment("{type: Cycle}", target="Q").model()


def test_where_steps_adapt_no_delay_is_within_one():
    """Delays between steps are exact there; with a fixed step they are refused."""
    text = NETWORK % (GRID, "size: 5", "P", "P", "{type: all_to_all, delay: 0.05 ms}")
    adaptive = text.replace("duration: 20", "duration: 20, method: dopri5")
    assert SimulationExperiment.from_string(adaptive).model()
    with pytest.raises(InputError, match="within a step"):
        SimulationExperiment.from_string(text).model()

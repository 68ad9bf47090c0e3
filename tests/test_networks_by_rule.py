"""Networks given by rules: who is connected, what is drawn, and that jLEMS runs them alike."""

from dataclasses import replace

import numpy as np
import pytest

from tvbo_lite import SimulationExperiment
from tvbo_lite.backends import native
from tvbo_lite.errors import InputError, UnsupportedError
from tvbo_lite.lems.rows import Children, Rows, parts_of

CELL = """
      parameters:
        r: {distribution: {name: Uniform, domain: {lo: 0, hi: 1}}}
        a: 0.02
        b: 0.2
        c: {equation: -65 + 15*r**2}
        d: {equation: 8 - 6*r**2}
        I0: {distribution: {name: Uniform, domain: {lo: 0, hi: 10}}}
      coupling_inputs: {pulses: {}}
      state_variables:
        v: {equation: 0.04*v**2 + 5*v + 140 - u + I0 + pulses, initial_value: -65}
        u: {equation: a*(b*v - u), initial_value: b*v}
      events:
        spike: {condition: v >= 30, affect: v = c; u = u + d}
"""


def experiment(projections, sizes=(12, 5), record="[v, spikes]", duration=200):
    return SimulationExperiment.from_string(f"""
network:
  dynamics:
    cell: {CELL}
  populations:
    P: {{dynamics: cell, size: {sizes[0]}, record: {record}}}
    Q: {{dynamics: cell, size: {sizes[1]}, record: {record}}}
  projections:
    {projections}
integration: {{step_size: 0.5, duration: {duration}, time_scale: ms}}
""")


def rows(projections, name="pq", **options):
    """The table of connections of a projection."""
    model = experiment(projections, **options).model()
    network = next(item for item in model.components if item.tag == "network")
    projection = next(item for item in network.children if item.id == name)
    (part,) = parts_of(projection.children)
    assert isinstance(part, Rows)
    return part


def pairs(rule, source="P", target="Q", **options):
    found = rows(f"pq: {{source: {source}, target: {target}, rule: {rule}}}", **options)
    return found.columns["preCellId"].values, found.columns["postCellId"].values


# ---- who is connected ------------------------------------------------------------------------------


def test_all_to_all_connects_every_pair():
    """Each source with each target, once."""
    pre, post = pairs("{type: all_to_all}")
    assert sorted(zip(pre, post, strict=True)) == [(i, j) for i in range(12) for j in range(5)]


def test_an_instance_is_connected_to_itself_only_where_that_is_asked_for():
    """Within a population n (n - 1) pairs, or n * n."""
    pre, post = pairs("{type: all_to_all}", "P", "P")
    assert len(pre) == 12 * 11
    assert not (pre == post).any()
    assert len(pairs("{type: all_to_all, self_connections: true}", "P", "P")[0]) == 144


def test_one_to_one_connects_equal_indices():
    """Instance k with instance k."""
    pre, post = pairs("{type: one_to_one}", sizes=(6, 6))
    assert pre.tolist() == post.tolist() == list(range(6))


@pytest.mark.parametrize("own", ["false", "true"])
@pytest.mark.parametrize("target", ["P", "Q"])
def test_fixed_probability_connects_that_share_of_the_pairs(target, own):
    """Within 5 standard deviations of the binomial distribution; no pair twice."""
    sizes = (300, 200)
    rule = f"{{type: fixed_probability, probability: 0.1, self_connections: {own}, seed: 3}}"
    pre, post = pairs(rule, "P", target, sizes=sizes)
    total = 300 * (300 if target == "P" else 200) - (300 if (target, own) == ("P", "false") else 0)
    assert abs(len(pre) - 0.1 * total) < 5 * np.sqrt(total * 0.09)
    assert len(set(zip(pre, post, strict=True))) == len(pre)
    assert (np.diff(pre) >= 0).all()
    assert post.max() < (300 if target == "P" else 200)
    if target == "P":
        assert (pre == post).any() == (own == "true")


@pytest.mark.parametrize("probability", [0, 1])
def test_probability_0_connects_nothing_and_1_everything(probability):
    """The ends of the range."""
    pre, _ = pairs(f"{{type: fixed_probability, probability: {probability}}}")
    assert len(pre) == probability * 60


@pytest.mark.parametrize("degree", [0, 3, 20, 39])
def test_fixed_in_degree_gives_every_target_as_many_different_sources(degree):
    """Also where most are chosen."""
    pre, post = pairs(f"{{type: fixed_in_degree, degree: {degree}}}", "P", "P", sizes=(40, 1))
    assert np.bincount(post, minlength=40).tolist() == [degree] * 40
    assert len(set(zip(pre, post, strict=True))) == len(pre)
    assert not (pre == post).any()
    assert (np.diff(pre) >= 0).all()


def test_fixed_out_degree_gives_every_source_as_many_different_targets():
    """Four each."""
    pre, post = pairs("{type: fixed_out_degree, degree: 4}", sizes=(12, 9))
    assert np.bincount(pre).tolist() == [4] * 12
    assert len(set(zip(pre, post, strict=True))) == 48


def test_degrees_choose_all_instances_alike():
    """Chi-square of 40 000 choices among 20 sources below its 99.99 percentile (45.97 at 19 degrees)."""
    pre, _ = pairs("{type: fixed_in_degree, degree: 4, seed: 1}", "Q", "P", sizes=(10_000, 20))
    counts = np.bincount(pre, minlength=20)
    expected = 10_000 * 4 / 20
    assert ((counts - expected) ** 2 / expected).sum() < 45.97


def test_the_same_seed_gives_the_same_network():
    """And another seed another one; what else is drawn does not matter."""
    rule = "{type: fixed_probability, probability: 0.3, seed: %d}"
    first, again, other = (pairs(rule % seed)[1].tolist() for seed in (1, 1, 2))
    assert first == again != other
    weighted = rule[:-1] % 1 + ", weight: {distribution: {name: Normal, parameters: {mean: 0, sd: 1}}}}"
    assert pairs(weighted)[1].tolist() == first


def test_weights_and_delays_are_drawn_for_each_connection():
    """Units are those of the parameter."""
    found = rows(
        "pq: {source: P, target: Q, rule: {type: all_to_all, weight: {distribution: {name: Uniform, domain: "
        "{lo: 2, hi: 3}}}, delay: {unit: ms, distribution: {name: Uniform, domain: {lo: 1, hi: 4}}}}}"
    )
    weights, delays = found.columns["weight"], found.columns["delay"]
    assert len(np.unique(weights.values)) == len(found) == 60
    assert 2 <= weights.values.min() < weights.values.max() <= 3
    assert delays.text(0).endswith(" ms")


# ---- what runs ---------------------------------------------------------------------------------------


PROJECTIONS = """pq: {source: P, target: Q, rule: {type: all_to_all, weight: {distribution: {name: Uniform,
        domain: {lo: 0, hi: 8}}}, delay: 0.5 ms}}
    qp: {source: Q, target: P, rule: {type: fixed_probability, probability: 0.5, weight: -6, delay: 1.5 ms}}
    pp: {source: P, target: P, rule: {type: fixed_in_degree, degree: 4, weight: 3,
        delay: {unit: ms, distribution: {name: Uniform, domain: {lo: 1, hi: 5}}}}}"""


def test_a_network_of_drawn_cells_and_connections_agrees_with_jlems():
    """To the last float32 and spike by spike, though the engine has one synapse for each cell."""
    exp = experiment(PROJECTIONS)
    ours, theirs = exp.run(), exp.run("neuroml")
    assert np.array_equal(ours.data.values.astype("f4"), theirs.data.values.astype("f4"))
    assert ours.recording is not None
    assert theirs.recording is not None
    for name, (times, ids) in ours.recording.events.items():
        assert len(times) > 5
        assert ids == theirs.recording.events[name][1]


@pytest.mark.parametrize("kind", ["expOneSynapse", "expTwoSynapse", "alphaSynapse"])
def test_synapses_of_neuroml_may_be_connected_by_rule(kind):
    """One conductance for all synapses of a cell: within 1e-12 of the range of jLEMS's model."""
    given = {
        "expOneSynapse": "tauDecay: 5 ms",
        "expTwoSynapse": "tauDecay: 5 ms, tauRise: 1 ms",
        "alphaSynapse": "tau: 3 ms",
    }[kind]
    exp = SimulationExperiment.from_string(f"""
network:
  dynamics:
    iaf: {{iri: neuroml:iafCell, parameters: {{leakReversal: -50 mV, thresh: -55 mV, reset: -70 mV, C: 0.2 nF, leakConductance: 0.01 uS}}}}
    syn: {{iri: neuroml:{kind}, parameters: {{gbase: 0.2 nS, erev: 0 mV, {given}}}}}
  populations:
    P: {{dynamics: iaf, size: 10}}
    Q: {{dynamics: iaf, size: 6}}
  projections:
    a: {{source: P, target: Q, synapse: syn, rule: {{type: all_to_all, weight: 2, delay: 1 ms}}}}
    b: {{source: Q, target: P, synapse: syn, rule: {{type: fixed_probability, probability: 0.5, delay: 2 ms}}}}
integration: {{step_size: 0.05, duration: 100, time_scale: ms}}
""")  # noqa: E501
    ours, theirs = exp.run().data.values, exp.run("neuroml").data.values
    assert np.ptp(ours) > 0.01
    assert np.abs(ours - theirs).max() < 1e-6 * np.ptp(theirs)  # jLEMS prints float32


def test_tables_of_connections_are_equal_where_their_texts_are():
    """Compared as arrays, or row by row with components that are written out."""
    rule = "pq: {source: P, target: Q, rule: {type: all_to_all, weight: %s}}"
    drawn = rule % "{distribution: {name: Uniform, domain: {lo: 0, hi: 1}}}"
    one, same, other = (Children(rows(text)) for text in (drawn, drawn, rule % "0.5"))
    assert one == same == tuple(one)
    assert one != other
    assert one != Children(rows(rule % "0.5"), *rows(rule % "0.5"))


def test_two_tables_in_one_projection_are_both_connected():
    """They mean what one table with the rows of both means."""
    exp = experiment(PROJECTIONS)
    whole = exp.model()
    network = next(item for item in whole.components if item.tag == "network")
    projection = next(item for item in network.children if item.id == "pq")
    (table,) = parts_of(projection.children)
    assert isinstance(table, Rows)
    halves = [part(table, slice(0, 20)), part(table, slice(20, None))]
    split = replace(projection, children=Children(*halves))
    members = tuple(split if item is projection else item for item in network.children)
    other = replace(network, children=members)
    components = tuple(other if item is network else item for item in whole.components)
    ours = native.run_model(replace(whole, components=components))
    assert ours.values.std() > 1
    assert np.array_equal(ours.values, native.run_model(whole).values)


def part(table, rows):
    """Some rows of a table."""
    columns = {name: replace(column, numbers=column.values[rows]) for name, column in table.columns.items()}
    return replace(table, columns=columns, count=len(columns["preCellId"].values))


def test_every_cell_has_values_of_its_own():
    """What is drawn, and what follows from it by an equation."""
    model = experiment("pq: {source: P, target: Q, rule: {type: one_to_one}}", sizes=(4, 4)).model()
    network = next(item for item in model.components if item.tag == "network")
    cells = network.children[0].children
    assert len({cell.attributes["r"] for cell in cells}) == 4
    assert {cell.attributes["a"] for cell in cells} == {"0.02"}
    assert [cell.id for cell in cells] == ["0", "1", "2", "3"]


def test_populations_record_what_they_are_asked_to():
    """Spikes alone leave no traces."""
    exp = experiment(PROJECTIONS, record="[spikes]")
    recording = exp.run().recording
    assert recording is not None
    assert recording.values.shape[1] == 0
    assert set(recording.events) == {"P", "Q"}


def test_pulses_may_be_listed_one_by_one():
    """Connections with their weights and delays, as of any synapse."""
    exp = experiment("pq: {source: P, target: Q, connections: [[6, 1, 90, 1 ms], [8, 1], [8, 2, 40]]}")
    ours, theirs = exp.run(), exp.run("neuroml")
    assert np.array_equal(ours.data.values.astype("f4"), theirs.data.values.astype("f4"))
    alone = experiment("pq: {source: P, target: Q, connections: [[6, 1, 0]]}").run()
    changed = np.abs(ours.data.values - alone.data.values).max(axis=0) > 0
    assert np.flatnonzero(changed).tolist() == [12 + 1, 12 + 2]


def test_values_may_be_listed_for_the_cells():
    """One for each; of all that follows from it by an equation each cell has its own."""
    drawn = "r: {distribution: {name: Uniform, domain: {lo: 0, hi: 1}}}"
    listed = CELL.replace(drawn, "r: {heterogeneous: true, value: [0.25, 0.5, 0.75]}")
    text = f"""
network:
  dynamics:
    cell: {listed}
  populations:
    P: {{dynamics: cell, size: 3}}
integration: {{step_size: 0.5, duration: 10, time_scale: ms}}
"""
    model = SimulationExperiment.from_string(text).model()
    network = next(item for item in model.components if item.tag == "network")
    assert [float(cell.attributes["r"]) for cell in network.children[0].children] == [0.25, 0.5, 0.75]
    with pytest.raises(InputError, match="3 values for 4 cells"):
        SimulationExperiment.from_string(text.replace("size: 3", "size: 4")).model()


# ---- what is wrong -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("projection", "message"),
    [
        ("{source: P, target: Q, rule: {type: all2all}}", "there is no rule 'all2all'"),
        ("{source: P, target: Q, rule: {type: one_to_one}}", "'P' has 12 instances and 'Q' 5"),
        (
            "{source: P, target: Q, rule: {type: fixed_in_degree, degree: 13}}",
            "the degree is 13, but 'P' has 12",
        ),
        ("{source: P, target: P, rule: {type: fixed_in_degree, degree: 12}}", "'P' has 11 other instances"),
        ("{source: P, target: Q, rule: {type: fixed_out_degree}}", "needs 'degree'"),
        (
            "{source: P, target: Q, rule: {type: fixed_probability, probability: 1.5}}",
            "the probability is 1.5; it must be from 0 to 1",
        ),
        ("{source: P, target: Q, rule: {type: all_to_all, degree: 3}}", "degree"),
        ("{source: P, target: Q, target_var: I, rule: {type: all_to_all}}", "which coupling input"),
        ("{source: P, target: Q}", "nothing says which synapse"),
        ("{source: P, target: Q, connections: [[0, 0]], rule: {type: all_to_all}}", "both 'connections' and"),
        ("{source: P, target: Q, rule: {type: all_to_all, delay: 3}}", "3"),
        ("{source: P, target: Q, rule: {type: all_to_all, weight: {value: 1, unit: mV}}}", "mV"),
    ],
)
def test_what_cannot_be_met_is_said(projection, message):
    """With the line, and in the modeller's words."""
    with pytest.raises((InputError, UnsupportedError)) as error:
        experiment(f"pq: {projection}").model()
    assert message in str(error.value)
    assert "<string>:" in str(error.value)


def test_a_population_records_only_what_its_cells_have():
    """A misspelt variable is named."""
    with pytest.raises(InputError, match="there is no 'w' to record"):
        experiment(PROJECTIONS, record="[w]").model()

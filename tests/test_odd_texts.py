"""Numbers, names and files that nobody means: each is told in words of ours, with its place."""

from __future__ import annotations

import io
import random
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tvbo_lite import SimulationExperiment
from tvbo_lite.backends import native
from tvbo_lite.errors import InputError, ModelError, ReadError, SchemaError, TvboLiteError, UnitError
from tvbo_lite.formats.lems.reader import link_string, read_file, read_string
from tvbo_lite.formats.pyrates.reader import read_circuit
from tvbo_lite.lems.plan import EventOutputFile
from tvbo_lite.lems.spikes import numbers_of
from tvbo_lite.schema.recorded import RecordedVariable
from tvbo_lite.transforms.check import check
from tvbo_lite.transforms.columns import ColumnsError, read_columns
from tvbo_lite.transforms.plan import simulation_plan
from tvbo_lite.units import factor

LONG = "x" * 300  # no file system has such a name
DIGITS = "9" * 5000  # Python refuses to read so many
MODEL = """<Lems>
  <Target component="sim"/>
  <Include file="Cells.xml"/> <Include file="Networks.xml"/> <Include file="Simulation.xml"/>
  <iafTauCell id="cell" leakReversal="-50 mV" tau="30 ms" thresh="-55 mV" reset="-70 mV"/>
  <network id="net"><population id="pop" component="cell" size="2"/></network>
  <Simulation id="sim" length="1 ms" step="0.1 ms" target="net">
    <OutputFile id="file" fileName="out.dat">
      <OutputColumn id="v" quantity="pop[0]/v"/>
    </OutputFile>
  </Simulation>
</Lems>
"""


def problems(text: str) -> str:
    """What is told of a LEMS document when it is run."""
    with pytest.raises(InputError) as error:
        native.run_linked(link_string(text))
    return str(error.value)


# ---- names of files --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [LONG, f"folder/{LONG}/file", "a\0b"], ids=["long", "long folder", "zero"])
def test_a_name_that_no_file_can_have_is_that_of_no_file(name: str) -> None:
    """Not an error of the system: it is read like any other name of a missing file."""
    with pytest.raises(ReadError, match="no such file"):
        read_file(name)
    with pytest.raises(ReadError, match="cannot be read"):
        SimulationExperiment.from_file(name)
    with pytest.raises(ReadError, match=r"no file of|cannot be read"):
        read_circuit(f"{name}/templates/circuit")
    with pytest.raises(ColumnsError, match="cannot be read"):
        read_columns(Path(f"{name}.csv"), None, ["source"], lambda rows: True)


def test_an_include_of_an_impossible_name_is_not_found() -> None:
    """As one of any other name; the line is told."""
    with pytest.raises(ReadError, match=r"<string>:2: include .* is not found"):
        link_string(f'<Lems>\n<Include file="{LONG}"/></Lems>')


# ---- numbers in texts ------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", ["nan", "inf", "1e400", "0.5", "-1e9"])
def test_powers_are_whole_numbers(number: str) -> None:
    """Of units, and the exponents of dimensions."""
    unit = f'<Unit symbol="u" dimension="d" power="{number}"/>'
    text = f'<Lems>\n<Dimension name="d" m="{number}"/>\n{unit}</Lems>'
    with pytest.raises(ReadError) as error:
        read_string(text)
    assert f"<string>:2: <Dimension> has m='{number}'; expected a whole number" in str(error.value)
    assert f"<string>:3: <Unit> has power='{number}'" in str(error.value)


@pytest.mark.parametrize("unit", ["m^400", "hour^999", "mm^-99"])
def test_absurd_powers_of_units_are_refused(unit: str) -> None:
    """Their scale would be no number."""
    with pytest.raises(UnitError, match="unknown unit"):
        factor(unit)


@pytest.mark.parametrize("index", ["²", "--1", DIGITS, "1e300", "٣"])
def test_an_index_that_is_none_is_no_cell(index: str) -> None:
    """Digits of other scripts, and more of them than any number has; the line is that of the column."""
    told = problems(MODEL.replace("pop[0]", f"pop[{index}]"))
    assert told.startswith("<string>:8: ")
    assert "the indices are 0 to 1" in told


@pytest.mark.parametrize(
    ("seed", "read"), [("²", None), ("--5", None), (DIGITS, None), ("-5", -5), (" 7 ", 7)]
)
def test_a_seed_is_a_whole_number_or_none(seed: str, read: int | None) -> None:
    """What is none is not read."""
    text = MODEL.replace('target="net"', f'target="net" seed="{seed}"')
    assert simulation_plan(link_string(text)).seed == read


def test_ids_that_no_index_can_have_count_by_their_place() -> None:
    """As names do."""
    every = EventOutputFile("spikes", "spikes.dat")
    assert numbers_of(every, ("7", DIGITS)) == {"7": 0, DIGITS: 1}
    assert numbers_of(every, ("7", "12")) == {"7": 7, "12": 12}


@pytest.mark.parametrize("cells", ["::0", "::00", f":{DIGITS}", f"{DIGITS}:"])
def test_a_range_of_cells_has_a_step_and_ends_that_can_be(cells: str) -> None:
    """As Python's slices."""
    text = f"network: {{populations: {{p: {{dynamics: d, size: 3, record: {{v: {{of: '{cells}'}}}}}}}}}}"
    with pytest.raises(SchemaError, match="expected indices such as"):
        SimulationExperiment.from_string(text)
    assert RecordedVariable.model_validate({"of": "::2"}).of == "::2"


def test_a_listed_cell_of_a_long_id_is_recorded() -> None:
    """An id of more digits than an index has is a name."""
    listed = f'<instance id="{"9" * 30}"><location x="0" y="0" z="0"/></instance>'
    population = f'<population id="pop" component="cell" type="populationList">{listed}</population>'
    text = MODEL.replace('<population id="pop" component="cell" size="2"/>', population)
    model = link_string(text.replace("pop[0]/v", f"pop/{'9' * 30}/cell/v"))
    assert native.run_linked(model).values.shape == (11, 1)
    experiment = SimulationExperiment.from_lems(model)
    assert experiment.run().data.shape == (11, 1)


# ---- lengths ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("length", "step"), [("1e308 s", "1e-300 s"), ("1e10 s", "1e-6 s")])
def test_more_steps_than_can_be_counted_are_refused(length: str, step: str) -> None:
    """At the simulation's line."""
    told = problems(MODEL.replace('"1 ms"', f'"{length}"').replace("0.1 ms", step))
    assert told.startswith("<string>:6: Simulation 'sim': ")
    assert "more steps than can be counted" in told


@pytest.mark.parametrize("delay", ["1.0e+300", "1.0e+12"])
def test_a_delay_beyond_all_memory_is_refused_by_its_edge(delay: str) -> None:
    """Not taken for one that is too short."""
    text = f"""
dynamics: {{name: cell, state_variables: {{v: {{equation: s - v}}}}, coupling_inputs: {{s: {{}}}}}}
network:
  number_of_nodes: 2
  coupling: {{s: {{pre_expression: x_j, incoming_states: [v]}}}}
  edges:
    - {{source: 0, target: 1, weight: 1, delay: 1}}
    - {{source: 1, target: 0, weight: 1, delay: {delay}}}
integration: {{step_size: 0.1, duration: 1, time_scale: s}}
"""
    with pytest.raises(
        InputError, match=r"<string>:8: network\.edges\[1\].* delays of up to .* GB for the past"
    ):
        SimulationExperiment.from_string(text).run()


DRAWN = """
dynamics: {{parameters: {{a: {{heterogeneous: true, distribution: {}}}}},
            state_variables: {{v: {{equation: -a*v}}}}}}
network: {{number_of_nodes: 4}}
integration: {{step_size: 0.1, duration: 1}}
"""
MANY = """
network:
  dynamics: {{cell: {{state_variables: {{v: {{equation: -v}}}}}}}}
  populations:
    pop: {{dynamics: cell, {}}}
integration: {{step_size: 0.1, duration: 1}}
"""


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        (
            "size: 999999999999",
            ":5: network.populations.pop.size: found 999999999999; expected at most",
        ),
        (
            "size: 2000000",
            ":5: network.populations.pop: pop: each of its 2000000 cells would be recorded",
        ),
        ("layout: {grid: [100000, 100000, 100000], spacing: [1]}", "a layout of 1000000000000000 places"),
        ("size: 90000000, layout: {x: 1}", "found 90000000; expected at most 20000000"),
    ],
)
def test_more_cells_than_memory_holds_are_refused_before_it_is_taken(keys: str, told: str) -> None:
    """At the key that says how many."""
    with pytest.raises(InputError) as error:
        SimulationExperiment.from_string(MANY.format(keys)).model()
    assert told in str(error.value)


def test_more_nodes_than_memory_holds_are_refused() -> None:
    """Each is an object; populations hold more."""
    text = "dynamics: {state_variables: {v: {equation: -v}}}\nnetwork: {number_of_nodes: 2147483648}"
    told = ":2: network.number_of_nodes: found 2147483648; expected at most 1000000; populations hold more"
    with pytest.raises(SchemaError, match=told):
        SimulationExperiment.from_string(text)


@pytest.mark.parametrize(
    ("domain", "told"),
    [
        ("{lo: 0, hi: 1, n: 99999999999}", "1e+11 values; expected at most 10000000"),
        ("{lo: 0, hi: 1.0e+308, step: 1.0e-300}", "inf values; expected at most"),
        (
            "{lo: 0, hi: 1, n: 3, log_scale: true}",
            "values at equal ratios from 0 to 1; expected ends above 0",
        ),
        ("{lo: -.inf, hi: 0, n: 3}", "values from -inf to 0; expected finite ends"),
        ("{lo: -1.0e+308, hi: 1.0e+308, n: 3}", "expected finite ends"),
    ],
)
def test_an_axis_has_finite_values_that_can_be_counted(domain: str, told: str) -> None:
    """At the domain's line."""
    text = f"""
dynamics: {{parameters: {{a: 1}}, state_variables: {{v: {{equation: -a*v}}}}}}
explorations: {{e: {{space: {{a: {{domain: {domain}}}}}}}}}
integration: {{step_size: 0.1, duration: 1}}
"""
    with pytest.raises(InputError) as error:
        SimulationExperiment.from_string(text).explore("e")
    assert str(error.value).startswith("<string>:3: explorations.e.space.a.domain: ")
    assert told in str(error.value)


@pytest.mark.parametrize(
    ("name", "parameters", "told"),
    [
        ("Uniform", "lo: -1.0e+308, hi: 1.0e+308", "Uniform has no values with lo -1e+308, hi 1e+308"),
        ("Beta", "alpha: 0, beta: 1", "Beta has no values with alpha 0, beta 1"),
        ("Poisson", "mean: 1.0e+308", "Poisson has no values with mean 1e+308"),
    ],
)
def test_a_distribution_without_values_is_told(name: str, parameters: str, told: str) -> None:
    """With its parameters and its line."""
    rule = f"{{name: {name}, parameters: {{{parameters}}}}}"
    with pytest.raises(InputError) as error:
        SimulationExperiment.from_string(DRAWN.format(rule)).model()
    assert str(error.value).startswith("<string>:2: dynamics.parameters.a.distribution: ")
    assert told in str(error.value)


def test_huge_weights_of_a_choice_are_shares_all_the_same() -> None:
    """Their sum need not be a number."""
    rule = "{name: Choice, parameters: {values: [1, 2], probabilities: [1.0e+308, 1.0e+308]}}"
    assert SimulationExperiment.from_string(DRAWN.format(rule)).model().components


PAIRS = """
network:
  dynamics:
    cell:
      iri: neuroml:iafCell
      parameters: {{leakReversal: -50 mV, thresh: -55 mV, reset: -70 mV, C: 0.2 nF, leakConductance: 0.01 uS}}
    syn: {{iri: neuroml:expOneSynapse, parameters: {{gbase: 0.2 nS, erev: 0 mV, tauDecay: 5 ms}}}}
  populations: {{p: {{dynamics: cell, {places}}}}}
  projections: {{pp: {{source: p, target: p, synapse: syn, rule: {rule}}}}}
integration: {{step_size: 0.1, duration: 1}}
"""


@pytest.mark.parametrize("p", ["5.0e-324", "1.0e-300", "1.0e-18"])
def test_a_tiny_probability_connects_next_to_nothing(p: str) -> None:
    """In no time: the gaps between two pairs are longer than all pairs."""
    rule = f"{{type: fixed_probability, probability: {p}}}"
    model = SimulationExperiment.from_string(PAIRS.format(places="size: 9", rule=rule)).model()
    network = next(item for item in model.components if item.tag == "network")
    assert not any(len(item.children) for item in network.children if item.tag == "projection")


@pytest.mark.parametrize(
    "places", ["layout: {grid: [4, 3], spacing: 1.0e+308}", "positions: [[.inf, 0, 0], [1, 2, 3]]"]
)
def test_a_place_that_is_no_number_is_told(places: str) -> None:
    """Before a distance to it is asked for."""
    rule = "{type: distance_dependent, probability: exp(-d/(90*um))}"
    with pytest.raises(InputError, match=r"'?inf'?"):
        SimulationExperiment.from_string(PAIRS.format(places=places, rule=rule)).model()


# ---- words -----------------------------------------------------------------------------------------------


def test_what_cannot_be_recorded_is_told_at_its_column() -> None:
    """Its line is that of the column, not of the cell in which the path ends."""
    told = problems(MODEL.replace("pop[0]/v", "pop[0]/part/v"))
    assert told.startswith("<string>:8: cannot record 'pop[0]/part/v': ")


def test_a_column_without_quantity_says_what_is_missing() -> None:
    """With the form of what is expected."""
    told = problems(MODEL.replace(' quantity="pop[0]/v"', ""))
    expected = """expected quantity="<population>[0]/<name>\""""
    assert told == f"<string>:8: OutputColumn 'v' names no quantity to record; {expected}"


@pytest.mark.parametrize("end", ["</OutputFile>", 'step="0.1', "<Simul", "<Target"])
def test_a_file_that_is_cut_off_is_asked_for_its_end(end: str) -> None:
    """Where the text ends before its elements do."""
    with pytest.raises(
        ReadError, match=r"not well-formed XML: .*; the text ends here; is the file complete\?"
    ):
        read_string(MODEL[: MODEL.index(end) + len(end)])
    with pytest.raises(ReadError, match=r"tag mismatch[^;]*$"):
        read_string(MODEL.replace("</OutputFile>", "</Output>"))


def test_only_elements_that_fit_are_proposed() -> None:
    """In a component those that it takes; at the top also those of the language."""
    inside = check(link_string(MODEL.replace("<OutputColumn", "<Include/> <OutputColumn"))).errors
    assert str(inside[0]).endswith("<Include> is not known inside OutputFile 'file'")
    above = check(link_string(MODEL.replace("<network", '<Includes file="a.xml"/> <network'))).errors
    assert str(above[0]).endswith("unknown component type 'Includes' of <Includes>; did you mean 'Include'?")


def test_instances_without_id_are_not_recorded_under_another_name(tmp_path: Path) -> None:
    """A network without simulation records the cells that have a name."""
    from tvbo_lite.cli._source import Wanted, read_source

    (tmp_path / "net.nml").write_text(
        '<neuroml xmlns="http://www.neuroml.org/schema/neuroml2" id="n">'
        '<iafTauCell id="cell" leakReversal="-50 mV" tau="30 ms" thresh="-55 mV" reset="-70 mV"/>'
        '<network id="net"><population id="pop" component="cell" type="populationList">'
        '<instance id="0"><location x="0" y="0" z="0"/></instance>'
        '<instance><location x="0" y="0" z="0"/></instance></population></network></neuroml>'
    )
    source = read_source(str(tmp_path / "net.nml"), (), Wanted("1 ms", "0.1 ms"))
    assert source.plan.quantities() == ("pop/0/cell/v",)


# ---- damaged tables --------------------------------------------------------------------------------------


def tables(folder: Path) -> dict[str, bytes]:
    """A small table in each of the kinds of files."""
    text = b'source,target,weight,delay\n0,1,0.5,1\n2,3,-1e3,2.5 # c\n"4",5,0,0\n'
    packed, plain = io.BytesIO(), io.BytesIO()
    np.savez_compressed(packed, source=[0, 1], target=[1, 2], weight=[0.5, 0.2])
    np.save(plain, np.ones((4, 3)))
    found = {
        ".csv": text,
        ".txt": text.replace(b",", b" "),
        ".npz": packed.getvalue(),
        ".npy": plain.getvalue(),
    }
    try:
        import h5py
    except ImportError:
        return found
    with h5py.File(folder / "whole.h5", "w") as file:
        file["source"], file["target"], file["t"] = [0, 1], [1, 2], np.ones((3, 3))
    return found | {".h5": (folder / "whole.h5").read_bytes()}


def damaged(data: bytes, rng: random.Random) -> bytes:
    """Bytes that are others, gone, or put in between; or half of a file."""
    for _ in range(rng.choice((1, 1, 2, 5))):
        place = rng.randrange(len(data) or 1)
        kind = rng.randrange(4)
        if kind == 0:
            data = data[:place] + bytes([rng.randrange(256)]) + data[place + 1 :]
        elif kind == 1:
            data = data[:place] + data[place + rng.choice((1, 4, 100)) :]
        elif kind == 2:
            data = data[:place] + rng.choice((b"\0", b"nan", b",", b"\n", b'"', b"\xff", b"#")) + data[place:]
        else:
            data = data[:place]
    return data


def test_a_damaged_table_is_read_or_told(tmp_path: Path) -> None:
    """600 of them, in all kinds of files."""
    rng, whole = random.Random(3), tables(tmp_path)
    for number in range(600):
        ending = sorted(whole)[number % len(whole)]
        path = tmp_path / f"table{ending}"
        path.write_bytes(damaged(whole[ending], rng))
        dataset = rng.choice((None, "t")) if ending == ".h5" else None
        told: Any = None
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # numpy's, about headers of Python 2
            try:
                read_columns(path, dataset, ["source", "target", "weight"], lambda rows: rows < 1e6)
            except ColumnsError as error:
                told = error.problems
        assert told is None or all(path.name in problem.message for problem in told)


def test_errors_of_ours_have_words() -> None:
    """Also those of the rarest kinds."""
    with pytest.raises(TvboLiteError, match="'nowhere'"):
        SimulationExperiment.from_string("dynamics: {name: d, iri: 'neuroml:nowhere'}").model()
    with pytest.raises(ModelError, match=r"cannot make 1e\+09 instances"):
        native.run_linked(link_string(MODEL.replace('size="2"', 'size="1e9"')))

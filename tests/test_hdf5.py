"""NeuroML in HDF5: what is written is read again, by this package and by libNeuroML, and runs the same."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from java import has_java

from tvbo_lite import SimulationExperiment, formats
from tvbo_lite.backends import jlems, native
from tvbo_lite.backends._jneuroml import command
from tvbo_lite.cli import cli
from tvbo_lite.errors import ReadError, RenderError, UnsupportedError
from tvbo_lite.formats import Files, Stored
from tvbo_lite.formats._decimals import are_short, decimals
from tvbo_lite.formats.dat import read_dat
from tvbo_lite.formats.files import write_beside, write_files
from tvbo_lite.formats.lems.core import without_core
from tvbo_lite.formats.lems.reader import link, link_string, read_file
from tvbo_lite.formats.neuroml import jar
from tvbo_lite.formats.neuroml.connections import alone_in_lists
from tvbo_lite.lems import model as m
from tvbo_lite.lems.rows import Children, Column, Rows
from tvbo_lite.losses import Losses

h5py = pytest.importorskip("h5py")

CORE = tuple(map(m.Include, ("NeuroML2CoreTypes.xml", "PyNN.xml", "Simulation.xml")))
WITH_NETWORK = [name for name in jar.example_names() if "Ex17" not in name]
NUMBER = re.compile(r"\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*([A-Za-z]*)\s*")


NEEDS_JAVA = pytest.mark.skipif(not has_java(), reason="there is no Java")

CELLS = """
<iafCell id="c" leakReversal="-50mV" thresh="-55mV" reset="-70mV" C="0.2nF" leakConductance="0.01uS"/>
<expOneSynapse id="s" gbase="1nS" erev="0mV" tauDecay="5ms"/><gapJunction id="g" conductance="1nS"/>
<silentSynapse id="quiet"/><gradedSynapse id="graded" conductance="5pS" delta="5mV" Vth="-55mV"
k="0.025per_ms" erev="0mV"/><pulseGenerator id="pulse" delay="1ms" duration="30ms" amplitude="0.1nA"/>
"""
NETWORK = """
<network id="net" type="networkWithTemperature" temperature="32degC">
  <population id="plain" component="c" size="3"/>
  <population id="placed" component="c" type="populationList">
    <property tag="color" value="1 0 0"/><property tag="empty" value=""/>
    <instance id="0"><location x="0" y="1.1" z="-2"/></instance>
    <instance id="1"><location x="10" y="0" z="0.25"/></instance></population>
  <projection id="to" presynapticPopulation="plain" postsynapticPopulation="placed" synapse="s">
    <connection id="0" preCellId="../plain[0]" postCellId="../placed/1/c"/>
    <connection id="1" preCellId="../plain[2]" postCellId="../placed/0/c" postSegmentId="1"
      postFractionAlong="0.1"/></projection>
  <projection id="fro" presynapticPopulation="placed" postsynapticPopulation="plain" synapse="s">
    <connectionWD id="4" preCellId="../placed/0/c" postCellId="../plain[1]" weight="0.05" delay="5.1ms"/>
    <connectionWD id="2" preCellId="../placed/1/c" postCellId="../plain[0]" weight="2" delay="0.002s"/>
  </projection>
  <electricalProjection id="gaps" presynapticPopulation="plain" postsynapticPopulation="plain">
    <electricalConnection id="0" preCell="0" postCell="1" synapse="g"/></electricalProjection>
  <electricalProjection id="gapsW" presynapticPopulation="placed" postsynapticPopulation="placed">
    <electricalConnectionInstanceW id="0" preCell="../placed/0/c" postCell="../placed/1/c" synapse="g"
      weight="0.5"/></electricalProjection>
  <continuousProjection id="graded_" presynapticPopulation="placed" postsynapticPopulation="plain">
    <continuousConnectionInstance id="0" preCell="../placed/0/c" postCell="../plain[1]" preComponent="quiet"
      postComponent="graded"/></continuousProjection>
  <inputList id="in" population="plain" component="pulse">
    <input id="0" target="../plain[0]" destination="synapses"/></inputList>
  <inputList id="inW" population="placed" component="pulse">
    <inputW id="0" target="../placed/0/c" destination="synapses" weight="1.5"/>
    <inputW id="1" target="../placed/1/c" destination="synapses" weight="0.3"/></inputList>
</network>
"""
SIMULATION = m.Component(
    "Simulation", "sim", attributes={"length": "40ms", "step": "0.01ms", "target": "net"}
)


def document(network: str = NETWORK) -> m.Model:
    core = "".join(f'<Include file="{item.file}"/>' for item in CORE)
    return link_string(f"<Lems>{core}{CELLS}{network}</Lems>", "network.xml")


def written(model: m.Model, path: Path, losses: Losses | None = None, **options: object) -> Path:
    found = formats.render(model, "hdf5", losses=Losses() if losses is None else losses, **options)
    assert isinstance(found, Stored)
    write_beside(path, found)
    return path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return written(document(), tmp_path / "net.net.nml.h5")


def network_in(model: m.Model, name: str | None = None) -> m.Component:
    """The network that is simulated, or the last."""
    found = {item.id: item for item in model.components if item.tag == "network"}
    return found[name] if name in found else list(found.values())[-1]


def simulated(model: m.Model, simulation: m.Component) -> m.Model:
    """The model of a file with a simulation of its network."""
    return link(
        replace(model, target=simulation.id, components=(*model.components, simulation), includes=CORE)
    )


def recorded(*quantities: str) -> m.Component:
    columns = tuple(
        m.Component("OutputColumn", f"c{k}", attributes={"quantity": quantity})
        for k, quantity in enumerate(quantities)
    )
    return replace(
        SIMULATION,
        children=(m.Component("OutputFile", "of", attributes={"fileName": "of.dat"}, children=columns),),
    )


# ---- what the form cannot tell apart -----------------------------------------------------------------

DEFAULTS = {"preSegment": 0, "postSegment": 0, "preSegmentId": 0, "postSegmentId": 0, "segmentId": 0,
            "preFractionAlong": 0.5, "postFractionAlong": 0.5, "fractionAlong": 0.5}  # fmt: skip
ROWS = {"connection", "connectionWD", "input", "inputW"}


def value(text: str) -> object:
    """A text, or the number that it spells, times in ms."""
    found = NUMBER.fullmatch(text)
    if found is None:
        return text
    scale, unit = (1000, "ms") if found[2] == "s" else (1, found[2])
    return float(found[1]) * scale, unit


def normal(item: m.Component, number: int = 0) -> object:
    """A component without what HDF5 leaves open: how numbers are spelt, and whether what goes without saying
    is said (segment 0, fraction 0.5, the destination synapses, the number of listed cells, an id of a row).
    """
    given = {key: value(text) for key, text in item.attributes.items()}
    for key, usual in DEFAULTS.items():
        if given.get(key) == (usual, ""):
            del given[key]
    if item.tag in ROWS and given.get("destination") == "synapses":
        del given["destination"]
    if item.type == "populationList":
        given.pop("size", None)
    ids = str(number) if item.id is None and item.tag in ROWS else item.id
    kept = [child for child in item.children if child.tag not in ("annotation", "notes")]
    return item.tag, ids, item.type, given, tuple(normal(child, k) for k, child in enumerate(kept))


@pytest.mark.parametrize("name", WITH_NETWORK)
def test_a_canonical_network_comes_back(name: str, tmp_path: Path) -> None:
    """Read, written and read again it is the same network, and so are all components that it needs."""
    model = read_file(name)
    target = next((item for item in model.components if item.id == model.target), None)
    wanted = target.attributes.get("target") if target else None
    again = read_file(written(model, tmp_path / "net.nml.h5"))
    network = network_in(model, wanted)
    assert normal(network_in(again)) == normal(alone_in_lists(network))
    others = {item.id for item in own(model) if item.tag not in ("network", "Simulation")}
    assert {item.id for item in again.components} - {network.id} == others


def own(model: m.Model) -> list[m.Component]:
    """The components that no core type file has."""
    return list(without_core(model).components)


@pytest.mark.parametrize(
    "name",
    [
        "Ex3_Net",
        "Ex12_Net2",
        "Ex13_Instances",
        "Ex19a_GapJunctionInstances",
        "Ex20a_AnalogSynapsesHH",
        "Ex26_Weights",
        "Ex27_MultiSynapses",
    ],
)
def test_a_canonical_network_runs_the_same(name: str, tmp_path: Path) -> None:
    """No bit of any trace differs between the XML and its form in HDF5, included by a LEMS file."""
    model = read_file(f"LEMS_NML2_{name}")
    files = formats.render(model, "neuroml", hdf5=True, losses=Losses())
    assert isinstance(files, Files)
    assert any(file.endswith(".net.nml.h5") for file in files)
    write_files(tmp_path, files)
    ours = native.run_linked(read_file(tmp_path / files.main))
    assert ours.values.tobytes() == native.run_linked(model).values.tobytes()


def test_all_kinds_of_connections_come_back(file: Path) -> None:
    """Every kind of projection, with and without places, weights, segments and ids of its own."""
    again, model = read_file(file), document()
    assert normal(network_in(again)) == normal(network_in(model))
    assert network_in(again).attributes == {"temperature": "32degC"}


def test_numbers_are_the_decimals_that_were_written(file: Path) -> None:
    """A delay of 5.1 ms is not 5.0999999 ms, though the file holds float32."""
    with h5py.File(file) as content:
        table = content["neuroml/network/projection_fro/fro"]
        assert table.dtype == np.float32
        names = [table.attrs[f"column_{k}"].decode() for k in range(5)]
        assert names == ["pre_cell_id", "post_cell_id", "weight", "delay", "id"]
    projection = next(item for item in network_in(read_file(file)).children if item.id == "fro")
    first = projection.children[0]
    assert (first.id, first.attributes["weight"], first.attributes["delay"]) == ("4", "0.05", "5.1ms")


def test_connections_stay_columns(tmp_path: Path) -> None:
    """No component is made for a connection by rule, neither when it is written nor when it is read."""
    rng = np.random.default_rng(1)
    count = 300_000
    columns = {
        "preCellId": Column(rng.integers(0, 1000, count), "../p[", "]"),
        "postCellId": Column(rng.integers(0, 1000, count), "../p[", "]"),
        "weight": Column(rng.random(count)),
    }
    rows = Rows("connectionWD", count, columns, {"delay": "1 ms"})
    attributes = {"presynapticPopulation": "p", "postsynapticPopulation": "p", "synapse": "s"}
    network = m.Component(
        "network",
        "net",
        children=(
            m.Component("population", "p", attributes={"component": "c", "size": "1000"}),
            m.Component("projection", "pp", attributes=attributes, children=Children(rows)),
        ),
    )
    model = document("")
    path = written(replace(model, components=(*model.components, network)), tmp_path / "a.h5", double=True)
    (found,) = network_in(read_file(path)).children[1].children.parts  # type: ignore[attr-defined]
    assert isinstance(found, Rows)
    assert all(found.columns[name].same(column) for name, column in columns.items())
    assert found.attributes == {"delay": "1ms"}


def test_own_types_stand_in_the_file_too(tmp_path: Path) -> None:
    """A network of cells that NeuroML does not know is run from the file alone."""
    exp = SimulationExperiment.from_string("""
network:
  dynamics:
    cell:
      parameters: {a: 2}
      coupling_inputs: {I: {}}
      state_variables: {v: {equation: a*I - v, initial_value: 0.5}}
      events: {spike: {condition: v > 0.4, affect: v = 0}}
    syn: {iri: neuroml:expOneSynapse, parameters: {gbase: 1 nS, erev: 0 mV, tauDecay: 3 ms}}
    iaf: {iri: neuroml:iafCell, parameters: {leakReversal: -50 mV, thresh: -55 mV, reset: -70 mV, C: 0.2 nF,
      leakConductance: 0.01 uS}}
  populations: {P: {dynamics: cell, size: 3}, Q: {dynamics: iaf, size: 4}}
  projections: {PQ: {source: P, target: Q, synapse: syn, rule: {type: all_to_all, weight: {value: 0.5}}}}
integration: {step_size: 0.01, duration: 20, time_scale: ms}
""")
    (path,) = exp.save(tmp_path / "own.net.nml.h5", losses=Losses())
    wanted = recorded("P[0]/v", "Q[3]/v")
    ours = native.run_linked(simulated(read_file(path), replace(wanted, attributes={
        **wanted.attributes, "target": network_in(link(exp.model())).id or ""})))  # fmt: skip
    theirs = exp.run().recording
    for quantity in ours.quantities:
        n = len(ours.time)
        assert (ours.trace(quantity)[: len(theirs.time)] == theirs.trace(quantity)[:n]).all()


def test_a_document_longer_than_an_old_attribute(tmp_path: Path) -> None:
    """The XML inside may be longer than the 64 KiB that older HDF5 allows an attribute."""
    cells = "".join(CELLS.replace('id="', f'id="x{k}') for k in range(150))
    path = written(document(cells + NETWORK), tmp_path / "long.nml.h5")
    assert len(read_file(path).components) == 151 * 6 + 1
    assert len(peer(path).iaf_cells) == 151


# ---- libNeuroML ----------------------------------------------------------------------------------------


def peer(path: Path) -> object:
    """The document as libNeuroML loads it."""
    loaders = pytest.importorskip("neuroml.loaders")
    pytest.importorskip("tables")
    return loaders.NeuroMLHdf5Loader.load(str(path))


def told(network: object) -> dict[str, object]:
    """All that libNeuroML's objects say of a network, as plain values."""
    cell = re.compile(r"(?:\.\./)?(\w+)(?:\[(\d+)\]|/(\d+)/\w+)")

    def at(path: str) -> tuple[str, ...]:
        found = cell.fullmatch(path)
        return (found[1], found[2] or found[3]) if found else (path,)

    def ms(text: str) -> float:
        return np.float32(text[:-2] if text.endswith("ms") else float(text[:-1]) * 1000)

    found: dict[str, object] = {"temperature": network.temperature}
    for item in network.populations:
        places = [(one.location.x, one.location.y, one.location.z) for one in item.instances]
        properties = [(one.tag, one.value) for one in item.properties]
        size = len(places) or item.size
        found[item.id] = (item.component, size, np.float32(places).tolist(), properties)
    for item in network.projections:
        rows = [
            (*at(one.pre_cell_id), *at(one.post_cell_id), int(one.pre_segment_id), int(one.post_segment_id),
             np.float32(one.pre_fraction_along), np.float32(one.post_fraction_along))
            for one in (*item.connections, *item.connection_wds)
        ]  # fmt: skip
        weights = [(np.float32(one.weight), ms(one.delay)) for one in item.connection_wds]
        found[item.id] = (
            item.synapse,
            item.presynaptic_population,
            item.postsynaptic_population,
            rows,
            weights,
        )
    for item in network.electrical_projections:
        every = (*item.electrical_connections, *item.electrical_connection_instances,
                 *item.electrical_connection_instance_ws)  # fmt: skip
        found[item.id] = [
            (*at(one.pre_cell), *at(one.post_cell), one.synapse, float(getattr(one, "weight", 1) or 1))
            for one in every
        ]
    for item in network.continuous_projections:
        every = (*item.continuous_connections, *item.continuous_connection_instances,
                 *item.continuous_connection_instance_ws)  # fmt: skip
        found[item.id] = [
            (*at(one.pre_cell), *at(one.post_cell), one.pre_component, one.post_component,
             float(getattr(one, "weight", 1) or 1))
            for one in every
        ]  # fmt: skip
    for item in network.input_lists:
        found[item.id] = (item.component, item.populations, [
            (*at(one.target), np.float32(getattr(one, "weight", 1))) for one in (*item.input, *item.input_ws)
        ])  # fmt: skip
    return found


@pytest.fixture
def xml(tmp_path: Path) -> Path:
    """The network as a NeuroML document, with what it includes beside it."""
    files = formats.render(document(), "neuroml", losses=Losses())
    assert isinstance(files, Files)
    write_files(tmp_path / "xml", files)
    return tmp_path / "xml" / files.main


@pytest.mark.parametrize("double", [False, True])
def test_libneuroml_reads_what_we_write(xml: Path, tmp_path: Path, double: bool) -> None:
    """Its objects are those that it makes of the XML: places, weights, delays, inputs, all projections."""
    loaders = pytest.importorskip("neuroml.loaders")
    path = written(document(), tmp_path / "a.nml.h5", double=double)
    ours = peer(path).networks[0]
    assert told(ours) == told(loaders.read_neuroml2_file(str(xml)).networks[0])
    assert [one.id for one in peer(path).pulse_generators] == ["pulse"]


def test_we_read_what_libneuroml_writes(xml: Path, tmp_path: Path) -> None:
    """The same network, its populations and projections in the order of their names."""
    model = read_file(theirs(xml, tmp_path))
    network = network_in(model)
    assert [item.id for item in network.children] == [
        "placed", "plain", "fro", "to", "gaps", "gapsW", "graded_", "in", "inW",
    ]  # fmt: skip
    mine = {item.id: normal(item) for item in network_in(document()).children}
    for item in network.children:
        rows = [normal(replace(one, id=None)) for one in item.children]
        rows_there = [normal(replace(one, id=None)) for one in next(
            other for other in network_in(document()).children if other.id == item.id).children]  # fmt: skip
        assert rows == rows_there
        assert normal(replace(item, children=()))[:4] == mine[item.id][:4]


def theirs(xml: Path, folder: Path) -> Path:
    """The document in HDF5 as libNeuroML writes it."""
    loaders = pytest.importorskip("neuroml.loaders")
    writers = pytest.importorskip("neuroml.writers")
    pytest.importorskip("tables")
    found = loaders.read_neuroml2_file(str(xml), include_includes=True)
    writers.NeuroMLHdf5Writer.write(found, str(folder / "theirs.net.nml.h5"))
    return folder / "theirs.net.nml.h5"


@NEEDS_JAVA
def test_what_libneuroml_writes_runs_as_jlems_runs_the_xml(xml: Path, tmp_path: Path) -> None:
    """Cells with event, electrical and graded connections and inputs, in the order of the file: the traces
    that jLEMS prints.
    """
    wanted = recorded("plain[0]/v", "plain[1]/v", "placed/0/c/v", "placed/1/c/v")
    model = read_file(theirs(xml, tmp_path))
    ours = native.run_linked(simulated(model, wanted))
    network = network_in(document())
    order = [item.id for item in network_in(model).children]
    children = sorted(network.children, key=lambda item: order.index(item.id))
    components = (*own(document())[:-1], replace(network, children=tuple(children)), wanted)
    judge = jlems.run_model(m.Model(target="sim", includes=CORE, components=components))
    assert np.ptp(judge.trace("placed/1/c/v")) > 1e-3
    for quantity in judge.quantities:
        assert (ours.trace(quantity).astype(np.float32) == judge.trace(quantity).astype(np.float32)).all()


@NEEDS_JAVA
def test_jneuroml_reads_what_we_write(tmp_path: Path) -> None:
    """Within a LEMS file, a network whose cells all have places runs as its XML does, to the last float32."""
    network = re.sub(
        r"<(projection|electrical\w+|continuous\w+|inputList) (?:(?!</\1>).)*plain.*?</\1>",
        "",
        NETWORK,
        flags=re.S,
    )
    connections = """
      <projection id="on" presynapticPopulation="placed" postsynapticPopulation="placed" synapse="s">
        <connectionWD id="0" preCellId="../placed/0/c" postCellId="../placed/1/c" weight="2.5" delay="0.5ms"/>
      </projection>"""
    network = re.sub(r'<population id="plain".*?/>', connections, network)
    model = document(network)
    wanted = recorded("placed/0/c/v", "placed/1/c/v")
    model = replace(model, target="sim", components=(*model.components, wanted))
    files = formats.render(model, "neuroml", hdf5=True, losses=Losses())
    assert isinstance(files, Files)
    write_files(tmp_path, files)
    done = subprocess.run(
        command(tmp_path / files.main, "-nogui"), cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (tmp_path / "of.dat").is_file(), done.stdout + done.stderr
    theirs = read_dat(tmp_path / "of.dat")[:, 1:].astype(np.float32)
    assert np.ptp(theirs[:, 1]) > 0.01
    assert (native.run_linked(model).values.astype(np.float32) == theirs).all()


@NEEDS_JAVA
def test_jlems_runs_a_lems_file_that_includes_hdf5(xml: Path, tmp_path: Path) -> None:
    """It is given the network as XML, for jNeuroML reads few such files; nothing is written beside it."""
    path = written(document(), tmp_path / "h5" / "net.net.nml.h5")
    includes = "".join(f'<Include file="{item.file}"/>' for item in (*CORE, m.Include(path.name)))
    main = path.with_name("LEMS_net.xml")
    main.write_text(f"""<Lems><Target component="sim"/>{includes}
      <Simulation id="sim" length="5ms" step="0.01ms" target="net"><OutputFile id="of" fileName="of.dat">
      <OutputColumn id="v" quantity="plain[0]/v"/></OutputFile></Simulation></Lems>""")
    judge = jlems.run_file(main)
    assert (native.run_file(main).values.astype(np.float32) == judge.values.astype(np.float32)).all()
    assert {one.name for one in main.parent.iterdir()} == {main.name, path.name}


# ---- numbers -------------------------------------------------------------------------------------------

finite = st.floats(width=32, allow_nan=False, allow_infinity=False)


@given(st.lists(finite, min_size=1))
def test_a_float32_stands_for_its_shortest_decimal(numbers: list[float]) -> None:
    """The one that numpy prints, as a double."""
    narrow = np.array(numbers, dtype=np.float32)
    assert decimals(narrow).tolist() == [float(str(number)) for number in narrow]


@given(st.lists(st.decimals(-10000, 10000, places=2)))
def test_short_decimals_survive_float32(numbers: list[object]) -> None:
    """Numbers of six digits do."""
    assert are_short(np.array([float(number) for number in numbers]))


ends = st.tuples(st.integers(0, 4), st.integers(0, 3))
magnitudes = st.tuples(st.floats(0, 1e6), st.floats(0, 1e3))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40)
@given(
    rows=st.lists(st.tuples(ends, magnitudes), max_size=8),
    places=st.lists(st.floats(-1e4, 1e4), min_size=5, max_size=5),
)
def test_any_connections_come_back(tmp_path: Path, rows: list, places: list[float]) -> None:
    """Cells, weights, delays and places, as they were."""
    cells = "".join(
        f'<instance id="{k}"><location x="{x!r}" y="0" z="1"/></instance>' for k, x in enumerate(places)
    )
    every = "".join(
        f'<connectionWD id="{k}" preCellId="../q/{pre}/c" postCellId="../p[{post}]" weight="{weight!r}"'
        f' delay="{delay!r}ms"/>'
        for k, ((pre, post), (weight, delay)) in enumerate(rows)
    )
    model = document(
        f'<network id="n"><population id="p" component="c" size="4"/><population id="q" component="c"'
        f' type="populationList">{cells}</population><projection id="a" presynapticPopulation="q"'
        f' postsynapticPopulation="p" synapse="s">{every}</projection></network>'
    )
    again = read_file(written(model, tmp_path / "a.h5", double=True))
    assert normal(network_in(again)) == normal(network_in(model))


# ---- the command line ------------------------------------------------------------------------------------


def tvbo_lite(*arguments: object) -> str:
    done = CliRunner().invoke(cli, [str(item) for item in arguments])
    assert done.exit_code == 0, done.output
    return done.output


@pytest.fixture
def yaml(tmp_path: Path) -> Path:
    """An experiment with connections by rule."""
    path = tmp_path / "net.yaml"
    path.write_text("""
network:
  dynamics:
    iaf: {iri: neuroml:iafCell, parameters: {leakReversal: -50 mV, thresh: -55 mV, reset: -70 mV, C: 0.2 nF,
      leakConductance: 0.01 uS}}
    syn: {iri: neuroml:expOneSynapse, parameters: {gbase: 0.1 nS, erev: 0 mV, tauDecay: 3 ms}}
  populations: {P: {dynamics: iaf, size: 50}, Q: {dynamics: iaf, size: 20}}
  projections:
    PQ: {source: P, target: Q, synapse: syn, rule: {type: fixed_in_degree, degree: 5, seed: 3, delay: 1.5 ms,
      weight: {value: 0.25}}}
integration: {step_size: 0.05, duration: 30, time_scale: ms}
""")
    return path


def test_the_command_line_writes_checks_and_runs(yaml: Path, tmp_path: Path) -> None:
    """convert, info, validate and run take the file by its ending; what is lost is told."""
    path = tmp_path / "net.net.nml.h5"
    assert "NeuroML has no simulations: run the file with a duration" in tvbo_lite("convert", yaml, path)
    assert "network net1: 70 cells, 100 connections, 0 inputs" in tvbo_lite("info", path)
    assert "1 file, no problems" in tvbo_lite("validate", path)
    said = tvbo_lite("run", path, "--duration", "30ms", "--step", "0.05ms", "--out", tmp_path)
    assert "net1.dat: 601 rows x 71 columns" in said
    ours = read_dat(tmp_path / "net1.dat")
    theirs = SimulationExperiment.from_file(yaml).run().recording
    assert (ours[:, 1:].astype(np.float32) == theirs.values[:, :].astype(np.float32)).all()


def test_the_command_line_names_what_is_wrong(file: Path) -> None:
    """A connection to a cell that there is not is a problem of the file, told by validate."""
    with h5py.File(file, "r+") as content:
        content[f"{FRO}/fro"][1, 0] = 7
    done = CliRunner().invoke(cli, ["validate", str(file)])
    assert done.exit_code == 2
    assert "row 1: population 'placed' has no cell 7" in done.output


def test_the_command_line_shows_such_a_file_in_other_formats(file: Path, tmp_path: Path) -> None:
    """LEMS, NeuroML in XML and YAML, each again the same network."""
    mine = normal(network_in(read_file(file)))
    tvbo_lite("convert", file, tmp_path / "net.xml")
    assert normal(network_in(read_file(tmp_path / "net.xml"))) == mine
    tvbo_lite("convert", file, tmp_path / "net.yaml")
    again = SimulationExperiment.from_file(tmp_path / "net.yaml")
    assert again.network is not None
    assert set(again.network.populations) == {"plain", "placed"}
    tvbo_lite("convert", file, tmp_path / "xml", "--to", "neuroml")
    assert normal(network_in(read_file(tmp_path / "xml" / "net.net.nml"))) == mine


def test_a_file_that_is_no_text_is_not_shown(yaml: Path) -> None:
    """render needs a place for it."""
    done = CliRunner().invoke(cli, ["render", str(yaml), "--to", "hdf5"])
    assert done.exit_code == 2
    assert "NeuroML 2 in HDF5 is no text, so give -o OUT or --folder DIR" in done.output


def test_the_command_line_writes_networks_in_hdf5_beside_the_cells(yaml: Path, tmp_path: Path) -> None:
    """With --hdf5 the documents of NeuroML have the network as tables, and a LEMS file that runs it."""
    tvbo_lite("render", yaml, "--to", "neuroml", "--hdf5", "--folder", tmp_path / "out")
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {"iaf.cell.nml", "syn.synapse.nml", "net1.net.nml.h5", "LEMS_net1.xml"}
    model = read_file(tmp_path / "out" / "LEMS_net1.xml")
    assert len(network_in(model).children[2].children) == 100
    again = SimulationExperiment.from_lems(tmp_path / "out" / "LEMS_net1.xml", losses=Losses())
    assert again.network is not None


# ---- what cannot be written ----------------------------------------------------------------------------


def lost(network: str, tmp_path: Path, **options: object) -> list[str]:
    losses = Losses()
    written(document(network), tmp_path / "a.h5", losses, **options)
    return [f"{loss.what}: {loss.reason}" for loss in losses]


def test_rounded_numbers_are_told(tmp_path: Path) -> None:
    """What float32 cannot hold is rounded, which is a loss; with ``double`` it is neither."""
    network = NETWORK.replace('weight="0.05"', 'weight="0.123456789"')
    (loss,) = lost(network, tmp_path)
    assert loss.startswith("digits of the numbers in 'fro': rounded to float32; 'double' keeps them")
    assert lost(network, tmp_path, double=True) == []


def test_what_has_no_place_is_told(tmp_path: Path) -> None:
    """Regions, indices on a grid and destinations that differ are losses, each with its place."""
    network = NETWORK.replace("<population id", '<region id="r"/><population id', 1)
    network = network.replace('<connection id="0"', '<connection id="0" destination="elsewhere"')
    found = lost(network, tmp_path)
    assert "<region> 'r': the form has no place for it" in found
    assert any(text.startswith("attribute destination='elsewhere'") for text in found)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (
            'synapse="g"/></el',
            'synapse="g"/><electricalConnection id="1" preCell="0" postCell="2" synapse="h"/></el',
            "the connections of 'gaps' differ in their 'synapse': 'g', 'h'",
        ),
        (
            'postCellId="../placed/1/c"',
            'postCellId="../plain[1]"',
            "'../plain[1]' in 'to' is no cell of the population 'placed'",
        ),
        ('delay="5.1ms"', 'delay="5.1mV"', "delay '5.1mV' in 'fro'; expected a number with a unit of time"),
        ('size="3"', 'size="many"', "population 'plain': size='many'; expected the number of cells"),
        ('<instance id="1">', '<instance id="one">', "a cell has the id 'one'; expected a number"),
        ('x="10"', 'x="ten"', "the place of cell 1"),
        ('id="fro"', 'id="to"', "there are two groups 'projection_to'; expected an id of its own for each"),
        ('id="fro"', 'id="t/o"', "<projection> has the id 't/o'; expected a name"),
        ('preCellId="../plain[0]"', "", "a connection of 'to' has no cell at one end"),
    ],
)
def test_a_network_that_would_be_another_is_refused(old: str, new: str, words: str) -> None:
    """Nothing is written of it; the message has the network, the place and what was expected."""
    assert old in NETWORK
    with pytest.raises(RenderError) as caught:
        formats.render(document(NETWORK.replace(old, new)), "hdf5", losses=Losses())
    assert "NeuroML in HDF5 cannot hold network 'net'" in str(caught.value)
    assert words in str(caught.value)
    assert "network.xml:" in str(caught.value)


def test_there_must_be_a_network() -> None:
    """A model without one is refused, and so is a name that none has."""
    with pytest.raises(RenderError, match="the model has no network"):
        formats.render(document(""), "hdf5")
    with pytest.raises(RenderError, match="no network 'nett'; did you mean 'net'"):
        formats.render(document(), "hdf5", network="nett")


def test_cells_that_differ_are_refused() -> None:
    """A population whose cells have parameters of their own has no form in HDF5."""
    exp = SimulationExperiment.from_string("""
network:
  dynamics:
    cell:
      parameters: {a: {distribution: {name: Uniform, domain: {lo: 0, hi: 1}, seed: 1}}}
      state_variables: {v: {equation: a - v, initial_value: 0}}
  populations: {P: {dynamics: cell, size: 3}}
integration: {step_size: 0.1, duration: 1, time_scale: ms}
""")
    with pytest.raises(RenderError, match=r"'P' is of the type '.*'; expected population"):
        exp.render("hdf5", losses=Losses())


# ---- files that are wrong --------------------------------------------------------------------------------


def problems(path: Path) -> str:
    with pytest.raises(ReadError) as caught:
        read_file(path)
    assert str(path) in str(caught.value)
    return str(caught.value)


NET = "neuroml/network"
FRO = f"{NET}/projection_fro"


def without(name: str):
    def change(file) -> None:
        place, _, key = name.rpartition("@")
        if place:
            del file[place].attrs[key]
        else:
            del file[key]

    return change


def attribute(name: str, value: object):
    def change(file) -> None:
        place, _, key = name.rpartition("@")
        file[place].attrs[key] = value

    return change


def number(table: str, row: int, column: int, value: float):
    def change(file) -> None:
        file[table][row, column] = value

    return change


def table(place: str, data: object):
    def change(file) -> None:
        name = place.rpartition("/")[2]
        old = dict(file[place].attrs)
        del file[place]
        made = file.create_dataset(place, data=data)
        made.attrs.update(old)
        assert name

    return change


def linked(file) -> None:
    del file[FRO]
    file[FRO] = h5py.ExternalLink("elsewhere.h5", "/a")


def group(name: str):
    def change(file) -> None:
        file.create_group(name)

    return change


WRONG = {
    "no root": (without("neuroml"), "there is no group 'neuroml'"),
    "unknown group": (
        group(f"{NET}/populatoin_x"),
        "group 'populatoin_x' is not known here; expected population_<id>",
    ),
    "unknown root group": (
        group("neuroml/netwrok"),
        "group 'netwrok' is not known here; expected network; did you mean",
    ),
    "no id": (without(f"{FRO}@id"), "neuroml/network/projection_fro: there is no attribute 'id'"),
    "no component": (without(f"{NET}/population_plain@component"), "there is no attribute 'component'"),
    "no size": (without(f"{NET}/population_plain@size"), "neither an attribute 'size' nor a table of places"),
    "odd size": (
        attribute(f"{NET}/population_plain@size", "-3"),
        "found size=-3; expected the number of cells",
    ),
    "no synapse": (without(f"{FRO}@synapse"), "there is no attribute 'synapse'"),
    "no such population": (
        attribute(f"{FRO}@presynapticPopulation", "placd"),
        "there is no population 'placd'; did you mean 'placed'?",
    ),
    "unknown type": (
        attribute(f"{FRO}@type", "projections"),
        "found type='projections'; expected projection, electricalProjection",
    ),
    "column name": (
        attribute(f"{FRO}/fro@column_2", "wieght"),
        "column 2 is called 'wieght'; expected pre_cell_id",
    ),
    "column twice": (attribute(f"{FRO}/fro@column_2", "delay"), "columns have the same name"),
    "column missing": (without(f"{FRO}/fro@column_0"), "there is no column 'pre_cell_id'"),
    "column too many": (
        attribute(f"{FRO}/fro@column_9", "delay"),
        "attribute 'column_9'; expected column_0 to column_4",
    ),
    "source out of range": (
        number(f"{FRO}/fro", 1, 0, 7),
        "row 1: population 'placed' has no cell 7; expected a number from 0 to 1",
    ),
    "target out of range": (
        number(f"{FRO}/fro", 0, 1, -1),
        "row 0: population 'plain' has no cell -1; expected a number from 0 to 2",
    ),
    "half a cell": (number(f"{FRO}/fro", 0, 1, 0.5), "row 0, column 1: found 0.5; expected a whole number"),
    "no number": (number(f"{FRO}/fro", 1, 2, np.nan), "row 1, column 2: found nan; expected a number"),
    "infinite delay": (number(f"{FRO}/fro", 1, 3, np.inf), "row 1, column 3: found inf; expected a number"),
    "infinite place": (number(f"{NET}/population_placed/placed", 1, 0, np.inf), "row 1, column 0: found inf"),
    "input out of range": (
        number(f"{NET}/inputList_inW/inW", 1, 0, 2),
        "row 1: population 'placed' has no cell 2",
    ),
    "one dimension": (
        table(f"{FRO}/fro", np.arange(4.0)),
        "found float64 of shape (4,); expected numbers in rows and columns",
    ),
    "texts": (table(f"{FRO}/fro", np.array([[b"a"]])), "expected numbers in rows and columns"),
    "link": (linked, "a link to elsewhere is not followed"),
    "xml": (attribute("neuroml@neuroml_top_level", "<neuroml"), "neuroml_top_level:1: not well-formed XML"),
}


@pytest.mark.parametrize("fault", sorted(WRONG))
def test_a_fault_is_told_with_its_place(fault: str, file: Path) -> None:
    """The group or table, what was found and what was expected; of a number the row."""
    change, words = WRONG[fault]
    with h5py.File(file, "r+") as content:
        change(content)
    assert words in problems(file)


def test_all_faults_are_told_at_once(file: Path) -> None:
    """Those of different groups, in one error."""
    with h5py.File(file, "r+") as content:
        for fault in ("no component", "column name", "input out of range", "unknown group"):
            WRONG[fault][0](content)
    found = problems(file)
    for fault in ("no component", "column name", "unknown group"):
        assert WRONG[fault][1] in found


def test_a_table_that_claims_rows_it_has_not_is_refused(file: Path) -> None:
    """A small file cannot make the reader fill the memory."""
    with h5py.File(file, "r+") as content:
        names = dict(content[FRO]["fro"].attrs)
        del content[FRO]["fro"]
        made = content[FRO].create_dataset("fro", (10**12, 5), "f4", chunks=(1024, 5))
        made.attrs.update(names)
    assert "it has 1000000000000 rows, but the file holds no numbers for them" in problems(file)


def test_what_is_no_hdf5_is_told(tmp_path: Path) -> None:
    """A text under such a name, and no file at all."""
    path = tmp_path / "a.nml.h5"
    path.write_text("<neuroml/>")
    assert "is no HDF5 file" in problems(path)
    with pytest.raises(ReadError, match="there is no such file"):
        read_file(tmp_path / "b.nml.h5")


def test_half_a_file_is_told(file: Path) -> None:
    """Cut off anywhere, a file is refused as such."""
    whole = file.read_bytes()
    for length in range(0, len(whole), max(1, len(whole) // 40)):
        file.write_bytes(whole[:length])
        problems(file)


def test_without_h5py_the_way_to_it_is_told(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading and writing name the command that installs it; nothing half-written is left."""
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(UnsupportedError, match=r"pip install 'tvbo-lite\[hdf5\]'"):
        read_file(file)
    with pytest.raises(UnsupportedError, match=r"pip install 'tvbo-lite\[hdf5\]'"):
        written(document(), file.with_name("other.h5"))
    assert [path.name for path in file.parent.iterdir()] == [file.name]


def test_a_file_of_old_tools_is_read(tmp_path: Path) -> None:
    """Texts as arrays, as Java writes them, pickled None of PyTables, columns of places without names."""
    path = tmp_path / "old.h5"
    with h5py.File(path, "w") as content:
        root = content.create_group("neuroml")
        root.attrs["notes"] = np.bytes_(b"N.")
        root.attrs["neuroml_top_level"] = f'<neuroml xmlns="x" id="d">{CELLS}</neuroml>'
        network = root.create_group("network")
        network.attrs["id"] = np.array([b"net"])
        population = network.create_group("population_p")
        population.attrs.update(
            {"id": np.array([b"p"]), "component": np.array([b"c"]), "size": np.array([2])}
        )
        population.create_dataset("p", data=np.array([[0, 1, 2, 3], [1, 4, 5, 6]], dtype=np.float32))
        inputs = network.create_group("input_list_i")
        inputs.attrs.update({"id": "i", "component": "pulse", "population": "p"})
        table = inputs.create_dataset("i", data=np.array([[0, 1]]))
        table.attrs.update({"column_0": np.array([b"id"]), "column_1": np.array([b"target_cell_id"])})
    population_, inputs_ = network_in(read_file(path)).children
    assert [child.children[0].attributes["z"] for child in population_.children] == ["3", "6"]
    assert inputs_.children[0].attributes == {"target": "../p/1/c", "destination": "synapses"}


def test_ids_of_cells_need_not_be_their_numbers(tmp_path: Path) -> None:
    """Paths go by the id; such a network runs the same."""
    network = NETWORK.replace('<instance id="1">', '<instance id="7">').replace("placed/1/", "placed/7/")
    path = written(document(network), tmp_path / "a.h5")
    wanted = recorded("placed/7/c/v", "plain[0]/v")
    ours = native.run_linked(simulated(read_file(path), wanted))
    model = document(network)
    theirs = native.run_linked(replace(model, target="sim", components=(*model.components, wanted)))
    assert ours.values.tobytes() == theirs.values.tobytes()


DAMAGE = """
import random, sys
from pathlib import Path
from tvbo_lite.errors import ReadError
from tvbo_lite.formats.lems.reader import read_file
path = Path(sys.argv[1])
whole = path.read_bytes()
for seed in range(80):
    rng = random.Random(seed)
    content = bytearray(whole)
    for _ in range(rng.choice([1, 3, 20])):
        content[rng.randrange(len(content))] = rng.randrange(256)
    path.write_bytes(content)
    try:
        read_file(path)
    except ReadError:
        pass
print("done")
"""


def test_a_damaged_file_is_refused_or_read(file: Path) -> None:
    """Whatever bytes are changed, there is an error of ours or a model, and no other end."""
    command = [sys.executable, "-c", DAMAGE, str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout == "done\n", done.stderr

"""Instances share code and arrays: what a block is, and that lists of unequal length are advanced in order."""

# ruff: noqa: E501  the XML of small models reads better unbroken

import random

import numpy as np
import pytest

from tvbo_lite.backends import jlems, native
from tvbo_lite.compiler import llvm
from tvbo_lite.compiler.interpreter import interpret
from tvbo_lite.formats.lems import reader
from tvbo_lite.transforms.instances import Instance
from tvbo_lite.transforms.instantiate import populate
from tvbo_lite.transforms.resolve import Resolver

INCLUDES = "".join(f'<Include file="{name}.xml"/>' for name in ("Cells", "Networks", "Inputs", "Simulation"))
CELL = '<izhikevich2007Cell id="iz" v0="-60mV" C="100 pF" k="0.7 nS_per_mV" vr="-60 mV" vt="-40 mV" vpeak="35 mV" a="0.03 per_ms" b="-2 nS" c="-50 mV" d="100 pA"/>'
SYNAPSES = """<expOneSynapse id="A" gbase="5nS" erev="0mV" tauDecay="5ms"/>
<expOneSynapse id="D" gbase="4nS" erev="-10mV" tauDecay="2ms"/>
<expTwoSynapse id="B" gbase="3nS" erev="-80mV" tauRise="1ms" tauDecay="7ms"/>
<alphaSynapse id="C" gbase="2nS" erev="-70mV" tau="3ms"/>
<pulseGenerator id="pg" delay="5ms" duration="60ms" amplitude="0.15 nA"/>"""


def document(network, columns, length="80ms"):
    written = "".join(f'<OutputColumn id="c{n}" quantity="{one}"/>' for n, one in enumerate(columns))
    return f"""<Lems><Target component="sim"/>{INCLUDES}{CELL}{SYNAPSES}<network id="net">{network}</network>
<Simulation id="sim" length="{length}" step="0.05ms" target="net"><OutputFile id="o" fileName="o.dat">{written}</OutputFile></Simulation></Lems>"""


def random_network(seed, cells, connections):
    """Two populations; synapses of four kinds in runs whose order differs from cell to cell."""
    draw = random.Random(seed)
    sizes = {"p": cells, "q": cells // 2}
    parts = [f'<population id="{name}" component="iz" size="{size}"/>' for name, size in sizes.items()]
    for number in range(8):
        pre, post = draw.choice("pq"), draw.choice("pq")
        synapse = draw.choice("AABCD")
        rows = []
        for n in range(connections // 8):
            ends = f'preCellId="../{pre}[{draw.randrange(sizes[pre])}]" postCellId="../{post}[{draw.randrange(sizes[post])}]"'
            weighted = f'weight="{draw.random():.3f}" delay="{draw.randrange(4)}ms"'
            rows.append(
                f'<connectionWD id="{n}" {ends} {weighted}/>'
                if draw.random() < 0.5
                else f'<connection id="{n}" {ends}/>'
            )
        parts.append(
            f'<projection id="r{number}" presynapticPopulation="{pre}" postsynapticPopulation="{post}" synapse="{synapse}">{"".join(rows)}</projection>'
        )
    parts += [f'<explicitInput target="p[{k}]" input="pg"/>' for k in range(0, cells, 2)]
    columns = [f"{name}[{k}]/v" for name, size in sizes.items() for k in range(size)]
    return document("".join(parts), columns)


def both(text, folder):
    """The recordings of the native engine and of jLEMS."""
    file = folder / "model.xml"
    file.write_text(text, encoding="utf-8")
    return native.run_file(file), jlems.run_file(file)


def forest(text):
    resolver = Resolver(reader.link_string(text))
    return populate(resolver.component("net", resolver.model.location))


@pytest.mark.parametrize("seed", [1, 2])
def test_cells_with_different_synapses_agree_with_jlems_to_the_last_float32(seed, tmp_path):
    """Every cell has another number of synapses, of several kinds in an order of its own."""
    ours, theirs = both(random_network(seed, 12, 120), tmp_path)
    assert ours.values.std() > 1e-3
    assert np.array_equal(ours.values.astype("f4"), theirs.values.astype("f4"))


def test_the_judge_agrees_on_a_network_of_unequal_lists():
    """Loops over lists of unequal length mean the same to the compiler and to the interpreter."""
    model = reader.link_string(random_network(3, 8, 80))
    _, program = native.prepare(model)
    kernel = native.compile_program(program)
    steps = 300
    assert np.array_equal(native.simulate(program, kernel, steps).rows, interpret(program, steps).rows)


def test_synapses_of_one_type_share_a_block_whatever_cell_they_are_on():
    """The number of blocks is that of the orders of kinds, not that of the cells."""
    small, large = (len(forest(random_network(4, cells, 10 * cells)).blocks) for cells in (40, 400))
    assert large <= 2 * small
    assert large < 100


@pytest.mark.parametrize("sizes", [(2, 50), (7, 1000)])
def test_the_code_does_not_grow_with_a_population(sizes):
    """As many lines for a thousand cells as for a few."""
    texts = []
    for size in sizes:
        text = document(f'<population id="p" component="iz" size="{size}"/>', ["p[0]/v"], "1ms")
        texts.append(llvm.module(native.prepare(reader.link_string(text))[1]).text)
    few, many = (len(text.splitlines()) for text in texts)
    assert abs(few - many) < 40  # small cells are checked for NaN one by one, large ones in a loop


def test_a_population_is_one_block_with_an_array_for_each_value():
    """Its members differ by their index alone."""
    text = document('<population id="p" component="iz" size="5"/>', ["p[0]/v"])
    cells = next(block for block in forest(text).blocks if block.kind.name == "izhikevich2007Cell")
    assert (cells.size, cells.fanout, cells.starts, cells.which) == (5, 5, None, None)
    assert cells.values["index"].tolist() == [0, 1, 2, 3, 4]


def test_populations_of_one_cell_type_are_neighbours_in_one_block():
    """Those of different sizes too; each cell belongs to its population."""
    text = document(
        '<population id="p" component="iz" size="2"/><population id="q" component="iz" size="3"/>', ["p[0]/v"]
    )
    cells = next(block for block in forest(text).blocks if block.kind.name == "izhikevich2007Cell")
    assert cells.starts is not None
    assert cells.starts.tolist() == [0, 2, 5]
    assert cells.owners().tolist() == [0, 0, 1, 1, 1]
    assert [Instance(cells, k).path() for k in range(5)] == ["p[0]", "p[1]", "q[0]", "q[1]", "q[2]"]


NESTED = """<Lems><Target component="sim"/><Include file="Simulation.xml"/>
<ComponentType name="Leaf"><Parameter name="p" dimension="none"/><Exposure name="x" dimension="none"/>
<Dynamics><StateVariable name="x" exposure="x" dimension="none"/><OnStart><StateAssignment variable="x" value="p"/></OnStart></Dynamics></ComponentType>
<ComponentType name="Other" extends="Leaf"/>
<ComponentType name="Twig"><Children name="leaves" type="Leaf"/></ComponentType>
<ComponentType name="Tree"><Children name="twigs" type="Twig"/><Exposure name="sum" dimension="none"/>
<Dynamics><DerivedVariable name="sum" exposure="sum" select="twigs[*]/leaves[*]/x" reduce="add" dimension="none"/></Dynamics></ComponentType>
<ComponentType name="Wood"><Children name="trees" type="Tree"/></ComponentType>
<Wood id="net"><Tree id="a"><Twig id="1"><Leaf id="l" p="1e16"/><Other id="o" p="1"/></Twig><Twig id="2"><Leaf id="l" p="-1e16"/></Twig></Tree>
<Tree id="b"><Twig id="1"><Leaf id="l" p="1"/><Other id="o" p="1e16"/></Twig><Twig id="2"><Leaf id="l" p="-1e16"/></Twig></Tree>
<Tree id="c"/></Wood>
<Simulation id="sim" length="1ms" step="1ms" target="net"><OutputFile id="f" fileName="f.dat">
<OutputColumn id="a" quantity="a/sum"/><OutputColumn id="b" quantity="b/sum"/><OutputColumn id="c" quantity="c/sum"/></OutputFile></Simulation></Lems>"""


def test_lists_of_lists_are_added_up_in_their_order(tmp_path):
    """1e16 + 1 - 1e16 is 0 in this order, and 1 + 1e16 - 1e16 too; nothing is 0. jLEMS says the same."""
    ours, theirs = both(NESTED, tmp_path)
    assert np.array_equal(ours.values, theirs.values)
    assert ours.values[1].tolist() == [0.0, 0.0, 0.0]

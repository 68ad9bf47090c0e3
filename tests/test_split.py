"""Loops in several parts give the same bits as jLEMS's order, and are left whole where it would tell."""

# ruff: noqa: E501  the XML of small models reads better unbroken

from dataclasses import replace

import numpy as np
import pytest

from tvbo_lite.backends import native
from tvbo_lite.compiler import ir, llvm
from tvbo_lite.compiler.split import split_loops
from tvbo_lite.formats.lems import reader

HEAD = '<Lems><Target component="sim"/><Include file="Cells.xml"/><Include file="Networks.xml"/><Include file="Inputs.xml"/><Include file="Simulation.xml"/>'
CELL = '<izhikevich2007Cell id="iz" v0="-60mV" C="100 pF" k="0.7 nS_per_mV" vr="-60 mV" vt="-40 mV" vpeak="35 mV" a="0.03 per_ms" b="-2 nS" c="-50 mV" d="100 pA"/>'
SYNAPSE = '<expOneSynapse id="s" gbase="5nS" erev="0mV" tauDecay="5ms"/><pulseGenerator id="pg" delay="2ms" duration="60ms" amplitude="0.15 nA"/>'


def document(delay, size=20, more=""):
    """A ring of cells; the first has an input, so that the lists of inputs differ."""
    wires = "".join(
        f'<connectionWD id="{k}" preCellId="../p[{k}]" postCellId="../p[{(k + 1) % size}]" weight="9" delay="{delay}"/>'
        for k in range(size)
    )
    columns = "".join(f'<OutputColumn id="c{k}" quantity="p[{k}]/v"/>' for k in range(size))
    return f"""{HEAD}{CELL}{SYNAPSE}<network id="net"><population id="p" component="iz" size="{size}"/>
<projection id="r" presynapticPopulation="p" postsynapticPopulation="p" synapse="s">{wires}</projection>
<explicitInput target="p[0]" input="pg"/>{more}</network>
<Simulation id="sim" length="60ms" step="0.05ms" target="net"><OutputFile id="o" fileName="o.dat">{columns}</OutputFile></Simulation></Lems>"""


def program_of(text):
    return native.prepare(reader.link_string(text))[1]


def loops(program):
    """The loops over cells at the top of a step."""
    population = next(item for item in program.step.body if isinstance(item, ir.Each))
    while not any(child.kind.is_a("baseCell") for child in population.block.children):
        population = next(item for item in population.body if isinstance(item, ir.Each))
    return [item for item in population.body if isinstance(item, ir.Each)]


def rows(program, monkeypatch=None):
    if monkeypatch is not None:
        monkeypatch.setattr(llvm, "split_loops", lambda whole: whole)
    kernel = native.compile_program(program)
    return native.simulate(program, kernel, 1200).rows


def test_delayed_events_leave_the_order_free(monkeypatch):
    """Inputs, cells and spikes are loops of their own, and nothing changes by it."""
    program = program_of(document("2 ms"))
    assert len(loops(program)) == 1
    assert len(loops(split_loops(program))) > 2
    split, whole = rows(program), rows(program, monkeypatch)
    assert np.ptp(split[:, 1:]) > 0.05
    assert np.array_equal(split, whole)


def test_immediate_events_do_not():
    """A cell that spikes changes the next one in the same step: the loop is left whole."""
    assert len(loops(split_loops(program_of(document("0 ms"))))) == 1


def test_gap_junctions_see_what_jlems_shows_them(monkeypatch):
    """They keep the potential of their cell as it was; so that the loops may be split, and nothing changes."""
    gap = '<electricalProjection id="g" presynapticPopulation="p" postsynapticPopulation="p"><electricalConnection id="0" preCell="0" postCell="1" synapse="gj"/></electricalProjection>'
    text = document("2 ms", more=gap).replace(
        "<network", '<gapJunction id="gj" conductance="1nS"/><network', 1
    )
    program = program_of(text)
    assert len(loops(split_loops(program))) > 2
    split, whole = rows(program), rows(program, monkeypatch)
    assert np.array_equal(split, whole)


FIRING = """<ComponentType name="cellM" extends="baseSpikingCell"><Parameter name="p" dimension="none"/><Exposure name="x" dimension="none"/>
<Constant name="MS" dimension="time" value="1ms"/><Dynamics><StateVariable name="x" exposure="x" dimension="none"/>
<TimeDerivative variable="x" value="(p - x)/MS"/>
<OnCondition test="x .gt. 0.5"><StateAssignment variable="x" value="0"/><EventOut port="spike"/></OnCondition></Dynamics></ComponentType>"""


def test_a_cell_that_reads_others_by_a_path_keeps_the_order():
    """Each sees those before it as they are after their step: the loop is left whole."""
    text = f"""{HEAD}{FIRING}<cellM id="c" p="1"/>
<network id="net"><population id="p" component="c" size="20"/></network>
<Simulation id="sim" length="5ms" step="0.05ms" target="net"><OutputFile id="o" fileName="o.dat"><OutputColumn id="x" quantity="p[0]/x"/></OutputFile></Simulation></Lems>"""
    program = program_of(text)
    (loop,) = loops(program)
    cell = next(one for one in program.cells if one.name == "x")
    neighbour = ir.Let(ir.Temp(900), ir.Load(loop.block, cell.offset + 1, 0))  # x of the second, for all
    whole = ir.Each(loop.block, (neighbour, *loop.body))
    assert len(split_of(program, loop)) > 1
    assert len(split_of(program, whole)) == 1


def split_of(program, loop):
    """The loops that one loop becomes."""
    program = replace(program, step=replace(program.step, body=(loop,)))
    return split_loops(program).step.body


def test_few_instances_stay_in_one_loop():
    """Ten cells are no work."""
    assert len(loops(split_loops(program_of(document("2 ms", size=10))))) == 1


@pytest.mark.parametrize("size", [20, 33])
def test_a_value_that_two_loops_share_has_memory_of_its_own(size):
    """Cells of memory are added behind those that the program knows."""
    program = program_of(document("2 ms", size=size))
    split = split_loops(program)
    added = split.cells[len(program.cells) :]
    assert added
    assert all(cell.size == size and cell.offset >= len(program.memory) for cell in added)
    assert len(split.memory) == len(program.memory) + size * len(added)

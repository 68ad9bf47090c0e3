"""What a program must keep to before code is made from it: each rule, broken once."""

# ruff: noqa: E501  the XML of small models reads better unbroken

from dataclasses import dataclass, replace

import numpy as np
import pytest

from tvbo_lite.backends import native
from tvbo_lite.compiler import ir, verify
from tvbo_lite.errors import CompileError
from tvbo_lite.expr.tree import Binary, Call, Name, Negate, Not, Number, Select
from tvbo_lite.formats.lems import reader
from tvbo_lite.formats.neuroml import jar

TEXT = """<Lems><Target component="sim"/><Include file="Simulation.xml"/>
<ComponentType name="Cell"><EventPort name="spike" direction="out"/><EventPort name="in" direction="in"/>
<Dynamics><StateVariable name="v" dimension="none"/>
<OnCondition test="v .gt. 1"><EventOut port="spike"/></OnCondition>
<OnEvent port="in"><StateAssignment variable="v" value="v + 1"/></OnEvent></Dynamics></ComponentType>
<ComponentType name="Wire"><Path name="from"/><Path name="to"/><Structure><With instance="from" as="a"/>
<With instance="to" as="b"/><EventConnection from="a" to="b"/></Structure></ComponentType>
<ComponentType name="Net"><Children name="cells" type="Cell"/><Children name="wires" type="Wire"/></ComponentType>
<Net id="net"><Cell id="a"/><Cell id="b"/><Cell id="c"/>
<Wire id="1" from="a" to="b"/><Wire id="2" from="b" to="c"/><Wire id="3" from="c" to="a"/></Net>
<Simulation id="sim" length="1ms" step="0.1ms" target="net"><OutputFile id="o" fileName="o.dat">
<OutputColumn id="v" quantity="a/v"/></OutputFile></Simulation></Lems>"""
ONE, TRUE = Number(1.0), Binary("lt", Number(0.0), Number(1.0))
FIRST = ir.RESERVED  # the first cell that may be written


@pytest.fixture
def program():
    """Blocks: the root and, below it, three cells in a ring."""
    return native.prepare(reader.link_string(TEXT))[1]


def broken(program, *statements):
    """The message for a program whose step is these statements."""
    program.step = replace(program.step, body=tuple(statements))
    with pytest.raises(CompileError) as error:
        verify.verify(program)
    return str(error.value)


def root_of(program):
    return program.step.block


def below(program):
    return root_of(program).children[0]


def cell(program, offset=FIRST):
    return ir.Load(root_of(program), offset)


@pytest.mark.parametrize("name", [n for n in jar.example_names() if "MultiComp" not in n])
def test_what_the_compiler_makes_keeps_all_rules(name):
    """Every canonical example."""
    verify.verify(native.prepare(reader.read_file(name))[1])


# ---- temporaries -------------------------------------------------------------------------------------


def test_a_temporary_is_set_before_it_is_used(program):
    assert "temporary 900" in broken(program, ir.Store(cell(program), ir.Temp(900)))


def test_a_temporary_set_in_one_branch_is_unknown_after_it(program):
    branch = ir.If(TRUE, (ir.Let(ir.Temp(901), ONE),))
    assert "temporary 901" in broken(program, branch, ir.Store(cell(program), ir.Temp(901)))


def test_a_temporary_set_in_a_loop_is_unknown_after_it(program):
    loop = ir.Each(below(program), (ir.Let(ir.Temp(902), ONE),))
    assert "temporary 902" in broken(program, loop, ir.Store(cell(program), ir.Temp(902)))


def test_a_temporary_is_not_set_again_in_a_branch(program):
    """After it, the code would not know which of the two values is meant."""
    let = ir.Let(ir.Temp(903), ONE)
    assert "set again" in broken(program, let, ir.If(TRUE, (let,)))


def test_temporaries_known_outside_are_known_inside(program):
    let = ir.Let(ir.Temp(904), ONE)
    use = ir.Store(cell(program), ir.Temp(904))
    program.step = replace(program.step, body=(let, ir.If(TRUE, (use,), (use,)), let, use))
    verify.verify(program)


# ---- memory ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("offset", "stride"), [(-1, 1), (10**6, 1), (FIRST, 10**5), (FIRST, -100)])
def test_every_place_read_lies_in_memory(program, offset, stride):
    """For the last instance as for the first."""
    body = ir.Let(ir.Temp(905), ir.Load(below(program), offset, stride))
    assert "memory" in broken(program, ir.Each(below(program), (body,)))


def test_every_place_written_lies_in_memory(program):
    assert "memory" in broken(program, ir.Store(cell(program, 10**6), ONE))


@pytest.mark.parametrize("place", [ir.TIME, ir.RANDOM, ir.RESERVED - 1])
def test_reserved_cells_are_not_written(program, place):
    assert "reserved" in broken(program, ir.Store(cell(program, place), ONE))


def test_a_reduced_list_lies_in_memory(program):
    root = root_of(program)
    zero, first, last, far = Number(0.0), ir.Affine(FIRST), ir.Affine(FIRST + 1), ir.Affine(10**6)
    assert "memory" in broken(program, ir.Reduce(ir.Temp(906), "+", zero, root, first, far))
    assert "before it begins" in broken(program, ir.Reduce(ir.Temp(906), "+", zero, root, last, first))
    assert "'-'" in broken(program, ir.Reduce(ir.Temp(906), "-", zero, root, first, last))


def test_a_list_reduced_through_a_table_has_entries_that_point_into_memory(program):
    root, zero = root_of(program), Number(0.0)
    program.tables.append(np.array([FIRST, 10**6]))
    through = len(program.tables) - 1
    whole = ir.Reduce(ir.Temp(906), "+", zero, root, ir.Affine(0), ir.Affine(2), through)
    assert "outside the memory" in broken(program, whole)
    assert "does not have" in broken(program, replace(whole, last=ir.Affine(3)))
    assert "no table" in broken(program, replace(whole, through=99))


def test_a_table_exists_and_is_long_enough(program):
    block = below(program)
    program.tables.append(np.array([FIRST]))
    short = ir.Let(ir.Temp(907), ir.Gather(block, len(program.tables) - 1))
    assert "1 entries" in broken(program, ir.Each(block, (short,)))
    none = ir.Let(ir.Temp(907), ir.Gather(block, 99))
    assert "table 99" in broken(program, ir.Each(block, (none,)))


def test_a_table_points_into_memory(program):
    program.tables.append(np.array([FIRST, 10**6, FIRST]))
    read = ir.Let(ir.Temp(907), ir.Gather(below(program), len(program.tables) - 1))
    assert "outside the memory" in broken(program, ir.Each(below(program), (read,)))


def test_recorded_places_lie_in_memory(program):
    program.records = (10**6,)
    assert "recorded" in broken(program)


def test_a_variable_has_a_cell_for_each_instance(program):
    program.cells.append(ir.Cell(below(program), "u", FIRST, 2))
    assert "'u'" in broken(program)


def test_a_variable_does_not_lie_in_reserved_cells(program):
    program.cells.append(ir.Cell(below(program), "u", ir.RESERVED - 1, 3))
    assert "reserved" in broken(program)


# ---- what is named exists ----------------------------------------------------------------------------------


def test_a_called_function_exists(program):
    assert "'nobody'" in broken(program, ir.Call("nobody", below(program)))


def test_a_function_is_called_for_its_own_block(program):
    assert "is for" in broken(program, ir.Call(program.initialise.name, below(program)))


def test_functions_have_names_of_their_own(program):
    program.functions.append(replace(program.functions[0]))
    assert "two functions" in broken(program)


def test_the_function_that_initialises_is_among_the_functions(program):
    program.functions.remove(program.initialise)
    assert "initialises" in broken(program)


def test_the_step_is_one_of_the_root(program):
    program.step = replace(program.step, block=below(program))
    assert "not the root" in broken(program)


def port_of(program):
    return next(port for port in program.ports if port.immediate)


@pytest.mark.parametrize(
    ("name", "index", "delay", "message"),
    [
        ("nobody", 0, 0.0, "'nobody'"),
        ("", 99, 0.0, "no instance 99"),
        ("", -1, 0.0, "no instance"),
        ("", 0, float("nan"), "a delay is no time"),
        ("", 0, -1.0, "a delay is no time"),
        ("", 0, float("inf"), "a delay is no time"),
    ],
)
def test_events_go_to_an_instance_of_a_handler(program, name, index, delay, message):
    port = port_of(program)
    targets = port.immediate
    targets.names = (name or targets.names[0],)
    targets.index = np.full(len(targets.index), index)
    targets.delays = np.full(len(targets.index), delay)
    assert message in broken(program)


@pytest.mark.parametrize("which", ["immediate", "recorders", "delayed"])
def test_a_port_has_targets_and_recorders_for_each_instance(program, which):
    targets = getattr(port_of(program), which)
    targets.starts = targets.starts[:-1]
    assert "its targets are not those of 3 instances" in broken(program)


def test_a_port_has_recorders_that_exist(program):
    recorders = port_of(program).recorders
    recorders.starts, recorders.index = np.array([0, 1, 1, 1]), np.array([5])
    assert "another is named" in broken(program)


def test_an_emitted_port_exists_and_is_in_reach(program):
    assert "no port 99" in broken(program, ir.Emit(99, root_of(program)))
    number = program.ports.index(port_of(program))
    assert "is one of" in broken(program, ir.Emit(number, root_of(program)))
    assert "is one of" in broken(program, ir.Emit(number, port_of(program).block))


# ---- the tree of instances ------------------------------------------------------------------------------------


def test_code_reaches_its_own_instance_and_those_around_it(program):
    assert "not around" in broken(program, ir.Let(ir.Temp(908), ir.Load(below(program), FIRST)))


def test_loops_go_down_one_level(program):
    block = below(program)
    assert "not directly below" in broken(program, ir.Each(root_of(program), ()))
    assert "not directly below" in broken(program, ir.Each(block, (ir.Each(block, ()),)))


def test_instances_are_shared_out_evenly(program):
    below(program).fanout = 2
    assert "cannot be 2 for each" in broken(program, ir.Each(below(program), ()))
    below(program).starts = np.array([0, 1])
    assert "not those of 3 instances" in broken(program, ir.Each(below(program), ()))


# ---- kinds of values ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (TRUE, "a condition stands"),
        (Negate(TRUE), "a condition stands"),
        (Call("sin", TRUE), "a condition stands"),
        (Select(((None, TRUE),)), "a condition stands"),
        (Select(((ONE, ONE),)), "a number stands"),
        (Select(((Not(ONE), ONE),)), "a number stands"),
        (Binary("+", TRUE, ONE), "'+' is not a number"),
        (Select(((Binary("and", ONE, TRUE), ONE),)), "'and' is not a condition"),
        (Select(((Binary("lt", ONE, TRUE), ONE),)), "'lt' is not a number"),
        (Binary("%", ONE, ONE), "unknown operator '%'"),
        (Call("floor", ONE), "unknown function 'floor'"),
        (Name("x"), "'x' is not bound"),
        (Number(1), "not a double"),
        ("x", "unknown value 'str'"),
    ],
)
def test_numbers_are_numbers_and_conditions_truth_values(program, value, message):
    assert message in broken(program, ir.Let(ir.Temp(909), value))


def test_a_branch_has_a_condition(program):
    assert "a number stands" in broken(program, ir.If(ONE, ()))


def test_an_edge_of_a_kinetic_scheme_joins_two_of_its_nodes(program):
    edge = ir.Edge(0, 1, ONE, ONE)
    assert "node 0 to 1" in broken(program, ir.Kinetics((cell(program),), (edge,)))
    assert "a condition" in broken(program, ir.Kinetics((cell(program),), (replace(edge, forward=TRUE),)))


def test_an_unknown_statement_is_named(program):
    @dataclass(frozen=True)
    class Jump:
        pass

    assert "'Jump'" in broken(program, Jump())


def test_the_message_names_the_function_and_its_component_type(program):
    assert broken(program, ir.Store(cell(program), ir.Temp(1000))).startswith("in 'step' of 'Net'")


def test_every_statement_has_a_rule():
    """What `ir.Statement` lists is checked."""
    assert set(verify._STATEMENTS) == set(ir.Statement.__args__)

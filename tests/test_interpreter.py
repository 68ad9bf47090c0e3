"""The interpreter judges the compiler: both give the same bits."""

# ruff: noqa: E501  the XML of small models reads better unbroken

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tvbo_lite.backends import native
from tvbo_lite.compiler import interpreter, ir
from tvbo_lite.compiler.interpreter import Machine, expm_times, interpret
from tvbo_lite.errors import CompileError, SimulationError
from tvbo_lite.expr import tree
from tvbo_lite.expr.evaluate import evaluate
from tvbo_lite.expr.lems import parse, write
from tvbo_lite.expr.tree import COMPARISONS, LOGICAL, Binary, Call, Name, Negate, Number
from tvbo_lite.formats.lems import reader
from tvbo_lite.formats.neuroml import jar

STEPS = 300
FEWER = {  # steps of the examples that take the interpreter longest
    "LEMS_NML2_Ex4a_KS.xml": 100,
    "LEMS_NML2_Ex15_CaDynamics.xml": 100,
    "LEMS_NML2_Ex18_GHK.xml": 100,
    "LEMS_NML2_Ex20a_AnalogSynapsesHH.xml": 100,
    "LEMS_NML2_Ex24_FractionalConductance.xml": 100,
    "LEMS_NML2_Ex26_Weights.xml": 30,
}
BEYOND = {"LEMS_NML2_Ex25_MultiComp.xml"}  # has cells of several compartments
EXAMPLES = [
    pytest.param(
        name, FEWER.get(name, STEPS), id=name.split("_")[2], marks=[pytest.mark.slow] * (name in FEWER)
    )
    for name in jar.example_names()
    if name not in BEYOND
]


def bits(values):
    return np.ascontiguousarray(values).view(np.int64)


def assert_same_bits(program, steps):
    """Runs a program both ways; the rows, NaN included, and the events are the same."""
    compiled = native.simulate(program, native.compile_program(program), steps)
    judged = interpret(program, steps)
    np.testing.assert_array_equal(bits(compiled.rows), bits(judged.rows))
    assert [tuple(event) for event in compiled.events.tolist()] == judged.events
    return judged


def program_of(text):
    return native.prepare(reader.link_string(text))[1]


# ---- models ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "steps"), EXAMPLES)
def test_compiled_examples_are_as_interpreted(name, steps):
    """The first steps of every canonical example that the engine runs, bit for bit."""
    assert_same_bits(native.prepare(reader.read_file(name))[1], steps)


def test_the_examples_are_all():
    """Thirty, and one that is beyond the engine."""
    assert len(EXAMPLES) == 30
    assert set(jar.example_names()) == {example.values[0] for example in EXAMPLES} | BEYOND


SMALL = """<Lems><Target component="sim"/><Include file="Cells.xml"/><Include file="Networks.xml"/>
<Include file="Simulation.xml"/>
<ComponentType name="Node"><Exposure name="q" dimension="none"/><Exposure name="occupancy" dimension="none"/>
 <Dynamics><StateVariable name="occupancy" dimension="none" exposure="occupancy"/>
 <DerivedVariable name="q" exposure="q" dimension="none" value="occupancy"/></Dynamics></ComponentType>
<ComponentType name="Step"><Parameter name="f" dimension="per_time"/><Parameter name="r" dimension="per_time"/>
 <Link name="from" type="Node"/><Link name="to" type="Node"/>
 <Exposure name="rf" dimension="per_time"/><Exposure name="rr" dimension="per_time"/>
 <Dynamics><DerivedVariable name="rf" exposure="rf" dimension="per_time" value="f*(1 + random(0.1))"/>
 <DerivedVariable name="rr" exposure="rr" dimension="per_time" value="r"/></Dynamics></ComponentType>
<ComponentType name="Gate"><Children name="nodes" type="Node"/><Children name="steps" type="Step"/>
 <Exposure name="open" dimension="none"/>
 <Dynamics><DerivedVariable name="open" dimension="none" select="nodes[*]/q" reduce="multiply"/>
 <StateVariable name="n" dimension="none"/><OnStart><StateAssignment variable="n" value="random(3)"/></OnStart>
 <OnCondition test="open .gt. 0.01"><StateAssignment variable="n" value="n + random(1)"/></OnCondition>
 <KineticScheme name="ks" nodes="nodes" stateVariable="occupancy" edges="steps" edgeSource="from" edgeTarget="to"
  forwardRate="rf" reverseRate="rr"/></Dynamics></ComponentType>
<Gate id="gate"><Node id="a"/><Node id="b"/><Node id="c"/><Step id="1" from="a" to="b" f="2per_ms" r="0.1per_ms"/>
 <Step id="2" from="b" to="c" f="0.7per_ms" r="0.3per_ms"/></Gate>
<iafRefCell id="c" leakReversal="-60mV" thresh="-50mV" reset="-70mV" C="0.2nF" leakConductance="0.01uS" refract="2ms"/>
<expOneSynapse id="e" gbase="5nS" erev="0mV" tauDecay="3ms"/><poissonFiringSynapse id="f" averageRate="900Hz"
 synapse="e" spikeTarget="./e"/>
<network id="net"><population id="g" component="gate" size="3"/><population id="p" component="c" size="12"/>
 <explicitInput target="p[0]" input="f"/><explicitInput target="p[3]" input="f"/>
 {connections}</network>
<Simulation id="sim" length="10ms" step="0.1ms" target="net" seed="7"><OutputFile id="o" fileName="o.dat">{columns}
</OutputFile><EventOutputFile id="s" fileName="s.dat" format="ID_TIME">{selections}</EventOutputFile></Simulation></Lems>"""


def test_a_network_with_all_that_there_is():
    """Kinetic schemes, random draws, regimes, immediate and delayed events, uneven targets, recorded spikes."""
    pairs = [(0, 1, 0), (0, 2, 0.35), (3, 4, 0), (3, 5, 1), (3, 6, 0.35), (1, 0, 0), (4, 0, 2), (5, 11, 0)]
    connections = "".join(
        f'<synapticConnectionWD from="p[{a}]" to="p[{b}]" synapse="e" weight="{20 + n}" delay="{d}ms" destination="synapses"/>'
        for n, (a, b, d) in enumerate(pairs)
    )
    quantities = ["g[0]/n", "g[2]/open", "g[1]/c/q", *(f"p[{k}]/v" for k in range(12)), "p[0]/iSyn"]
    columns = "".join(f'<OutputColumn id="c{n}" quantity="{q}"/>' for n, q in enumerate(quantities))
    chosen = "".join(f'<EventSelection id="{k}" select="p[{k}]" eventPort="spike"/>' for k in (0, 3, 4, 1))
    text = SMALL.format(connections=connections, columns=columns, selections=chosen)
    judged = assert_same_bits(program_of(text), 600)
    assert len(judged.events) > 3


# ---- expressions --------------------------------------------------------------------------------------

VARIABLES = {"x": 3.0, "y": -0.75, "z": 12.5, "w": 0.0}
FUNCTIONS = [name for name in tree.FUNCTIONS if name != "random"]
numbers = st.one_of(
    st.sampled_from([0.0, 1.0, 2.0, 0.5, 10.0, 1e-9]),
    st.floats(0, 50, allow_nan=False).map(lambda x: x + 0.0),
)
atoms = st.one_of(numbers.map(Number), st.sampled_from([Name(name) for name in VARIABLES]))


def grown(inner):
    return st.one_of(
        st.builds(Binary, st.sampled_from(["+", "-", "*", "/"]), inner, inner),
        st.builds(lambda x, y: Binary("^", Call("abs", x), y), inner, inner),  # negative bases: below
        st.builds(Call, st.sampled_from(FUNCTIONS), inner),
        st.builds(Negate, inner),
    )


expressions = st.recursive(atoms, grown, max_leaves=8)
comparisons = st.builds(Binary, st.sampled_from(COMPARISONS), expressions, expressions)
conditions = st.recursive(
    comparisons, lambda inner: st.builds(Binary, st.sampled_from(LOGICAL), inner, inner), max_leaves=3
)


def one_component(values, tests):
    """A component whose derived variables are the expressions, and whose cases are the conditions."""
    states = "".join(f'<StateVariable name="{name}" dimension="none"/>' for name in VARIABLES)
    start = "".join(
        f'<StateAssignment variable="{name}" value="{write(Number(value))}"/>'
        for name, value in VARIABLES.items()
    )
    derived = "".join(
        f'<DerivedVariable name="n{n}" dimension="none" value="{write(value)}"/>'
        for n, value in enumerate(values)
    )
    cases = "".join(
        f'<ConditionalDerivedVariable name="c{n}" dimension="none"><Case condition="{write(test)}" value="1"/>'
        f'<Case value="2"/></ConditionalDerivedVariable>'
        for n, test in enumerate(tests)
    )
    quantities = [f"n{n}" for n in range(len(values))] + [f"c{n}" for n in range(len(tests))]
    columns = "".join(f'<OutputColumn id="{name}" quantity="{name}"/>' for name in quantities)
    return f"""<Lems><Target component="sim"/><Include file="Simulation.xml"/>
    <ComponentType name="A"><Dynamics>{states}{derived}{cases}<OnStart>{start}</OnStart></Dynamics></ComponentType>
    <A id="net"/><Simulation id="sim" length="2ms" step="1ms" target="net">
    <OutputFile id="o" fileName="o.dat">{columns}</OutputFile></Simulation></Lems>"""


def same(x, y):
    """Equal bits, except that all NaN are alike."""
    return x == y and np.signbit(x) == np.signbit(y) if x == x else y != y


@settings(max_examples=30, deadline=None)
@given(
    values=st.lists(expressions, min_size=12, max_size=12), tests=st.lists(conditions, min_size=4, max_size=4)
)
def test_compiled_expressions_have_the_value_of_the_tree(values, tests):
    """Random expressions, compiled and interpreted in a model, and worked out from the tree."""
    program = program_of(one_component(values, tests))
    program.checked = ()  # NaN and infinity are values like others here
    compiled = native.simulate(program, native.compile_program(program), 1).rows[1, 1:].tolist()
    judged = interpret(program, 1).rows[1, 1:].tolist()
    wanted = [evaluate(parse(write(value)), VARIABLES) for value in values]
    wanted += [1.0 if evaluate(parse(write(test)), VARIABLES) else 2.0 for test in tests]
    for value, found, judge, right in zip([*values, *tests], compiled, judged, wanted, strict=True):
        assert same(judge, right), (write(value), judge, right)
        assert same(found, right), (write(value), found, right)


@pytest.mark.parametrize(
    ("base", "exponent"), [(-0.75, 3), (-0.75, -3), (-2, 2), (-2, 0.5), (-1, 0), (-300, 301)]
)
def test_powers_of_negative_numbers(base, exponent):
    """Whole powers have a value, others are NaN; compiled, interpreted and worked out alike."""
    value = Binary("^", Binary("+", Name("w"), Number(float(base))), Number(float(exponent)))
    program = program_of(one_component([value], []))
    program.checked = ()
    wanted = evaluate(value, VARIABLES)
    assert same(native.simulate(program, native.compile_program(program), 1).rows[1, 1], wanted)
    assert same(interpret(program, 1).rows[1, 1], wanted)


def test_the_inverse_of_minus_zero_as_a_power_is_minus_infinity():
    """pow(-0, -1): the sign of a zero base counts where the exponent is odd."""
    value = Binary("^", Call("ceil", Name("y")), Binary("-", Name("w"), Number(1.0)))
    program = program_of(one_component([value], []))
    program.checked = ()
    assert native.simulate(program, native.compile_program(program), 1).rows[1, 1] == -np.inf
    assert evaluate(value, VARIABLES) == -np.inf


def test_ceil_keeps_the_sign_of_zero():
    """ceil(-0.75) is -0, and 1/ceil(-0.75) minus infinity."""
    value = Binary("/", Number(1.0), Call("ceil", Name("y")))
    program = program_of(one_component([value], []))
    program.checked = ()
    assert native.simulate(program, native.compile_program(program), 1).rows[1, 1] == -np.inf
    assert interpret(program, 1).rows[1, 1] == -np.inf


def test_the_step_function_of_nan_is_nan():
    """H(x) is (signum(x) + 1) / 2."""
    program = program_of(one_component([Call("H", Call("ln", Name("w")))], []))
    program.checked = ()
    assert np.isnan(native.simulate(program, native.compile_program(program), 1).rows[1, 1])
    assert np.isnan(interpret(program, 1).rows[1, 1])


def test_the_right_side_of_and_and_or_draws_only_where_it_matters():
    """Compiled and interpreted alike, nested, and within a case of a conditional variable."""
    draw = Binary("gt", Call("random", Number(1.0)), Number(0.4))
    tests = [
        Binary("and", draw, draw),
        Binary("or", draw, Binary("and", draw, draw)),
        Binary("or", Binary("and", Binary("lt", Name("x"), Number(0.0)), draw), draw),
    ]
    judged = assert_same_bits(program_of(one_component([Call("random", Name("x"))], tests)), 200)
    assert len(set(judged.rows[:, 1].tolist())) > 190
    assert {1.0, 2.0} == set(judged.rows[:, 2].tolist()) == set(judged.rows[:, 3].tolist())


# ---- its own parts -------------------------------------------------------------------------------------


def tiny(body, **more):
    """A program that runs statements over two cells of one instance."""
    program = program_of(one_component([Name("x"), Name("y")], []))
    program.step = ir.Function("step", program.step.block, tuple(body))
    for name, value in more.items():
        setattr(program, name, value)
    return program


def test_random_numbers_are_those_of_java():
    """new java.util.Random(1234).nextDouble(), three times; the numbers are Java's own."""
    machine = Machine(tiny([], seed=1234))
    drawn = [machine.draw() for _ in range(3)]
    assert drawn == [0.6465821602909256, 0.9513577109193919, 0.8575884598068334]


def test_an_unknown_statement_is_named():
    @dataclass
    class Jump:
        pass

    with pytest.raises(CompileError, match="'Jump'"):
        interpret(tiny([Jump()]), 1)


def test_a_missing_function_is_named():
    program = tiny([])
    with pytest.raises(CompileError, match=r"'start\.9'"):
        interpret(tiny([ir.Call("start.9", program.step.block)]), 1)


def test_a_watched_value_that_is_not_finite_stops_the_run():
    """With the name, the instance and the time of the first one."""
    program = program_of(one_component([Call("ln", Binary("-", Number(1.5), Name("x")))], []))
    with pytest.raises(SimulationError) as compiled:
        native.simulate(program, native.compile_program(program), 5)
    with pytest.raises(SimulationError) as judged:
        interpret(program, 5)
    assert str(judged.value) == str(compiled.value)
    assert judged.value.variable == "n0"


def test_the_exponential_of_a_rate_matrix():
    """Two states, rates 1000 and 500 per s, 1 ms: what is left of the first is 1/3 + 2/3 exp(-1.5)."""
    first, second = expm_times([[-1000.0, 500.0], [1000.0, -500.0]], [1.0, 0.0], 1e-3)
    assert abs(first - (1 / 3 + 2 / 3 * np.exp(-1.5))) < 1e-11
    assert np.float32(second) == np.float32(0.5179132)


def test_every_statement_has_a_rule():
    """What `ir.Statement` lists, the interpreter executes."""
    assert set(interpreter._RULES) == set(ir.Statement.__args__)

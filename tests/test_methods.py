"""Integration methods: their tables, their orders, and what they read of other instances at each stage."""

# ruff: noqa: E501  the XML of small models reads better unbroken

from dataclasses import replace

import numpy as np
import pytest

from tvbo_lite.backends import native
from tvbo_lite.compiler import ir
from tvbo_lite.compiler.interpreter import interpret
from tvbo_lite.compiler.methods import EXPONENTIAL, METHODS, Rosenbrock, RungeKutta, at_fraction, load
from tvbo_lite.compiler.order import trees
from tvbo_lite.compiler.verify import verify
from tvbo_lite.errors import CompileError, ModelError, UnsupportedError
from tvbo_lite.expr.tree import Binary, Number
from tvbo_lite.formats.lems import reader
from tvbo_lite.formats.neuroml import jar
from tvbo_lite.lems.beyond import Beyond, Solver
from tvbo_lite.schema import integration

FIXED = {"euler": 1, "heun": 2, "midpoint": 2, "rk4": 4}
ADAPTIVE = ("bosh3", "dopri5", "rodas4")

OSCILLATOR = """<ComponentType name="Osc" extends="baseCell"><Exposure name="x" dimension="none"/><Exposure name="y" dimension="none"/>
 <Exposure name="e" dimension="none"/><Constant name="w" dimension="per_time" value="1 per_s"/>
 <Dynamics><StateVariable name="x" exposure="x" dimension="none"/><StateVariable name="y" exposure="y" dimension="none"/>
 <DerivedVariable name="e" exposure="e" dimension="none" value="x*x + y*y"/>
 <TimeDerivative variable="x" value="w*y"/><TimeDerivative variable="y" value="0 - w*x"/>
 <OnStart><StateAssignment variable="y" value="1"/></OnStart></Dynamics></ComponentType><Osc id="o"/>"""

# A child that follows a derived variable of its parent, in a population whose members see one another's sum.
FOLLOWER = """<ComponentType name="Inner"><Requirement name="d" dimension="none"/><Exposure name="z" dimension="none"/>
 <Constant name="w" dimension="per_time" value="1 per_s"/>
 <Dynamics><StateVariable name="z" exposure="z" dimension="none"/><TimeDerivative variable="z" value="w*(d - z)"/></Dynamics></ComponentType>
 <ComponentType name="Outer" extends="baseCell"><Child name="inner" type="Inner"/><Exposure name="x" dimension="none"/><Exposure name="b" dimension="none"/>
 <Constant name="w" dimension="per_time" value="1 per_s"/>
 <Dynamics><StateVariable name="x" exposure="x" dimension="none"/><DerivedVariable name="b" exposure="b" dimension="none" value="d + 1"/>
 <DerivedVariable name="d" dimension="none" value="2*x"/>
 <TimeDerivative variable="x" value="0 - w*x"/><OnStart><StateAssignment variable="x" value="1"/></OnStart></Dynamics></ComponentType>
 <Outer id="o"><inner/></Outer>"""


def model(types, columns, *, target="o", length="4s", step="0.1s", more="", **solver):
    """A linked model that records the named quantities."""
    listed = "".join(f'<OutputColumn id="c{n}" quantity="{q}"/>' for n, q in enumerate(columns))
    text = f"""<Lems><Target component="sim"/><Include file="Cells.xml"/><Include file="Networks.xml"/><Include file="Inputs.xml"/>
    <Include file="Simulation.xml"/>{types}{more}<Simulation id="sim" length="{length}" step="{step}" target="{target}">
    <OutputFile id="f" fileName="o.dat">{listed}</OutputFile></Simulation></Lems>"""
    linked = reader.link_string(text)
    return replace(linked, beyond=Beyond(Solver(**solver))) if solver else linked


def assert_same_bits(linked, rows):
    """The compiled program gives what the interpreter gives."""
    program = native.prepare(linked)[1]
    compiled = native.simulate(program, native.compile_program(program), rows)
    judged = interpret(program, rows)
    np.testing.assert_array_equal(compiled.rows.view(np.int64), judged.rows.view(np.int64))
    assert [tuple(event) for event in compiled.events.tolist()] == judged.events


# ---- tables ------------------------------------------------------------------------------------------


def test_the_numbers_of_rooted_trees():
    """1, 1, 2, 4, 9, 20: the numbers of order conditions of the first orders."""
    assert [len(trees(size)) for size in range(1, 7)] == [1, 1, 2, 4, 9, 20]


@pytest.mark.parametrize("name", METHODS)
def test_every_table_meets_its_conditions(name):
    """Loading checks a table; its source is told."""
    method = load(name)
    assert method.name == name
    assert method.source


@pytest.mark.parametrize("name", METHODS)
def test_a_wrong_digit_does_not_go_unseen(name):
    """Each weight and each coefficient of a stage counts."""
    method = load(name)
    wrong = [replace(method, weights=(*method.weights[:-1], method.weights[-1] + 1e-9))]
    if isinstance(method, RungeKutta | Rosenbrock) and method.matrix:
        row = (*method.matrix[-1][:-1], method.matrix[-1][-1] * (1 + 1e-9) + 1e-10)
        wrong.append(replace(method, matrix=(*method.matrix[:-1], row)))
    for one in wrong:
        with pytest.raises(CompileError, match=f"'{name}' is wrong"):
            one.check()


@pytest.mark.parametrize("name", ADAPTIVE)
def test_dense_output_begins_and_ends_with_the_step(name):
    """At 0 nothing has moved; at 1 the weights are those of the step."""
    method = load(name)
    assert at_fraction(method.dense, 0.0) == [0.0] * len(method.weights)
    np.testing.assert_allclose(at_fraction(method.dense, 1.0), method.weights, atol=1e-13)


def test_an_unknown_method_is_named():
    """With those that there are, and the nearest."""
    with pytest.raises(UnsupportedError, match=r"no method 'dopri6'.*dopri5.*did you mean 'dopri5'"):
        native.run_linked(model(OSCILLATOR, ["x"], length="1s"), method="dopri6")
    with pytest.raises(UnsupportedError, match=r"no option 'reltol'.*did you mean 'rel_tol'"):
        native.run_linked(model(OSCILLATOR, ["x"], length="1s"), reltol=1e-3)


@pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf"), True, "1"])
@pytest.mark.parametrize("name", ["rel_tol", "abs_tol", "max_step", "sampling_step_size"])
def test_settings_are_numbers_above_0(name, value):
    """Told by name."""
    with pytest.raises(ModelError, match=f"'{name}' is .*a number above 0"):
        native.run_linked(model(OSCILLATOR, ["x"], length="1s"), method="dopri5", **{name: value})


# ---- orders ---------------------------------------------------------------------------------------------


def errors(types, quantity, exact, steps, **more):
    """The largest differences from the exact course."""
    found = []
    for step in steps:
        done = native.run_linked(model(types, [quantity], step=f"{step}s", **more))
        found.append(np.abs(done.trace(quantity) - exact(done.time)).max())
    return np.array(found)


@pytest.mark.parametrize(("method", "order"), FIXED.items())
def test_order_of_convergence(method, order):
    """Half the step divides the error by 2 to the power of the order (harmonic oscillator)."""
    found = errors(OSCILLATOR, "x", np.sin, (0.05, 0.025, 0.0125), method=method)
    np.testing.assert_allclose(np.log2(found[:-1] / found[1:]), order, atol=0.15)


@pytest.mark.parametrize("method", ["heun", "rk4"])
def test_nothing_that_is_read_is_of_another_moment(method):
    """A child that follows its parent's derived variable: z' = 2 x - z, so z = 2 t exp(-t)."""
    found = errors(FOLLOWER, "inner/z", lambda t: 2 * t * np.exp(-t), (0.1, 0.05, 0.025), method=method)
    np.testing.assert_allclose(np.log2(found[:-1] / found[1:]), FIXED[method], atol=0.2)


@pytest.mark.parametrize("method", [*FIXED, *ADAPTIVE])
def test_derived_variables_belong_to_the_row(method):
    """b = 2 x + 1 in each row, though b is declared before what it uses."""
    if method == "euler":
        return
    done = native.run_linked(model(FOLLOWER, ["x", "b"]), method=method, sampling_step_size=0.3)
    np.testing.assert_array_equal(done.trace("b"), 2 * done.trace("x") + 1)


COUPLED = """<ComponentType name="Sum" extends="basePopulation"><Children name="cells" type="Mean"/><Exposure name="s" dimension="none"/>
 <Dynamics><DerivedVariable name="s" exposure="s" dimension="none" select="cells[*]/out" reduce="add"/></Dynamics></ComponentType>
 <ComponentType name="Mean"><Parameter name="k" dimension="none"/><Requirement name="s" dimension="none"/><Exposure name="x" dimension="none"/><Exposure name="out" dimension="none"/>
 <Constant name="w" dimension="per_time" value="1 per_s"/>
 <Dynamics><StateVariable name="x" exposure="x" dimension="none"/><DerivedVariable name="out" exposure="out" dimension="none" value="x/2"/>
 <TimeDerivative variable="x" value="w*(s - x)"/><OnStart><StateAssignment variable="x" value="k"/></OnStart></Dynamics></ComponentType>
 <Sum id="o"><Mean id="a" k="1"/><Mean id="b" k="0"/></Sum>"""


def test_couplings_by_paths_keep_the_order():
    """Two members that follow their mean: the difference falls as exp(-t), the sum stays."""
    found = errors(COUPLED, "a/x", lambda t: 0.5 + 0.5 * np.exp(-t), (0.2, 0.1, 0.05), method="rk4")
    np.testing.assert_allclose(np.log2(found[:-1] / found[1:]), 4, atol=0.2)
    done = native.run_linked(model(COUPLED, ["a/x", "b/x", "s"]), method="dopri5", rel_tol=1e-9)
    np.testing.assert_allclose(done.trace("s"), 0.5, rtol=1e-12)


def test_kinetic_schemes_are_equations_too():
    """Occupancies have rates: Runge-Kutta's fourth order agrees with an adaptive method, and they add up."""
    name = next(name for name in jar.example_names() if name.split("_")[2] == "Ex4")
    linked = reader.read_file(name)
    rows = [native.run_linked(linked, method=m, rel_tol=1e-9).values for m in ("rk4", "dopri5")]
    spread = np.ptp(rows[1], axis=0) + 1e-30
    assert np.median(np.abs(rows[0] - rows[1]) / spread) < 1e-7


# ---- judge ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", [*list(FIXED)[1:], *ADAPTIVE])
def test_compiled_methods_are_as_interpreted(method):
    """Bit for bit, for one instance and for several with loops over them."""
    assert_same_bits(model(OSCILLATOR, ["x", "e"], method=method), 20)
    crowd = '<network id="net"><population id="p" component="o" size="20"/></network>'
    assert_same_bits(model(OSCILLATOR, ["p[0]/x", "p[19]/y"], target="net", more=crowd, method=method), 3)
    assert_same_bits(model(FOLLOWER, ["x", "inner/z", "b"], method=method, sampling=0.2), 5)


@pytest.mark.parametrize("method", ["heun", "dopri5"])
@pytest.mark.parametrize("short", ["Ex0", "Ex4", "Ex6", "Ex12"])
def test_compiled_examples_are_as_interpreted(short, method):
    """Regimes, kinetic schemes, synapses, delayed events: the first steps bit for bit."""
    name = next(name for name in jar.example_names() if name.split("_")[2] == short)
    linked = native.with_solver(reader.read_file(name), {"method": method})
    assert_same_bits(linked, 15)


RING = """<izhikevich2007Cell id="c" v0="-60mV" C="100 pF" k="0.7 nS_per_mV" vr="-60 mV" vt="-40 mV" vpeak="35 mV" a="0.03 per_ms" b="-2 nS" c="-50 mV" d="100 pA"/>
 <pulseGenerator id="i" delay="1ms" duration="200ms" amplitude="0.4nA"/><expOneSynapse id="e" gbase="5nS" erev="0mV" tauDecay="3ms"/>"""


@pytest.mark.parametrize(("method", "step", "rows"), [("rk4", "0.2ms", 60), ("dopri5", "1ms", 12)])
def test_loops_over_cells_that_spike_are_as_interpreted(method, step, rows):
    """24 cells in a ring, half of their synapses with a delay: loops may be split, the bits stay."""
    size = 24
    inputs = "".join(f'<explicitInput target="p[{k}]" input="i"/>' for k in range(size))
    wires = "".join(
        f'<synapticConnectionWD from="p[{k}]" to="p[{(k + 1) % size}]" synapse="e" weight="{k % 3}" delay="{k % 2}ms" destination="synapses"/>'
        for k in range(size)
    )
    net = f'<network id="net"><population id="p" component="c" size="{size}"/>{inputs}{wires}</network>'
    assert_same_bits(
        model(RING, ["p[0]/v", "p[23]/u"], target="net", more=net, length="20ms", step=step, method=method),
        rows,
    )


# ---- rows, refusals ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["euler", "rk4", "dopri5"])
def test_rows_may_be_further_apart_than_steps(method):
    """With ``sampling_step_size`` each row is as without it."""
    linked = model(OSCILLATOR, ["x"])
    every = native.run_linked(linked, method=method, sampling_step_size=0.1)
    some = native.run_linked(linked, method=method, sampling_step_size=0.4)
    np.testing.assert_allclose(some.time, every.time[::4], rtol=1e-14)
    np.testing.assert_allclose(some.values, every.values[::4], rtol=0, atol=2e-7 if method == "dopri5" else 0)


def test_rows_must_fall_on_steps():
    """A fixed step has no values in between."""
    with pytest.raises(ModelError, match="not a multiple"):
        native.run_linked(model(OSCILLATOR, ["x"]), method="rk4", sampling_step_size=0.25)


def test_variables_that_need_each_other_are_refused():
    """LEMS takes the value of the step before; here there is no such value."""
    loop = OSCILLATOR.replace('value="x*x + y*y"', 'value="f + 1"').replace(
        "<TimeDerivative", '<DerivedVariable name="f" dimension="none" value="e*x"/><TimeDerivative', 1
    )
    assert native.run_linked(model(loop, ["x"], length="1s")).values.shape == (11, 1)
    with pytest.raises(UnsupportedError, match="'e' of 'Osc', 'f' of 'Osc'"):
        native.run_linked(model(loop, ["x"]), method="rk4")


def test_random_numbers_in_equations_are_refused():
    """They would be drawn at each stage."""
    noisy = OSCILLATOR.replace('value="x*x + y*y"', 'value="random(1)"')
    with pytest.raises(UnsupportedError, match=r"random\(1\).*draws a random number"):
        native.run_linked(model(noisy, ["x"]), method="heun")


# ---- rules -----------------------------------------------------------------------------------------------


ONE, FAR, FREE = Number(1.0), 10**6, ir.RESERVED

BROKEN = [
    (ir.Blend(FAR, FREE, 1), "are not all in the memory"),
    (ir.Blend(FREE, FAR, 1), "are not all in the memory"),
    (ir.Blend(FREE, FREE, 1, ONE, ((ONE, FAR),)), "are not all in the memory"),
    (ir.Blend(ir.TIME, FREE, 1), "reserved"),
    (ir.Blend(FREE, FREE, 1, ir.Temp(900)), "temporary 900"),
    (ir.Multiply(FREE, FREE, FAR, 1, ONE), "are not all in the memory"),
    (ir.Norm(ir.Temp(901), 1, ONE, (), FAR, ONE, ONE, FREE, FREE), "are not all in the memory"),
    (ir.Jacobian("rate", FREE, FREE, FREE, FREE, FREE, 1), "no function 'rate'"),
    (ir.Jacobian("rates", FREE, FREE, FREE, FREE, FREE, 10**4), "are not all in the memory"),
    (ir.Factor(FREE, FAR, FREE, 1, ONE), "are not all in the memory"),
    (ir.Solve(FREE, FREE, FAR, 1), "are not all in the memory"),
    (ir.Normal(FAR, 1, 1, 0, ONE), "are not all in the memory"),
    (ir.After(ir.Temp(902), FREE, 0, ONE), "empty"),
    (ir.SetTime(Binary("lt", ONE, ONE)), "a condition stands where a number is needed"),
    (ir.While(ONE, ()), "a number stands where a condition is needed"),
    (ir.While(Binary("lt", ONE, ONE), (ir.Due(ir.Temp(903)),)), None),
]


@pytest.mark.parametrize(("statement", "message"), BROKEN, ids=[f"{row[0]!r:.40}" for row in BROKEN])
def test_statements_of_methods_are_verified(statement, message):
    """A place outside the memory, a reserved cell, an unset temporary, a missing function."""
    program = native.prepare(model(OSCILLATOR, ["x"], method="rk4"))[1]
    program.step = replace(program.step, body=(statement,))
    if message is None:
        verify(program)
        return
    with pytest.raises(CompileError, match=message):
        verify(program)


def test_only_a_step_that_tells_the_time_delivers_events():
    """Otherwise they would be delivered twice."""
    program = native.prepare(model(OSCILLATOR, ["x"], method="rk4"))[1]
    program.step = replace(program.step, body=(ir.Deliver(),))
    verify(program)
    program.own_time = False
    with pytest.raises(CompileError, match="once more"):
        verify(program)


def test_a_table_fits_its_instances():
    """One column, or one for each instance."""
    program = native.prepare(model(OSCILLATOR, ["x"], method="rk4"))[1]
    sample = ir.Sample(ir.Temp(904), program.step.block, ONE, 9, 9, 1, 3, linear=False)
    program.step = replace(program.step, body=(sample,))
    with pytest.raises(CompileError, match="3 columns"):
        verify(program)


def test_experiments_can_name_every_method():
    """The dialect's list has all methods of the engine, and says the same of which choose their steps."""
    assert {*METHODS, EXPONENTIAL} <= set(integration.METHODS)
    adaptive = {name for name in METHODS if getattr(load(name), "error", ())}
    assert adaptive == set(integration.ADAPTIVE) & METHODS.keys()
    assert adaptive == set(ADAPTIVE)

"""Each rule of execution, as a small LEMS file that the built-in engine and jLEMS run alike.

Every document is run by both; every float32 value and every event must be equal. Where a number is
known beforehand it is asserted as well, so that a fault shared by both would show.
"""

# ruff: noqa: E501  the XML of small models reads better unbroken

import numpy as np
import pytest

from tvbo_lite.backends import jlems, native
from tvbo_lite.errors import (
    BackendError,
    ExpressionError,
    InputError,
    ModelError,
    SimulationError,
)
from tvbo_lite.lems.plan import OutputColumn, OutputFile, SimulationPlan

NEUROML = ("Cells.xml", "Networks.xml")

# ---- writing small documents -------------------------------------------------------------------


def component_type(name, *declared, dynamics="", structure="", extends=None):
    """A component type that has the constant MS (1 ms) and what is given, as XML."""
    parent = f' extends="{extends}"' if extends else ""
    constant = "" if extends else '<Constant name="MS" dimension="time" value="1ms"/>'
    body = f"<Dynamics>{''.join(dynamics)}</Dynamics>" if dynamics else ""
    build = f"<Structure>{''.join(structure)}</Structure>" if structure else ""
    return (
        f'<ComponentType name="{name}"{parent}>{constant}{"".join(declared)}{body}{build}</ComponentType>\n'
    )


def state(name, exposure=None):
    linked = f' exposure="{exposure}"' if exposure else ""
    return f'<StateVariable name="{name}" dimension="none"{linked}/>'


def rate(variable, value):
    """The change in a millisecond."""
    return f'<TimeDerivative variable="{variable}" value="({value})/MS"/>'


def derived(name, value, exposure=None):
    linked = f' exposure="{exposure}"' if exposure else ""
    return f'<DerivedVariable name="{name}" dimension="none" value="{value}"{linked}/>'


def path(name, select, reduce=None):
    how = f' reduce="{reduce}"' if reduce else ""
    return f'<DerivedVariable name="{name}" dimension="none" select="{select}"{how}/>'


def conditional(name, *cases):
    """Cases are (condition or None, value)."""
    rows = [
        f'<Case value="{value}"/>' if test is None else f'<Case condition="{test}" value="{value}"/>'
        for test, value in cases
    ]
    return f'<ConditionalDerivedVariable name="{name}" dimension="none">{"".join(rows)}</ConditionalDerivedVariable>'


def assign(variable, value):
    return f'<StateAssignment variable="{variable}" value="{value}"/>'


def emit(port):
    return f'<EventOut port="{port}"/>'


def go(regime):
    return f'<Transition regime="{regime}"/>'


def when(test, *actions):
    return f'<OnCondition test="{test}">{"".join(actions)}</OnCondition>'


def on_event(port, *actions):
    return f'<OnEvent port="{port}">{"".join(actions)}</OnEvent>'


def on_start(*actions):
    return f"<OnStart>{''.join(actions)}</OnStart>"


def regime(name, *content, initial=False):
    return f'<Regime name="{name}"{" initial=" + chr(34) + "true" + chr(34) if initial else ""}>{"".join(content)}</Regime>'


def on_entry(*actions):
    return f"<OnEntry>{''.join(actions)}</OnEntry>"


def child(name, kind):
    return f'<Child name="{name}" type="{kind}"/>'


def children(name, kind):
    return f'<Children name="{name}" type="{kind}"/>'


def needs(name):
    return f'<Requirement name="{name}" dimension="none"/>'


def shows(name):
    return f'<Exposure name="{name}" dimension="none"/>'


def parameter(name):
    return f'<Parameter name="{name}" dimension="none"/>'


def port(name, direction):
    return f'<EventPort name="{name}" direction="{direction}"/>'


def document(
    types,
    tree,
    columns,
    *,
    length="6ms",
    step="1ms",
    seed=None,
    events=(),
    form="TIME_ID",
    include=(),
    extra="",
    inside="",
):
    """A document whose target, the component with id ``net``, is recorded in the named columns."""
    includes = "".join(f'<Include file="{file}"/>' for file in (*include, "Simulation.xml"))
    recorded = "".join(
        f'<OutputColumn id="c{n}" quantity="{column}"/>' for n, column in enumerate(columns.split())
    )
    chosen = "".join(
        f'<EventSelection id="{n}" select="{where}" eventPort="{out}"/>'
        for n, (where, out) in enumerate(events)
    )
    event_file = (
        f'<EventOutputFile id="e" fileName="e.dat" format="{form}">{chosen}</EventOutputFile>'
        if events
        else ""
    )
    sown = f' seed="{seed}"' if seed is not None else ""
    return f"""<Lems><Target component="sim"/>{includes}
{extra}
{"".join(types)}
{tree}
<Simulation id="sim" length="{length}" step="{step}" target="net"{sown}>{inside}
<OutputFile id="o" fileName="o.dat">{recorded}</OutputFile>{event_file}
</Simulation></Lems>"""


# ---- running them twice --------------------------------------------------------------------------

_STRICT_CHECK = jlems._check


def _lenient_check(output, workspace, main, name):
    """jLEMS logs some remarks, such as on forward references, as errors, and then runs the model."""
    if output.code != 0 or not (workspace / jlems.TABLE).is_file():
        _STRICT_CHECK(output, workspace, main, name)


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Runs a document in both engines, asserts that they agree, and gives the native recording."""

    def both(text):
        file = tmp_path / "model.xml"
        file.write_text(text, encoding="utf-8")
        ours = native.run_file(file)
        theirs = reference(monkeypatch, file)
        _assert_equal(ours, theirs)
        return ours

    return both


def reference(monkeypatch, file, plan=None):
    with monkeypatch.context() as patch:
        patch.setattr(jlems, "_check", _lenient_check)
        return jlems.run_file(file, plan=plan)


def _assert_equal(ours, theirs):
    assert ours.quantities == theirs.quantities
    with np.errstate(over="ignore"):  # a double may be infinite as float32
        a = np.column_stack([ours.time, ours.values]).astype(np.float32)
        b = np.column_stack([theirs.time, theirs.values]).astype(np.float32)
    assert a.shape == b.shape
    np.testing.assert_array_equal(a, b, err_msg=f"columns t, {', '.join(ours.quantities)}: ours, then jLEMS")
    assert ours.events.keys() == theirs.events.keys()
    for file, (times, ids) in theirs.events.items():
        assert ours.events[file][1] == ids
        assert ours.events[file][0].astype(np.float32).tolist() == times.astype(np.float32).tolist()


@pytest.fixture
def refused(tmp_path, monkeypatch):
    """Asserts that jLEMS cannot run a document, and gives the error that the built-in engine raises."""

    def both(text, error, plan=None):
        file = tmp_path / "model.xml"
        file.write_text(text, encoding="utf-8")
        with pytest.raises(error) as ours:
            native.run_file(file)
        with pytest.raises(BackendError):
            reference(monkeypatch, file, plan)
        return ours.value

    return both


def column(recording, quantity):
    return recording.trace(quantity).tolist()


def test_remarks_of_jlems_are_no_failures(tmp_path):
    """On a forward reference jLEMS logs an error, says that it may not be serious, and runs the model."""
    late = component_type("A", dynamics=(state("x"), derived("late", "d"), derived("d", "x"), rate("x", "1")))
    (tmp_path / "m.xml").write_text(document([late], '<A id="net"/>', "late"))
    assert jlems.run_file(tmp_path / "m.xml").trace("late").tolist() == [0, 0, 0, 1, 2, 3, 4]


# ---- 1. the simulation loop ----------------------------------------------------------------------

RAMP = (state("x"), rate("x", "1"))


def test_rows_run_from_zero_to_the_rounded_number_of_steps(run):
    """length 6.4 ms, step 1 ms: 7 rows, the last at 0.006 s."""
    found = run(document([component_type("A", dynamics=RAMP)], '<A id="net"/>', "x", length="6.4ms"))
    assert len(found.time) == 7
    assert found.time[-1] == 0.006
    assert column(found, "x") == [0, 1, 2, 3, 4, 5, 6]


def test_half_a_step_is_rounded_up(run):
    """length 6.5 ms, step 1 ms: 8 rows."""
    found = run(document([component_type("A", dynamics=RAMP)], '<A id="net"/>', "x", length="6.5ms"))
    assert len(found.time) == 8


def test_time_is_summed_up(run):
    """After 300 steps of 0.1 ms the time is not 300 * dt: t = t + dt is done in doubles."""
    found = run(
        document(
            [
                component_type(
                    "A",
                    dynamics=(
                        state("k"),
                        derived("d", "t / MS"),
                        when("t .gt. 29.95 * MS", assign("k", "k + 1")),
                    ),
                )
            ],
            '<A id="net"/>',
            "d k",
            length="30ms",
            step="0.1ms",
        )
    )
    expected, t = [], 0.0
    for _ in range(301):
        expected.append(t)
        t += 1e-4
    assert found.time.tolist() == expected
    assert found.time[300] != 300 * 1e-4


def test_t_is_the_time_at_the_end_of_the_step(run):
    """A state that integrates t sees 1, 2, 3 ms; on row 0 nothing has been advanced."""
    found = run(
        document(
            [component_type("A", dynamics=(state("x"), derived("d", "t/MS + 100"), rate("x", "t/MS")))],
            '<A id="net"/>',
            "x d",
        )
    )
    assert column(found, "x") == [0, 1, 3, 6, 10, 15, 21]
    assert found.trace("d")[0] == 100


def test_a_recorded_derived_variable_is_one_state_behind(run):
    """Row k holds the state x_k, but f(x_{k-1}, t_k)."""
    found = run(
        document([component_type("A", dynamics=(*RAMP, derived("d", "10*x + t/MS")))], '<A id="net"/>', "x d")
    )
    assert column(found, "d")[:4] == [0, 1, 12, 23]


def test_the_method_of_a_meta_element_changes_nothing(run):
    """<Meta for="jlems" method="rk4"/> still gives forward Euler: 1, 0.5, 0.25."""
    found = run(
        document(
            [component_type("A", dynamics=(state("x"), rate("x", "-x"), on_start(assign("x", "1"))))],
            '<A id="net"/>',
            "x",
            step="0.5ms",
            length="2ms",
            inside='<Meta for="jlems" method="rk4"/>',
        )
    )
    assert column(found, "x")[:3] == [1, 0.5, 0.25]


def simultaneous(kind):
    return kind.replace("<Dynamics>", '<Dynamics simultaneous="true">')


def test_simultaneous_dynamics_are_integrated_by_runge_kutta(run):
    """x' = -x, a step of 0.5: 0.6067708 a step; the condition is lost."""
    factor = 1 - 0.5 + 0.5**2 / 2 - 0.5**3 / 6 + 0.5**4 / 24
    decay = (state("x"), on_start(assign("x", "1")), rate("x", "-x"), when("x .lt. 0.5", assign("x", "1")))
    found = run(
        document([simultaneous(component_type("A", dynamics=decay))], '<A id="net"/>', "x", step="0.5ms")
    )
    assert column(found, "x")[:3] == pytest.approx([1, factor, factor**2], rel=1e-15)


def test_simultaneous_dynamics_take_in_all_that_is_below(run):
    """A child, the members of a list and what they require become one system, in an order that can be worked out."""
    types = [
        component_type(
            "K",
            parameter("p"),
            needs("x"),
            shows("f"),
            dynamics=(state("q"), rate("q", "p*x - q"), derived("f", "q^2", "f")),
        ),
        component_type(
            "L", child("k", "K"), shows("g"), dynamics=(path("f", "k/f"), derived("g", "2*f", "g"))
        ),
        simultaneous(
            component_type(
                "A",
                child("l", "L"),
                children("ks", "K"),
                dynamics=(
                    state("x"),
                    on_start(assign("x", "1")),
                    path("many", "ks[*]/f", "add"),
                    path("last", "l/g"),
                    derived("all", "many + last"),
                    rate("x", "-0.02*all - 0.5*x"),
                ),
            )
        ),
    ]
    tree = '<A id="net"><l><k p="3"/></l><K id="a" p="1"/><K id="b" p="2"/></A>'
    run(document(types, tree, "x all l_k_q ks0_q ks1_f", step="0.5ms"))


def test_simultaneous_dynamics_of_a_list_member_are_not(run):
    """jLEMS flattens consolidated instances only; members of a Children list take Euler steps."""
    decay = (state("x"), on_start(assign("x", "1")), rate("x", "-x"))
    types = [
        simultaneous(component_type("K", dynamics=decay)),
        component_type("A", children("ks", "K"), dynamics=RAMP),
    ]
    found = run(document(types, '<A id="net"><K id="k"/></A>', "k/x", step="0.5ms"))
    assert column(found, "k/x")[:3] == [1, 0.5, 0.25]


BLOW_UP = (state("x"), derived("bad", "ln(x - 3)"), rate("x", "1"))


@pytest.mark.parametrize(
    ("columns", "reader"),
    [("bad", ""), ("k/bad", ""), ("r", path("r", "k/bad")), ("s", path("s", "ks[*]/bad", "add"))],
)
def test_a_nan_that_is_read_stops_the_run(refused, columns, reader):
    """By a recorder, or through a path."""
    types = [
        component_type("K", dynamics=BLOW_UP),
        component_type("A", child("k", "K"), children("ks", "K"), dynamics=(*BLOW_UP, reader)),
    ]
    error = refused(document(types, '<A id="net"><k/><K id="k1"/></A>', columns), SimulationError)
    assert error.variable in {"bad", *columns.split()}


def test_a_nan_that_is_required_stops_the_run(refused):
    types = [
        component_type("K", needs("bad"), dynamics=(*RAMP,)),
        component_type("A", child("k", "K"), dynamics=BLOW_UP),
    ]
    refused(document(types, '<A id="net"><k/></A>', "k/x"), SimulationError)


def test_a_nan_that_nobody_reads_is_harmless(run):
    """`bad` is NaN or infinite throughout, the run goes on."""
    found = run(document([component_type("A", dynamics=BLOW_UP)], '<A id="net"/>', "x"))
    assert found.trace("x")[-1] == 6


# ---- 2. one step of one instance ------------------------------------------------------------------


def test_a_forward_reference_sees_the_value_of_the_step_before(run):
    """Derived variables are worked out in declaration order, not sorted: `late` lags by one row."""
    found = run(
        document(
            [
                component_type(
                    "A", dynamics=(state("x"), derived("late", "d/10"), derived("d", "10*x"), rate("x", "1"))
                )
            ],
            '<A id="net"/>',
            "x d late",
        )
    )
    assert column(found, "d") == [0, 0, 10, 20, 30, 40, 50]
    assert column(found, "late") == [0, 0, 0, 1, 2, 3, 4]


def test_conditional_variables_come_after_all_others(run):
    """A derived variable that uses a conditional one lags, wherever it is declared."""
    found = run(
        document(
            [
                component_type(
                    "A",
                    dynamics=(
                        state("x"),
                        conditional("c", ("x .gt. 1", "x"), (None, "0")),
                        derived("d", "10*c"),
                        rate("x", "1"),
                    ),
                )
            ],
            '<A id="net"/>',
            "c d",
        )
    )
    assert column(found, "c") == [0, 0, 0, 2, 3, 4, 5]
    assert column(found, "d") == [0, 0, 0, 0, 20, 30, 40]


def test_paths_come_before_expressions(run):
    """A path declared last is known to an expression declared first."""
    types = [
        component_type("K", dynamics=RAMP),
        component_type("A", child("k", "K"), dynamics=(derived("d", "10*p"), path("p", "k/x"))),
    ]
    found = run(document(types, '<A id="net"><k/></A>', "p d"))
    assert column(found, "d") == [10 * p for p in column(found, "p")]


def test_a_child_is_advanced_before_its_parent(run):
    """Row 3 of the page: v=3 dv=20; k1/x=103, cx=103; k1/dx=1020, cdx=1020; the child's pv=2, pdv=10."""
    types = [
        component_type(
            "K",
            needs("v"),
            needs("dv"),
            dynamics=(
                state("x"),
                on_start(assign("x", "100")),
                rate("x", "1"),
                derived("dx", "10*x"),
                derived("pv", "v"),
                derived("pdv", "dv"),
            ),
        ),
        component_type(
            "A",
            child("k1", "K"),
            dynamics=(
                state("v"),
                rate("v", "1"),
                derived("dv", "10*v"),
                path("cx", "k1/x"),
                path("cdx", "k1/dx"),
            ),
        ),
    ]
    found = run(document(types, '<A id="net"><k1/></A>', "v dv k1/x cx k1/dx cdx k1/pv k1/pdv"))
    assert found.values[3].tolist() == [3, 20, 103, 103, 1020, 1020, 2, 10]


def test_the_rates_of_one_instance_are_taken_together(run):
    """x' = y, y' = -x: both use the states at the start of the step."""
    found = run(
        document(
            [
                component_type(
                    "A",
                    dynamics=(
                        state("x"),
                        state("y"),
                        on_start(assign("x", "1")),
                        rate("x", "y"),
                        rate("y", "0-x"),
                    ),
                )
            ],
            '<A id="net"/>',
            "x y",
            step="0.5ms",
        )
    )
    assert found.values[:3].tolist() == [[1, 0], [1, -0.5], [0.75, -1]]


def test_a_condition_fires_in_every_step_in_which_it_holds(run):
    """Conditions are level triggered: n counts the steps with x > 2."""
    found = run(
        document(
            [component_type("A", dynamics=(*RAMP, state("n"), when("x .gt. 2.5", assign("n", "n + 1"))))],
            '<A id="net"/>',
            "x n",
        )
    )
    assert column(found, "n") == [0, 0, 0, 1, 2, 3, 4]


def test_conditions_see_new_states_and_old_derived_variables(run):
    """In the step to x = 3 a condition on d = x still sees 2."""
    found = run(
        document(
            [
                component_type(
                    "A",
                    dynamics=(
                        *RAMP,
                        derived("d", "x"),
                        state("a"),
                        state("b"),
                        when("x .gt. 2.5", assign("a", "a + 1")),
                        when("d .gt. 2.5", assign("b", "b + 1")),
                    ),
                )
            ],
            '<A id="net"/>',
            "a b",
        )
    )
    assert found.values[3:5].tolist() == [[1, 0], [2, 1]]


def test_conditions_are_served_in_order_and_see_what_the_earlier_ones_did(run):
    """The first resets x, so the second never fires."""
    found = run(
        document(
            [
                component_type(
                    "A",
                    dynamics=(
                        *RAMP,
                        state("n"),
                        when("x .gt. 2.5", assign("x", "0")),
                        when("x .gt. 2.5", assign("n", "1")),
                    ),
                )
            ],
            '<A id="net"/>',
            "x n",
        )
    )
    assert column(found, "x") == [0, 1, 2, 0, 1, 2, 0]
    assert set(column(found, "n")) == {0.0}


def test_assignments_see_those_before_them(run):
    found = run(
        document(
            [
                component_type(
                    "A",
                    dynamics=(
                        *RAMP,
                        state("y"),
                        when("x .gt. 2.5", assign("x", "x + 10"), assign("y", "2*x"), assign("x", "0")),
                    ),
                )
            ],
            '<A id="net"/>',
            "x y",
        )
    )
    assert found.values[3].tolist() == [0, 26]


def test_a_name_is_looked_for_upwards(run):
    """ks[*]/foo with foo only on the parent gives the parent's once a match: 126 = 3 * 42."""
    types = [
        component_type("K", dynamics=RAMP),
        component_type(
            "A",
            parameter("foo"),
            children("ks", "K"),
            dynamics=(path("s", "ks[*]/foo", "add"), path("p", "ks[*]/foo", "multiply")),
        ),
    ]
    found = run(document(types, '<A id="net" foo="42"><K id="a"/><K id="b"/><K id="c"/></A>', "s p"))
    assert column(found, "s")[1:] == [126] * 6
    assert column(found, "p")[1] == 42**3


def test_a_requirement_is_looked_for_upwards(run):
    """A grandchild requires what only the root has."""
    types = [
        component_type("G", needs("v"), dynamics=(state("s"), rate("s", "v"))),
        component_type("K", child("g", "G")),
        component_type("A", child("k", "K"), dynamics=(state("v"), rate("v", "1"))),
    ]
    found = run(document(types, '<A id="net"><k><g/></k></A>', "v k/g/s"))
    assert column(found, "k/g/s") == [0, 0, 1, 3, 6, 10, 15]


def test_an_exposure_linked_to_nothing_reads_zero_in_a_list(run):
    """The member's `e` stands for no variable, though the parent has one of that name."""
    types = [
        component_type("K", shows("e"), dynamics=RAMP),
        component_type(
            "A", children("ks", "K"), dynamics=(state("e"), rate("e", "1"), path("p", "ks[*]/e", "add"))
        ),
    ]
    found = run(document(types, '<A id="net"><K id="k"/></A>', "p e"))
    assert set(column(found, "p")) == {0.0}


def test_an_exposure_linked_to_nothing_is_the_parents_in_a_consolidated_instance(run):
    """A Child is consolidated: its `e` is looked for upwards, and found one step older."""
    types = [
        component_type("K", shows("e"), dynamics=RAMP),
        component_type("A", child("k", "K"), dynamics=(state("e"), rate("e", "1"), path("p", "k/e"))),
    ]
    found = run(document(types, '<A id="net"><k/></A>', "p e"))
    assert column(found, "p") == [0, 0, 1, 2, 3, 4, 5]


RENAMED = component_type("K", shows("out"), dynamics=(state("x", "out"), rate("x", "1")))


def test_an_exposure_may_have_another_name_than_its_variable_in_a_list(run):
    types = [RENAMED, component_type("A", children("ks", "K"), dynamics=(path("p", "ks[*]/out", "add"),))]
    found = run(document(types, '<A id="net"><K id="k"/></A>', "p k/x"))
    assert column(found, "p")[1:] == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize("columns", ["p", "k/x"])
def test_an_exposure_with_another_name_is_lost_in_a_consolidated_instance(run, columns):
    types = [RENAMED, component_type("A", child("k", "K"), dynamics=(path("p", "k/out"),))]
    assert set(column(run(document(types, '<A id="net"><k/></A>', columns)), columns)) == {0.0}


def test_a_variable_named_like_an_exposure_is_exposed(run):
    types = [
        component_type("K", shows("x"), dynamics=RAMP),
        component_type("A", child("k", "K"), dynamics=(path("p", "k/x"),)),
    ]
    assert column(run(document(types, '<A id="net"><k/></A>', "p")), "p")[1:] == [1, 2, 3, 4, 5, 6]


def test_lists_are_reduced_from_zero_or_one(run):
    """An absent list gives 0 for add and 1 for multiply."""
    types = [
        component_type("K", parameter("p"), dynamics=(state("x"), rate("x", "p"))),
        component_type("L", dynamics=RAMP),
        component_type(
            "A",
            children("ks", "K"),
            children("ls", "L"),
            dynamics=[
                path("sum", "ks[*]/x", "add"),
                path("product", "ks[*]/x", "multiply"),
                path("none", "ls[*]/x", "add"),
                path("one", "ls[*]/x", "multiply"),
            ],
        ),
    ]
    found = run(document(types, '<A id="net"><K id="a" p="2"/><K id="b" p="3"/></A>', "sum product none one"))
    assert found.values[2].tolist() == [10, 24, 0, 1]


def test_a_long_list_is_added_up_in_order(run):
    """Thirty children with rates that do not add up alike in every order."""
    types = [
        component_type("K", parameter("p"), dynamics=(state("x"), rate("x", "p"))),
        component_type(
            "A", children("ks", "K"), dynamics=(path("s", "ks[*]/x", "add"), path("m", "ks[*]/x", "multiply"))
        ),
    ]
    ks = "".join(f'<K id="k{n}" p="{10.0 ** (n % 7) / 3}"/>' for n in range(30))
    run(document(types, f'<A id="net">{ks}</A>', "s m"))


def test_a_list_may_be_selected_from_by_text_and_by_reference(run):
    types = [
        component_type("R"),
        component_type(
            "K",
            parameter("p"),
            '<Text name="lab"/>',
            '<ComponentReference name="ref" type="R"/>',
            dynamics=(state("x"), rate("x", "p")),
        ),
        component_type(
            "A",
            children("ks", "K"),
            dynamics=(
                path("q", "ks[lab='q']/x", "add"),
                path("r", "ks[ref='r1']/x", "add"),
                path("z", "ks[lab='z']/x", "add"),
            ),
        ),
    ]
    ks = '<K id="a" p="1" lab="q" ref="r1"/><K id="b" p="2" lab="q" ref="r2"/><K id="c" p="4" lab="w" ref="r1"/>'
    found = run(document(types, f'<R id="r1"/><R id="r2"/><A id="net">{ks}</A>', "q r z"))
    assert found.values[1].tolist() == [3, 5, 0]


def test_a_path_to_a_missing_child_is_refused(refused):
    """Even with required="false"."""
    types = [
        component_type("K", dynamics=RAMP),
        component_type("A", child("k", "K"), dynamics=(path("p", "k/x"),)),
    ]
    text = document(types, '<A id="net"/>', "p").replace("select=", 'required="false" select=')
    assert "'k'" in str(refused(text, ModelError))


def test_the_first_case_that_holds_counts(run):
    """A case without condition always holds; where none does, the value is 0."""
    found = run(
        document(
            [
                component_type(
                    "A",
                    dynamics=[
                        *RAMP,
                        conditional("a", ("x .gt. 3", "3"), ("x .gt. 1", "1"), (None, "7")),
                        conditional("b", ("x .gt. 3", "5")),
                        conditional("c", (None, "8"), ("x .gt. 3", "5")),
                    ],
                )
            ],
            '<A id="net"/>',
            "a b c",
        )
    )
    assert found.values[1:, 0].tolist() == [7, 7, 1, 1, 3, 3]
    assert found.values[1:, 1].tolist() == [0, 0, 0, 0, 5, 5]
    assert found.values[1:, 2].tolist() == [8] * 6


# ---- regimes ---------------------------------------------------------------------------------------


def test_regimes_run_last_and_their_rates_one_after_the_other(run):
    """v' = 1, w' = v, reset at 2.5: rows 1-5 of the page, v = 0, 1, 2, -5, -5; w = 0, 1, 3, 1006, 1006."""
    types = [
        component_type(
            "A",
            shows("v"),
            shows("w"),
            dynamics=(
                state("v", "v"),
                state("w", "w"),
                regime(
                    "up",
                    rate("v", "1"),
                    rate("w", "v"),
                    when("v .gt. 2.5", assign("v", "0-5"), assign("w", "w + 1000"), go("rest")),
                    initial=True,
                ),
                regime("rest", on_entry(), rate("v", "0")),
            ),
        )
    ]
    found = run(document(types, '<A id="net"/>', "v w"))
    assert found.values[1:6, 0].tolist() == [0, 1, 2, -5, -5]
    assert found.values[1:6, 1].tolist() == [0, 1, 3, 1006, 1006]


def test_a_regime_that_is_left_still_has_its_conditions_tested(run):
    """After the transition the second condition of the old regime fires too; OnEntry runs at once."""
    types = [
        component_type(
            "A",
            dynamics=(
                state("v"),
                state("n"),
                state("e"),
                regime(
                    "up",
                    rate("v", "1"),
                    when("v .gt. 2.5", go("rest")),
                    when("v .gt. 2.5", assign("n", "n + 1")),
                    initial=True,
                ),
                regime(
                    "rest",
                    on_entry(assign("e", "e + 1"), assign("v", "10")),
                    when("v .gt. 11", assign("v", "0")),
                ),
            ),
        )
    ]
    run(document(types, '<A id="net"/>', "v n e"))


def test_without_an_initial_regime_the_first_in_hash_order_is_taken(run):
    """Of `zz`, `up` and `aa`, declared in this order."""
    regimes = [regime(name, rate("v", str(n))) for n, name in ((1, "zz"), (2, "up"), (3, "aa"))]
    run(document([component_type("A", dynamics=(state("v"), *regimes))], '<A id="net"/>', "v"))


def test_derived_variables_of_a_regime(run):
    """They are worked out before the regime's rates, and later than the exposures."""
    types = [
        component_type(
            "A",
            dynamics=(
                state("v"),
                regime(
                    "up",
                    derived("d", "v + 1"),
                    rate("v", "d"),
                    when("v .gt. 10", assign("v", "0"), go("down")),
                    initial=True,
                ),
                regime("down", rate("v", "1"), when("v .gt. 2", go("up"))),
            ),
        )
    ]
    run(document(types, '<A id="net"/>', "v", length="20ms"))


@pytest.mark.parametrize("in_regime", ["", on_event("in", assign("g", "g + 5"))])
def test_the_main_handler_of_an_event_is_lost_where_there_are_regimes(run, in_regime):
    """jLEMS (Dynamics.makeStateType) puts an empty handler in its place; only the regime's runs."""
    types = [
        *EVENT_TYPES,
        component_type(
            "S",
            port("in", "in"),
            dynamics=(
                state("g"),
                on_start(assign("g", "1")),
                on_event("in", assign("g", "2*g")),
                regime("only", in_regime, initial=True),
            ),
            extends="Cell",
        ),
    ]
    found = run(
        document(types, net('<Clock id="a" period="2.5"/><S id="b"/>', ("a", "b")), "b/g", length="8ms")
    )
    assert column(found, "b/g")[-1] == (11 if in_regime else 1)


def test_occupancies_of_a_kinetic_scheme_lag_by_a_step(run):
    """Rates 1000/500 per s, dt 1 ms: q = 0, 0, 0.5179132, 0.6334753."""
    types = [
        component_type(
            "State",
            shows("q"),
            shows("occupancy"),
            dynamics=(state("occupancy", "occupancy"), derived("q", "occupancy", "q")),
        ),
        component_type(
            "Edge",
            parameter("fwd"),
            parameter("back"),
            '<Link name="from" type="State"/><Link name="to" type="State"/>',
            '<Exposure name="rf" dimension="per_time"/><Exposure name="rr" dimension="per_time"/>',
            dynamics=(
                '<DerivedVariable name="rf" exposure="rf" dimension="per_time" value="fwd/MS"/>',
                '<DerivedVariable name="rr" exposure="rr" dimension="per_time" value="back/MS"/>',
            ),
        ),
        component_type(
            "A",
            children("states", "State"),
            children("edges", "Edge"),
            dynamics=(
                (
                    '<KineticScheme name="ks" nodes="states" stateVariable="occupancy" edges="edges" edgeSource="from"'
                    ' edgeTarget="to" forwardRate="rf" reverseRate="rr"/>'
                ),
                path("qs", "states[*]/q", "add"),
            ),
        ),
    ]
    tree = '<A id="net"><State id="c"/><State id="o"/><Edge id="e" from="c" to="o" fwd="1" back="0.5"/></A>'
    found = run(document(types, tree, "o/q o/occupancy c/occupancy qs"))
    assert found.trace("o/q").astype(np.float32)[:4].tolist() == [
        0,
        0,
        np.float32(0.5179132),
        np.float32(0.6334753),
    ]


# ---- 3. expressions -----------------------------------------------------------------------------------

NUMBERS = """a*b/c; a-b+c; a+b-c; a-b-c; 2^3^2; a/b*c; a/b/c; 2*-x^2; -x^2; (-x)^2; -x + a; a*-b; a - -b;
a^-1; (a + b)*c; 2*(x - 1)^3/7; sin(x); cos(x); tan(x); sinh(x); cosh(x); tanh(x); exp(x); sqrt(x); ln(x);
log(x); ceil(x/2); ceil(0-x/2); abs(0-x); factorial(5); factorial(13); factorial(0); H(x); H(0-x); H(x-x);
x^0.5; x^2; 10^x; 2^x; x^x; 1e-3*x; 1.5E+2*x; .5*x; a/(b*c); a/b-c/x; exp(-x); exp(-(x-1)/a); x-3; x*3-1;
-a-b; -a*b; a*b-c*x+a/b; (x); ((x)); (a)^(b); 2e3; 2E3*x; x*1e2; +x; 2*(-x); --x; -(-x); x- -x; x-(-x); x^(0-1);
-x^-2; 1.e2; exp (x); exp( x ); sin(x)^2; -sin(x); 2*-sin(x); 2*-(x+1); x/-2; 2-3-4*-5; x*2.; ((x) + (2)); ceil(-x);
3*H(-x); 1E1; tanh(x/1e30); 1/x/x; 0.1+0.2+0.3; exp(-(x-1)/2)/x; x*x/x*x; x^2^x; 2^-x^2; x--1; x+-1; -1*-1; -(x)"""
CONDITIONS = """x .gt. 1; x .lt. 3; x .geq. 3; x .leq. 3; x .eq. 3; x .neq. 3; (x .gt. 1) .or. (x .gt. 1) .and. (x .lt. 1);
(x .lt. 1) .and. (x .lt. 1) .or. (x .gt. 1); a + b .gt. c; a*b .lt. c - x; x .gt. -5; (x .eq. 3) .and. (a .gt. 1);
(a .gt. 1) .and. (x .eq. 3) .or. (x .eq. 4)"""


def test_every_operator_and_function_has_jlems_value(run):
    """a = 7, b = 3, c = 0.3, x = 3: a derived variable for each expression, a case for each condition."""
    numbers = [text.strip() for text in NUMBERS.split(";")]
    conditions = [text.strip() for text in CONDITIONS.split(";")]
    dynamics = [state("x"), on_start(assign("x", "3"))]
    dynamics += [derived(f"n{n}", text) for n, text in enumerate(numbers)]
    dynamics += [conditional(f"c{n}", (text, "1"), (None, "0")) for n, text in enumerate(conditions)]
    columns = " ".join([f"n{n}" for n in range(len(numbers))] + [f"c{n}" for n in range(len(conditions))])
    types = [component_type("A", parameter("a"), parameter("b"), parameter("c"), dynamics=dynamics)]
    found = run(document(types, '<A id="net" a="7" b="3" c="0.3"/>', columns, length="1ms"))
    value = dict(zip(numbers + conditions, found.values[1].tolist(), strict=True))
    assert value["2*-x^2"] == 18
    assert value["-x^2"] == -9
    assert value["2^3^2"] == 64
    assert value["factorial(13)"] == 1932053504
    assert value["H(x-x)"] == 0.5
    assert value["(x .gt. 1) .or. (x .gt. 1) .and. (x .lt. 1)"] == 0


@pytest.mark.parametrize(
    "text", ["(a .gt. 1 .and. x .eq. 3)", "x % 2 .gt. 0", "x < 3", "floor(x) .gt. 0", "rate-3 .gt. 0"]
)
def test_what_is_no_expression_is_refused(refused, text):
    """Mixed levels without brackets, operators and functions of other languages, `e-3` after a name."""
    types = [
        component_type(
            "A",
            parameter("a"),
            parameter("rate"),
            dynamics=(state("x"), conditional("c", (text.replace("<", "&lt;"), "1"))),
        )
    ]
    refused(document(types, '<A id="net" a="7" rate="9"/>', "c"), ExpressionError)


@pytest.mark.parametrize("text", ["x*+2", "(x)(x)", "2.5e-1x", "1e2e3", "x .lt. 3", "x2", "me-1", "_x"])
def test_what_is_no_number_is_refused(refused, text):
    """A unary plus after an operator, products without sign, conditions, undeclared names."""
    types = [component_type("A", parameter("me"), dynamics=(state("x"), derived("d", text)))]
    refused(document(types, '<A id="net" me="2"/>', "d"), InputError)


@pytest.mark.parametrize("text", ["2*e-1", "e+1"])
def test_a_name_that_is_e_swallows_the_exponent(refused, text):
    types = [component_type("A", parameter("e"), dynamics=(state("x"), derived("d", text)))]
    refused(document(types, '<A id="net" e="2"/>', "d"), InputError)


def test_a_global_constant_shadows_a_local_variable(run):
    """Reading x gives the global 5; the state itself still moves."""
    types = [component_type("A", dynamics=(*RAMP, derived("d", "2*x")))]
    given = '<Constant symbol="x" dimension="none" value="5"/>'
    found = run(document(types, '<A id="net"/>', "x d", extra=given))
    assert column(found, "x")[-1] == 6
    assert column(found, "d") == [10] * 7


@pytest.mark.parametrize("given", ['name="n" symbol="q"', 'name="x" symbol="q"'])
def test_a_global_constant_is_known_by_its_symbol(run, given):
    """Its name is for people."""
    types = [component_type("A", dynamics=(*RAMP, derived("d", "2*q"), derived("e", "2*x")))]
    found = run(
        document(types, '<A id="net"/>', "x d e", extra=f'<Constant {given} dimension="none" value="5"/>')
    )
    assert column(found, "d") == [10] * 7


def test_a_global_constant_without_symbol_is_unknown(refused):
    types = [component_type("A", dynamics=(*RAMP, derived("d", "2*q")))]
    given = '<Constant name="q" dimension="none" value="5"/>'
    refused(document(types, '<A id="net"/>', "d", extra=given), InputError)


def test_a_global_constant_may_be_an_expression(run):
    """Of numbers, with * or /."""
    types = [component_type("A", dynamics=(*RAMP, derived("d", "2*q")))]
    given = '<Constant symbol="q" dimension="none" value="5*3/4"/>'
    assert column(run(document(types, '<A id="net"/>', "d", extra=given)), "d") == [7.5] * 7


@pytest.mark.parametrize("seed", [None, 1234, 5, 0, 99999])
def test_random_numbers_are_javas(run, seed):
    """One generator for the whole model, drawn on every evaluation, in the order of execution."""
    draw = (
        state("r"),
        on_start(assign("r", "random(1)")),
        derived("d", "random(10)"),
        state("s"),
        rate("s", "random(2)"),
    )
    types = [
        component_type("K", dynamics=draw),
        component_type("A", child("k", "K"), children("ks", "K"), dynamics=draw),
    ]
    tree = '<A id="net"><k/><K id="a"/><K id="b"/></A>'
    run(document(types, tree, "r d s k/r k/d k/s a/r a/d b/r b/s", seed=seed))


def test_random_in_conditions_and_cases_is_drawn_when_reached(run):
    """Only the case that is tested and the value that is chosen draw."""
    types = [
        component_type(
            "A",
            dynamics=(
                state("n"),
                conditional(
                    "c",
                    ("random(1) .gt. 0.5", "random(2)"),
                    ("random(1) .gt. 0.5", "random(3)"),
                    (None, "random(4)"),
                ),
                when("random(1) .gt. 0.4", assign("n", "n + random(1)")),
            ),
        )
    ]
    run(document(types, '<A id="net"/>', "c n", length="60ms"))


def test_and_and_or_stop_at_the_left_side(run):
    """Java's && and ||: the right side draws only where the left one leaves the matter open."""
    test = "(random(1) .gt. 0.7) .and. (random(1) .gt. 0.3)"
    other = "(random(1) .gt. 0.3) .or. (random(1) .gt. 0.3)"
    types = [
        component_type(
            "A",
            dynamics=(
                state("n"),
                state("m"),
                when(test, assign("n", "n + 1")),
                when(other, assign("m", "m + 1")),
            ),
        )
    ]
    run(document(types, '<A id="net"/>', "n m", length="60ms"))


NOT_STATE = {
    "property": (
        '<Property name="w" dimension="none" defaultValue="3"/>',
        (when("x .gt. 2", assign("w", "1")),),
    ),
    "parameter": (parameter("w"), (when("x .gt. 2", assign("w", "1")),)),
    "derived variable": ("", (derived("w", "x"), when("x .gt. 2", assign("w", "1")))),
    "unknown": ("", (when("x .gt. 2", assign("w", "1")),)),
    "unknown on start": ("", (on_start(assign("w", "1")),)),
    "rate of an unknown": ("", (rate("w", "1"),)),
}


@pytest.mark.parametrize("what", NOT_STATE)
def test_only_state_variables_may_be_changed(refused, what):
    """jLEMS looks for a StateVariable of that name."""
    declared, dynamics = NOT_STATE[what]
    types = [component_type("A", declared, dynamics=(*RAMP, *dynamics))]
    refused(document(types, '<A id="net" w="3"/>', "x"), InputError)


UNSEEN = {
    "a condition": regime("up", rate("v", "1"), when("d .gt. 25", assign("v", "0")), initial=True),
    "an assignment": regime("up", rate("v", "1"), when("v .gt. 2", assign("v", "d")), initial=True),
    "an entry": regime("up", on_entry(assign("v", "d*10")), rate("v", "1"), initial=True),
}


@pytest.mark.xfail(strict=True, reason="in the engine a regime sees all variables of its instance")
@pytest.mark.parametrize("where", UNSEEN)
def test_a_regime_sees_only_variables_it_changes(refused, where):
    """And parameters, t, and in its rates all; in jLEMS the run ends with "No such variable"."""
    types = [component_type("A", dynamics=(*RAMP, state("v"), derived("d", "10*x"), UNSEEN[where]))]
    refused(document(types, '<A id="net"/>', "x v"), InputError)


# ---- 4. initialisation ------------------------------------------------------------------------------

COUNT = (state("n"), on_start(assign("n", "n + 1")))


def test_how_often_onstart_runs(run):
    """Root 6 times, its Child 12, members of its Children list 6, regime OnEntry at the root 3."""
    types = [
        component_type("G", dynamics=COUNT),
        component_type("K", child("g", "G"), children("gs", "G"), dynamics=COUNT),
        component_type(
            "A",
            child("k", "K"),
            children("ks", "K"),
            dynamics=(*COUNT, state("e"), regime("only", on_entry(assign("e", "e + 1")), initial=True)),
        ),
    ]
    tree = '<A id="net"><k><g/><G id="x"/></k><K id="m"><g/><G id="y"/></K></A>'
    found = run(document(types, tree, "n e k/n m/n k/g/n k/x/n m/g/n m/y/n"))
    assert found.values[0, :4].tolist() == [6, 3, 12, 6]


def test_onstart_in_a_population_runs_24_times(run):
    found = run(
        document(
            [component_type("C", dynamics=COUNT)],
            '<C id="c"/><network id="net"><population id="p" component="c" size="2"/></network>',
            "p[0]/n p[1]/n",
            include=NEUROML,
        )
    )
    assert found.values[0].tolist() == [24, 24]


def test_derived_variables_and_children_during_initialisation(run):
    """OnStart of the parent reads a child's start value, that of a child reads the parent's."""
    types = [
        component_type(
            "K", needs("v"), dynamics=(state("x"), derived("d", "v + 1"), on_start(assign("x", "d + 2")))
        ),
        component_type(
            "A",
            child("k", "K"),
            dynamics=(state("v"), path("p", "k/x"), derived("d", "p + 1"), on_start(assign("v", "d + 10"))),
        ),
    ]
    run(document(types, '<A id="net"><k/></A>', "v d p k/x k/d"))


# ---- 5. build and order -----------------------------------------------------------------------------------

DRAW = (state("r"), rate("r", "random(1)"))


def test_children_are_advanced_in_hash_order(run):
    """Five slots whose Java HashMap order is not that of the document."""
    names = ["zeta", "alpha", "m", "leak", "qq"]
    types = [
        component_type("K", dynamics=DRAW),
        component_type("A", *(child(name, "K") for name in names), dynamics=RAMP),
    ]
    tree = f'<A id="net">{"".join(f"<{name}/>" for name in names)}</A>'
    run(document(types, tree, " ".join(f"{name}/r" for name in names)))


def test_children_are_advanced_in_hash_order_in_a_larger_table(run):
    """Fourteen slots: the table has doubled its size."""
    names = [f"slot{n}{'abc'[n % 3]}" for n in range(14)]
    types = [
        component_type("K", dynamics=DRAW),
        component_type("A", *(child(name, "K") for name in names), dynamics=RAMP),
    ]
    tree = f'<A id="net">{"".join(f"<{name}/>" for name in names)}</A>'
    run(document(types, tree, " ".join(f"{name}/r" for name in names)))


def test_single_children_come_before_lists_and_lists_in_order_of_their_first_member(run):
    types = [
        component_type("K", dynamics=DRAW),
        component_type("L", dynamics=DRAW),
        component_type("M", dynamics=DRAW),
        component_type("A", children("ls", "L"), child("k", "K"), children("ms", "M"), dynamics=DRAW),
    ]
    tree = '<A id="net"><M id="m1"/><L id="l1"/><M id="m2"/><k/><L id="l2"/></A>'
    run(document(types, tree, "r k/r m1/r l1/r m2/r l2/r"))


def test_populations_are_advanced_in_document_order(run):
    types = [component_type("C", dynamics=DRAW), component_type("D", dynamics=DRAW)]
    tree = """<C id="c"/><D id="d"/><network id="net"><population id="p" component="c" size="2"/>
      <population id="q" component="d" size="1"/><population id="a" component="c" size="2"/></network>"""
    run(document(types, tree, "p[0]/r p[1]/r q[0]/r a[0]/r a[1]/r", include=NEUROML))


def test_what_is_inherited(run):
    """Parameters, constants, derived parameters, fixed values, children and dynamics pass to the heir."""
    types = [
        component_type("K", dynamics=RAMP),
        component_type(
            "Base",
            parameter("p"),
            parameter("f"),
            '<DerivedParameter name="dp" dimension="none" value="2*p + f"/>',
            child("k", "K"),
            dynamics=(state("x"), rate("x", "dp"), path("kx", "k/x")),
        ),
        component_type("Heir", '<Fixed parameter="f" value="100"/>', extends="Base"),
        component_type("Other", extends="Heir", dynamics=(state("x"), rate("x", "p"))),
        component_type("A", children("all", "Base")),
    ]
    tree = '<A id="net"><Heir id="h" p="1"><k/></Heir><Other id="o" p="5"><k/></Other><Base id="b" p="1" f="3"><k/></Base></A>'
    found = run(document(types, tree, "h/x o/x b/x h/kx o/k/x"))
    assert found.values[1].tolist() == [102, 5, 5, 1, 1]


def test_a_component_inherits_parameters_from_a_component(run):
    """extends= on a component copies the values that are not given anew."""
    types = [
        component_type("K", parameter("p"), parameter("q"), dynamics=(state("x"), rate("x", "10*p + q"))),
        component_type("A", children("ks", "K"), child("k", "K")),
    ]
    tree = '<K id="proto" p="1" q="2"/><A id="net"><K id="a" extends="proto" q="5"/></A>'
    assert column(run(document(types, tree, "a/x")), "a/x")[1] == 15


def test_derived_parameters_see_those_before_them(run):
    types = [
        component_type(
            "A",
            parameter("p"),
            '<DerivedParameter name="a" dimension="none" value="2*p"/>',
            '<DerivedParameter name="b" dimension="none" value="a + 1"/>',
            dynamics=(state("x"), rate("x", "b")),
        )
    ]
    assert column(run(document(types, '<A id="net" p="4"/>', "x")), "x")[1] == 9


def test_a_property_has_its_default(run):
    types = [
        component_type(
            "A",
            '<Property name="w" dimension="none" defaultValue="3"/>',
            dynamics=(state("x"), rate("x", "w")),
        )
    ]
    assert column(run(document(types, '<A id="net"/>', "x w")), "x")[2] == 6


# ---- connections and events ---------------------------------------------------------------------------------

CLOCK = (
    state("n"),
    state("last"),
    when("t .gt. last*MS + period*MS", assign("last", "t/MS"), assign("n", "n + 1"), emit("spike")),
)
EVENT_TYPES = (
    component_type("Cell"),
    component_type(
        "Clock", parameter("period"), port("spike", "out"), dynamics=CLOCK, extends="Cell"
    ).replace("<Parameter", '<Constant name="MS" dimension="time" value="1ms"/><Parameter', 1),
    component_type(
        "Sink",
        port("in", "in"),
        dynamics=(
            state("g"),
            state("when"),
            state("old"),
            derived("d", "g"),
            rate("g", "0 - 0.5*g"),
            on_event("in", assign("g", "g + 1"), assign("when", "t/MS"), assign("old", "d")),
        ),
        extends="Cell",
    ),
    component_type(
        "Relay",
        port("in", "in"),
        port("out", "out"),
        dynamics=(state("k"), on_event("in", assign("k", "k + 1"), emit("out"))),
        extends="Cell",
    ),
    component_type(
        "Wire",
        '<Path name="from"/><Path name="to"/>',
        structure=(
            '<With instance="from" as="a"/><With instance="to" as="b"/><EventConnection from="a" to="b"/>',
        ),
    ),
    component_type(
        "SlowWire",
        '<Path name="from"/><Path name="to"/><Parameter name="delay" dimension="time"/>',
        structure=(
            '<With instance="from" as="a"/><With instance="to" as="b"/><EventConnection from="a" to="b" delay="delay"/>',
        ),
    ),
    component_type("Net", children("cells", "Cell"), children("wires", "Wire"), children("slow", "SlowWire")),
)


def net(cells, *wires, slow=()):
    joined = "".join(f'<Wire id="w{n}" from="{a}" to="{b}"/>' for n, (a, b) in enumerate(wires))
    joined += "".join(
        f'<SlowWire id="s{n}" from="{a}" to="{b}" delay="{d}"/>' for n, (a, b, d) in enumerate(slow)
    )
    return f'<Net id="net">{cells}{joined}</Net>'


def test_an_event_reaches_a_later_target_in_the_same_step(run):
    """And an earlier one in the next; t and derived variables in the handler are those of its last step."""
    cells = '<Sink id="early"/><Clock id="c" period="1.5"/><Sink id="late"/>'
    columns = "early/g early/when early/old late/g late/when late/old"
    found = run(document(EVENT_TYPES, net(cells, ("c", "early"), ("c", "late")), columns, length="9ms"))
    assert column(found, "late/g")[2:4] == [0.5, 0.25]
    assert column(found, "late/when")[2] == 1
    assert column(found, "early/when")[2] == 2


def test_a_change_by_an_event_is_exposed_after_the_next_step(run):
    """The true value 1 of the early sink at row 2 is hidden by its exposure: 0, then 0.5."""
    exposed = [
        text.replace("<Dynamics>", shows("g") + "<Dynamics>") if 'name="Sink"' in text else text
        for text in EVENT_TYPES
    ]
    cells = '<Sink id="early"/><Clock id="c" period="1.5"/><Sink id="late"/>'
    found = run(document(exposed, net(cells, ("c", "early"), ("c", "late")), "early/g late/g", length="9ms"))
    assert column(found, "early/g")[2:4] == [0, 0.5]


def test_relays_pass_events_on_at_once(run):
    cells = '<Sink id="z"/><Relay id="r2"/><Clock id="c" period="1.5"/><Relay id="r"/><Sink id="s"/>'
    run(
        document(
            EVENT_TYPES,
            net(cells, ("c", "r"), ("r", "r2"), ("r2", "s"), ("r2", "z")),
            "z/g s/g r/k r2/k",
            length="9ms",
        )
    )


def test_two_connections_deliver_twice(run):
    run(
        document(
            EVENT_TYPES, net('<Clock id="c" period="1.5"/><Sink id="s"/>', ("c", "s"), ("c", "s")), "s/g"
        )
    )


@pytest.mark.parametrize("delay", ["0ms", "0.2ms", "0.1ms", "0.35ms", "1ms", "0.05ms"])
def test_a_delayed_event_arrives_when_rounding_says(run, delay):
    """dt = 0.1 ms, events of a clock over 30 ms: plain double arithmetic decides on the step."""
    tree = net(
        '<Sink id="a"/><Clock id="c" period="0.75"/><Sink id="b"/>',
        slow=(("c", "a", delay), ("c", "b", delay)),
    )
    run(document(EVENT_TYPES, tree, "c/n a/g a/when b/g b/when", length="30ms", step="0.1ms"))


def test_delayed_events_arrive_in_due_order_and_first_in_first_out(run):
    """Handlers that do not commute: g -> 2g + 1 and g -> g + 10."""
    types = [
        *EVENT_TYPES,
        component_type(
            "Two",
            port("double", "in"),
            port("add", "in"),
            dynamics=(
                state("g"),
                on_event("double", assign("g", "2*g + 1")),
                on_event("add", assign("g", "g + 10")),
            ),
            extends="Cell",
        ),
        component_type(
            "Named",
            '<Path name="from"/><Path name="to"/><Text name="targetPort"/><Parameter name="delay" dimension="time"/>',
            structure=(
                (
                    '<With instance="from" as="a"/><With instance="to" as="b"/>'
                    '<EventConnection from="a" to="b" targetPort="targetPort" delay="delay"/>'
                ),
            ),
        ),
        component_type("Net2", children("cells", "Cell"), children("named", "Named")),
    ]
    wires = [("double", 2), ("add", 2), ("add", 1), ("double", 1), ("double", 0.2)]
    named = "".join(
        f'<Named id="n{n}" from="c" to="x" targetPort="{name}" delay="{delay}ms"/>'
        for n, (name, delay) in enumerate(wires)
    )
    tree = f'<Net2 id="net"><Clock id="c" period="0.45"/><Two id="x"/>{named}</Net2>'
    run(document(types, tree, "c/n x/g", length="8ms", step="0.1ms"))


def test_an_immediate_relay_of_a_delayed_event(run):
    cells = '<Sink id="s"/><Relay id="r"/><Clock id="c" period="1.5"/>'
    run(
        document(
            EVENT_TYPES, net(cells, ("r", "s"), slow=(("c", "r", "2ms"),)), "r/k s/g s/when", length="12ms"
        )
    )


def test_a_second_handler_of_a_port_replaces_the_first(run):
    types = [
        *EVENT_TYPES,
        component_type(
            "S",
            port("in", "in"),
            dynamics=(
                state("g"),
                on_event("in", assign("g", "g + 1")),
                on_event("in", assign("g", "g + 100")),
            ),
            extends="Cell",
        ),
    ]
    found = run(document(types, net('<Clock id="c" period="1.5"/><S id="s"/>', ("c", "s")), "s/g"))
    assert column(found, "s/g")[-1] == 300


def test_actions_assign_first_and_emit_afterwards(run):
    """EventOut written before the assignment is done after it."""
    types = [
        *EVENT_TYPES,
        component_type(
            "E",
            port("out", "out"),
            shows("v"),
            dynamics=(state("v"), when("v .geq. 0", emit("out"), assign("v", "v + 1"))),
            extends="Cell",
        ),
    ]
    run(document(types, net('<E id="e"/><Sink id="s"/>', ("e", "s")), "e/v s/g"))


PORT_USERS = {
    "once": when("v .gt. 1.5", emit("spike")),
    "twice": when("v .gt. 1.5", emit("spike")) + when("v .lt. 0", emit("spike")),
    "condition and event": when("v .gt. 1.5", emit("spike")) + on_event("in", emit("spike")),
    "two ports": when("v .gt. 2.5", emit("other")) + when("v .gt. 1.5", emit("spike")),
    "start": on_start(emit("spike")) + when("v .gt. 1.5", emit("spike")),
}


@pytest.mark.parametrize("users", PORT_USERS)
@pytest.mark.parametrize("named", [False, True])
@pytest.mark.parametrize("where", ["list", "population"])
def test_which_port_a_connection_without_port_names_gets(run, users, named, where):
    """jLEMS: where two EventOuts name one port, connections without sourcePort reach a dead port."""
    source = component_type(
        "Src",
        port("other", "out"),
        port("spike", "out"),
        port("in", "in"),
        dynamics=(state("v"), '<TimeDerivative variable="v" value="1000*hz"/>', PORT_USERS[users]),
        extends="Cell",
    ).replace("<EventPort", '<Constant name="hz" dimension="per_time" value="1Hz"/><EventPort', 1)
    ports = ' sourcePort="sourcePort"' if named else ""
    wire = component_type(
        "PWire",
        '<Path name="from"/><Path name="to"/><Text name="sourcePort"/>',
        structure=(
            f'<With instance="from" as="a"/><With instance="to" as="b"/><EventConnection from="a" to="b"{ports}/>',
        ),
    )
    given = ' sourcePort="spike"' if named else ""
    types = [*EVENT_TYPES, source, wire]
    if where == "list":
        types.append(component_type("Net3", children("cells", "Cell"), children("wires", "PWire")))
        tree = f'<Net3 id="net"><Src id="e"/><Sink id="s"/><PWire id="w" from="e" to="s"{given}/></Net3>'
        run(document(types, tree, "e/v s/g"))
    else:
        types.append(
            component_type("Net4", children("populations", "basePopulation"), children("wires", "PWire"))
        )
        tree = f"""<Src id="e"/><Sink id="s"/><Net4 id="net"><population id="p" component="e" size="1"/>
          <population id="q" component="s" size="1"/><PWire id="w" from="p[0]" to="q[0]"{given}/></Net4>"""
        run(document(types, tree, "p[0]/v q[0]/g", include=NEUROML))


def test_instance_this_and_parent(run):
    """With instance="this" and "parent": a component connects itself and its parent."""
    types = [
        component_type(
            "K",
            port("spike", "out"),
            port("in", "in"),
            dynamics=(
                state("n"),
                state("g"),
                when("t .gt. 1.5*MS", emit("spike")),
                on_event("in", assign("g", "g + 1")),
            ),
            structure=(
                (
                    '<With instance="this" as="me"/><With instance="parent" as="up"/>'
                    '<EventConnection from="me" to="up"/><EventConnection from="me" to="me"/>'
                ),
            ),
        ),
        component_type(
            "A",
            port("in", "in"),
            children("ks", "K"),
            dynamics=(state("g"), on_event("in", assign("g", "g + 1"))),
        ),
    ]
    run(document(types, '<A id="net"><K id="a"/><K id="b"/></A>', "g a/g b/g"))


def test_a_receiver_is_attached_to_the_target_with_its_weight(run):
    """NeuroML's synapticConnectionWD: a synapse for each connection, `weight` set by Assign, with delay."""
    tree = """<iafCell id="c" leakReversal="-60mV" thresh="-50mV" reset="-70mV" C="1nF" leakConductance="0.05uS"/>
    <expOneSynapse id="e" gbase="5nS" erev="0mV" tauDecay="3ms"/><expOneSynapse id="f" gbase="50nS" erev="-80mV" tauDecay="1ms"/>
    <pulseGenerator id="i" delay="1ms" duration="30ms" amplitude="1nA"/>
    <network id="net"><population id="p" component="c" size="2"/><population id="q" component="c" size="2"/>
    <synapticConnectionWD from="p[0]" to="q[1]" synapse="e" weight="2.5" delay="0ms" destination="synapses"/>
    <synapticConnectionWD from="p[0]" to="q[1]" synapse="e" weight="0.5" delay="1.5ms" destination="synapses"/>
    <synapticConnection from="p[0]" to="q[0]" synapse="f" destination="synapses"/>
    <explicitInput target="p[0]" input="i"/></network>"""
    columns = "p[0]/v q[0]/v q[1]/v q[1]/synapses:e:0/g q[1]/synapses:e:1/g q[0]/synapses:f:0/i"
    run(document([], tree, columns, length="40ms", step="0.1ms", include=NEUROML))


def test_attachments_are_advanced_before_their_cell_in_connection_order(run):
    """Random draws show the order of two noisy inputs at one cell, and of the cell."""
    types = [
        component_type(
            "Cell2",
            '<Attachments name="zeta" type="Noise"/><Attachments name="alpha" type="Noise"/>',
            port("spike", "out"),
            dynamics=(*DRAW, path("sum", "zeta[*]/r", "add"), when("t .lt. 0", emit("spike"))),
        ),
        component_type("Noise", port("in", "in"), dynamics=(*DRAW, on_event("in", assign("r", "0")))),
        component_type(
            "Put",
            '<Path name="target"/><Text name="destination"/><ComponentReference name="what" type="Noise"/>',
            structure=(
                (
                    '<With instance="target" as="a"/><With instance="target" as="b"/>'
                    '<EventConnection from="a" to="b" receiver="what" receiverContainer="destination"/>'
                ),
            ),
        ),
        component_type("Net5", children("populations", "basePopulation"), children("puts", "Put")),
    ]
    tree = """<Cell2 id="c"/><Noise id="n"/><Noise id="o"/><Net5 id="net"><population id="p" component="c" size="2"/>
      <Put id="1" target="p[1]" what="n" destination="alpha"/><Put id="2" target="p[0]" what="n" destination="zeta"/>
      <Put id="3" target="p[0]" what="o" destination="alpha"/><Put id="4" target="p[0]" what="n" destination="zeta"/></Net5>"""
    columns = "p[0]/r p[1]/r p[0]/sum p[0]/zeta:n:0/r p[0]/zeta:n:1/r p[0]/alpha:o:0/r p[1]/alpha:n:0/r"
    run(document(types, tree, columns, include=NEUROML))


def test_text_keys_of_attachments_match_nothing(run):
    """On consolidated instances jLEMS loses Text keys: the sum is 0."""
    types = [
        component_type(
            "Cell2",
            '<Attachments name="zeta" type="Lab"/>',
            port("spike", "out"),
            dynamics=(
                path("q", "zeta[lab='q']/x", "add"),
                path("all", "zeta[*]/x", "add"),
                state("s"),
                when("t .lt. 0", emit("spike")),
            ),
        ),
        component_type(
            "Lab", '<Text name="lab"/>', port("in", "in"), dynamics=(*RAMP, on_event("in", assign("x", "0")))
        ),
        component_type(
            "Put",
            '<Path name="target"/><ComponentReference name="what" type="Lab"/>',
            structure=(
                '<With instance="target" as="a"/><With instance="target" as="b"/><EventConnection from="a" to="b" receiver="what"/>',
            ),
        ),
        component_type("Net5", children("populations", "basePopulation"), children("puts", "Put")),
    ]
    tree = """<Cell2 id="c"/><Lab id="n" lab="q"/><Net5 id="net"><population id="p" component="c" size="1"/>
      <Put id="1" target="p[0]" what="n"/></Net5>"""
    found = run(document(types, tree, "p[0]/q p[0]/all", include=NEUROML))
    assert found.values[-1].tolist() == [0, 6]


def test_the_ends_of_a_tunnel_see_each_other(run):
    """The end that is advanced first sees the other one step older: row 3 A vo=2, vp=100; B vo=200, vp=2."""
    types = [
        component_type(
            "Host",
            parameter("s"),
            '<Attachments name="ends" type="End"/>',
            dynamics=(state("v"), rate("v", "s")),
        ),
        component_type("End", needs("v"), dynamics=(derived("vo", "v"), path("vp", "peer/v"))),
        component_type(
            "Gap",
            '<Path name="from"/><Path name="to"/><ComponentReference name="end" type="End"/>',
            structure=(
                (
                    '<With instance="from" as="a"/><With instance="to" as="b"/>'
                    '<Tunnel name="peer" endA="a" endB="b" componentA="end" componentB="end"/>'
                ),
            ),
        ),
        component_type("Net6", children("populations", "basePopulation"), children("gaps", "Gap")),
    ]
    tree = """<Host id="h" s="1"/><Host id="k" s="100"/><End id="e"/><Net6 id="net"><population id="p" component="h" size="1"/>
      <population id="q" component="k" size="1"/><Gap id="g" from="p[0]" to="q[0]" end="e"/></Net6>"""
    columns = "p[0]/v q[0]/v p[0]/ends:e:0/vo p[0]/ends:e:0/vp q[0]/ends:e:0/vo q[0]/ends:e:0/vp"
    found = run(document(types, tree, columns, include=NEUROML))
    assert found.values[3].tolist() == [3, 300, 2, 100, 200, 2]


def test_a_child_instance_is_made_from_a_reference(run):
    types = [
        component_type("K", dynamics=(*RAMP, *COUNT)),
        component_type(
            "A",
            '<ComponentReference name="what" type="K"/>',
            children("ks", "K"),
            dynamics=(path("p", "what/x"),),
            structure=('<ChildInstance component="what"/>',),
        ),
    ]
    run(document(types, '<K id="k1"/><A id="net" what="k1"/>', "p"))


def test_a_spike_array_fires_at_its_times(run):
    """Each `spike` calls the array's port during its own step; the array sends the event on at once."""
    tree = """<iafCell id="c" leakReversal="-60mV" thresh="-50mV" reset="-70mV" C="1nF" leakConductance="0.05uS"/>
    <expOneSynapse id="e" gbase="5nS" erev="0mV" tauDecay="3ms"/>
    <spikeArray id="sa"><spike id="0" time="5ms"/><spike id="1" time="10ms"/><spike id="2" time="10.02ms"/></spikeArray>
    <network id="net"><population id="p" component="sa" size="1"/><population id="q" component="c" size="1"/>
    <synapticConnection from="p[0]" to="q[0]" synapse="e" destination="synapses"/></network>"""
    run(
        document(
            [],
            tree,
            "q[0]/v q[0]/synapses:e:0/g p[0]/tsince",
            length="20ms",
            step="0.1ms",
            include=NEUROML,
            events=(("p[0]", "spike"),),
        )
    )


@pytest.mark.parametrize("form", ["TIME_ID", "ID_TIME"])
def test_events_are_recorded_in_order_of_delivery(run, form):
    """A relay's event is written before the one that caused it; times are those of the step."""
    cells = '<Sink id="z"/><Relay id="r"/><Clock id="c" period="1.5"/><Clock id="d" period="2.5"/>'
    tree = net(cells, ("c", "r"), ("r", "z"))
    found = run(
        document(
            EVENT_TYPES,
            tree,
            "z/g",
            length="9ms",
            events=(("c", "spike"), ("r", "out"), ("d", "spike")),
            form=form,
        )
    )
    _times, ids = found.events["e"]
    assert ids[:2] == ("1", "0")


def test_events_of_delayed_relays_carry_the_time_of_their_step(run):
    cells = '<Relay id="r"/><Clock id="c" period="0.45"/><Sink id="s"/>'
    tree = net(cells, ("r", "s"), slow=(("c", "r", "0.2ms"),))
    run(document(EVENT_TYPES, tree, "s/g", length="9ms", step="0.1ms", events=(("c", "spike"), ("r", "out"))))


def test_an_event_sent_in_onstart_is_recorded_at_time_zero(run):
    """In a population 24 times."""
    cell = component_type("C", port("spike", "out"), dynamics=(state("v"), on_start(emit("spike"))))
    tree = '<C id="c"/><network id="net"><population id="p" component="c" size="1"/></network>'
    found = run(document([cell], tree, "p[0]/v", include=NEUROML, events=(("p[0]", "spike"),)))
    assert found.events["e"][0].tolist() == [0.0] * 24


def test_the_first_in_port_is_that_of_the_hash_table(run):
    """Without targetPort, a connection gets the first of the ports that have handlers, in HashMap order."""
    types = [
        *EVENT_TYPES,
        component_type(
            "Many",
            *(port(name, "in") for name in ("in", "other", "zz", "aa")),
            dynamics=[
                state("g"),
                *(
                    on_event(name, assign("g", f"10*g + {n}"))
                    for n, name in enumerate(("in", "other", "zz", "aa"))
                ),
            ],
            extends="Cell",
        ),
    ]
    cells = '<Clock id="c" period="1.5"/><Many id="m"/>'
    run(document(types, net(cells, ("c", "m")), "m/g"))


def test_assign_without_receiver_changes_nothing(run):
    """Only the receiver of a connection is assigned to; without one, the weights stay as they are."""
    types = [
        *EVENT_TYPES,
        component_type(
            "Weighted",
            port("in", "in"),
            '<Property name="weight" dimension="none" defaultValue="1"/>',
            dynamics=(state("g"), on_event("in", assign("g", "g + weight"))),
            extends="Cell",
        ),
        component_type(
            "WWire",
            parameter("w"),
            '<Path name="from"/><Path name="to"/>',
            structure=(
                (
                    '<With instance="from" as="a"/><With instance="to" as="b"/><EventConnection from="a" to="b">'
                    '<Assign property="weight" value="2*w"/></EventConnection>'
                ),
            ),
        ),
        component_type("WNet", children("cells", "Cell"), children("wires", "WWire")),
    ]
    tree = """<WNet id="net"><Clock id="c" period="1.5"/><Weighted id="s"/><Weighted id="u"/>
      <WWire id="1" from="c" to="s" w="5"/></WNet>"""
    found = run(document(types, tree, "s/g s/weight u/weight", length="3ms"))
    assert found.values[-1].tolist() == [1, 1, 1]


def test_a_transition_outside_a_regime_does_nothing(run):
    """Only what a regime does can leave it (ActionBlock.run of a StateInstance)."""
    types = [
        component_type(
            "A",
            dynamics=(
                *RAMP,
                state("v"),
                when("x .gt. 2.5", go("down"), assign("v", "v + 100")),
                regime("up", rate("v", "1"), initial=True),
                regime("down", rate("v", "0-1")),
            ),
        )
    ]
    run(document(types, '<A id="net"/>', "x v"))


def test_a_regime_reads_parameters_and_shared_variables(run):
    """A rate may use any variable of the instance; parameters are known everywhere."""
    types = [
        component_type(
            "A",
            parameter("p"),
            dynamics=(
                state("x"),
                state("v"),
                rate("x", "p"),
                derived("d", "10*x"),
                regime(
                    "up", rate("v", "d + p"), when("v .gt. 3*p", assign("v", "0"), go("rest")), initial=True
                ),
                regime("rest", rate("v", "1"), when("v .gt. p", go("up"))),
            ),
        )
    ]
    run(document(types, '<A id="net" p="2"/>', "x v", length="20ms"))


def test_events_reach_the_active_regime_only(run):
    """And may move it on; OnEntry sends an event of its own."""
    types = [
        *EVENT_TYPES,
        component_type(
            "Switch",
            port("in", "in"),
            port("spike", "out"),
            dynamics=(
                state("g"),
                regime("off", on_event("in", assign("g", "g + 1"), go("on")), initial=True),
                regime(
                    "on",
                    on_entry(emit("spike")),
                    rate("g", "0.25"),
                    on_event("in", assign("g", "g + 100"), go("off")),
                ),
            ),
            extends="Cell",
        ),
    ]
    cells = '<Sink id="z"/><Clock id="c" period="1.5"/><Switch id="s"/><Sink id="y"/>'
    tree = net(cells, ("c", "s"), ("s", "y"), ("s", "z"))
    run(document(types, tree, "s/g y/g z/g", length="12ms", events=(("s", "spike"),)))


def test_a_sum_of_many_terms(tmp_path):
    """300 terms in one expression are no reason to fail with Python's own error."""
    types = [component_type("A", parameter("p"), dynamics=(*RAMP, derived("d", "+".join(["x*p"] * 300))))]
    (tmp_path / "m.xml").write_text(document(types, '<A id="net" p="2"/>', "d"))
    assert native.run_file(tmp_path / "m.xml").trace("d")[2] == 600


def test_two_populations_that_differ_in_parameters_share_nothing(run):
    """Cells of one type with other parameters, in lists and populations, each by its own numbers."""
    types = [
        component_type(
            "C",
            parameter("p"),
            dynamics=(
                state("x"),
                rate("x", "p"),
                derived("d", "p*x"),
                when("x .gt. 5*p", assign("x", "0-p")),
            ),
        )
    ]
    tree = """<C id="c" p="1"/><C id="d" p="0.3"/><network id="net"><population id="a" component="c" size="3"/>
      <population id="b" component="d" size="2"/></network>"""
    run(document(types, tree, "a[0]/x a[2]/d b[1]/x b[0]/d", length="20ms", include=NEUROML))


def test_children_with_parameters_of_their_own(run):
    """Forty list members that differ in a parameter, read one by one and as a sum."""
    types = [
        component_type("K", parameter("p"), needs("v"), dynamics=(state("x"), rate("x", "p*cos(v) - 0.1*x"))),
        component_type(
            "A", children("ks", "K"), dynamics=(state("v"), path("s", "ks[*]/x", "add"), rate("v", "s/40"))
        ),
    ]
    ks = "".join(f'<K id="k{n}" p="{0.37 * n}"/>' for n in range(40))
    run(document(types, f'<A id="net">{ks}</A>', "v s k0/x k7/x k39/x", length="30ms"))


# ---- small models that mix several rules ---------------------------------------------------------------

K = component_type("K", parameter("p"), dynamics=(state("x"), rate("x", "p")))
KS = '<K id="a" p="4"/><K id="b" p="5"/>'
DRAWS = (state("r"), on_start(assign("r", "r + random(1)")), rate("r", "random(1)"))
MIXED = {
    "paths to parameters": (
        [
            K,
            component_type(
                "A",
                child("k", "K"),
                children("ks", "K"),
                dynamics=(path("d", "k/p"), path("e", "ks[*]/p", "add")),
            ),
        ],
        f'<A id="net"><k p="3"/>{KS}</A>',
        "d e",
    ),
    "a recorded parameter": ([K], '<K id="net" p="4"/>', "x p"),
    "an overridden constant": (
        [
            component_type(
                "A", '<Constant name="C" dimension="none" value="3"/>', dynamics=(state("x"), rate("x", "C"))
            )
        ],
        '<A id="net" C="7"/>',
        "x",
    ),
    "two rates of one variable": (
        [component_type("A", dynamics=(state("x"), rate("x", "1"), rate("x", "2")))],
        '<A id="net"/>',
        "x",
    ),
    "a state named like a child": (
        [K, component_type("A", child("k", "K"), dynamics=(state("k"), rate("k", "2")))],
        '<A id="net"><k p="1"/></A>',
        "k k/x",
    ),
    "two lists for one type": (
        [
            K,
            component_type(
                "A",
                children("ks", "K"),
                children("js", "K"),
                dynamics=(path("d", "ks[*]/x", "add"), path("e", "js[*]/x", "add")),
            ),
        ],
        f'<A id="net">{KS}</A>',
        "d e",
    ),
    "a list in a list": (
        [
            K,
            component_type("G", children("gs", "K")),
            component_type("A", children("ks", "G"), dynamics=(path("d", "ks[*]/gs[*]/x", "add"),)),
        ],
        f'<A id="net"><G id="1">{KS}</G><G id="2"><K id="c" p="1"/></G></A>',
        "d",
    ),
    "a child in a list": (
        [
            K,
            component_type("G", child("k", "K")),
            component_type("A", children("ks", "G"), dynamics=(path("d", "ks[*]/k/x", "add"),)),
        ],
        '<A id="net"><G id="1"><k p="2"/></G><G id="2"><k p="3"/></G></A>',
        "d",
    ),
    "a requirement that is exposed": (
        [
            component_type("R", needs("v"), shows("v"), dynamics=(derived("d", "v"),)),
            component_type("A", child("k", "R"), dynamics=(state("v"), rate("v", "1"), path("p", "k/v"))),
        ],
        '<A id="net"><k/></A>',
        "p k/d",
    ),
    "draws in a population of cells with children": (
        [
            component_type("D", dynamics=DRAWS),
            component_type("C", child("k", "D"), child("a", "D"), children("ks", "D"), dynamics=DRAWS),
        ],
        '<C id="c"><k/><a/><D id="x"/></C><network id="net"><population id="p" component="c" size="2"/></network>',
        "p[0]/r p[1]/r p[1]/k/r p[0]/a/r p[0]/x/r",
    ),
    "entries in a population": (
        [
            component_type(
                "C",
                dynamics=(
                    state("n"),
                    state("r"),
                    regime(
                        "only", on_entry(assign("n", "n + 1"), assign("r", "r + random(1)")), initial=True
                    ),
                ),
            )
        ],
        '<C id="c"/><network id="net"><population id="p" component="c" size="2"/></network>',
        "p[0]/n p[1]/r",
    ),
    "an event sent on start, with a delay": (
        [
            *EVENT_TYPES,
            component_type(
                "I", port("spike", "out"), dynamics=(state("v"), on_start(emit("spike"))), extends="Cell"
            ),
        ],
        net('<I id="i"/><Sink id="s"/>', slow=(("i", "s", "1.5ms"),)),
        "s/g s/when",
    ),
    "a negative delay": (
        EVENT_TYPES,
        net('<Clock id="c" period="1.5"/><Sink id="s"/>', slow=(("c", "s", "-1ms"), ("c", "s", "1ms"))),
        "s/g",
    ),
    "a state variable of a regime": (
        [
            component_type(
                "A",
                dynamics=(
                    state("v"),
                    regime(
                        "up",
                        state("w"),
                        rate("w", "1"),
                        rate("v", "w"),
                        when("w .gt. 3", assign("w", "0"), go("down")),
                        initial=True,
                    ),
                    regime("down", rate("v", "0-1"), when("v .lt. 0", go("up"))),
                ),
            )
        ],
        '<A id="net"/>',
        "v",
    ),
    "a rate outside and one inside a regime": (
        [
            component_type(
                "A", dynamics=(state("v"), rate("v", "1"), regime("up", rate("v", "10"), initial=True))
            )
        ],
        '<A id="net"/>',
        "v",
    ),
    "two initial regimes": (
        [
            component_type(
                "A",
                dynamics=(
                    state("v"),
                    regime("a", rate("v", "1"), initial=True),
                    regime("b", rate("v", "10"), initial=True),
                ),
            )
        ],
        '<A id="net"/>',
        "v",
    ),
}


@pytest.mark.parametrize("what", MIXED)
def test_a_small_model(run, what):
    """What its name says, recorded over 20 rows."""
    types, tree, columns = MIXED[what]
    include = NEUROML if "<network" in tree else ()
    run(document(types, tree, columns, length="20ms", include=include))


# ---- 7. units and output ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "dimension", "expected"),
    [
        ("-18mV", "voltage", -0.018000000000000002),
        ("37degC", "temperature", 310.15),
        ("5 ms", "time", 0.005),
        ("1hour", "time", 3600.0),
        ("0.5e-3 V", "voltage", 0.0005),
        ("12", "none", 12.0),
        ("1e6per_ms", "per_time", 1e9),
        ("1E3mV", "voltage", 1.0),
        ("-.5mV", "voltage", -0.0005),
        ("+5.mV", "voltage", 0.005),
        (" 5  mV ", "voltage", 0.005),
    ],
)
def test_quantities_become_si_numbers_as_in_jlems(run, text, dimension, expected):
    kind = f'<ComponentType name="A"><Parameter name="p" dimension="{dimension}"/><Dynamics><StateVariable name="x" dimension="{dimension}"/><OnStart><StateAssignment variable="x" value="p"/></OnStart></Dynamics></ComponentType>'
    found = run(document([kind], f'<A id="net" p="{text}"/>', "x", length="1ms"))
    assert found.trace("x")[0] == expected


@pytest.mark.parametrize("text", ["0", "5e3", "- 5mV", "1.5.2mV", "mV", "5mA"])
def test_what_is_no_voltage_is_refused(refused, text):
    """Nor is a bare zero one."""
    kind = component_type("A", '<Parameter name="p" dimension="voltage"/>', dynamics=RAMP)
    plan = SimulationPlan(
        "sim", "net", 0.001, 0.001, files=(OutputFile("o", "o", (OutputColumn("x", "x"),)),)
    )
    refused(document([kind], f'<A id="net" p="{text}"/>', "x", length="1ms"), InputError, plan)


def test_columns_keep_their_order_and_may_repeat_a_quantity_in_another_file(run):
    types = [
        component_type("A", parameter("p"), dynamics=(state("x"), state("y"), rate("x", "1"), rate("y", "p")))
    ]
    found = run(document(types, '<A id="net" p="1e9"/>', "y x"))
    assert found.quantities == ("y", "x")


def test_very_small_and_very_large_numbers_are_written_alike(run):
    """Java switches to the scientific form below 1e-3 and from 1e7 on."""
    types = [
        component_type(
            "A", parameter("p"), dynamics=(state("x"), on_start(assign("x", "p")), rate("x", "9*x"))
        )
    ]
    run(document(types, '<A id="net" p="1.2345678e-30"/>', "x", length="70ms"))


def test_input_errors_are_input_errors():
    """What is wrong with a document is one family of errors."""
    assert issubclass(ExpressionError, InputError)

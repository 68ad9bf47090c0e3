"""PyRates' templates: names, inheritance, values, equations, errors, and the experiments they become."""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tvbo_lite.errors import (
    ExpressionError,
    InputError,
    ModelError,
    ReadError,
    TvboLiteError,
    UnsupportedError,
)
from tvbo_lite.experiment import SimulationExperiment
from tvbo_lite.expr import python
from tvbo_lite.expr.complex import Parts, parts
from tvbo_lite.expr.evaluate import evaluate
from tvbo_lite.expr.pyrates import parse_equation, replaced
from tvbo_lite.expr.python_text import write
from tvbo_lite.expr.tree import Name
from tvbo_lite.formats.pyrates.experiment import short_names, translate
from tvbo_lite.formats.pyrates.model import Circuit, Group, Operator
from tvbo_lite.formats.pyrates.names import completed, find
from tvbo_lite.formats.pyrates.reader import read_circuit, read_template
from tvbo_lite.formats.pyrates.system import Delays
from tvbo_lite.losses import Losses

if TYPE_CHECKING:
    from collections.abc import Callable

MODELS = Path(__file__).parent / "pyrates" / "models"

HEAD = """\
op:
  base: OperatorTemplate
  equations: "x' = -k*x + u"
  variables: {x: output(1.0), k: 2.0, u: input}
node: {base: NodeTemplate, operators: [op]}
"""


@pytest.fixture
def write_models(tmp_path: Path) -> Callable[[str], str]:
    """Writes a template file; gives the path to which a template's name is added."""

    def written(text: str) -> str:
        (tmp_path / "m.yaml").write_text(text, encoding="utf-8")
        return str(tmp_path / "m")

    return written


# ---- names ---------------------------------------------------------------------------------------------


def test_a_path_means_a_file_with_or_without_ending(write_models: Callable[[str], str]) -> None:
    """``folder/m/op`` and ``folder/m.yaml/op`` are the template ``op`` of ``folder/m.yaml``."""
    path = write_models(HEAD)
    assert find(f"{path}/op") == find(f"{path}.yaml/op")
    assert find(f"{path}/op").name == "op"


def test_a_dotted_name_is_found_without_import(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The package is looked for, not imported: a broken one does no harm."""
    package = tmp_path / "my_models_for_pyrates" / "sub"
    package.mkdir(parents=True)
    (package.parent / "__init__.py").write_text("raise RuntimeError")
    (package / "m.yaml").write_text(HEAD)
    monkeypatch.syspath_prepend(tmp_path)
    assert isinstance(read_template("my_models_for_pyrates.sub.m.op"), Operator)


def test_a_name_without_dots_belongs_to_the_file_it_stands_in() -> None:
    """So PyRates completes the names of bases, operators and nodes."""
    assert completed("b", "pkg.file.a") == "pkg.file.b"
    assert completed("b", "dir/file/a") == "dir/file/b"
    assert completed("other.file.b", "pkg.file.a") == "other.file.b"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("qif", "'qif' names no PyRates template; expected package.file.template, or path/to/file/template"),
        ("no_such_package_at_all.file.qif", "there is no Python package 'no_such_package_at_all'"),
        ("no/such/folder/qif", "there is no no/such/folder.yaml"),
    ],
)
def test_a_name_that_means_nothing_is_told(name: str, message: str) -> None:
    """The message says which of the two spellings was tried, and what is missing."""
    with pytest.raises(ReadError, match=message.replace("(", r"\(")):
        read_template(name)


# ---- templates -------------------------------------------------------------------------------------------


def operator(name: str) -> Operator:
    found = read_template(f"{MODELS}/{name}")
    assert isinstance(found, Operator)
    return found


def test_a_derived_operator_changes_the_equations_of_its_base() -> None:
    """``replace`` takes terms that stand free, ``append`` goes behind each equation, ``add`` adds more."""
    derived = operator("cubic_op")
    assert [item.text for item in derived.equations] == [
        "d/dt * r = (k*r_in + u - r)/tau - w/tau",
        "w' = (r - w)/tau_w",
        "q = r*w + absv(-r)",
    ]
    assert derived.variables["tau"].value == 2.0
    assert derived.variables["tau_w"].value == 20.0
    assert operator("plain_op").equations[0].text == "d/dt * r = (k*r_in - r)/tau - w/tau"


def test_variables_that_no_equation_names_are_gone() -> None:
    """``remove`` took the input out of the equations, so the derived operator does not have it."""
    assert "u" in operator("cubic_op").variables
    assert "u" not in operator("plain_op").variables


def test_values_say_what_a_variable_is() -> None:
    """Constant, input, output, variable; real or complex, with or without a value."""
    found = operator("spin_op").variables
    assert (found["z"].kind, found["z"].value) == ("output", 0.5 + 0.1j)
    assert (found["i"].kind, found["i"].value) == ("constant", 1j)
    assert (found["drive"].kind, found["drive"].value) == ("input", 0.0)


def test_a_node_can_change_values() -> None:
    """The mapping form of ``operators``."""
    found = read_template(f"{MODELS}/slow_cell")
    assert isinstance(found, Group)
    use = found.operators[0]
    assert use.variables()["tau"].value == 5.0
    assert use.variables()["w"].value == 0.3
    assert use.operator.variables["tau"].value == 2.0


def test_a_derived_circuit_adds_nodes_and_edges() -> None:
    """The edges of the base come first; aliases, mappings and lists are the same."""
    base, derived = read_circuit(f"{MODELS}/pair"), read_circuit(f"{MODELS}/filtered")
    assert derived.edges[:3] == base.edges
    assert derived.edges[3].template is not None
    assert derived.edges[3].values == {"filter_op/g": 2.5}
    assert derived.edges[4].sources == {"difference_op/far": "source", "difference_op/near": "a/cubic_op/r"}


def test_circuits_stand_in_circuits() -> None:
    """The nodes and edges of all levels have paths from the top."""
    nested = read_circuit(f"{MODELS}/nested")
    assert list(nested.all_nodes()) == ["left/a", "left/b", "right/a", "right/b"]
    assert nested.all_edges()[0].source == "left/a/rate_op/m"
    assert "right/a/cubic_op/r" in [edge.source for edge in nested.all_edges()]


def test_changing_one_node_leaves_the_other_circuit_alone() -> None:
    """Templates are values: ``left`` and ``right`` share none."""
    nested = read_circuit(f"{MODELS}/nested")
    changed = nested.with_node("left/a", nested.all_nodes()["left/a"].with_value("cubic_op", "tau", 9.0))
    tau = [node.operators[0].variables()["tau"].value for node in changed.all_nodes().values()]
    assert tau == [9.0, 5.0, 2.0, 5.0]


# name: a file, the template that is read, what is said
BROKEN = {
    "no such template": (HEAD, "opp", "m.yaml: there is no template 'opp' in .*did you mean 'op'"),
    "no base": ("op: {equations: x = 1}", "op", "m.yaml:1: op: the template 'op' has no base; expected"),
    "unknown base": ("op: {base: opp}", "op", "m.yaml:1: op.base: there is no template 'opp'.*mean 'op'"),
    "own base": ("op: {base: op}", "op", "m.yaml:1: op.base: the template 'op' is derived from itself"),
    "misspelt key": (
        "c:\n  base: CircuitTemplate\n  nods: {}\n", "c",
        "m.yaml:3: c.nods: 'nods' is not a key of a circuit template; .*did you mean 'nodes'",
    ),
    "bad value": (
        "op:\n  base: OperatorTemplate\n  equations: x = k\n  variables:\n    x: output\n    k: PI/2\n", "op",
        "m.yaml:6: op.variables.k: found 'PI/2'; expected a number, input, output or variable",
    ),
    "endless value": (
        HEAD.replace("k: 2.0", "k: .inf"), "op",
        "m.yaml:4: op.variables.k: found inf; expected a finite number",
    ),
    "negative delay": (
        HEAD + "c:\n  base: CircuitTemplate\n  edges: [[p/op/x, p/op/u, null, {delay: -1}]]\n",
        "c", r"m.yaml:8: c.edges\[0\]: 'delay' is -1; expected a real number, 0 or more for times",
    ),
    "unknown change": (
        HEAD + "b:\n  base: op\n  equations: {replce: {x: y}}\n", "b",
        "m.yaml:8: b.equations: 'replce' is no change of equations; .*did you mean 'replace'",
    ),
    "bad edge": (
        HEAD + "c:\n  base: CircuitTemplate\n  nodes: {p: node}\n  edges:\n    - [p/op/x]\n", "c",
        r"m.yaml:10: c.edges\[0\]: found a list; expected \[source, target",
    ),
    "wrong kind": (
        HEAD + "c:\n  base: CircuitTemplate\n  nodes:\n    p: op\n", "c",
        "m.yaml:9: c.nodes.p: 'op' is an operator template; expected a node or edge template",
    ),
    "unknown value": (
        HEAD + "n:\n  base: NodeTemplate\n  operators:\n    op: {kk: 3}\n", "n",
        "m.yaml:9: n.operators.op.kk: the operator 'op' has no variable 'kk'; did you mean 'k'",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BROKEN)
def test_what_is_no_template_is_told_with_its_line(case: str, write_models: Callable[[str], str]) -> None:
    """File, line, place in the file, what was expected and the nearest name."""
    text, name, message = BROKEN[case]
    with pytest.raises(ReadError, match=message):
        read_template(f"{write_models(text)}/{name}")


def test_all_problems_of_a_file_are_told_at_once(write_models: Callable[[str], str]) -> None:
    """One look is enough."""
    text = "c:\n  base: CircuitTemplate\n  nods: {}\n  nodes: {p: nope}\n  edges: 3\n"
    with pytest.raises(ReadError) as raised:
        read_circuit(f"{write_models(text)}/c")
    assert len(raised.value.problems) == 3


def test_a_node_is_no_circuit() -> None:
    """What is read has to be what is asked for."""
    with pytest.raises(ReadError, match="is a node or edge template; expected a circuit template"):
        read_circuit(f"{MODELS}/cell")


# ---- equations -------------------------------------------------------------------------------------------

NAMES = {"x", "y", "k", "m", "z", "t"}


@pytest.mark.parametrize("text", ["x' = -k*x", "d/dt * x = -k*x", "d/dt*x=-k*x", "dx/dt = -k*x"])
def test_a_derivative_has_three_spellings(text: str) -> None:
    """All mean the same equation."""
    found = parse_equation(text, NAMES)
    assert (found.variable, found.derivative, write(found.value)) == ("x", True, "-k*x")


def test_an_equation_without_derivative_is_a_value() -> None:
    """Comparisons on the right are no second assignment; the sigmoid is written out."""
    found = parse_equation("m = k*sigmoid(x)", NAMES)
    assert (found.variable, found.derivative) == ("m", False)
    assert write(found.value) == "k*(1/(1 + exp(-x)))"


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("x += k", ExpressionError, "is no equation that PyRates knows"),
        ("x' = foo(k)", ExpressionError, "unknown function 'foo'"),
        ("x' = k*yy", ExpressionError, "'yy' is not declared.*\n.*\n.*did you mean 'y'"),
        ("x' = -x(t-k)", UnsupportedError, "the value of 'x' at an earlier time"),
        ("x' = past(x, k)", UnsupportedError, "the value of 'x' at an earlier time"),
    ],
)
def test_what_is_no_equation_is_told(text: str, error: type[InputError], message: str) -> None:
    """With the place of the fault, where there is one."""
    with pytest.raises(error, match=message):
        parse_equation(text, NAMES)


def test_a_replaced_term_stands_free() -> None:
    """Beside it are operators, brackets, blanks or the ends; a derivative's variable is not replaced."""
    assert replaced("m = m_max/(1 + exp(s*(r_thr-r)))", "r", "v") == "m = m_max/(1 + exp(s*(r_thr-v)))"
    assert replaced("r' = r_in - 2.0*r*v", "2.0*r*v", "w") == "r' = r_in - w"
    assert replaced("r' = r", "r", "v") == "r' = v"


@pytest.mark.parametrize(
    "text",
    [
        "-x**2", "(-x)**2", "2**3**2", "(2**3)**2", "x - (y - k)", "x/(y*k)", "x/y*k", "x*(y/k)", "-(-x)",
        "x**-y", "-(x + y)*k", "x*-y", "Piecewise((1, x < y), (2, True))", "2.5e-7*x", "pi*x", "Max(x, y)",
        "Piecewise((1, ~(x < y) & (y < k) | (x > k)))", "Piecewise((1, (x < y) & ((y < k) | (x > k))))",
    ],
)  # fmt: skip
def test_a_written_expression_is_read_as_the_same_tree(text: str) -> None:
    """The writer puts brackets wherever Python's precedence needs them."""
    tree = python.parse(text, NAMES)
    assert python.parse(write(tree), NAMES) == tree


@pytest.mark.parametrize(
    "text",
    ["(z + 1)**2*(x - z)/(2*z)", "conj(z)*z", "abs(z)**2 + real(z)", "exp(z)*imag(z)", "x/z - z**3", "-z"],
)
def test_complex_expressions_are_pairs_of_real_ones(text: str) -> None:
    """Python's complex numbers give the same values."""
    z, x = 0.3 - 0.7j, 1.7
    tree = parse_equation(f"m = {text.replace('abs', 'absv')}", NAMES).value
    found = parts(tree, {"z": Parts(Name("a"), Name("b"))})
    values = {"a": z.real, "b": z.imag, "x": x}
    functions = {"conj": complex.conjugate, "real": lambda v: v.real, "imag": lambda v: v.imag, "abs": abs}
    functions["exp"] = lambda v: __import__("cmath").exp(v)
    expected = eval(text, {"z": z, "x": x, **functions})
    ours = complex(evaluate(found.real, values), evaluate(found.imag, values))
    assert ours == pytest.approx(expected, rel=1e-12)


def test_what_is_known_to_be_real_stays_real() -> None:
    """The sum of a number and its conjugate has no imaginary part to carry along."""
    tree = parse_equation("m = 1 + z + conj(z) + absv(z)^2", NAMES).value
    found = parts(tree, {"z": Parts(Name("a"), Name("b"))})
    assert found.is_real
    assert write(found.real) == "1 + a + a + (a**2 + b**2)"


def test_functions_without_complex_form_are_refused() -> None:
    """Not left to the real part in silence."""
    with pytest.raises(UnsupportedError, match="the function 'tanh' of complex numbers"):
        parts(parse_equation("m = tanh(z)", NAMES).value, {"z": Parts(Name("a"), Name("b"))})


# ---- experiments -----------------------------------------------------------------------------------------


def test_names_are_as_short_as_tells_them_apart() -> None:
    """The variable alone, with its node, or with node and operator; nodes choose before edges."""
    names = ["p/op/r", "q/op/r", "p/op/v", "p/other/v", "p/op/tau", "edge_0/op/tau"]
    assert short_names(names) == {
        "p/op/r": "p_r", "q/op/r": "q_r", "p/op/v": "op_v", "p/other/v": "other_v", "p/op/tau": "tau",
        "edge_0/op/tau": "edge_0_tau",
    }  # fmt: skip


def test_a_circuit_is_one_dynamics() -> None:
    """Rates are state variables, values derived variables, the rest parameters."""
    exp = SimulationExperiment.from_pyrates(f"{MODELS}/twins", step_size=0.1, duration=2, time_scale="ms")
    assert exp.dynamics is not None
    assert list(exp.dynamics.state_variables) == ["relax_op_r", "cubic_op_r", "w"]
    assert exp.dynamics.derived_variables["rate_op_r"].equation is not None
    assert exp.dynamics.derived_variables["rate_op_r"].equation.rhs == "relax_op_r + cubic_op_r"
    assert exp.dynamics.derived_variables["cubic_op_r_in"].equation is not None
    assert exp.dynamics.derived_variables["cubic_op_r_in"].equation.rhs == "0.8*m"
    assert exp.integration is not None
    assert (exp.integration.step_size, exp.integration.time_scale) == (0.1, "ms")


def test_several_nodes_are_a_network() -> None:
    """A dynamics for each template, or for each node where these differ; an edge for each connection."""
    found = translate(read_circuit(f"{MODELS}/pair"))
    network = found.data["network"]
    assert list(network["dynamics"]) == ["cell", "slow_cell"]
    assert [node["label"] for node in network["nodes"]] == ["a", "b"]
    edges = [tuple(edge.values()) for edge in network["edges"]]
    assert sorted(edges) == [(0, 1, "m", "r_in", 2.0), (1, 0, "m", "r_in", -1.5), (1, 0, "w", "u", 0.5)]
    assert found.names["b/cubic_op/w"] == ("slow_cell_pop[0]/w",)


def test_nodes_that_say_the_same_are_one_population() -> None:
    """What drives one of them, or another value, tells it from the others."""
    circuit = read_circuit(f"{MODELS}/nested")
    network = translate(circuit).data["network"]
    assert [node["dynamics"] for node in network["nodes"] if node["label"].endswith("b")] == ["slow_cell"] * 2
    network = translate(circuit, external=["left/b/cubic_op/tau"]).data["network"]
    kinds = {node["label"]: node["dynamics"] for node in network["nodes"]}
    assert kinds["left/b"] != kinds["right/b"]
    other = circuit.with_node("left/b", circuit.all_nodes()["left/b"].with_value("rate_op", "s", 2.5))
    kinds = {node["label"]: node["dynamics"] for node in translate(other).data["network"]["nodes"]}
    assert (kinds["left/b"], kinds["right/b"]) == ("left_b", "right_b")


def test_an_operator_on_an_edge_is_a_node() -> None:
    """It stands before its target, for it passes on at once what it receives."""
    network = translate(read_circuit(f"{MODELS}/filtered")).data["network"]
    labels = [node["label"] for node in network["nodes"]]
    assert labels.index("edge_4") < labels.index("a")
    assert {node["dynamics"] for node in network["nodes"]} == {
        "cell",
        "slow_cell",
        "filter_edge",
        "sine_edge",
    }


CIRCLE = """\
op:
  base: OperatorTemplate
  equations: ["y = 0.5*u + 1", "x' = y - x"]
  variables: {y: output, x: variable(0.2), u: input}
node: {base: NodeTemplate, operators: [op]}
c:
  base: CircuitTemplate
  nodes: {p: node, q: node}
  edges:
    - [p/op/y, q/op/u, null, {weight: 1.0}]
"""


def test_nodes_without_a_right_order_are_one_dynamics(write_models: Callable[[str], str]) -> None:
    """Two nodes that pass on to each other what they receive at once."""
    data = translate(read_circuit(f"{write_models(CIRCLE)}/c")).data
    assert len(data["network"]["nodes"]) == 2
    back = CIRCLE + "    - [q/op/y, p/op/u, null, {weight: 1.0}]\n"
    exp = SimulationExperiment.from_pyrates(f"{write_models(back)}/c", step_size=0.1, duration=1)
    assert exp.network is None
    with pytest.raises(ModelError, match="variables in a circle"):
        exp.model()


def test_a_delay_with_spread_is_a_chain_of_equations() -> None:
    """Mean 3 and spread 1: nine equations with rate 3; mean 2: four with rate 2."""
    data = translate(read_circuit(f"{MODELS}/spread"), network=False).data["dynamics"]
    chains = [name for name in data["state_variables"] if "_delay" in name]
    assert len(chains) == 9 + 4
    assert data["parameters"]["out_delay1_rate"] == {"value": 3.0}
    assert data["parameters"]["m_delay1_rate"] == {"value": 2.0}
    assert data["derived_variables"]["a_r_in"]["equation"] == "-1.5*b_m + 0.2*m_delay1_4"


def test_edges_that_share_source_delay_and_spread_share_a_chain(write_models: Callable[[str], str]) -> None:
    """A chain is made once."""
    edge = "{weight: 1.0, delay: 0.2, spread: 0.1}"
    text = f"{HEAD}c:\n  base: CircuitTemplate\n  nodes: {{p: node, q: node}}\n  edges:\n"
    text += f"    - [p/op/x, q/op/u, null, {edge}]\n    - [p/op/x, p/op/u, null, {edge}]\n"
    data = translate(read_circuit(f"{write_models(text)}/c"), network=False).data["dynamics"]
    assert sum("_delay" in name for name in data["state_variables"]) == 4


def edged(edge: str) -> str:
    head = HEAD + "e: {base: EdgeTemplate, operators: [op]}\n"
    return f"{head}c:\n  base: CircuitTemplate\n  nodes: {{p: node}}\n  edges: [{edge}]\n"


REFUSED = {
    "long chain": (
        "[p/op/x, p/op/u, null, {delay: 9.0, spread: 0.1}]", UnsupportedError, "needs 8100 equations",
    ),
    "unknown source": (
        "[p/op/xx, p/op/u, null, {}]", ModelError, "source 'p/op/xx' does not exist; did you mean 'p/op/x'",
    ),
    "no operators": (
        "[p/op/x, p/op/u, null, {op/k: 3.0}]", ModelError, "the edge has no operators, and so no 'op/k'",
    ),
    "unknown value": (
        "[p/op/x, p/op/u, e, {op/kk: 3.0}]", ModelError, "the edge has no variable 'op/kk'; .* 'op/k'",
    ),
    "no input": ("[p/op/x, p/op/x, null, {}]", ModelError, "p/op/x has an equation and is the target"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_edges_that_cannot_be_are_told_with_their_line(case: str, write_models: Callable[[str], str]) -> None:
    """By name, not left out."""
    edge, error, message = REFUSED[case]
    with pytest.raises(error, match=message):
        translate(read_circuit(f"{write_models(edged(edge))}/c"))


def test_a_discrete_delay_can_be_approximated(write_models: Callable[[str], str]) -> None:
    """As PyRates' ``dde_approx`` does: a chain of that many equations."""
    circuit = read_circuit(f"{write_models(edged('[p/op/x, p/op/u, null, {delay: 2.0}]'))}/c")
    data = translate(circuit, delays=Delays(order=5)).data["dynamics"]
    assert data["parameters"]["x_delay1_rate"] == {"value": 2.5}
    assert "x_delay1_5" in data["state_variables"]


def test_a_discrete_delay_is_one_of_an_edge(write_models: Callable[[str], str]) -> None:
    """Exact, and with the initial value as past, unless PyRates' steps are asked for."""
    circuit = read_circuit(f"{write_models(edged('[p/op/x, p/op/u, null, {delay: 2.26}]'))}/c")
    network = translate(circuit).data["network"]
    assert [edge["delay"] for edge in network["edges"]] == [2.26]
    assert "history" not in network["dynamics"]["node"]["state_variables"]["x"]
    network = translate(circuit, delays=Delays(step=0.5)).data["network"]
    assert [edge["delay"] for edge in network["edges"]] == [2.5]
    assert network["dynamics"]["node"]["state_variables"]["x"]["history"] == 0
    with pytest.raises(UnsupportedError, match=r"m.yaml:10: .*p/op/x is read with a delay, which"):
        translate(circuit, network=False)


def test_a_step_of_delay_is_none_in_pyrates(write_models: Callable[[str], str]) -> None:
    """Unless another edge of the variable has a longer one: then all have at least a step."""
    edges = ["[p/op/x, p/op/u, null, {delay: 0.6}]", "[p/op/x, p/op/u, null, {}]"]
    for more, wanted in (([], []), (["[p/op/x, p/op/u, null, {delay: 2.0}]"], [0.5, 0.5, 2.0])):
        circuit = read_circuit(f"{write_models(edged(', '.join([*edges, *more])))}/c")
        data = translate(circuit, delays=Delays(step=0.5)).data
        assert [edge["delay"] for edge in data.get("network", {}).get("edges", [])] == wanted


def test_complex_variables_have_no_delays() -> None:
    """With the line of the edge."""
    circuit = read_circuit(f"{MODELS}/spinners")
    late = replace(circuit, edges=tuple(replace(edge, delay=1.0) for edge in circuit.edges))
    with pytest.raises(UnsupportedError, match=r"models.yaml:\d+: .*p/spin_op/z is complex and is read"):
        translate(late)


def test_errors_in_equations_have_the_line_of_the_template(write_models: Callable[[str], str]) -> None:
    """An undeclared name, a second equation and one without variable, all at once."""
    text = HEAD.replace('"x\' = -k*x + u"', "[\"x' = -kk*x\", 'k = 3', 'k = 4', 'y = x']")
    text += "c: {base: CircuitTemplate, nodes: {p: node}}\n"
    with pytest.raises(ExpressionError) as raised:
        translate(read_circuit(f"{write_models(text)}/c"))
    shown = str(raised.value)
    assert "m.yaml:3: op.equations[0]: p/op: 'kk' is not declared" in shown
    assert "p/op/k has two equations" in shown
    assert "p/op: 'y' is not declared" in shown


def test_an_array_is_refused_by_name(write_models: Callable[[str], str]) -> None:
    """Arrays are read, and refused where they would have to be computed."""
    path = write_models(
        HEAD.replace("k: 2.0", "k: 'variable(2.0, 3)'") + "c: {base: CircuitTemplate, nodes: {p: node}}\n"
    )
    assert read_circuit(f"{path}/c").nodes["p"].operators[0].variables()["k"].value == (2.0, 2.0, 2.0)
    with pytest.raises(UnsupportedError, match=r"m.yaml:4: .*p/op/k is an array"):
        translate(read_circuit(f"{path}/c"))


def test_an_input_from_outside_adds_to_the_edges() -> None:
    """Where an edge feeds it too, it gets a parameter of its own; else its value is left out."""
    circuit = read_circuit(f"{MODELS}/pair")
    found = translate(circuit, external=["a/cubic_op/r_in", "b/cubic_op/u"], network=False)
    targets = {"a/cubic_op/r_in": {"target_var": "r_in_ext"}, "b/cubic_op/u": {"target_var": "b_u"}}
    assert found.external == targets
    dynamics = found.data["dynamics"]
    assert dynamics["derived_variables"]["a_r_in"]["equation"] == "-1.5*b_m + r_in_ext"
    assert dynamics["parameters"]["b_u"] == {"value": 0.0}


def test_an_experiment_names_the_template_when_it_goes_wrong(write_models: Callable[[str], str]) -> None:
    """What lowering finds is told with the line of the template."""
    text = HEAD.replace("x' = -k*x + u", "x' = -k*m").replace("u: input}", "u: input, m: variable}")
    text = text.replace('equations: "x\' = -k*m"', "equations: [\"x' = -k*m\", 'm = u', 'u = m']")
    path = write_models(text + "c: {base: CircuitTemplate, nodes: {p: node}}\n")
    exp = SimulationExperiment.from_pyrates(f"{path}/c", step_size=0.1, duration=1)
    with pytest.raises(ModelError, match=r"m.yaml:\d+: .*variables in a circle"):
        exp.model()


@pytest.mark.parametrize("name", ["single", "twins"])
def test_templates_that_we_write_are_read_as_the_same_model(name: str, tmp_path: Path) -> None:
    """Rendered as PyRates templates and read again, a node has the same traces to the last bit."""
    exp = SimulationExperiment.from_pyrates(f"{MODELS}/{name}", step_size=0.01, duration=2)
    rendered = exp.render("pyrates", losses=Losses())
    assert isinstance(rendered, str)
    (tmp_path / "again.yaml").write_text(rendered)
    again = SimulationExperiment.from_pyrates(f"{tmp_path}/again/circuit", step_size=0.01, duration=2)
    ours, theirs = exp.run().recording, again.run().recording
    assert ours is not None
    assert theirs is not None
    mine = {tuple(trace) for trace in ours.values.T}
    assert theirs.quantities
    assert all(tuple(trace) in mine for trace in theirs.values.T)


# ---- PyRates' own templates --------------------------------------------------------------------------------

needs_templates = pytest.mark.skipif(find_spec("model_templates") is None, reason="PyRates is not installed")

# What PyRates 1.2.3 ships and does not load or run itself.
BROKEN_IN_PYRATES = {
    "qif_gap": "the edge's source 'p/qif_op/r' does not exist",
    "qif_alpha_syn": "there is no template 'alpha_edge'",
    "kmo_conductance": "'variables' is no change of equations",
}


@needs_templates
def test_every_circuit_of_pyrates_loads() -> None:
    """All that PyRates can run; the three that it cannot are refused with what is wrong in them."""
    folder = Path(next(iter(find_spec("model_templates").submodule_search_locations)))  # type: ignore[union-attr, arg-type]
    found, refused = [], {}
    for file in sorted(folder.glob("[no]*/*.yaml")):
        for line in file.read_text().splitlines():
            name = line.rstrip(": ")
            if not line.endswith(":") or line.startswith((" ", "#")) or name == "aliases":
                continue
            full = f"model_templates.{file.parent.name}.{file.stem}.{name}"
            try:
                template = read_template(full)
                if isinstance(template, Circuit):
                    SimulationExperiment.from_pyrates(full, step_size=1e-3, duration=0.01).model()
                    found.append(name)
            except TvboLiteError as error:
                refused[name] = str(error)
    assert len(found) == 20
    for name, message in BROKEN_IN_PYRATES.items():
        assert message in refused[name]
    assert set(refused) - {"conductance_op", "conductance_pop"} == set(BROKEN_IN_PYRATES)

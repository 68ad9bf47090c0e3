"""The SymPy-like spelling: Python's precedence, choices, LEMS's words; faults are shown in place."""

from __future__ import annotations

import contextlib
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tvbo_lite.errors import ExpressionError
from tvbo_lite.expr import lems
from tvbo_lite.expr.evaluate import evaluate
from tvbo_lite.expr.plain import plain, without_choices
from tvbo_lite.expr.python import Function, parse
from tvbo_lite.expr.tree import Binary, Call, Name, Negate, Number, Select, names
from tvbo_lite.limits import EXPRESSION_SIZE

VALUES = {"a": 7.0, "b": 3.0, "c": 0.3, "x": -2.0, "I": 1.5, "gamma": 2.5, "n": 4.0}


def value(text: str) -> float:
    return evaluate(parse(text, VALUES), VALUES)


# ---- what expressions mean ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("a - b - c", 7 - 3 - 0.3),
        ("a / b * c", 7 / 3 * 0.3),
        ("a / b / c", 7 / 3 / 0.3),
        ("-x**2", -4),
        ("(-x)**2", 4),
        ("2**3**2", 512),
        ("2^3^2", 512),
        ("2**-1", 0.5),
        ("2*-b", -6),
        ("a - -b", 10),
        ("+a", 7),
        ("1e-3 + 2.5E1 + .5 + 3.", 0.001 + 25 + 0.5 + 3),
        ("I*gamma + n", 1.5 * 2.5 + 4),
        ("pi", math.pi),
        ("exp(-(x + 1)/2)", math.exp(0.5)),
        ("Abs(x) + abs(x)", 4),
        ("floor(2.5) + floor(x/4) + ceiling(2.5)", 2 - 1 + 3),
        ("log10(1000)", 3),
        ("sign(a) + sign(x) + sign(0)", 0),
        ("Min(a, b, x)", -2),
        ("Max(a, b, x) + Max(b)", 10),
        ("Pow(b, 2)", 9),
        ("Heaviside(a)", 1),
        ("Piecewise((1, a < b), (2, a > b))", 2),
        ("Piecewise((1, a < b), (2, a == b))", 0),
        ("Piecewise((1, a < b), (2, True), (3, a > b))", 2),
        ("Piecewise((1, Eq(a, 7) & Ne(b, 4) & ~(c > 1)), (2, True),)", 1),
        ("Piecewise((1, a > b > c), (0, True))", 1),
        ("Piecewise((1, not a < b and (b > a or c < 1)), (0, True))", 1),
        ("Piecewise((1, a .gt. b .and. c .leq. 1), (0, True))", 1),
        ("Piecewise((1, a < b or b < a and x > 0), (0, True))", 0),
        ("Piecewise((1, And(a > b, Or(a < 0, Not(b < 0)))), (0, true))", 1),
        ("Piecewise((1, False), (2, a != b))", 2),
    ],
)
def test_the_value_is_what_sympy_would_say(text: str, wanted: float) -> None:
    """Precedence and functions as in Python and SymPy; without a last branch the value is 0."""
    assert value(text) == pytest.approx(wanted, rel=1e-15)


def test_names_of_the_model_win_over_built_in_names() -> None:
    """``beta`` and ``exp`` may be declared as quantities, ``lambda`` too."""
    declared = {"exp", "beta", "lambda", "Min", "pi", "True"}
    assert parse("exp*beta + lambda", declared) == Binary(
        "+", Binary("*", Name("exp"), Name("beta")), Name("lambda")
    )
    assert set(names(parse("Min + pi", declared))) == {"Min", "pi"}


def test_calls_of_declared_functions_are_filled_in() -> None:
    """Arguments replace names at once, so that equal names inside and outside do not mix."""
    functions = {"f": Function(("x", "y"), parse("x - 2*y"))}
    assert evaluate(parse("f(y, x)", {"x", "y"}, functions), {"x": 1.0, "y": 10.0}) == 8.0


WRONG = [
    ("a +", "an operand is missing at the end in expression:\n    a +\n       ^"),
    ("a b", "an operator is missing before 'b' in expression:\n    a b\n      ^"),
    ("(a", "'(' is never closed in expression:\n    (a\n    ^"),
    ("a)", "')' without '('"),
    ("", "an operand is missing at the end"),
    ("gama", "'gama' is not declared in expression:\n    gama\n    ^; did you mean 'gamma'?"),
    ("sinus(a)", "unknown function 'sinus'"),
    ("Piecwise((1, True))", "did you mean 'Piecewise'?"),
    ("gamma(3)", "'gamma' is a quantity, not a function"),
    ("exp", "'exp' is a function; its arguments are missing"),
    ("exp(a, b)", "'exp' takes 1 argument(s), not 2"),
    ("Min()", "'Min' takes at least one argument(s), not 0"),
    ("a = b", "use '=='"),
    ("a % b", "no remainder is known"),
    ("a // b", "no whole-number division is known"),
    ("a & b", "'and' needs a condition on both sides"),
    ("a < b + (c < a)", "'+' needs a number on both sides"),
    ("~a", "'~' needs a condition"),
    ("exp(a < b)", "a number is needed, not a condition"),
    ("And(a, b)", "'And' needs conditions"),
    ("-(a < b)", "a number is needed, not a condition"),
    ("Piecewise(1, 2)", "Piecewise takes pairs '(value, condition)'"),
    ("Piecewise((1, 2))", "Piecewise takes pairs"),
    ("Piecewise()", "Piecewise has no case"),
    ("(a > b) .or. (b > c) .and. (c > a)", "'.and.' beside '.or.' can be read in two ways"),
    ("a.b", "cannot read '.'"),
    ("'a'", "cannot read '''"),
    ("__import__('os')", "cannot read '''"),
    ("2a", "cannot read '2'"),
    ("(" * 500 + "a" + ")" * 500, "nested deeper than"),
    ("-" * 500 + "a", "nested deeper than"),
    ("a" + "+a" * 60_000, "an expression of 120001 characters"),
    ("a" + "+a" * 2_000, "wait for one another"),
]


@pytest.mark.parametrize(("text", "message"), WRONG, ids=[text[:20] for text, _ in WRONG])
def test_a_fault_is_shown_in_its_place(text: str, message: str) -> None:
    """The message has the expression, a caret, and the nearest name."""
    with pytest.raises(ExpressionError) as caught:
        parse(text, VALUES)
    assert message in str(caught.value)


def test_functions_that_call_functions_cannot_grow_without_bound() -> None:
    """Each of them doubles the one before; the size is checked before anybody walks the tree."""
    functions = {"f0": Function(("x",), parse("x + x"))}
    for number in range(1, 12):
        body = parse(f"f{number - 1}(x) + f{number - 1}(x)", {"x"}, functions)
        functions[f"f{number}"] = Function(("x",), body)
    with pytest.raises(ExpressionError, match=f"over {EXPRESSION_SIZE}"):
        parse(" + ".join(["f11(a)"] * 50), {"a"}, functions)
    with pytest.raises(ExpressionError, match=f"over {EXPRESSION_SIZE}"):
        parse("Max(" + "a, " * 60 + "a)")


# ---- on the way to LEMS ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("-g*m**3*h*(v - E) - k", "0 - g * m ^ 3 * h * (v - E) - k"),
        ("V - (-0.038)", "V + 0.038"),
        ("a*b/c", "(a * b) / c"),
        ("2*-x", "0 - 2 * x"),
        ("-a*-b", "a * b"),
        ("exp(-x)", "exp(0 - x)"),
        ("~(a < b) & (c < 2)", "(a .geq. b) .and. (c .lt. 2)"),
        ("~((a < b) | ~(c < 2))", "(a .geq. b) .and. (c .lt. 2)"),
    ],
)
def test_lems_text_has_no_unary_minus_and_no_not(text: str, written: str) -> None:
    """Signs move outwards, where LEMS reads them as a subtraction from 0."""
    assert lems.write(plain(parse(text))) == written


def test_choices_are_taken_out_from_the_inside() -> None:
    """Each choice is named after those that it needs."""
    found: dict[Select, str] = {}

    def name(choice: Select) -> str:
        return found.setdefault(choice, f"c{len(found) + 1}")

    rest = without_choices(parse("1 + Max(a, Min(b, 2))"), name)
    assert rest == Binary("+", Number(1.0), Name("c2"))
    assert [set(names(choice)) for choice in found] == [{"b"}, {"a", "c1"}]


NUMBERS = st.floats(min_value=0.01, max_value=99, allow_nan=False).map(lambda number: round(number, 3))


@st.composite
def expressions(draw: st.DrawFn, depth: int = 4) -> str:
    """Text that Python and this parser read alike."""
    kind = draw(st.integers(0, 7 if depth else 1))
    if kind == 0:
        return repr(draw(NUMBERS))
    if kind == 1:
        return draw(st.sampled_from(sorted(VALUES)))
    inside = expressions(depth - 1)
    if kind in (2, 3, 4):
        return f"{draw(inside)} {draw(st.sampled_from('+-*/'))} {draw(inside)}"
    if kind == 5:
        return f"({draw(inside)})"
    if kind == 6:
        return f"-{draw(inside)}"
    return f"abs({draw(inside)})**2"


def slowly(text: str) -> float | None:
    """Python's own value; None where it has none."""
    try:
        return float(eval(text, {"__builtins__": {"abs": abs}}, dict(VALUES)))
    except (ZeroDivisionError, OverflowError):
        return None


@given(expressions())
def test_the_value_is_that_of_python(text: str) -> None:
    """Text without choices has the value that Python gives it; also after the way through LEMS text."""
    wanted = slowly(text)
    if wanted is None or not math.isfinite(wanted):
        return
    tree = parse(text, VALUES)
    assert evaluate(tree, VALUES) == wanted
    through = lems.parse(lems.write(plain(tree)))
    assert evaluate(through, VALUES) == pytest.approx(wanted, rel=1e-12, abs=1e-9)


@given(st.text(max_size=60))
def test_any_text_is_an_expression_or_an_expression_error(text: str) -> None:
    """Nothing else is raised."""
    with contextlib.suppress(ExpressionError):
        parse(text, VALUES)


def test_a_sign_before_a_call_is_kept() -> None:
    """``-exp(x)`` is the opposite of ``exp(x)``."""
    assert parse("-exp(x)") == Negate(Call("exp", Name("x")))

"""LEMS expressions: jLEMS's precedence, what is written reads back, faults are shown in place."""

# ruff: noqa: E501  the XML of small models reads better unbroken

import contextlib
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tvbo_lite.errors import ExpressionError
from tvbo_lite.expr.evaluate import evaluate
from tvbo_lite.expr.lems import parse, write
from tvbo_lite.expr.tree import (
    COMPARISONS,
    FUNCTIONS,
    LOGICAL,
    Binary,
    Call,
    Name,
    Negate,
    Not,
    Number,
    Select,
    is_boolean,
    names,
    substitute,
)
from tvbo_lite.limits import EXPRESSION_BRACKETS, EXPRESSION_LENGTH

A, B, C, X = (Name(name) for name in "abcx")
VALUES = {"a": 7.0, "b": 3.0, "c": 0.3, "x": 3.0, "v_1": 2.0, "e": 1.5}


def value(text):
    return evaluate(parse(text), VALUES)


# ---- precedence (section 3 of the page on jLEMS's semantics) --------------------------------------------


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("a*b/c", Binary("*", A, Binary("/", B, C))),
        ("a/b*c", Binary("*", Binary("/", A, B), C)),
        ("a/b/c", Binary("/", Binary("/", A, B), C)),
        ("a+b-c", Binary("+", A, Binary("-", B, C))),
        ("a-b+c", Binary("+", Binary("-", A, B), C)),
        ("a-b-c", Binary("-", Binary("-", A, B), C)),
        ("a^b^c", Binary("^", Binary("^", A, B), C)),
        ("a*b^c", Binary("*", A, Binary("^", B, C))),
        ("a/b^c", Binary("/", A, Binary("^", B, C))),
        ("a+b*c", Binary("+", A, Binary("*", B, C))),
        ("a*-b^c", Binary("*", A, Binary("^", Negate(B), C))),
        ("a - -b", Binary("-", A, Negate(B))),
        ("a^-b", Binary("^", A, Negate(B))),
        ("-x^b", Binary("-", Number(0.0), Binary("^", X, B))),
        ("(-x)^b", Binary("^", Binary("-", Number(0.0), X), B)),
        ("-a*b", Binary("-", Number(0.0), Binary("*", A, B))),
        ("-a + b", Binary("+", Binary("-", Number(0.0), A), B)),
        ("exp(-a)", Call("exp", Binary("-", Number(0.0), A))),
        ("(a+b)*c", Binary("*", Binary("+", A, B), C)),
        ("a .gt. b + c", Binary("gt", A, Binary("+", B, C))),
        ("a .gt. -b", Binary("gt", A, Negate(B))),
        (
            "(a .gt. b) .or. (a .gt. b) .and. (b .gt. a)",
            Binary(
                "and",
                Binary("or", Binary("gt", A, B), Binary("gt", A, B)),
                Binary("gt", B, A),
            ),
        ),
        ("a .gt. b .and. b .lt. c", Binary("and", Binary("gt", A, B), Binary("lt", B, C))),
    ],
)
def test_operators_bind_as_in_jlems(text, tree):
    """From the tightest: unary minus, ^, /, *, -, +, comparisons, then .eq. .and. .or.; left to right."""
    assert parse(text) == tree


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2^3^2", 64.0),
        ("2*-x^2", 18.0),
        ("-x^2", -9.0),
        ("a+b-c", 7 + (3 - 0.3)),
        ("a*b/c", 7 * (3 / 0.3)),
        ("factorial(13)", 1932053504.0),
        ("factorial(5)", 120.0),
        ("H(0)", 0.5),
        ("H(a)", 1.0),
        ("H(-a)", 0.0),
        ("ln(10) - log(10)", 0.0),
        ("abs(-2.5)", 2.5),
        ("ceil(2.1)", 3.0),
        ("1e-3*a", 0.007),
        ("1.5E+2", 150.0),
        (".5*x", 1.5),
        ("2.", 2.0),
        (" a\n\t+ b ", 10.0),
        ("v_1*e", 3.0),
        ("x .eq. 3", 1.0),
        ("x .neq. 3", 0.0),
        ("(x .geq. 3) .and. (x .leq. 3)", 1.0),
    ],
)
def test_values(text, expected):
    assert value(text) == expected


@pytest.mark.parametrize(
    "text", ["ln(0)", "ln(0-1)", "log(0)", "sqrt(0-1)", "factorial(0-1)", "factorial(1.5)", "0/0"]
)
def test_what_has_no_value_is_nan(text):
    """As in Java; jLEMS gives NaN for the logarithm of 0 too."""
    assert math.isnan(value(text))


@pytest.mark.parametrize(
    ("text", "expected"), [("1/0", math.inf), ("(0-1)/0", -math.inf), ("exp(1000)", math.inf)]
)
def test_what_is_too_large_is_infinite(text, expected):
    assert value(text) == expected


def test_an_exponent_may_follow_a_name():
    """`rate-3` is one name in jLEMS, because of its `e-3`; `x-3` is a difference."""
    assert list(names(parse("rate-3 + x-3"))) == ["rate-3", "x"]
    assert parse("rate - 3") == Binary("-", Name("rate"), Number(3.0))


def test_names_may_hold_digits_and_underscores():
    assert list(names(parse("v_1 + Ca2 * _k + é"))) == ["v_1", "Ca2", "_k", "é"]


# ---- faults ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "an operand is missing"),
        ("a +", "an operand is missing beside '+'"),
        ("* a", "an operand is missing beside '*'"),
        ("a * / b", "an operand is missing"),
        ("()", "an operand is missing"),
        ("a b", "an operator is missing before 'b'"),
        ("2 (a)", "an operator is missing before '('"),
        ("(a + b", "'(' is never closed"),
        ("a + b)", "')' without '('"),
        ("a % b", "%"),
        ("a && b", "&"),
        ("a &lt; b", "&"),
        ("a == b", "="),
        ("floor(x)", "unknown function 'floor'"),
        ("Exp(x)", "did you mean 'exp'?"),
        ("a .gt. 1 .and. x .eq. 3", "put each comparison in brackets"),
        ("a .and. b", "'.and.' needs a condition on both sides"),
        ("(a .gt. b) + 1", "'+' needs a number on both sides"),
        ("sin()", "an operand is missing"),
        ("1.2.3", "1.2.3"),
        ("3x", "3x"),
    ],
)
def test_faults_are_explained(text, message):
    """With the text and a caret below the place."""
    with pytest.raises(ExpressionError) as error:
        parse(text)
    assert message in str(error.value)
    assert "^" in str(error.value)


def test_the_caret_stands_below_the_fault():
    with pytest.raises(ExpressionError) as error:
        parse("alpha * floor(beta)")
    shown, caret = str(error.value).splitlines()[1:3]
    assert shown[caret.index("^") :].startswith("floor")


def test_hostile_texts_are_refused():
    """Deep brackets and endless texts raise an error of ours, not of Python's stack."""
    deep = int(EXPRESSION_BRACKETS.default) + 1
    for text in ("(" * deep + "a" + ")" * deep, "a" * (int(EXPRESSION_LENGTH.default) + 1)):
        with pytest.raises(ExpressionError):
            parse(text)


def test_long_flat_texts_are_read():
    """A sum of 300 terms needs no brackets."""
    assert value("+".join(["a"] * 300)) == 2100


def test_very_long_flat_texts_have_a_value_or_an_error_of_ours():
    """5000 terms; Python's stack is not the user's business."""
    with contextlib.suppress(ExpressionError):
        assert value("+".join(["a"] * 5000)) == 35000


def test_undeclared_names_are_reported():
    with pytest.raises(ExpressionError, match="'q' is not declared"):
        evaluate(parse("a + q"), VALUES)


def test_random_has_no_fixed_value():
    with pytest.raises(ExpressionError, match="'random' has no fixed value"):
        evaluate(parse("random(1)"), VALUES)


# ---- writing -------------------------------------------------------------------------------------------------

atoms = st.one_of(
    st.floats(0, 1e300, allow_nan=False).map(lambda x: Number(x + 0.0)),
    st.sampled_from(["a", "b", "c", "x"]).map(Name),
)
functions = st.sampled_from([name for name in FUNCTIONS if name not in ("random", "factorial")])
arithmetic = st.recursive(
    atoms,
    lambda inner: st.one_of(
        st.builds(Binary, st.sampled_from(["+", "-", "*", "/", "^"]), inner, inner),
        st.builds(Call, functions, inner),
    ),
    max_leaves=12,
)
with_minus = st.recursive(
    arithmetic,
    lambda inner: st.one_of(st.builds(Negate, inner), st.builds(Binary, st.just("+"), inner, inner)),
    max_leaves=4,
)
truths = st.recursive(
    st.builds(Binary, st.sampled_from(COMPARISONS), arithmetic, arithmetic),
    lambda inner: st.builds(Binary, st.sampled_from(LOGICAL), inner, inner),
    max_leaves=5,
)


def alike(x, y):
    return x == y or (math.isnan(x) and math.isnan(y))


@given(st.one_of(arithmetic, truths))
def test_what_is_written_is_read_back_as_the_same_tree(tree):
    """Numbers, names, functions, binary operators and conditions."""
    assert parse(write(tree)) == tree


@given(with_minus)
def test_what_is_written_has_the_same_value(tree):
    """Unary minus included: it is written as a product with -1."""
    assert alike(evaluate(parse(write(tree)), VALUES), evaluate(tree, VALUES))


@given(st.floats(-1e300, -1e-300))
def test_negative_numbers_keep_their_value(number):
    """As a subtraction from 0."""
    assert evaluate(parse(write(Binary("*", A, Number(number)))), VALUES) == 7.0 * number


def test_the_negative_of_zero_keeps_its_sign():
    tree = Binary("/", Number(1.0), Negate(A))
    assert evaluate(parse(write(tree)), {"a": 0.0}) == evaluate(tree, {"a": 0.0})


@pytest.mark.parametrize("tree", [Not(Binary("lt", A, B)), Select(((None, A),))])
def test_what_lems_cannot_say_is_refused(tree):
    with pytest.raises(ExpressionError, match="cannot hold"):
        write(tree)


# ---- the tree ----------------------------------------------------------------------------------------------------


def test_conditions_are_told_from_numbers():
    assert is_boolean(parse("a .lt. b"))
    assert is_boolean(Not(A))
    assert not is_boolean(parse("a + b"))
    assert not is_boolean(parse("H(a)"))


def test_names_are_replaced_everywhere():
    """Also within functions and conditions; other names stay."""
    tree = Select(((parse("a .lt. exp(b)"), parse("-a")), (None, C)))
    swapped = substitute(tree, {"a": X, "b": Number(2.0)})
    assert list(names(swapped)) == ["x", "x", "c"]


def test_the_first_case_that_holds_is_the_value():
    tree = Select(((parse("a .lt. b"), Number(1.0)), (parse("a .gt. b"), Number(2.0)), (None, Number(3.0))))
    assert evaluate(tree, VALUES) == 2.0
    assert evaluate(Select(tree.cases[:1]), VALUES) == 0.0

"""What holds of any expression, unit, experiment and LEMS model, not only of those that we thought of."""

from __future__ import annotations

import json
import math
import re
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from strategies import NAMES, TEXTS, of_class, of_schema

from tvbo_lite import SimulationExperiment
from tvbo_lite.errors import ExpressionError, ReadError, SchemaError, TvboLiteError, UnitError
from tvbo_lite.expr import arrays, lems, python, python_text
from tvbo_lite.expr.evaluate import evaluate
from tvbo_lite.expr.tree import (
    ARITHMETIC,
    COMPARISONS,
    FUNCTIONS,
    LOGICAL,
    Binary,
    Call,
    Expr,
    Name,
    Negate,
    Not,
    Number,
    Select,
)  # fmt: skip
from tvbo_lite.formats import render
from tvbo_lite.formats.files import Files, write_files
from tvbo_lite.formats.lems import reader
from tvbo_lite.formats.lems.normal import normal_form
from tvbo_lite.formats.lems.reader import link_string, read_string
from tvbo_lite.formats.lems.vocabulary import ATTRIBUTES
from tvbo_lite.formats.lems.writer import write
from tvbo_lite.lems import model as m
from tvbo_lite.losses import Losses
from tvbo_lite.numerals import whole
from tvbo_lite.resources import folder
from tvbo_lite.transforms.check import check
from tvbo_lite.transforms.quantity import UnitTable
from tvbo_lite.units import DIMENSIONS, convert, factor, si_symbol

if TYPE_CHECKING:
    from collections.abc import Sequence

SLOW = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]

# ---- expressions -----------------------------------------------------------------------------------------

VALUES = {"a": 7.0, "b": -3.0, "c": 0.3, "x": 2.0}
CALLED = tuple(name for name in FUNCTIONS if name not in ("random", "factorial"))
CONSTANT = tuple(python.parse(word) for word in ("True", "False"))  # a choice by these is none
EXACT = ("abs", "sqrt", "ceil", "H", "ln")  # numpy's vectorised others may differ in the last place


@st.composite
def trees(
    draw: st.DrawFn, operators: Sequence[str] = ARITHMETIC, called: Sequence[str] = CALLED, depth: int = 4
) -> Expr:
    """Expressions that are numbers: of names and numbers from 0 on, with choices."""
    kind = draw(st.integers(0, 6 if depth else 1))
    if kind == 0:
        return Number(draw(st.floats(0, 1e6)) + 0.0)
    if kind == 1:
        return Name(draw(st.sampled_from(sorted(VALUES))))
    inside = trees(operators, called, depth - 1)
    if kind == 2:
        return Negate(draw(inside))
    if kind == 3:
        return Call(draw(st.sampled_from(called)), draw(inside))
    if kind == 4:
        open_ended = conditions(inside).filter(lambda test: test not in CONSTANT)
        cases = draw(st.lists(st.tuples(open_ended, inside), min_size=1, max_size=2))
        return Select((*cases, (None, draw(inside))))
    return Binary(draw(st.sampled_from(operators)), draw(inside), draw(inside))


@st.composite
def conditions(draw: st.DrawFn, inside: st.SearchStrategy[Expr], depth: int = 2) -> Expr:
    """Comparisons, joined and denied."""
    kind = draw(st.integers(0, 2 if depth else 0))
    if kind == 0:
        return Binary(draw(st.sampled_from(COMPARISONS)), draw(inside), draw(inside))
    inner = conditions(inside, depth - 1)
    return Not(draw(inner)) if kind == 1 else Binary(draw(st.sampled_from(LOGICAL)), draw(inner), draw(inner))


@settings(deadline=None, suppress_health_check=SLOW)
@given(trees() | conditions(trees()))
def test_a_tree_in_python_spelling_is_read_back(tree: Expr) -> None:
    """Signs, choices, negations and conditions: what is written is read as the same tree."""
    assert python.parse(python_text.write(tree), VALUES) == tree


@settings(deadline=None, suppress_health_check=SLOW)
@given(trees(operators=("+", "-", "*", "/"), called=EXACT))
def test_arrays_have_the_value_of_numbers(tree: Expr) -> None:
    """What numpy works out for arrays is, element by element, what is worked out for numbers, to the bit."""
    shifts = np.array([0.0, 0.5, -2.0])
    found = arrays.evaluate(tree, {name: value + shifts for name, value in VALUES.items()})
    single = [
        evaluate(tree, {name: value + shift for name, value in VALUES.items()}) for shift in shifts.tolist()
    ]
    np.testing.assert_array_equal(np.broadcast_to(found, shifts.shape), single)


@pytest.mark.parametrize("parse", [lems.parse, python.parse])
@given(text=st.text("ab1.e+-*/^()<>=&|~ ,gtnHP", max_size=40))
def test_any_text_is_an_expression_or_told_with_a_caret(parse: Any, text: str) -> None:
    """No letter sequence makes a parser fail in another way; a tree is written as text that is read again."""
    try:
        tree = parse(text)
    except ExpressionError as error:
        told = str(error)
        assert "^" in told
        return
    assume("inf" not in repr(tree))  # of 1e999, which no text can say again
    assert python.parse(python_text.write(tree)) == tree


# ---- units -----------------------------------------------------------------------------------------------

PREFIXES = ("", "m", "u", "n", "k")
SYMBOLS = [f"{prefix}{unit}" for prefix in PREFIXES for unit in ("V", "A", "S", "F", "s", "m", "mol", "ohm")]
UNITS = st.lists(st.sampled_from(SYMBOLS), min_size=1, max_size=2).flatmap(
    lambda above: st.lists(st.sampled_from(SYMBOLS), max_size=2).map(
        lambda below: "_per_".join(["_".join(above), *below])
    )
)


@given(UNITS, st.floats(-1e9, 1e9).map(lambda number: round(number, 9)))
def test_a_number_comes_back_from_another_unit(unit: str, number: float) -> None:
    """To SI and back; the scale of a unit is what one of it is in SI."""
    dimension, scale, _ = factor(unit)
    assert math.isclose(convert(convert(number, unit, unit), unit, unit), number)
    if dimension in DIMENSIONS:
        there = convert(number, unit, si_symbol(dimension))
        assert math.isclose(there, number * scale, rel_tol=1e-12)
        assert math.isclose(convert(there, si_symbol(dimension), unit), number, rel_tol=1e-12)


@given(UNITS)
def test_spellings_of_a_product_mean_the_same(unit: str) -> None:
    """``a_per_b`` is ``a/b``; ``a_b`` is ``a*b``."""
    assert factor(unit.replace("_per_", "/").replace("_", "*")) == factor(unit)


@given(st.text("mVAsukg^-0123456789/*_ ()²³µ", max_size=30))
def test_a_unit_has_a_finite_scale_or_is_refused(text: str) -> None:
    """Also one with absurd powers."""
    try:
        scale = factor(text).scale
    except UnitError:
        return
    assert 0 < scale < math.inf


CORE = link_string('<Lems><Include file="NeuroMLCoreDimensions.xml"/></Lems>')
TABLE = UnitTable(CORE.dimensions, CORE.units)


@given(
    st.floats(allow_nan=False, allow_infinity=False), st.sampled_from(CORE.units), st.sampled_from(["", " "])
)
def test_a_quantity_is_its_number_times_the_scale(number: float, unit: m.Unit, gap: str) -> None:
    """However the number is spelt, and with or without a space before the unit."""
    expected = (number + unit.offset) * unit.scale * float(f"1e{unit.power}")
    assume(math.isfinite(expected))
    found, dimension = TABLE.parse(f"{number!r}{gap}{unit.symbol}")
    assert found == pytest.approx(expected, rel=1e-12)
    assert dimension == TABLE.exponents(unit.dimension)


@given(st.text(max_size=25) | st.integers().map(str))
def test_a_whole_number_is_one_of_plain_digits(text: str) -> None:
    """Of 18 at most, without sign, and of no other script."""
    assert (whole(text) is not None) == bool(re.fullmatch("[0-9]{1,18}", text))


# ---- experiments -----------------------------------------------------------------------------------------

SCHEMA = json.loads((folder("schemas") / "experiment.schema.json").read_text(encoding="utf-8"))


@settings(max_examples=150, deadline=None, suppress_health_check=SLOW)
@given(of_schema(SCHEMA))
def test_what_the_schema_allows_is_an_experiment_that_survives_or_told(data: dict[str, Any]) -> None:
    """Data made from the published schema: read, written and read again it is the same, or its problems are
    told, each with its place. What the experiment means is a model, or again told.
    """
    try:
        experiment = SimulationExperiment.from_data(data)
    except SchemaError as error:
        problems = error.problems
        assert all(problem.message for problem in problems)
        return
    assert SimulationExperiment.from_string(experiment.to_yaml()) == experiment
    try:
        model = experiment.model()
    except TvboLiteError as error:
        told = str(error)
        assert told.strip()
        return
    check(reader.link(model))


# ---- LEMS ------------------------------------------------------------------------------------------------

LANGUAGE = {*ATTRIBUTES, "Target", "notes", "annotation", "Text", "Path", "Component"}
TAGS = NAMES.filter(lambda name: name not in LANGUAGE)
KEYS = NAMES.filter(lambda name: name not in ("id", "type", "extends"))
MAYBE = st.none() | NAMES
COMPONENT = st.recursive(
    st.builds(m.Component, TAGS, attributes=st.dictionaries(KEYS, TEXTS, max_size=3)),
    lambda inner: st.builds(m.Component, TAGS, MAYBE, MAYBE, children=st.lists(inner, max_size=3).map(tuple)),
    max_leaves=6,
)


def _one_of_two(kind: Any, *more: Any) -> st.SearchStrategy[Any]:
    """A derived parameter or variable, which has a value or a path."""
    given_one = st.sampled_from([("value", None), (None, "path")])
    return st.builds(lambda name, pair: kind(name, value=pair[0], select=pair[1]), NAMES, given_one)


def _in_order(kind: m.ComponentType) -> m.ComponentType:
    """Its single children before its lists, as every reader gives them."""
    return replace(kind, children=tuple(sorted(kind.children, key=lambda slot: slot.many)))


PARTS = (
    (m.Component, COMPONENT),
    (m.DerivedParameter, _one_of_two(m.DerivedParameter)),
    (m.DerivedVariable, _one_of_two(m.DerivedVariable)),
    (m.Builder, st.builds(m.Builder, TAGS, st.dictionaries(NAMES, TEXTS, max_size=2))),
    (m.Reference, st.builds(m.Reference, NAMES, MAYBE)),
    (m.Constant, st.builds(m.Constant, NAMES, TEXTS, TEXTS, st.none() | NAMES)),
)
CHANGED = (*PARTS, (m.ComponentType, of_class(m.ComponentType, PARTS).map(_in_order)))


@settings(max_examples=60, deadline=None, suppress_health_check=SLOW)
@given(of_class(m.Model, CHANGED))
def test_any_model_survives_writing(model: m.Model) -> None:
    """A LEMS model of any content, even one that contradicts itself, is the same after XML."""
    model = model if model.target is not None else replace(model, report_file=None)
    assert read_string(write(model)) == model


RESERVED = {*ATTRIBUTES, "Lems", "neuroml", "Structure"}
WORDS = st.sampled_from(sorted(ATTRIBUTES)) | st.sampled_from(["Lems", "neuroml", "Structure", "x"])
PAIRS = st.dictionaries(
    st.sampled_from(["name", "dimension", "value", "power", "m", "symbol", "scale", "x"]),
    st.sampled_from(["", "v", "nan", "1e400", "-3", "1.5", "²", "x y", "&#10;"]),
    max_size=4,
)


@st.composite
def documents(draw: st.DrawFn, depth: int = 3) -> str:
    """Elements and attributes of the language in any order."""
    name, pairs = draw(WORDS), draw(PAIRS)
    head = " ".join([name, *(f'{key}="{value}"' for key, value in pairs.items())])
    inside = draw(st.lists(documents(depth - 1), max_size=3)) if depth else []
    return f"<{head}>{''.join(inside)}</{name}>"


@settings(deadline=None, suppress_health_check=SLOW)
@given(st.one_of(documents().map(lambda text: f"<Lems>{text}</Lems>"), documents(), st.text(max_size=50)))
def test_any_text_is_a_lems_document_or_told_with_its_line(text: str) -> None:
    """What is read is written and read as the same; what is not has a file and a line."""
    try:
        model = read_string(text)
    except ReadError as error:
        places = [problem.location for problem in error.problems]
        assert all(place.file and place.line for place in places)
        return
    if not any(item.tag in RESERVED for item in model.components):  # no component, which a check tells
        assert read_string(write(model)) == model


@st.composite
def networks(draw: st.DrawFn) -> m.Model:
    """Populations of cells with pulses into some of them."""

    def amount(unit: str) -> str:
        return f"{draw(st.integers(-10000, 10000)) / 100} {unit}"

    names = draw(st.lists(NAMES.map("n_{}".format), min_size=1, max_size=3, unique=True))
    texts = dict.fromkeys(("leakReversal", "thresh", "reset"), "mV") | {"C": "nF", "leakConductance": "uS"}
    parts = [
        m.Component("iafCell", f"c{name}", attributes={key: amount(unit) for key, unit in texts.items()})
        for name in names
    ]
    pulse = {"delay": amount("ms"), "duration": amount("ms"), "amplitude": amount("nA")}
    parts.append(m.Component("pulseGenerator", "pulse", attributes=pulse))
    sizes = {name: draw(st.integers(1, 5)) for name in names}
    inside = [
        m.Component("population", name, attributes={"component": f"c{name}", "size": str(size)})
        for name, size in sizes.items()
    ]
    for name, size in sizes.items() if draw(st.booleans()) else ():
        target = f"{name}[{draw(st.integers(0, size - 1))}]"
        inside.append(m.Component("explicitInput", attributes={"target": target, "input": "pulse"}))
    network = m.Component("network", "net", children=tuple(inside))
    times = {"length": "10 ms", "step": "0.01 ms", "target": "net"}
    simulation = m.Component("Simulation", "sim", attributes=times)
    files = map(m.Include, ("Cells.xml", "Networks.xml", "Inputs.xml", "Simulation.xml"))
    return m.Model("sim", includes=tuple(files), components=(*parts, network, simulation))


@settings(max_examples=25, deadline=None, suppress_health_check=SLOW)
@given(networks())
def test_a_network_survives_neuroml_and_an_experiment(model: m.Model) -> None:
    """What NeuroML and YAML say of it is the same model; nothing is lost."""
    losses = Losses()
    files = render(model, "neuroml", losses=losses)
    assert isinstance(files, Files)
    with tempfile.TemporaryDirectory() as place:
        write_files(place, files)
        there = reader.read_file(Path(place, files.main))
    assert normal_form(there).components == normal_form(model).components
    experiment = SimulationExperiment.from_lems(model, losses=losses)
    again = SimulationExperiment.from_string(experiment.to_yaml()).model()
    assert normal_form(again).components == normal_form(model).components
    assert not list(losses)

"""Checked experiments from plain data; every problem in the modeller's words, in file order."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, get_args, get_origin

from pydantic import ValidationError

from tvbo_lite.errors import Problem, SchemaError, nearest
from tvbo_lite.schema.base import FAULT, SchemaModel, describe, noun
from tvbo_lite.schema.checks import Finding, structural_findings
from tvbo_lite.schema.experiment import Experiment
from tvbo_lite.schema.paths import Locate, Locator, document_path, without_lines

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["load"]

_EXPECTED = {
    "string_type": "a text",
    "bool_type": "true or false",
    "int_type": "a whole number",
    "list_type": "a list",
    "dict_type": "a mapping",
    "invalid_key": "a text as the key",
}
"""Pydantic's error type -> what would have been right."""


def load(data: Any, locate: Locate = without_lines) -> Experiment:
    """The experiment that a document describes.

    Args:
        data: the document as plain data, such as `Document.data`.
        locate: gives the place of a path of that document, such as `Document.location`.

    Raises:
        SchemaError: with all problems of the document, sorted by line.
    """
    findings = list(structural_findings(data))
    experiment = None
    try:
        experiment = Experiment.model_validate(data, context=Locator(data, locate))
    except ValidationError as error:
        findings += (_finding(details, data) for details in error.errors(include_url=False))
    if findings or experiment is None:
        problems = [_problem(finding, locate) for finding in findings]
        raise SchemaError(sorted(problems, key=_file_order))
    return experiment


def _problem(finding: Finding, locate: Locate) -> Problem:
    return Problem(finding.message, locate(finding.path), finding.expected, finding.hint)


def _file_order(problem: Problem) -> int:
    return problem.location.line or 0


def _finding(details: Any, data: Any) -> Finding:
    """One of pydantic's errors, retold."""
    kind, where, value = details["type"], details["loc"], details["input"]
    path = document_path(data, where)
    if kind == FAULT:
        context = details["ctx"]
        return Finding(path, context["message"], context["expected"], context["hint"])
    if kind == "missing":
        return Finding(path[:-1], f"'{where[-1]}' is missing")
    if kind == "extra_forbidden":
        return _unknown_key(path, where)
    if kind == "model_type":
        expected = f"{_a(noun(details['ctx']['class_name']))}, written as a mapping"
        return Finding(path, f"found {describe(value)}", expected)
    hint = "put it in quotes" if kind == "string_type" and isinstance(value, bool | int | float) else None
    return Finding(path, f"found {describe(value)}", _EXPECTED.get(kind), hint)


def _unknown_key(path: tuple[str | int, ...], where: tuple[str | int, ...]) -> Finding:
    key = str(where[-1])
    model = _owner(where)
    keys = sorted(model.model_fields)
    hint = nearest(key, keys)
    expected = None if hint else "one of " + ", ".join(keys)
    return Finding(path, f"'{key}' is not a key of {_a(noun(model.__name__))}", expected, hint)


def _owner(where: tuple[str | int, ...]) -> type[SchemaModel]:
    """The model that the last key of ``where`` was given to."""
    model: type[SchemaModel] = Experiment
    inside_collection = False
    for key, following in pairwise(where):
        if inside_collection:
            inside_collection = False
            continue
        kind = _chosen(model.model_fields[str(key)].annotation, following)
        inside_collection = any(get_origin(part) in (dict, list) for part in _parts(kind))
        model = next(part for part in _parts(kind) if _is_model(part))
    return model


def _chosen(annotation: Any, key: str | int) -> Any:
    """Of types of which one is a list of models, the one in which ``key`` leads somewhere."""
    known = [one for one in get_args(annotation) if any(map(_is_model, _parts(one)))]
    if get_origin(annotation) in (dict, list) or len(known) < 2:
        return annotation
    return next(one for one in known if (get_origin(one) is list) == isinstance(key, int))


def _parts(annotation: Any) -> Iterator[Any]:
    """A type and all types inside it."""
    yield annotation
    for argument in get_args(annotation):
        yield from _parts(argument)


def _is_model(part: Any) -> bool:
    return isinstance(part, type) and issubclass(part, SchemaModel)


def _a(name: str) -> str:
    return f"an {name}" if name[0] in "aeiou" else f"a {name}"

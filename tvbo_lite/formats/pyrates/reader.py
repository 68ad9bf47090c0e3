"""PyRates' YAML templates, with all that they are derived from and refer to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from tvbo_lite.errors import NOWHERE, InputError, Location, Problem, ReadError, nearest
from tvbo_lite.formats.pyrates.edges import read_edge
from tvbo_lite.formats.pyrates.inherit import changed_equations, texts, without_unused
from tvbo_lite.formats.pyrates.model import BASES, Circuit, Group, Operator, OperatorUse, Template
from tvbo_lite.formats.pyrates.names import completed, find
from tvbo_lite.formats.pyrates.values import variable
from tvbo_lite.formats.yaml.reader import Document, read_text
from tvbo_lite.reading import text_of
from tvbo_lite.schema.base import describe
from tvbo_lite.schema.paths import DocumentPath

__all__ = ["read_circuit", "read_template"]

_KEYS = {
    Operator: ("base", "description", "equations", "variables"),
    Group: ("base", "description", "operators"),
    Circuit: ("base", "description", "nodes", "circuits", "edges"),
}
_KINDS: dict[type[Template], str] = {
    Operator: "an operator template",
    Group: "a node or edge template",
    Circuit: "a circuit template",
}
_EMPTY: dict[str, Template] = {
    "OperatorTemplate": Operator("", (), {}),
    "NodeTemplate": Group("", ()),
    "EdgeTemplate": Group("", (), edge=True),
    "CircuitTemplate": Circuit(""),
}

_T = TypeVar("_T", Operator, Group, Circuit)


def read_template(name: str) -> Template:
    """The template ``package.file.template`` or ``path/to/file/template``.

    Raises:
        ReadError: no such file or template, one that is derived from itself, or content that is no
            PyRates template; all problems of its files, each with its line.
    """
    reader = _Reader()
    found = reader.template(name, NOWHERE)
    if reader.problems or found is None:
        raise ReadError(_each_once(reader.problems))
    return found


def read_circuit(name: str) -> Circuit:
    """The circuit template of that name. Raises as `read_template`, and for one of another kind."""
    found = read_template(name)
    if not isinstance(found, Circuit):
        message = f"'{name}' is {_KINDS[type(found)]}"
        raise ReadError(Problem(message, found.location, _KINDS[Circuit]))
    return found


def _each_once(problems: list[Problem]) -> list[Problem]:
    return list(dict.fromkeys(problems))


class _Reader:
    """Reads each file and each template once; collects what is wrong."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self._documents: dict[Path, Document] = {}
        self._templates: dict[tuple[Path, str], Template | None] = {}
        self._open: list[tuple[Path, str]] = []

    @contextmanager
    def collect(self) -> Iterator[None]:
        """What goes wrong inside is a problem; reading goes on behind it."""
        try:
            yield
        except InputError as error:
            self.problems += error.problems

    def template(self, name: str, location: Location) -> Template | None:
        """The template of a full name; None where it cannot be read, which is a problem then."""
        with self.collect():
            file, own = find(name, location)
            key = (file.resolve(), own)
            if key in self._open:
                raise ReadError(Problem(f"the template '{own}' is derived from itself", location))
            if key not in self._templates:
                self._open.append(key)
                self._templates[key] = None
                self._templates[key] = self._read(file, own, name, location)
                self._open.pop()
            return self._templates[key]
        return None

    def _read(self, file: Path, own: str, name: str, location: Location) -> Template | None:
        document = self._document(file, location)
        data = document.data.get(own)
        if not isinstance(data, dict):
            there = [key for key, item in document.data.items() if isinstance(item, dict)]
            where = location if location != NOWHERE else Location(str(file))
            raise ReadError(
                Problem(f"there is no template '{own}' in {file}", where, hint=nearest(own, there))
            )
        return Builder(self, document, own, name).template(data)

    def _document(self, file: Path, location: Location) -> Document:
        if file not in self._documents:
            self._documents[file] = read_text(text_of(file, location), str(file))
        return self._documents[file]


class Builder:
    """Builds one template of a document."""

    def __init__(self, reader: _Reader, document: Document, own: str, full: str) -> None:
        self.reader, self.document, self.own, self.full = reader, document, own, full

    def at(self, *path: str | int) -> Location:
        """The place of a part of the template."""
        where: DocumentPath = (self.own, *path)
        return self.document.location(where)

    def template(self, data: dict[str, Any]) -> Template | None:
        base = data.get("base")
        if not isinstance(base, str) or not base:
            expected = f"base: one of {', '.join(BASES)}, or the name of a template"
            raise ReadError(Problem(f"the template '{self.own}' has no base", self.at(), expected))
        if base in BASES:
            parent: Template | None = _EMPTY[base]
        else:
            parent = self.refer(base, None, "base")
        if parent is None:
            return None
        known = _KEYS[type(parent)]
        for key in data:
            if key not in known:
                message = f"'{key}' is not a key of {_KINDS[type(parent)]}"
                self.report(message, ", ".join(known), nearest(key, known), key)
        about = data.get("description")
        described = about if isinstance(about, str) else parent.description
        own: Template = replace(parent, name=self.own, location=self.at(), description=described)
        build: Callable[[Builder, Any, dict[str, Any], bool], Template] = _BUILD[type(own)]
        return build(self, own, data, base not in BASES)

    def report(self, message: str, expected: str | None, hint: str | None, *path: str | int) -> None:
        self.reader.problems.append(Problem(message, self.at(*path), expected, hint))

    def collect(self) -> AbstractContextManager[None]:
        return self.reader.collect()

    def refer(self, name: str, kind: type[_T] | None, *path: str | int) -> Template | None:
        """The template that a name in this one means, of the kind that is wanted."""
        found = self.reader.template(completed(name, self.full), self.at(*path))
        if found is not None and kind is not None and not isinstance(found, kind):
            self.report(f"'{name}' is {_KINDS[type(found)]}", _KINDS[kind], None, *path)
            return None
        return found

    def mapping(self, data: dict[str, Any], *path: str | int) -> dict[str, Any]:
        """The mapping at a key; what is none is a problem, and left out is empty."""
        given: Any = data.get(str(path[-1]))
        if given is None:
            return {}
        if not isinstance(given, dict):
            self.report(f"found {describe(given)}", "a mapping (name: ...)", None, *path)
            return {}
        return given

    # ---- operators -------------------------------------------------------------------------------------

    def operator(self, parent: Operator, data: dict[str, Any], derived: bool) -> Operator:
        variables = dict(parent.variables)
        for name, given in self.mapping(data, "variables").items():
            with self.collect():
                variables[name] = variable(given, self.at("variables", name))
        equations = parent.equations
        with self.collect():
            equations = self.equations(parent, data.get("equations"))
        found = replace(parent, equations=equations, variables=variables)
        return without_unused(found) if derived else found

    def equations(self, parent: Operator, given: Any) -> Any:
        where = self.at("equations")
        if given is None:
            return parent.equations
        if isinstance(given, dict):
            return changed_equations(parent.equations, given, where)
        found = texts(given, where)
        lines = [
            self.at("equations", index) if isinstance(given, list) else where for index in range(len(found))
        ]
        return tuple(replace(item, location=line) for item, line in zip(found, lines, strict=True))

    # ---- nodes and edges -------------------------------------------------------------------------------

    def group(self, parent: Group, data: dict[str, Any], derived: bool) -> Group:
        given = data.get("operators")
        if given is None and derived:
            return parent
        uses = []
        for place, name, values in self.operators(given):
            found = self.refer(name, Operator, *place)
            if isinstance(found, Operator):
                uses.append(OperatorUse(found, self.values(found, values, place)))
        return replace(parent, operators=tuple(uses))

    def operators(self, given: Any) -> Iterator[tuple[tuple[str | int, ...], str, dict[str, Any]]]:
        """Place, name and values of each operator: one name, a list of names, or names with values."""
        if isinstance(given, str):
            yield ("operators",), given, {}
        elif isinstance(given, list):
            for index, name in enumerate(given):
                if isinstance(name, str):
                    yield ("operators", index), name, {}
                else:
                    self.report(
                        f"found {describe(name)}", "the name of an operator", None, "operators", index
                    )
        elif isinstance(given, dict):
            for name in given:
                yield ("operators", name), name, self.mapping(given, "operators", name)
        else:
            self.report(f"found {describe(given)}", "a list of operators", None, "operators")

    def values(
        self, operator: Operator, given: dict[str, Any], place: tuple[str | int, ...]
    ) -> dict[str, Any]:
        found = {}
        for name, value in given.items():
            if name not in operator.variables:
                hint = nearest(name, operator.variables)
                self.report(
                    f"the operator '{operator.name}' has no variable '{name}'", None, hint, *place, name
                )
                continue
            with self.collect():
                found[name] = variable(value, self.at(*place, name)).value
        return found

    # ---- circuits --------------------------------------------------------------------------------------

    def circuit(self, parent: Circuit, data: dict[str, Any], derived: bool) -> Circuit:
        nodes = {**parent.nodes, **self.members(data, "nodes", Group)}
        circuits = {**parent.circuits, **self.members(data, "circuits", Circuit)}
        if nodes and circuits:
            self.report("a circuit holds nodes or circuits, not both", None, None, "circuits")
        given = data.get("edges") or []
        if not isinstance(given, list):
            self.report(f"found {describe(given)}", "a list of edges", None, "edges")
            given = []
        edges = [
            edge for index, item in enumerate(given) if (edge := read_edge(self, item, ("edges", index)))
        ]
        return replace(parent, nodes=nodes, circuits=circuits, edges=(*parent.edges, *edges))

    def members(self, data: dict[str, Any], key: str, kind: type[_T]) -> dict[str, _T]:
        found: dict[str, _T] = {}
        for name, given in self.mapping(data, key).items():
            if not isinstance(given, str):
                hint = "'edges' stands beside 'nodes'" if name == "edges" else None
                self.report(f"found {describe(given)}", "the name of a template", hint, key, name)
                continue
            member = self.refer(given, kind, key, name)
            if isinstance(member, kind):
                found[name] = member
        return found


_BUILD: dict[type[Template], Any] = {
    Operator: Builder.operator,
    Group: Builder.group,
    Circuit: Builder.circuit,
}

"""LEMS and NeuroML XML to `tvbo_lite.lems.model.Model`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from tvbo_lite import limits
from tvbo_lite.collector import collector_paused
from tvbo_lite.errors import Location, Problem, ReadError
from tvbo_lite.formats._xml import line_of, local_name, parse_bytes
from tvbo_lite.formats.lems import elements, sources
from tvbo_lite.formats.lems.assertions import check_assertions
from tvbo_lite.formats.neuroml.layout import is_hdf5
from tvbo_lite.lems import model as m

if TYPE_CHECKING:
    from lxml.etree import _Element

_ROOTS = ("Lems", "neuroml")


def read_file(name: str | Path, search: Sequence[Path] = ()) -> m.Model:
    """A LEMS or NeuroML file (XML, or HDF5 by its ending ``.h5``) with all that it includes, as one model.

    ``name`` is a path, or the bare name of a canonical example (taken from the jar). ``search``
    holds further folders for includes. Raises `ReadError` with every problem of the first faulty file.
    """
    return _link(sources.main(name), search)


def read_string(text: str, file: str = "<string>") -> m.Model:
    """The model of one document; its includes are listed, not followed."""
    return _document(sources.Text(text, file))


def link(model: m.Model, search: Sequence[Path] = ()) -> m.Model:
    """A model whose includes are listed, together with all that they hold."""
    linker = _Linker(search)
    linker.add(model, sources.Text("", model.location.file or "<model>"))
    return linker.model(model)


def link_string(text: str, file: str = "<string>", search: Sequence[Path] = ()) -> m.Model:
    """The model of a document given as text, with all that it includes."""
    return _link(sources.Text(text, file), search)


def _link(origin: sources.Origin, search: Sequence[Path]) -> m.Model:
    linker = _Linker(search)
    document = linker.include(origin)
    return linker.model(document)


class _Linker:
    """Gathers a document and its includes, each once, in the order in which jLEMS meets them."""

    def __init__(self, search: Sequence[Path]) -> None:
        self.search = tuple(search)
        self.seen: set[str] = set()
        self.dimensions: list[m.Dimension] = []
        self.units: list[m.Unit] = []
        self.constants: list[m.Constant] = []
        self.types: list[m.ComponentType] = []
        self.components: list[m.Component] = []
        self.assertions: list[m.Assertion] = []

    def include(self, origin: sources.Origin) -> m.Model:
        self.seen.add(origin.key)
        most = limits.INCLUDES
        if len(self.seen) > most.value():
            what = f"more than {most} included files"
            raise ReadError(Problem(what, Location(origin.name), hint=most.more))
        read = core_document(origin) if isinstance(origin, sources.Core) else _document(origin)
        self.add(read, origin)
        return read

    def add(self, document: m.Model, origin: sources.Origin) -> None:
        for include in document.includes:
            found = sources.included(include.file, origin, self.search, include.location)
            if found.key not in self.seen:
                self.include(found)
        self.dimensions += document.dimensions
        self.units += document.units
        self.constants += document.constants
        self.types += document.component_types
        self.components += document.components
        self.assertions += document.assertions

    def model(self, document: m.Model) -> m.Model:
        if self.assertions:
            check_assertions(self.assertions, self.dimensions)
        return m.Model(
            document.target,
            document.report_file,
            (),
            tuple(self.dimensions),
            tuple(self.units),
            tuple(self.constants),
            tuple(self.types),
            tuple(self.components),
            tuple(self.assertions),
            document.location,
            document.beyond,
            document.renamed,
        )


@lru_cache
def core_document(origin: sources.Core) -> m.Model:
    """A core type file; they are read once a process, as nearly every model includes them."""
    return _document(origin)


@collector_paused()
def _document(origin: sources.Origin) -> m.Model:
    if isinstance(origin, sources.OnDisk) and is_hdf5(origin.name):
        from tvbo_lite.formats.neuroml.hdf5_reader import read

        return read(origin.path, read_string)
    root = parse_bytes(origin.read(), origin.name)
    if local_name(root.tag) not in _ROOTS:
        found = f"the root element is <{local_name(root.tag)}>"
        raise ReadError(Problem(found, Location(origin.name, line_of(root)), "<Lems> or <neuroml>"))
    source = elements.Source(origin.name)
    reader = _Document(source)
    for element in root:
        reader.take(element)
    if source.problems:
        raise ReadError(source.problems)
    return reader.model(Location(origin.name, line_of(root)))


class _Document:
    """Sorts the children of a root element into the fields of a model."""

    def __init__(self, source: elements.Source) -> None:
        self.source = source
        self.target: str | None = None
        self.report_file: str | None = None
        self.found: dict[str, list[object]] = {name: [] for name in _TOP}
        self.components: list[m.Component] = []

    def take(self, element: _Element) -> None:
        name = local_name(element.tag)
        if name == "Target":
            self.target = self.source.need(element, "component")
            self.report_file = element.get("reportFile")
            self.source.understand(element)
        elif name in _TOP:
            self.found[name].append(_TOP[name](self.source, element))
            self.source.understand(element)
        elif name not in _SKIPPED:
            self.components.append(elements.component(self.source, element))

    def model(self, location: Location) -> m.Model:
        found = self.found
        return m.Model(
            self.target,
            self.report_file,
            (*found["Include"], *found["include"]),  # type: ignore[arg-type]  # _TOP's rows make these
            tuple(found["Dimension"]),  # type: ignore[arg-type]
            tuple(found["Unit"]),  # type: ignore[arg-type]
            tuple(found["Constant"]),  # type: ignore[arg-type]
            tuple(found["ComponentType"]),  # type: ignore[arg-type]
            tuple(self.components),
            tuple(found["Assertion"]),  # type: ignore[arg-type]
            location,
        )


def _lems_include(source: elements.Source, element: _Element) -> m.Include:
    return m.Include(source.need(element, "file"), source.at(element))


def _neuroml_include(source: elements.Source, element: _Element) -> m.Include:
    return m.Include(source.need(element, "href"), source.at(element))


_TOP: dict[str, Callable[[elements.Source, _Element], object]] = {
    "Include": _lems_include,
    "include": _neuroml_include,
    "Dimension": elements.dimension,
    "Unit": elements.unit,
    "Assertion": elements.assertion,
    "Constant": elements.constant,
    "ComponentType": elements.component_type,
}
_SKIPPED = ("Description", "notes", "annotation")

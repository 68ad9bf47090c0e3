"""YAML text to plain Python data, with the line of every key and list item.

Scalars follow the YAML 1.2 core schema (https://yaml.org/spec/1.2.2/#103-core-schema), not the 1.1
rules of PyYAML: ``3e-6`` is a number, ``yes`` and ``off`` are texts. Keys are texts as written. The
document is built from the parser's events, without recursion, so that no input can exhaust the stack.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from tvbo_lite import limits
from tvbo_lite.errors import Location, Problem, ReadError, nearest
from tvbo_lite.memory import LIMIT, lacking
from tvbo_lite.schema.paths import DocumentPath, path_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["Document", "read_text"]

LARGE = 1_000_000  # characters of a text whose memory is estimated before it is read
VALUE = 100  # bytes for each character of a list of numbers, until it is plain data with its lines

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_TAG = "tag:yaml.org,2002:"
_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_BOOL = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INT = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_SPECIAL_FLOAT = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_SCALAR_KINDS: dict[str, tuple[type, ...]] = {
    "null": (type(None),),
    "bool": (bool,),
    "int": (int,),
    "float": (float, int),
}
_MAX_DIGITS = 4000
_MAX_QUOTED = 40


@dataclass(frozen=True, slots=True)
class Document:
    """A YAML document: its data (dict, list, str, int, float, bool, None), and where each part stands.

    ``lines`` maps the path of each key and list item to its 1-based line.
    """

    data: dict[str, Any]
    lines: Mapping[DocumentPath, int]
    file: str = "<string>"

    def location(self, path: DocumentPath) -> Location:
        """The place of ``path``; for a path that is not in the document, the line of its nearest parent."""
        known = path
        while known and known not in self.lines:
            known = known[:-1]
        return Location(self.file, self.lines.get(known), path_text(path))


def read_text(text: str, file: str = "<string>") -> Document:
    """Read one YAML document whose top level is a mapping.

    Args:
        text: the YAML text.
        file: the name that errors and locations show.

    Raises:
        ReadError: for text that is not YAML, holds no mapping or more than one document, repeats a key,
            uses its own tags or merge keys, nests deeper than `limits.YAML_DEPTH`, or whose aliases
            add more than `limits.YAML_ALIASES` values; and for one that would fill the memory.
    """
    if len(text) > LARGE and (lack := lacking(VALUE * len(text))):
        what, hint = f"reading this needs {lack}", f"set the environment variable {LIMIT}"
        raise ReadError(Problem(what, Location(file), hint=hint))
    builder = _Builder(file)
    root = _tree(text, file)
    if root is None or root.kind != "mapping":
        found = "is empty" if root is None else f"holds a {root.kind} at its top level"
        line = 1 if root is None else root.line
        raise ReadError(Problem(f"the document {found}", Location(file, line), "a mapping (key: value)"))
    data = builder.build(root, (), 1)
    if builder.problems:
        raise ReadError(sorted(builder.problems, key=lambda problem: problem.location.line or 0))
    return Document(data, builder.lines, file)


@dataclass(slots=True)
class _Node:
    """A value of the document. ``content``: text of a scalar, items of a list, (key, value) of a mapping."""

    kind: str
    line: int
    tag: str | None
    content: Any
    plain: bool = False
    open: bool = True


@dataclass(frozen=True, slots=True)
class _Alias:
    """A use of an anchored value."""

    node: _Node
    line: int


def _events(text: str, file: str) -> Iterator[Any]:
    """The parser's events; what it cannot read becomes a `ReadError`."""
    try:
        yield from yaml.parse(text, Loader=_LOADER)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else None
        message = f"this is not valid YAML: {error.problem or error.context}"
        tab = "cannot start any token" in message and "\t" in text
        hint = "indent with spaces, not with tabs" if tab else None
        raise ReadError(Problem(message, Location(file, line), hint=hint)) from error
    except yaml.YAMLError as error:
        position = getattr(error, "position", None)
        line = text.count("\n", 0, position) + 1 if isinstance(position, int) else None
        message = f"this is not valid YAML: {str(error).partition(chr(10))[0]}"
        raise ReadError(Problem(message, Location(file, line))) from error
    except UnicodeError as error:
        line = text.count("\n", 0, getattr(error, "start", 0)) + 1
        raise ReadError(Problem("the text holds a half of a character", Location(file, line))) from error


def _tree(text: str, file: str) -> _Node | None:
    """The only document of ``text``, or None where there is none."""
    anchors: dict[str, _Node] = {}
    top: list[Any] = []
    parents: list[_Node] = []
    deepest = limits.YAML_DEPTH.value()
    for event in _events(text, file):
        line = event.start_mark.line + 1
        if isinstance(event, yaml.DocumentStartEvent) and top:
            raise ReadError(Problem("a second document starts here", Location(file, line), "one per file"))
        if isinstance(event, yaml.CollectionEndEvent):
            _close(parents.pop())
        elif isinstance(event, yaml.NodeEvent):
            node = _node(event, line, anchors, file)
            (parents[-1].content if parents else top).append(node)
            if isinstance(node, _Node) and node.kind != "scalar":
                parents.append(node)
                if len(parents) > deepest:
                    raise ReadError(_too_deep(file, line))
    return top[0] if top else None


def _close(node: _Node) -> None:
    node.open = False
    if node.kind == "mapping":
        node.content = list(zip(node.content[::2], node.content[1::2], strict=True))


def _node(event: Any, line: int, anchors: dict[str, _Node], file: str) -> _Node | _Alias:
    if isinstance(event, yaml.AliasEvent):
        return _alias(str(event.anchor), line, anchors, file)
    if isinstance(event, yaml.ScalarEvent):
        node = _Node("scalar", line, event.tag, event.value, plain=event.implicit[0], open=False)
    else:
        kind = "mapping" if isinstance(event, yaml.MappingStartEvent) else "list"
        node = _Node(kind, line, event.tag, [])
    if event.anchor:
        anchors[event.anchor] = node
    return node


def _alias(name: str, line: int, anchors: dict[str, _Node], file: str) -> _Alias:
    node = anchors.get(name)
    if node is None:
        message = f"*{name} has no anchor above it"
        raise ReadError(
            Problem(message, Location(file, line), f"a value marked &{name}", nearest(name, anchors))
        )
    if node.open:
        raise ReadError(Problem(f"*{name} stands inside the value that it names", Location(file, line)))
    return _Alias(node, line)


def _too_deep(file: str, line: int) -> Problem:
    return Problem(
        "the values are nested too deep", Location(file, line), f"at most {limits.YAML_DEPTH} levels"
    )


class _Builder:
    """Builds plain data from nodes; collects what is wrong with single values."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.lines: dict[DocumentPath, int] = {}
        self.problems: list[Problem] = []
        self._deepest, self._most_aliased = limits.YAML_DEPTH.value(), limits.YAML_ALIASES.value()
        self._aliased = 0
        self._inside_aliases = 0

    def build(self, node: _Node | _Alias, path: DocumentPath, depth: int) -> Any:
        """The value of ``node``, which stands at ``path``."""
        if isinstance(node, _Alias):
            self.lines.setdefault(path, node.line)
            self._inside_aliases += 1
            value = self.build(node.node, path, depth)
            self._inside_aliases -= 1
            return value
        self._count(node, depth)
        self.lines.setdefault(path, node.line)
        if node.kind == "scalar":
            return self._scalar(node, path)
        self._check_collection_tag(node, path)
        if node.kind == "list":
            return [self.build(item, (*path, i), depth + 1) for i, item in enumerate(node.content)]
        return self._mapping(node, path, depth)

    def _count(self, node: _Node, depth: int) -> None:
        if depth > self._deepest:
            raise ReadError(_too_deep(self.file, node.line))
        if self._inside_aliases:
            self._aliased += 1
            if self._aliased > self._most_aliased:
                message, most = "the aliases (*name) repeat too many values", limits.YAML_ALIASES
                raise ReadError(
                    Problem(message, Location(self.file, node.line), f"at most {most}", most.more)
                )

    def _mapping(self, node: _Node, path: DocumentPath, depth: int) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key_node, value_node in node.content:
            key = self._key(key_node, path)
            if key is None:
                continue
            here = (*path, key)
            line = key_node.line
            if key in result:
                first = self.lines[here]
                self._report(f"'{key}' is given twice, first in line {first}", line, here)
                continue
            self.lines[here] = line
            result[key] = self.build(value_node, here, depth + 1)
        return result

    def _key(self, node: _Node | _Alias, path: DocumentPath) -> str | None:
        target = node.node if isinstance(node, _Alias) else node
        if target.kind != "scalar":
            self._report(f"a {target.kind} cannot be a key", node.line, path, "a text")
            return None
        key = str(target.content)
        if key == "<<" and target.plain:
            message = "merge keys (<<) are not part of YAML 1.2"
            self._report(
                message, node.line, path, hint="write the keys out, or use an alias for a whole value"
            )
            return None
        return key

    def _scalar(self, node: _Node, path: DocumentPath) -> Any:
        text: str = node.content
        if node.tag is None:
            return self._plain(text, node, path) if node.plain else text
        kind = node.tag.removeprefix(_TAG)
        if kind in ("str", "!"):
            return text
        if kind not in _SCALAR_KINDS:
            return self._refuse_tag(node, path)
        value = self._plain(text, node, path)
        if type(value) not in _SCALAR_KINDS[kind]:
            self._report(f"'{_short(text)}' is tagged !!{kind} but is none", node.line, path)
        return float(value) if kind == "float" and isinstance(value, int) else value

    def _plain(self, text: str, node: _Node, path: DocumentPath) -> Any:
        if len(text) > _MAX_DIGITS and _INT.fullmatch(text):
            self._report(f"a number of {len(text)} digits", node.line, path, f"at most {_MAX_DIGITS} digits")
            return None
        return _core_scalar(text)

    def _check_collection_tag(self, node: _Node, path: DocumentPath) -> None:
        allowed = _TAG + ("map" if node.kind == "mapping" else "seq")
        if node.tag not in (None, "!", allowed):
            self._refuse_tag(node, path)

    def _refuse_tag(self, node: _Node, path: DocumentPath) -> None:
        tag = str(node.tag).replace(_TAG, "!!")
        self._report(f"the tag {_short(tag)} is not supported", node.line, path, hint="remove the tag")

    def _report(
        self,
        message: str,
        line: int,
        path: DocumentPath,
        expected: str | None = None,
        hint: str | None = None,
    ) -> None:
        self.problems.append(Problem(message, Location(self.file, line, path_text(path)), expected, hint))


def _core_scalar(text: str) -> Any:
    """The value of a plain scalar after the core schema of YAML 1.2."""
    if text in _NULL:
        return None
    if text in _BOOL:
        return _BOOL[text]
    return _number(text) if text[0] in "+-.0123456789" else text


def _number(text: str) -> int | float | str:
    """The number that ``text`` is, or ``text`` itself."""
    if _INT.fullmatch(text):
        return int(text, {"0o": 8, "0x": 16}.get(text[:2], 10))
    if _FLOAT.fullmatch(text):
        return float(text)
    return float(text.replace(".", "", 1)) if _SPECIAL_FLOAT.fullmatch(text) else text


def _short(text: str) -> str:
    return text if len(text) <= _MAX_QUOTED else text[: _MAX_QUOTED - 3] + "..."

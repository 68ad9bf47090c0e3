"""The one door to lxml: well-formed XML in, an element tree with line numbers out."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from tvbo_lite.errors import Location, Problem, ReadError
from tvbo_lite.limits import ATTRIBUTES
from tvbo_lite.memory import LIMIT, lacking

if TYPE_CHECKING:
    from lxml.etree import _Element

REFUSED = "documents with a DOCTYPE, entities or external references are refused"
LARGE = 10_000_000  # bytes of a document whose memory is estimated before it is read
MARK = 300  # bytes that an element or an attribute takes until it is part of a model


def parse_bytes(data: bytes, file: str, *, comments: bool = False) -> _Element:
    """The root element of an XML document; processing instructions are dropped, comments unless wanted.

    Raises `ReadError` where the text is not well-formed, or has a document type definition: its
    entities could expand without end or name files of the reader's machine. Also where the elements would
    fill the memory, and where one has more attributes than `ATTRIBUTES` allows: lxml lists them in a time
    that grows with the square of their number.
    """
    from lxml import etree

    _require_room(data, file)

    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        remove_comments=not comments,
        remove_pis=True,
        huge_tree=False,
    )
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        reason = str(error.msg or error).split(", line ")[0]
        hint = "the text ends here; is the file complete?" if _is_end(data, error.position) else None
        found = Problem(f"not well-formed XML: {reason}", Location(file, error.lineno), hint=hint)
        raise ReadError(found) from error
    if getattr(root.getroottree().docinfo, "doctype", None):
        raise ReadError(Problem("found <!DOCTYPE ...>", Location(file, 1), "plain XML", REFUSED))
    _check_attributes(root, file)
    return root


def _require_room(data: bytes, file: str) -> None:
    if len(data) < LARGE:
        return
    marks = data.count(b"<") + data.count(b"=")
    if lack := lacking(MARK * marks + 4.0 * len(data)):
        hint = f"write connections as HDF5, or set the environment variable {LIMIT}"
        raise ReadError(Problem(f"reading this needs {lack}", Location(file), hint=hint))


def _check_attributes(root: _Element, file: str) -> None:
    crowded = cast("list[_Element]", root.xpath(f"//*[count(@*) > {ATTRIBUTES}]"))
    if crowded:
        first = crowded[0]
        what = f"<{local_name(str(first.tag))}> has {len(first.attrib)} attributes"
        where = Location(file, line_of(first))
        raise ReadError(Problem(what, where, f"at most {ATTRIBUTES}", ATTRIBUTES.more))


def _is_end(data: bytes, place: tuple[int | None, int | None]) -> bool:
    """Whether line and column are those of the end of a text that has begun."""
    lines = data.rstrip().split(b"\n")
    return bool(lines[-1]) and (place[0] or 0, place[1] or 0) >= (len(lines), len(lines[-1]))


def comments_in(root: _Element) -> list[_Element]:
    """The comments of a document that was parsed with them, in their order; those before the root too."""
    from lxml import etree

    before = [*root.itersiblings(etree.Comment, preceding=True)]
    return [*reversed(before), *root.iter(etree.Comment)]


def invalid(root: _Element, schema: bytes) -> list[tuple[int, str]]:
    """Line and words of each fault of a document in the eyes of an XML schema, as libxml2 tells them."""
    from lxml import etree

    checker = etree.XMLSchema(etree.fromstring(schema, etree.XMLParser(no_network=True, load_dtd=False)))
    checker.validate(root)
    return [(entry.line, str(entry.message)) for entry in checker.error_log]  # type: ignore[attr-defined]  # the stubs forget that


def local_name(tag: str) -> str:
    """An element's name without its namespace."""
    return tag.rpartition("}")[2]


def namespace(tag: str) -> str:
    """The namespace of an element's name, empty where it has none."""
    return tag[1:].partition("}")[0] if tag.startswith("{") else ""


def line_of(element: _Element) -> int | None:
    """The line on which an element starts."""
    return cast("int | None", element.sourceline)

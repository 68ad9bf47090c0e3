"""Nothing is ignored: what an experiment says and lowering cannot express is refused by name.

For each class of the schema stands here what lowering uses, and what is prose or bookkeeping that
needs no expression. Everything else that is set is a problem.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pydantic import BaseModel

    from tvbo_lite.transforms.lower.context import Context, Path

__all__ = ["is_mention", "refuse_rest"]

_PROSE = frozenset({"id", "name", "label", "description", "references", "source", "symbol", "domain"})


def refuse_rest(item: BaseModel, used: Iterable[str], path: Path, what: str, context: Context) -> None:
    """Report every field of ``item`` that is set, is not ``used`` and is not prose."""
    known = _PROSE.union(used)
    for name in _set_fields(item):
        if name not in known:
            context.unsupported((*path, name), f"{what}: '{name}' is not supported yet")


def is_mention(item: BaseModel) -> bool:
    """Whether a dynamics says no more than its name and type, and so repeats what stands elsewhere."""
    return _PROSE.union({"iri"}).issuperset(_set_fields(item))


def _set_fields(item: BaseModel) -> Iterator[str]:
    defaults = _defaults(type(item))
    for name in sorted(item.model_fields_set):
        value = getattr(item, name)
        empty = value is None or value in ({}, [], ())
        if not empty and value != defaults[name]:
            yield name


@cache
def _defaults(kind: type[BaseModel]) -> dict[str, Any]:
    """Kept, since pydantic works them out anew at each call."""
    return {name: field.get_default(call_default_factory=True) for name, field in kind.model_fields.items()}

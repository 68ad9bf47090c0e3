"""Nothing is ignored: what an experiment says and lowering cannot express is refused by name.

For each class of the schema stands here what lowering uses, and what is prose or bookkeeping that
needs no expression. Everything else that is set is a problem.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import BaseModel

    from tvbo_lite.transforms.lower.context import Context, Path

__all__ = ["refuse_rest"]

_PROSE = frozenset({"id", "name", "label", "description", "references", "source", "symbol", "domain"})


def refuse_rest(item: BaseModel, used: Iterable[str], path: Path, what: str, context: Context) -> None:
    """Report every field of ``item`` that is set, is not ``used`` and is not prose."""
    known = _PROSE.union(used)
    for name, field in type(item).model_fields.items():
        if name in known:
            continue
        value = getattr(item, name)
        if _is_set(value) and value != field.get_default(call_default_factory=True):
            context.unsupported((*path, name), f"{what}: '{name}' is not supported yet")


def _is_set(value: object) -> bool:
    return value is not None and value not in ({}, [], ())

"""Which instances the path of a derived variable means: ``populations[ion='ca']/i``, ``peer/v``."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tvbo_lite.errors import ModelError, Problem, nearest
from tvbo_lite.lems import model as m
from tvbo_lite.transforms.instances import Instance

_STEP = re.compile(
    r"(?P<list>[^\[\]]+)\[(?:(?P<all>\*)|(?P<key>[^=\]]+)=(?P<quote>['\"])(?P<value>.*)(?P=quote))\]"
)
_REDUCE = {"add": False, "sum": False, "plus": False, "+": False}
_REDUCE |= {"multiply": True, "product": True, "times": True, "*": True}


@dataclass(frozen=True, slots=True)
class Targets:
    """The instances a path leads to; ``simple`` where it can be one only, and nothing is reduced."""

    instances: list[Instance]
    simple: bool
    multiply: bool = False


def select_targets(base: Instance, path: str, item: m.DerivedVariable) -> Targets:
    """The targets of ``path`` seen from ``base``, in list order. Raises `ModelError` for a bad path."""
    if "[" not in path and "*" not in path:
        return Targets([_follow(base, path, item)], simple=True)
    if item.reduce not in _REDUCE:
        what = f"'{item.name}' selects many ('{item.select}') but says reduce='{item.reduce or ''}'"
        raise ModelError(Problem(what, item.location, "reduce='add' or reduce='multiply'"))
    found = [base]
    for step in path.split("/"):
        found = [target for at in found for target in _step(at, step, item)]
    return Targets(found, simple=False, multiply=_REDUCE[item.reduce])


def is_regular(base: Instance, path: str) -> bool:
    """Whether the path goes by slots and lists alone, which instances of one shape have alike.

    A path by ids, or to the other end of a tunnel, may lead each of them elsewhere.
    """
    at = [base]
    for step in filter(None, path.split("/")):
        list_name = step.partition("[")[0]
        if "[" not in step and any(step not in dict(one.named) for one in at):
            return False
        at = [
            below
            for one in at
            for below in ([one.names[step]] if "[" not in step else one.lists.get(list_name, []))
        ]
    return True


def _follow(base: Instance, path: str, item: m.DerivedVariable) -> Instance:
    at = base
    for step in filter(None, path.split("/")):
        below = at.names.get(step)
        if below is None:
            what = f"'{item.select}' leads nowhere: {at.component.describe()} has no '{step}'"
            raise base.component.fail(what, nearest(step, at.names))
        at = below
    return at


def _step(at: Instance, step: str, item: m.DerivedVariable) -> list[Instance]:
    if "[" not in step:
        return [_follow(at, step, item)]
    match = _STEP.fullmatch(step)
    if match is None:
        raise ModelError(
            Problem(
                f"cannot read '{step}' in select='{item.select}'",
                item.location,
                "name[*] or name[key='value']",
            )
        )
    members = at.lists.get(match["list"], [])
    if match["all"]:
        return list(members)
    key, value = match["key"].strip(), match["value"]
    return [member for member in members if member.text_keys().get(key) == value]

"""The tree of instances that a run advances: one node for each running copy of a component."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from tvbo_lite.errors import ModelError, nearest
from tvbo_lite.transforms.resolve import ResolvedComponent


@dataclass(frozen=True, slots=True)
class Connection:
    """An event on a source's port calls ``port`` of ``target`` after ``delay`` seconds."""

    target: Instance
    port: str | None
    delay: float = 0.0


@dataclass(eq=False, slots=True)
class Instance:
    """A running copy of a component.

    ``named`` holds its single children in advance order, ``lists`` its lists of children; paths go by
    ``names`` (slots, ids, tunnel ends). ``values`` are the properties and what ``Assign`` gave.
    ``consolidated`` marks the instances whose OnStart jLEMS runs twice a pass, ``flat`` those of
    simultaneous dynamics.
    """

    component: ResolvedComponent
    parent: Instance | None = None
    consolidated: bool = False
    flat: bool = False
    named: list[tuple[str, Instance]] = field(default_factory=list)
    lists: dict[str, list[Instance]] = field(default_factory=dict)
    attachment_names: tuple[str, ...] = ()
    list_children: list[Instance] = field(default_factory=list)
    names: dict[str, Instance] = field(default_factory=dict)
    peers: dict[str, Instance] = field(default_factory=dict)
    values: dict[str, float] = field(default_factory=dict)
    connections: dict[str, list[Connection]] = field(default_factory=dict)
    built: bool = False

    @property
    def id(self) -> str | None:
        return self.component.id

    def children(self) -> Iterator[tuple[str, Instance]]:
        """Every child with its role, in the order in which jLEMS advances them."""
        yield from self.named
        for name, members in self.lists.items():
            for member in members:
                yield name, member

    def text_keys(self) -> dict[str, str]:
        """Texts and references by which a path may select this instance among a list's members."""
        component = self.component
        ids = {name: target.id or "" for name, target in component.references.items()}
        return ids if self.consolidated else {**component.texts(), **ids}

    def path(self) -> str:
        """Where the instance stands, as output columns spell it: ``pop[0]/synapses:syn:0``."""
        if self.parent is None:
            return self.id or self.component.type.name
        head = "" if self.parent.parent is None else self.parent.path()
        return _joined(head, self._step())

    def _step(self) -> str:
        assert self.parent is not None  # noqa: S101  the caller has checked
        for name, child in self.parent.named:
            if child is self:
                return name
        for name, members in self.parent.lists.items():
            if any(member is self for member in members):
                return self._list_step(name, members)
        return self.id or self.component.type.name

    def _list_step(self, name: str, members: list[Instance]) -> str:
        if name == "":
            return f"[{next(i for i, member in enumerate(members) if member is self)}]"
        same = [member for member in members if member.id == self.id]
        if self.parent and name in self.parent.attachment_names:
            return f"{name}:{self.id}:{next(i for i, member in enumerate(same) if member is self)}"
        return self.id or name

    def child(self, name: str) -> Instance | None:
        """The child that one element of a path names, as jLEMS looks it up."""
        if name.startswith("["):
            return self._indexed(name)
        if name in self.names:
            return self.names[name]
        for _, child in self.named:
            if child.id == name:
                return child
        if name.count(":") == 2:
            return self._attached(*name.split(":"))
        members = (member for items in self.lists.values() for member in items)
        return next((member for member in members if member.id == name), None)

    def _indexed(self, name: str) -> Instance | None:
        digits = name[1:-1]
        if len(self.lists) != 1 or not digits.isdigit():
            return None
        members = next(iter(self.lists.values()))
        return members[int(digits)] if int(digits) < len(members) else None

    def _attached(self, list_name: str, component: str, number: str) -> Instance | None:
        matching = [member for member in self.lists.get(list_name, ()) if member.id == component]
        return matching[int(number)] if number.isdigit() and int(number) < len(matching) else None

    def descend(self, path: str) -> Instance:
        """The instance at a path such as ``pop[0]/chans/na``. Raises `ModelError` naming what is missing."""
        at = self
        for step in path.replace("[", "/[").split("/"):
            if not step:
                continue
            below = at.parent if step == ".." else at.child(step)
            if below is None:
                raise at.component.fail(
                    f"path '{path}' leads nowhere: there is no '{step}' here", at._known(step)
                )
            at = below
        return at

    def _known(self, step: str) -> str | None:
        if step.startswith("[") and len(self.lists) == 1:
            return f"the indices are 0 to {len(next(iter(self.lists.values()))) - 1}"
        known = [*self.names, *(name for name, _ in self.named)]
        known += [member.id for members in self.lists.values() for member in members if member.id]
        return nearest(step, known)


def walk(root: Instance) -> Iterator[Instance]:
    """The instance and all below it, in advance order (children first)."""
    for _, child in root.children():
        yield from walk(child)
    yield root


def _joined(head: str, step: str) -> str:
    return f"{head}{step}" if not head or step.startswith("[") else f"{head}/{step}"


def java_hash_order(names: Iterable[str]) -> list[str]:
    """The names in the order in which a ``java.util.HashMap`` with these keys is iterated.

    jLEMS advances ``Child`` elements in that order (hash ``h ^ h >>> 16``, capacity 16 doubled above
    three quarters full, insertion order within a bucket).
    """
    listed = list(dict.fromkeys(names))
    capacity = 16
    while len(listed) > 0.75 * capacity:
        capacity *= 2

    def bucket(name: str) -> int:
        h = 0
        for unit in _utf16(name):
            h = (31 * h + unit) & 0xFFFFFFFF
        return (h ^ (h >> 16)) & (capacity - 1)

    return sorted(listed, key=bucket)


def _utf16(text: str) -> Iterator[int]:
    data = text.encode("utf-16-le")
    return (data[i] | data[i + 1] << 8 for i in range(0, len(data), 2))


def no_such_port(instance: Instance, direction: str) -> ModelError:
    return instance.component.fail(f"has no event port of direction '{direction}' to connect")

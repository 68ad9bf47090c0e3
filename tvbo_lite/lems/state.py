"""All that a run remembers at one moment, from which it can go on to the last bit."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

from tvbo_lite.atomic import beside
from tvbo_lite.errors import Location, Problem, ReadError, UnsupportedError

if TYPE_CHECKING:
    import os

    import numpy as np
    from numpy.typing import NDArray

__all__ = ["State"]

VERSION = 1
SHOWN = 3  # differences that a message lists
_ARRAYS = ("sizes", "values", "reserved", "due", "handler", "index")


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """The memory of a run after a step; ``result.state`` gives it, ``run(initial_state=...)`` takes it.

    ``names`` and ``sizes`` say what ``values`` (SI) hold, one variable after the other, each of some
    instances; parameters are not among them. ``reserved`` are the bits of the time and of the random
    numbers' generator. ``due`` (s), ``handler`` (a place in ``handlers``) and ``index`` are the events still
    to come, and ``connections`` is a digest of who may send them to whom.
    """

    time: float  # s
    rows: int  # of results since time 0
    step: float  # s, between two rows
    method: str
    names: tuple[str, ...]
    sizes: NDArray[np.int64]
    values: NDArray[np.float64]
    reserved: NDArray[np.int64]
    due: NDArray[np.float64]
    handler: NDArray[np.int64]
    index: NDArray[np.int64]
    handlers: tuple[str, ...] = field(repr=False)
    connections: str = field(repr=False)

    def __repr__(self) -> str:
        waiting = f", {len(self.due)} events to come" if len(self.due) else ""
        return f"<State at {self.time:g} s: {len(self.values)} numbers{waiting}>"

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write it to a file of NumPy's ``.npz`` form, whole or not at all. Returns the path.

        Raises `OSError` as the system gives it.
        """
        import numpy as np

        target = Path(path)
        plain = ("time", "rows", "step", "method", "names", "handlers", "connections")
        about = {"version": VERSION, **{name: getattr(self, name) for name in plain}}
        with beside(target) as new, new.open("wb") as file:
            arrays = {name: getattr(self, name) for name in _ARRAYS}
            np.savez_compressed(file, about=np.array(json.dumps(about)), **arrays)
        return target

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> State:
        """Read what `save` wrote. Raises `ReadError` for a file that is missing or no such state."""
        import numpy as np

        source = Path(path)
        where = Location(str(source))
        try:
            with source.open("rb") as file, np.load(file, allow_pickle=False) as held:
                parts: dict[str, Any] = json.loads(str(held["about"]))
                parts |= {name: held[name] for name in _ARRAYS}
            version = parts.pop("version")
            parts |= {name: tuple(parts[name]) for name in ("names", "handlers")}
            state = cls(**parts) if version == VERSION else None
        except FileNotFoundError:
            raise ReadError(Problem("there is no such file", where, "a state, as 'save' writes it")) from None
        except (OSError, KeyError, ValueError, TypeError, AttributeError, BadZipFile, EOFError) as error:
            raise ReadError(Problem(f"the file holds no state of a run: {error}", where)) from error
        if state is None:
            what = f"the state was written by another version of tvbo_lite ({version})"
            raise ReadError(Problem(what, where, f"version {VERSION}", "run the first part again"))
        return state

    def require(
        self, names: tuple[str, ...], sizes: NDArray[np.int64], step: float, method: str, connections: str
    ) -> None:
        """Raises `UnsupportedError` with what differs where another model's run cannot go on from here."""
        problems = []
        if method != self.method:
            problems.append(Problem(f"the state is of the method '{self.method}', the run of '{method}'"))
        if step != self.step:
            what = f"the state has results every {self.step:g} s, the run every {step:g} s"
            problems.append(Problem(what))
        mine = dict(zip(self.names, self.sizes.tolist(), strict=True))
        theirs = dict(zip(names, sizes.tolist(), strict=True))
        differences = list(_differences(mine, theirs))
        problems += map(Problem, differences[:SHOWN])
        if len(differences) > SHOWN:
            problems.append(Problem(f"{len(differences) - SHOWN} more variables differ"))
        if not differences and connections != self.connections:
            problems.append(Problem("the connections with delays are others than those of the state"))
        if problems:
            first = Problem("the run cannot go on from this state, which is of another model")
            raise UnsupportedError([first, *problems])


def _differences(mine: dict[str, int], theirs: dict[str, int]) -> Iterator[str]:
    for name, size in mine.items():
        if name not in theirs:
            yield f"the state has {size} variables like '{name}', the model has none"
        elif theirs[name] != size:
            yield f"the state has {size} variables like '{name}', the model has {theirs[name]}"
    for name, size in theirs.items():
        if name not in mine:
            yield f"the model has {size} variables like '{name}', the state has none"

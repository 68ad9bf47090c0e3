"""Making many objects at once, without Python looking through all of them again and again."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import ModuleType


@contextmanager
def collector_paused() -> Iterator[None]:
    """Holds back the cyclic garbage collector, which costs a third of the time of reading a large model and
    a tenth of that of loading modules.

    Nothing that is made here is thrown away before the end, so there is nothing for it to find.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def loaded(module: str) -> ModuleType:
    """A module, imported without the collector looking at it."""
    with collector_paused():
        found = import_module(module)
        all_is_old()
    return found


def all_is_old() -> None:
    """Whatever there is now, such as modules just loaded, is looked through with what is old, that is seldom.

    Only for what happens once: garbage in it lies longer, too.
    """
    if not gc.get_freeze_count():  # else somebody has frozen objects, who shall stay so
        gc.freeze()
        gc.unfreeze()  # into the oldest generation

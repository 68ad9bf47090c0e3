"""Modules that load while LLVM compiles, which leaves the interpreter to others."""

from __future__ import annotations

import sys
from contextlib import suppress
from threading import Thread

from tvbo_lite.collector import loaded

__all__ = ["load_ahead", "settle"]

_begun: list[Thread] = []


def load_ahead(module: str) -> None:
    """Starts to import a module that will be needed soon, in a thread of its own.

    Who imports it later waits for the thread, and gets the error should there be one.
    """
    if module not in sys.modules:
        thread = Thread(target=_load, args=(module,), name=f"import {module}")
        thread.start()
        _begun.append(thread)


def settle() -> None:
    """Waits for what was begun: whatever follows has the interpreter for itself."""
    for thread in tuple(_begun):
        thread.join()
    _begun.clear()


def _load(module: str) -> None:
    with suppress(ImportError):
        loaded(module)

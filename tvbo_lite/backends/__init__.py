"""What can run a model. Each backend is a row of `BACKENDS`; its module loads on first use.

A backend takes a file or a model and gives a `tvbo_lite.lems.recording.Recording`; nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from importlib import import_module
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tvbo_lite.errors import NOWHERE, BackendError, Problem, UnsupportedError, nearest
from tvbo_lite.lems.recording import Recording

if TYPE_CHECKING:
    from tvbo_lite.lems.model import Model

BACKENDS: dict[str, str] = {
    "native": "tvbo_lite.backends.native",
    "jlems": "tvbo_lite.backends.jlems",
    "neuron": "tvbo_lite.backends.neuron",
    "netpyne": "tvbo_lite.backends.netpyne",
    "eden": "tvbo_lite.backends.eden",
}
ALIASES: dict[str, str] = {"euler": "native", "neuroml": "jlems", "lems": "jlems"}


def backend_name(name: str) -> str:
    """The name under which a backend is listed. Raises `BackendError` with the nearest one."""
    plain = ALIASES.get(name, name)
    if plain not in BACKENDS:
        known = [*BACKENDS, *ALIASES]
        hint = nearest(name, known)
        msg = f"unknown backend '{name}'; expected one of {', '.join(known)}" + (f"; {hint}" if hint else "")
        raise BackendError(msg)
    return plain


def run_file(
    name: str | Path, backend: str = "native", *, search: Sequence[Path] = (), **options: Any
) -> Recording:
    """Runs a LEMS file, or the canonical example of that name. ``options`` are the backend's own."""
    run = _function(backend, "run_file")
    _check_options(backend, run, options)
    return run(name, search=search, **options).thinned()


def run_model(model: Model, backend: str = "native", **options: Any) -> Recording:
    """Runs a model whose includes are still to be followed. ``options`` are the backend's own."""
    run = _function(backend, "run_model")
    _check_options(backend, run, options)
    return run(model, **options).thinned()


def _check_options(backend: str, run: Callable[..., Recording], options: Iterable[str]) -> None:
    """Raises `UnsupportedError` for options that a backend does not have."""
    if any(item.kind is item.VAR_KEYWORD for item in signature(run).parameters.values()):
        return
    known = _keywords(run)
    problems = [
        Problem(
            f"the backend '{backend}' has no option '{name}'", NOWHERE, ", ".join(known), nearest(name, known)
        )
        for name in options
        if name not in known
    ]
    if problems:
        raise UnsupportedError(problems)


def options_of(backend: str) -> tuple[str, ...]:
    """The names of a backend's own options, such as ``timeout``."""
    return _keywords(_function(backend, "run_file"))


def _keywords(run: Callable[..., Recording]) -> tuple[str, ...]:
    return tuple(item.name for item in signature(run).parameters.values() if item.kind is item.KEYWORD_ONLY)


def _function(backend: str, name: str) -> Callable[..., Recording]:
    function: Callable[..., Recording] = getattr(import_module(BACKENDS[backend_name(backend)]), name)
    return function

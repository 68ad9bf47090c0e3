"""Parts of a sweep on the workers of a Dask cluster: the one door to dask.distributed."""

from __future__ import annotations

import pydoc
from collections.abc import Generator, Sequence
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from tvbo_lite import __version__
from tvbo_lite.errors import BackendError, Problem, TvboLiteError, UnsupportedError
from tvbo_lite.explore.work import Part, Runner, Traces, Work
from tvbo_lite.extras import needed

if TYPE_CHECKING:
    from types import ModuleType

__all__ = ["on_cluster", "threads_of"]

AHEAD = 2  # parts that are handed out, for each thread of the cluster; so few results wait at a time


def threads_of(client: Any) -> int:
    """How many runs the cluster does at the same time.

    Raises `UnsupportedError` for what is no client, `BackendError` where a worker cannot run parts.
    """
    distributed = _distributed()
    if not isinstance(client, distributed.Client):
        what = f"'client' is {type(client).__name__}"
        raise UnsupportedError(Problem(what, expected="a dask.distributed.Client"))
    if client.asynchronous:
        what = "'client' is asynchronous"
        raise UnsupportedError(
            Problem(what, expected="a dask.distributed.Client made with asynchronous=False")
        )
    _check_workers(client)
    return max(1, int(sum(client.nthreads().values())))


def on_cluster(
    client: Any, work: Work, parts: Sequence[Part], threads: int
) -> Generator[tuple[Part, Traces]]:
    """The traces of parts, in the order in which they finish; a few parts are handed out at a time.

    Raises what the runs raise, and `BackendError` where the cluster fails. Whoever takes no more gets the
    other parts cancelled.
    """
    distributed = _distributed()
    rest = iter(parts)
    shared = client.submit(_same, work, pure=False)  # is sent to each worker once
    running = {_submit(client, shared, part): part for part in islice(rest, AHEAD * threads)}
    finished = distributed.as_completed(list(running))
    try:
        for future in finished:
            traces = _result(future)
            part = running.pop(future)
            for following in islice(rest, 1):
                more = _submit(client, shared, following)
                running[more] = following
                finished.add(more)
            yield part, traces
    finally:
        client.cancel(list(running))


def _submit(client: Any, shared: Any, part: Part) -> Any:
    return client.submit(_traces, shared, part, pure=False)


def _result(future: Any) -> Traces:
    try:
        traces: Traces = future.result()
    except (TvboLiteError, MemoryError):
        raise
    except Exception as error:
        msg = f"the Dask cluster failed: {type(error).__name__}: {error}"
        raise BackendError(msg) from error
    return traces


def _same(work: Work) -> Work:
    return work


def _traces(work: Work, part: Part) -> Traces:
    """On a worker: what it lowers and compiles for one part serves for the next."""
    traces = _runner(work).traces(part)
    return Traces(traces.time, np.ascontiguousarray(traces.values), traces.quantities, traces.failed)


@lru_cache(maxsize=1)
def _runner(work: Work) -> Runner:
    return Runner(work)


def _check_workers(client: Any) -> None:
    """Raises `BackendError` where a worker lacks this version; one that joins later is not asked."""
    found = client.run(pydoc.locate, "tvbo_lite.__version__", on_error="return")
    lacking = [worker for worker, version in found.items() if not isinstance(version, str)]
    if lacking:
        words = f"{len(lacking)} of the cluster's workers cannot import tvbo_lite ({', '.join(lacking)})"
        msg = f"{words}; install it there: client.register_plugin(distributed.PipInstall(['tvbo-lite']))"
        raise BackendError(msg)
    others = {worker: version for worker, version in found.items() if version != __version__}
    if others:
        told = ", ".join(f"{worker} has {version}" for worker, version in others.items())
        msg = f"the workers must have tvbo_lite {__version__}, as this process has, but {told}"
        raise BackendError(msg)


def _distributed() -> ModuleType:
    """The package. Raises `UnsupportedError` where it is missing."""
    with needed("distributed", "sweeps on a cluster"):
        import distributed
    return distributed

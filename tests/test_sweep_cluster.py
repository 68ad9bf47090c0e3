"""Sweeps on a Dask cluster of two processes: the same bits, failures and messages as in this process."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import xarray as xr
from sweeps import QIF, SPACE

from tvbo_lite import SimulationExperiment
from tvbo_lite.errors import BackendError, ModelError, SimulationError, UnsupportedError
from tvbo_lite.explore import cluster
from tvbo_lite.explore.work import Part, Work

distributed = pytest.importorskip("distributed")


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the cluster itself, such as a port in use
        with (
            distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as local,
            distributed.Client(local) as found,
        ):
            yield found


def read(text: str = QIF) -> SimulationExperiment:
    return SimulationExperiment.from_string(text)


@pytest.mark.parametrize("options", [{}, {"method": "dopri5", "sampling_step_size": 1e-4}])
def test_a_cluster_gives_the_same_bits(client: Any, options: dict[str, Any]) -> None:
    """Where sets run together, and where each chooses its own steps; progress counts them all."""
    seen: list[tuple[int, int]] = []
    swept = read().explore(
        SPACE, client=client, chunk=4, progress=lambda *count: seen.append(count), **options
    )
    xr.testing.assert_identical(swept, read().explore(SPACE, **options))
    assert seen[-1] == (15, 15)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)


def test_a_cluster_fills_a_store(client: Any, tmp_path: Path) -> None:
    """What a sweep in threads has left is run on the cluster."""
    folder = tmp_path / "sweep.zarr"

    def stop(_done: int, _total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        read().explore(SPACE, client=client, chunk=2, output=folder, progress=stop)
    there = len(list((folder / "traces").glob("[0-9]*")))
    assert 0 < there < 10
    xr.testing.assert_identical(read().explore(SPACE, client=client, output=folder), read().explore(SPACE))


def test_a_set_that_explodes_is_named(client: Any) -> None:
    """The error comes from the worker with its values; on demand the set is NaN."""
    text = QIF.replace("step_size: 0.01", "step_size: 0.5")
    space = {"eta": [-5.0, 1e6, -4.0]}
    with pytest.raises(SimulationError, match=r"eta = 1000000\.0") as told:
        read(text).explore(space, client=client, chunk=3)
    assert told.value.time > 0
    swept = read(text).explore(space, client=client, chunk=3, failures="nan")
    xr.testing.assert_identical(swept, read(text).explore(space, failures="nan"))


def test_errors_of_runs_are_those_of_this_process(client: Any) -> None:
    """What is wrong with a set is told as it is without a cluster."""
    with pytest.raises(ModelError, match="sampling_step_size"):
        read().explore({"integration.step_size": [0.01, 0.02]}, client=client)


def test_workers_need_the_same_program(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that lacks it is named before anything runs, and so is one with another version."""
    worker = next(iter(client.scheduler_info()["workers"]))
    try:
        client.run(exec, "import sys; sys.modules['tvbo_lite'] = None", workers=[worker])
        with pytest.raises(BackendError, match=r"(?s)1 of the cluster's workers.*PipInstall") as told:
            read().explore(SPACE, client=client)
        assert worker in str(told.value)
    finally:
        client.run(exec, "import sys; del sys.modules['tvbo_lite']", workers=[worker])
    monkeypatch.setattr(cluster, "__version__", "9.0")
    with pytest.raises(BackendError, match=r"must have tvbo_lite 9\.0"):
        read().explore(SPACE, client=client)


def test_a_cluster_that_fails_is_told(client: Any) -> None:
    """Anything but an error of this program comes with its kind and words."""
    broken = Work(read(), None, (), "product", {})  # type: ignore[arg-type]
    with pytest.raises(BackendError, match="the Dask cluster failed: ValueError"):
        list(cluster.on_cluster(client, broken, [Part(0, 1)], 2))


def test_what_is_no_client_is_refused(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """With what was found; threads are the workers' own."""
    with pytest.raises(UnsupportedError, match=r"'client' is str; expected a dask\.distributed\.Client"):
        read().explore(SPACE, client="tcp://localhost:8786")
    with pytest.raises(UnsupportedError, match="either 'threads' or 'client'"):
        read().explore(SPACE, client=client, threads=2)
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(UnsupportedError, match=r"pip install 'tvbo-lite\[dask\]'"):
        read().explore(SPACE, client=client)

"""Memory: what is free, and that what would need more is refused before any of it is taken."""

from __future__ import annotations

import numpy as np
import pytest

from tvbo_lite import SimulationExperiment, memory
from tvbo_lite.backends import _room, native
from tvbo_lite.errors import InputError, UnsupportedError
from tvbo_lite.memory import LIMIT, available, gigabytes, lacking
from tvbo_lite.transforms.lower import connection_rows

NETWORK = """
network:
  dynamics:
    cell: {iri: neuroml:iafCell, parameters: {leakReversal: -60 mV, thresh: -55 mV, reset: -70 mV, C: 0.2 nF, leakConductance: 0.01 uS}}
    syn: {iri: neuroml:expOneSynapse, parameters: {gbase: 0.2 nS, erev: 0 mV, tauDecay: 5 ms}}
  populations: {P: {dynamics: cell, size: SIZE, record: RECORD}}
  projections:
    pp: {source: P, target: P, synapse: syn, RULE}
integration: {step_size: 0.1, duration: 20}
"""  # noqa: E501


def experiment(rule, size=100, record="false", file="<string>"):
    text = NETWORK.replace("RULE", rule).replace("SIZE", str(size)).replace("RECORD", record)
    return SimulationExperiment.from_string(text, file)


def test_some_memory_is_free_and_a_limit_replaces_it(monkeypatch):
    """In the units of the metric system."""
    monkeypatch.delenv(LIMIT, raising=False)
    assert 1e6 < available() < 1e15
    for text, size in (("2 GB", 2e9), ("1.5TB", 1.5e12), ("300 kB", 3e5), ("7 B", 7.0)):
        monkeypatch.setenv(LIMIT, text)
        assert available() == size
    assert lacking(8) == f"about 8e-09 GB of memory, and {LIMIT} allows 7e-09 GB"
    assert lacking(7) is None
    assert gigabytes(1.234e10) == "12.3 GB"


@pytest.mark.parametrize("text", ["", "much", "4", "-2 GB", "2 GiB"])
def test_a_limit_that_is_no_size_is_said(monkeypatch, text):
    """With what it may be."""
    monkeypatch.setenv(LIMIT, text)
    with pytest.raises(InputError, match=f"{LIMIT} is '{text}'; expected a size such as '64 GB'"):
        available()


def test_a_container_may_have_less_than_the_machine(tmp_path, monkeypatch):
    """What its files may take of its memory counts as free."""
    monkeypatch.delenv(LIMIT, raising=False)
    (tmp_path / "memory.max").write_text("5000000\n")
    (tmp_path / "memory.current").write_text("3000000\n")
    (tmp_path / "memory.stat").write_text("anon 1\ninactive_file 1000000\n")
    monkeypatch.setattr(memory, "_CGROUP", tmp_path)
    assert available() == 3e6
    (tmp_path / "memory.max").write_text("max\n")
    assert available() > 3e6


def test_without_linux_all_memory_counts(tmp_path, monkeypatch):
    """What is free cannot be told everywhere."""
    monkeypatch.delenv(LIMIT, raising=False)
    monkeypatch.setattr(memory, "_CGROUP", tmp_path)
    free = available()
    monkeypatch.setattr(memory, "_MEMINFO", tmp_path / "none")
    assert available() >= free * 0.5


@pytest.mark.parametrize(
    ("rule", "count", "each"),
    [
        ("rule: {type: all_to_all}", "1e+10", connection_rows.ENDS),
        ("rule: {type: fixed_probability, probability: 0.5}", "5e+09", connection_rows.ENDS),
        ("rule: {type: fixed_in_degree, degree: 50000}", "5e+09", connection_rows.ENDS),
        ("rule: {type: fixed_out_degree, degree: 200000, multapses: true}", "2e+10", connection_rows.ENDS),
        ("rule: {type: Complete, directed: true}", "1e+10", 2 * connection_rows.BYTES),
        ("rule: {type: ErdosRenyi, parameters: {p: 0.5}}", "1e+10", 2 * connection_rows.BYTES),
    ],
)
def test_connections_that_do_not_fit_are_refused_before_they_are_made(monkeypatch, rule, count, each):
    """100 000 cells; the estimate, what there is, and the place stand in the message."""
    monkeypatch.setenv(LIMIT, "16 GB")
    with pytest.raises(UnsupportedError) as error:
        experiment(rule, 100_000).model()
    need = gigabytes(float(count) * each)
    assert str(error.value) == (
        f"<string>:8: network.projections.pp.rule: pp: about {count} connections need about {need} of memory,"
        f" and {LIMIT} allows 16 GB; connect fewer, or set the environment variable {LIMIT}"
    )


def test_connections_by_distance_are_counted_before_they_are_made(monkeypatch):
    """From some sources: within a tenth of how many there are."""
    found = []
    monkeypatch.setattr(connection_rows, "lacking", lambda size: found.append(size / connection_rows.ENDS))
    layout = "2000, layout: {x: {distribution: {name: Uniform, domain: {lo: 0, hi: 900}}}}"
    exp = experiment("rule: {type: distance_dependent, probability: exp(-d/(100*um))}", layout)
    network = next(item for item in exp.model().components if item.tag == "network")
    assert found == [pytest.approx(len(network.children[1].children), rel=0.1)]


def test_a_table_that_does_not_fit_is_refused_before_it_is_read(tmp_path, monkeypatch):
    """By the size of the file."""
    (tmp_path / "edges.csv").write_text("source,target\n" + "0,1\n" * 10_000)
    np.save(tmp_path / "edges.npy", np.zeros((10_000, 2), dtype=np.int64))
    for name in ("edges.csv", "edges.npy"):
        exp = experiment(f"connections: {{file: {name}}}", file=str(tmp_path / "experiment.yaml"))
        monkeypatch.setenv(LIMIT, "0.4 MB")
        with pytest.raises(UnsupportedError, match=r"connections.file: pp: about .* connections need about"):
            exp.model()
        monkeypatch.setenv(LIMIT, "50 MB")
        assert exp.model()


def test_a_run_is_refused_where_connections_and_recordings_do_not_fit(monkeypatch):
    """201 times of 100 cells with time are 0.16 MB, 9900 connections 0.7 MB; nothing is made before."""
    exp = experiment("rule: {type: all_to_all}", record="true")
    monkeypatch.setenv(LIMIT, "0.8 MB")
    monkeypatch.setattr(native, "populate", lambda _: pytest.fail("instances were made"))
    with pytest.raises(UnsupportedError) as error:
        exp.run()
    recorded, tables = 201 * 101 * 8, 9900 * 2 * _room.BYTES
    assert str(error.value).startswith(
        f"this run needs about {gigabytes(recorded + tables)} of memory, and {LIMIT} allows 0.0008 GB:"
        f" its connections and cells in tables take {gigabytes(tables)},"
        f" 200 steps with 100 recorded quantities {gigabytes(recorded)}; simulate less"
    )


def test_a_run_that_fits_is_not_refused(monkeypatch):
    """With the memory of the estimate and not less."""
    exp = experiment("rule: {type: all_to_all}", record="true")
    needed = 201 * 101 * 8 + 9900 * 2 * _room.BYTES
    monkeypatch.setenv(LIMIT, f"{needed} B")
    assert exp.run().data.shape == (201, 100)
    monkeypatch.setenv(LIMIT, f"{needed - 1} B")
    with pytest.raises(UnsupportedError, match="this run needs"):
        exp.run()

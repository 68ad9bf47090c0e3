"""Connections from files: text, numpy's, HDF5; what is wrong in them is named by its row."""

# ruff: noqa: E501  messages read better unbroken

from __future__ import annotations

import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tvbo_lite import SimulationExperiment
from tvbo_lite.errors import InputError
from tvbo_lite.formats.lems.normal import normal_form
from tvbo_lite.lems.rows import Rows, parts_of
from tvbo_lite.transforms.columns import READERS, read_columns

NETWORK = """
network:
  dynamics:
    cell: {iri: neuroml:iafCell, parameters: {leakReversal: -50 mV, thresh: -55 mV, reset: -70 mV, C: 0.2 nF, leakConductance: 0.01 uS}}
    syn: {iri: neuroml:expOneSynapse, parameters: {gbase: 0.2 nS, erev: 0 mV, tauDecay: 5 ms}}
  populations:
    P: {dynamics: cell, size: 4}
    Q: {dynamics: cell, layout: {grid: [3, 2], spacing: 50}}
  projections:
    pq: {source: P, target: Q, synapse: syn, connections: {file: FILE}}
integration: {step_size: 0.1, duration: 20}
"""
TABLE = """source,target,weight,delay
0,1,2,1
3,5,0.5,2.5
3,5,1,0.1
1,0,1,0
"""


def experiment(folder, text="{file: edges.csv}"):
    return SimulationExperiment.from_string(
        NETWORK.replace("{file: FILE}", text), str(folder / "experiment.yaml")
    )


def rows(exp):
    network = next(item for item in exp.model().components if item.tag == "network")
    projection = next(item for item in network.children if item.id == "pq")
    (part,) = parts_of(projection.children)
    assert isinstance(part, Rows)
    return part


def table(exp):
    """source, target, weight and delay of each row, as they are in the model."""
    found = rows(exp)
    columns = [found.columns[name].values for name in ("preCellId", "postCellId", "weight", "delay")]
    return np.stack(columns, axis=1).tolist()


VALUES = [[0, 1, 2, 1], [3, 5, 0.5, 2.5], [3, 5, 1, 0.1], [1, 0, 1, 0]]
COLUMNS = dict(zip(("source", "target", "weight", "delay"), np.array(VALUES).T, strict=True))


def in_hdf5(file, place=""):
    h5py = pytest.importorskip("h5py")
    with h5py.File(file, "w") as opened:
        for name, values in COLUMNS.items():
            opened[f"{place}/{name}"] = values


WRITERS = {
    "edges.csv": lambda file: file.write_text(TABLE),
    "marks.csv": lambda file: file.write_text('\ufeff# by hand\n\n"source"; "target" ;weight;delay\n' + TABLE.partition("\n")[2].replace(",", ";")),
    "edges.tsv": lambda file: file.write_text(TABLE.replace(",", "\t")),
    "edges.txt": lambda file: file.write_text(TABLE.replace(",", "   ").replace("\n", "  # so\n")),
    "edges.npz": lambda file: np.savez(file, **COLUMNS),
    "edges.npy": lambda file: np.save(file, np.array(VALUES)),
    "named.npy": lambda file: np.save(file, np.rec.fromarrays(list(COLUMNS.values()), names=list(COLUMNS))),
    "edges.h5": in_hdf5,
    "EDGES.HDF5": in_hdf5,
}  # fmt: skip


@pytest.mark.parametrize("name", list(WRITERS))
def test_every_kind_of_file_gives_the_same_connections(tmp_path, name):
    """In the order of its rows; its path begins at the folder of the experiment."""
    WRITERS[name](tmp_path / name)
    assert table(experiment(tmp_path, f"{{file: {name}, delay: {{unit: ms}}}}")) == VALUES


def test_a_dataset_of_an_hdf5_file_may_be_named(tmp_path):
    """A group with the columns, or a table."""
    in_hdf5(tmp_path / "a.h5", "net/edges")
    found = experiment(tmp_path, "{file: a.h5, dataset: net/edges, delay: {unit: ms}}")
    assert table(found) == VALUES
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "b.h5", "w") as opened:
        opened["table"] = np.array(VALUES)
    assert table(experiment(tmp_path, "{file: b.h5, dataset: table, delay: {unit: ms}}")) == VALUES


@settings(max_examples=30, deadline=None)
@given(
    rows=st.lists(
        st.tuples(
            st.integers(0, 10**6), st.integers(0, 10**6), st.floats(allow_nan=False, allow_infinity=False)
        ),
        max_size=20,
    )
)
def test_numbers_of_a_text_are_read_to_the_last_bit(tmp_path_factory, rows):
    """As Python writes them."""
    file = tmp_path_factory.mktemp("tables") / "edges.csv"
    file.write_text("source,target,weight\n" + "".join(f"{i},{j},{w!r}\n" for i, j, w in rows))
    found = read_columns(file, None, (), lambda _: True)
    assert found is not None
    assert list(zip(*(values.tolist() for values in found.values.values()), strict=True)) == rows


def test_weights_and_delays_may_come_from_elsewhere(tmp_path):
    """One value, drawn, or by the distance, where the file has no column for them."""
    (tmp_path / "edges.csv").write_text("source,target\n0,1\n2,5\n")
    plain = rows(experiment(tmp_path))
    assert (plain.tag, dict(plain.attributes)) == ("connection", {})
    both = "weight: {distribution: {name: Uniform, domain: {lo: 1, hi: 2}}}, delay: 3 ms, seed: 2"
    found = rows(experiment(tmp_path, f"{{file: edges.csv, {both}}}"))
    assert (found.tag, found.attributes["delay"]) == ("connectionWD", "3 ms")
    assert ((found.columns["weight"].values >= 1) & (found.columns["weight"].values <= 2)).all()


def test_a_table_agrees_with_the_connections_that_it_lists_and_with_jlems(tmp_path):
    """Traces of the list in YAML; jLEMS's to the float32 that it prints; the LEMS file says them again."""
    (tmp_path / "edges.csv").write_text(TABLE)
    exp = experiment(tmp_path, "{file: edges.csv, delay: {unit: ms}}")
    listed = "[[0, 1, 2, 1 ms], [3, 5, 0.5, 2.5 ms], [3, 5, 1, 0.1 ms], [1, 0, 1, 0 ms]]"
    ours, theirs = exp.run().data.values, exp.run("neuroml").data.values
    assert np.ptp(ours[:, 4:] - ours[:, 4:5]) > 1e-4
    assert np.array_equal(ours, experiment(tmp_path, listed).run().data.values)
    assert np.abs(ours - theirs).max() < 1e-6 * np.ptp(theirs)
    again = SimulationExperiment.from_lems(exp.model())
    assert normal_form(again.model()) == normal_form(exp.model())


def test_an_empty_table_connects_nothing(tmp_path):
    """A header alone."""
    (tmp_path / "edges.csv").write_text("source,target\n")
    assert len(rows(experiment(tmp_path))) == 0
    assert experiment(tmp_path).run().data.shape[1] == 10


# ---- what is wrong -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "said", "messages"),
    [
        (
            TABLE.replace("3,5,1,", "# c\n\n3,6,1,").replace("1,0,1,0", "-1,0.5,nan,0"),
            "",
            [
                "edges.csv, line 7: the source is -1, which 'P' does not have; expected a whole number from 0 to 3",
                "edges.csv, line 6: the target is 6, which 'Q' does not have; expected a whole number from 0 to 5",
                "edges.csv, line 7: the target is 0.5; expected a whole number from 0 to 5",
                "edges.csv, line 7: the weight is nan; expected a finite number",
            ],
        ),
        (
            "source,target\n0,1\ntwo,3\n1\n1,,2\n",
            "",
            [
                "edges.csv, line 3: the source is 'two'; expected a number",
                "edges.csv, line 4: 1 values in 2 columns; expected a value for each of source, target",
                "edges.csv, line 5: 3 values in 2 columns",
            ],
        ),
        (
            "source,target,wieght\n0,1,1\n",
            "",
            ["edges.csv has a column 'wieght'; expected source, target, weight, delay; did you mean 'weight'?"],
        ),
        (
            "pre,target\n0,1\n",
            "",
            ["edges.csv has no column 'source'; expected columns source and target (there are 'pre', 'target')"],
        ),
        ("0,1\n2,3\n", "", ["edges.csv begins with numbers; expected names of columns in its first line"]),
        ("", "", ["edges.csv is empty; expected names of columns in its first line"]),
        ("source,source\n0,1\n", "", ["edges.csv has two columns 'source'; expected each name once"]),
        (TABLE, "", ["pq.delay: nothing says the unit of the column 'delay'; expected delay: {unit: ms}"]),
        (TABLE, ", delay: {unit: mV}", ["pq.delay: '1 mV' is voltage, not time"]),
        (TABLE, ", delay: 2 ms", ["pq.delay: the file has a column 'delay', and it is given here too"]),
        (
            TABLE.replace("0.1\n", "0.04\n"),
            ", delay: {unit: ms}",
            ["pq.delay: line 4: a delay of 0.04 ms is within a step of 0.1 ms; expected 0, or 0.1 ms and more"],
        ),
        (
            TABLE.replace("2.5\n", "-1\n"),
            ", delay: {unit: ms}",
            ["pq.delay: line 3: a delay of -1 ms; expected 0 or more"],
        ),
        ("source,target\n0,1\n", ", delay: {unit: ms}", ["pq.delay has neither a value nor a column of a file"]),
        (TABLE, ", dataset: a", ["edges.csv has no datasets, but the dataset 'a' is named"]),
    ],
)  # fmt: skip
def test_what_is_wrong_in_a_text_is_named_by_its_line(tmp_path, text, said, messages):
    """All of it at once, with the place in the experiment."""
    (tmp_path / "edges.csv").write_text(text)
    with pytest.raises(InputError) as error:
        experiment(tmp_path, f"{{file: edges.csv{said}}}").model()
    for message in messages:
        assert message in str(error.value)
    assert "experiment.yaml:10: network.projections.pq.connections" in str(error.value)


def test_no_more_than_ten_rows_of_a_column_are_told(tmp_path):
    """And how many more there are; of values that are no numbers too."""
    (tmp_path / "edges.csv").write_text("source,target\n" + "9,0\n" * 25)
    with pytest.raises(InputError) as error:
        experiment(tmp_path).model()
    assert len(error.value.problems) == 10
    assert str(error.value).endswith("so in 15 more rows")
    (tmp_path / "edges.csv").write_text("source,target\n" + "x,0\n" * 25)
    with pytest.raises(InputError) as error:
        experiment(tmp_path).model()
    assert len(error.value.problems) == 11
    assert "so in 15 more places" in str(error.value)


def test_what_is_wrong_in_an_array_is_named_by_its_row(tmp_path):
    """From 0 on."""
    np.save(tmp_path / "a.npy", np.array([[0, 0], [1, 1], [4, 0]]))
    with pytest.raises(InputError, match=r"a\.npy, row 2: the source is 4, which 'P' does not have"):
        experiment(tmp_path, "{file: a.npy}").model()
    np.save(tmp_path / "a.npy", np.array([0, 1]))
    with pytest.raises(InputError, match=r"has an array of shape \(2,\); expected 2 to 4 columns"):
        experiment(tmp_path, "{file: a.npy}").model()
    np.savez(tmp_path / "a.npz", source=[0, 1], target=[1])
    with pytest.raises(InputError, match=r"differ in length \(source 2, target 1\)"):
        experiment(tmp_path, "{file: a.npz}").model()
    np.savez(tmp_path / "a.npz", source=["a"], target=[1])
    with pytest.raises(InputError, match=r"the column 'source' of .* is an array of <U1"):
        experiment(tmp_path, "{file: a.npz}").model()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (
            "a.npz",
            b"PK nonsense",
            "holds no arrays of numbers; expected what numpy's save or savez has written",
        ),
        ("a.npy", b"", "holds no arrays of numbers"),
        ("a.csv", b"\xff\xfe\x00", "is not UTF-8 text"),
        ("a.xlsx", b"", "ends in '.xlsx'; expected .csv, .tsv"),
        ("a.h5", b"nonsense", "cannot be read"),
    ],
)
def test_a_file_that_is_none_is_said(tmp_path, name, content, message):
    """Whatever it holds."""
    if name == "a.h5":
        pytest.importorskip("h5py")
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError) as error:
        experiment(tmp_path, f"{{file: {name}}}").model()
    assert message in str(error.value)


@pytest.mark.parametrize("ending", list(READERS))
def test_a_missing_file_is_said(tmp_path, ending):
    """By the name under which it was looked for."""
    with pytest.raises(InputError, match=rf"nowhere\{ending} cannot be read: .*[Nn]o such file"):
        experiment(tmp_path, f"{{file: nowhere{ending}}}").model()


def test_an_unknown_dataset_has_its_nearest_name_said(tmp_path):
    """Among those that there are."""
    in_hdf5(tmp_path / "a.h5", "edges")
    with pytest.raises(InputError, match=r"has no dataset 'egdes'.*did you mean 'edges'"):
        experiment(tmp_path, "{file: a.h5, dataset: egdes}").model()


def test_without_h5py_the_package_that_has_it_is_said(tmp_path, monkeypatch):
    """It is an extra."""
    (tmp_path / "a.h5").touch()
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(InputError, match=r"h5py, which is not installed; pip install 'tvbo-lite\[hdf5\]'"):
        experiment(tmp_path, "{file: a.h5}").model()


def test_a_table_and_a_rule_exclude_each_other(tmp_path):
    """As a list and a rule do."""
    with pytest.raises(InputError, match="both 'connections' and a 'rule'"):
        experiment(tmp_path, "{file: a.csv}, rule: {type: all_to_all}").model()


def test_a_key_of_a_table_that_there_is_not_has_its_nearest_name_said(tmp_path):
    """It is a table where it is a mapping, a list where it is a list."""
    with pytest.raises(InputError, match="'fil' is not a key of a connection table; did you mean 'file'"):
        experiment(tmp_path, "{fil: a.csv}")
    with pytest.raises(InputError, match="'pots' is not a key of a connection; did you mean 'post'"):
        experiment(tmp_path, "[{pre: 0, pots: 1}]")

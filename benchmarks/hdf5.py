"""NeuroML in HDF5: a million connections written and read, against libNeuroML."""

from __future__ import annotations

from importlib.util import find_spec

from benchmarks.measure import Median, Pair, child

__all__ = ["measure"]

COUNT = 1_000_000
WRITTEN = 0.5  # of libNeuroML's time, whose objects are there before
OBJECTS = 0.1  # of its time to read, with an object for each connection
ARRAYS = 1.0  # of its time for the bare arrays, which it neither checks nor turns into decimals

# The network of both: one population, random connections with weights and delays.
_START = f"""
import logging, tempfile
from pathlib import Path
import numpy as np
logging.disable(logging.CRITICAL)
rng = np.random.default_rng(1)
count = {COUNT}
pre, post = rng.integers(0, 10_000, count), rng.integers(0, 10_000, count)
weight, delay = rng.random(count).astype(np.float32), rng.integers(1, 50, count) / 10
path = Path(tempfile.mkdtemp()) / "net.net.nml.h5"
"""

_OURS = """
from tvbo_lite import formats
from tvbo_lite.formats.lems import reader
from tvbo_lite.lems import model as m
from tvbo_lite.lems.rows import Children, Column, Rows
from tvbo_lite.losses import Losses
cell = '''<Lems><Include file="Cells.xml"/><Include file="Networks.xml"/><iafCell id="c" leakReversal="-50mV"
thresh="-55mV" reset="-70mV" C="0.2nF" leakConductance="0.01uS"/><expOneSynapse id="s" gbase="0.1nS"
erev="0mV" tauDecay="5ms"/></Lems>'''
columns = {"preCellId": Column(pre, "../p[", "]"), "postCellId": Column(post, "../p[", "]"),
           "weight": Column(weight.astype(float)), "delay": Column(delay, after="ms")}
ends = {"presynapticPopulation": "p", "postsynapticPopulation": "p", "synapse": "s"}
network = m.Component("network", "net", children=(
    m.Component("population", "p", attributes={"component": "c", "size": "10000"}),
    m.Component("projection", "pp", attributes=ends, children=Children(Rows("connectionWD", count, columns))),
))
from dataclasses import replace
model = reader.link_string(cell)
model = replace(model, components=(*model.components, network))
begin = now()
formats.render(model, "hdf5", losses=Losses()).write(path)
write = now() - begin
begin = now()
assert len(reader.read_file(path).components[-1].children[1].children) == count
print(json.dumps({"write": write, "read": now() - begin}))
"""

_THEIRS = """
import neuroml
from neuroml.loaders import NeuroMLHdf5Loader
from neuroml.writers import NeuroMLHdf5Writer
network = neuroml.Network(id="net")
network.populations.append(neuroml.Population(id="p", component="c", size=10_000))
projection = neuroml.Projection(
    id="pp", presynaptic_population="p", postsynaptic_population="p", synapse="s"
)
network.projections.append(projection)
projection.connection_wds = [
    neuroml.ConnectionWD(
        id=k, pre_cell_id=f"../p[{one}]", post_cell_id=f"../p[{two}]", weight=w, delay=f"{d}ms"
    )
    for k, (one, two, w, d) in enumerate(
        zip(pre.tolist(), post.tolist(), weight.tolist(), delay.tolist(), strict=True)
    )
]
document = neuroml.NeuroMLDocument(id="net")
document.networks.append(network)
begin = now()
NeuroMLHdf5Writer.write(document, str(path))
write = now() - begin
del document, network, projection
begin = now()
arrays = NeuroMLHdf5Loader.load(str(path), optimized=True)
bare = now() - begin
begin = now()
assert len(NeuroMLHdf5Loader.load(str(path)).networks[0].projections[0].connection_wds) == count
print(json.dumps({"write": write, "bare": bare, "read": now() - begin}))
"""


def measure(rounds: int) -> list[Pair]:
    """Written, read as objects and as bare arrays; of libNeuroML one run, which takes a minute.

    Without PyTables, which libNeuroML needs for it, there are none.
    """
    if find_spec("tables") is None:
        return []
    peer = child(_START + _THEIRS)
    runs = [child(_START + _OURS) for _ in range(rounds)]
    write, read = (Median(run[key] for run in runs) for key in ("write", "read"))
    return [
        Pair("a million connections written to HDF5 / by libNeuroML", write, peer["write"], WRITTEN),
        Pair("the same read / by libNeuroML as objects", read, peer["read"], OBJECTS),
        Pair("the same read, checked / by libNeuroML as bare arrays", read, peer["bare"], ARRAYS),
    ]

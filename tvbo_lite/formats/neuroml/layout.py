"""How NeuroML's form in HDF5 lays out a network, as tables that the reader and the writer share.

A group ``network`` has a group for each population, projection and list of inputs. Its attributes are what
all rows have in common; its table has a row for each cell, connection or input. Delays are in ms.
Source: libNeuroML 0.6, ``neuroml.hdf5`` and the ``exportHdf5`` methods.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = [
    "DEFAULTS", "DESTINATION", "ENDING", "ID", "INPUTS", "KINDS", "LEMS", "MAGNITUDES", "NETWORK", "PLACE",
    "POPULATION", "PROPERTY", "ROOT", "TOP_LEVEL", "Kind", "is_hdf5",
]  # fmt: skip

ENDING = ".net.nml.h5"
ROOT = "neuroml"
NETWORK = "network"
TOP_LEVEL = "neuroml_top_level"  # the attribute with all else of the document, as XML
LEMS = "lems_top_level"  # of this package: what NeuroML's schema does not know, which others do not read
POPULATION = "population_"
PROPERTY = "property:"
ID = "id"
DESTINATION = "destination"  # which list of a cell takes a synapse or an input
PLACE = ("x", "y", "z")  # um

# Columns that may be missing, and what they are then.
DEFAULTS = {
    "pre_segment_id": 0.0, "post_segment_id": 0.0, "pre_fraction_along": 0.5, "post_fraction_along": 0.5,
    "segment_id": 0.0, "fraction_along": 0.5, "weight": 1.0, "delay": 0.0,
}  # fmt: skip
MAGNITUDES = {"weight": "", "delay": "ms"}  # columns that make a connection one with weight, and their units


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of group, and the components that its rows are.

    ``ends`` are the columns of cells, each with the attribute of a row and the one that names its
    population; ``own`` the attributes of the group that its component has too, ``shared`` those that each of
    its rows has; ``columns`` the further columns with the attributes of a row. ``single`` is a row between
    populations without positions that has its cells by index, if there is such; ``plain`` any other row,
    ``weighted`` one with weight. ``destination`` is where the rows go unless the group says it, which is of
    this package: others go without.
    """

    prefix: str
    tag: str
    ends: Mapping[str, tuple[str, str]]
    own: tuple[str, ...]
    columns: Mapping[str, str]
    plain: str
    weighted: str
    shared: tuple[str, ...] = ()
    single: str | None = None
    destination: str | None = None


_PAIR = ("presynapticPopulation", "postsynapticPopulation")
_CELLS = {"pre_cell_id": ("preCell", _PAIR[0]), "post_cell_id": ("postCell", _PAIR[1])}
_ALONG = {"pre_fraction_along": "preFractionAlong", "post_fraction_along": "postFractionAlong"}
_SEGMENTS = {"pre_segment_id": "preSegment", "post_segment_id": "postSegment", **_ALONG, "weight": "weight"}

INPUTS = Kind(
    "inputList_",
    "inputList",
    ends={"target_cell_id": ("target", "population")},
    own=("component", "population"),
    columns={"segment_id": "segmentId", "fraction_along": "fractionAlong", "weight": "weight"},
    plain="input",
    weighted="inputW",
    destination="synapses",
)
KINDS = (
    Kind(
        "projection_",
        "projection",
        ends={"pre_cell_id": ("preCellId", _PAIR[0]), "post_cell_id": ("postCellId", _PAIR[1])},
        own=(*_PAIR, "synapse"),
        columns={
            "pre_segment_id": "preSegmentId",
            "post_segment_id": "postSegmentId",
            **_ALONG,
            "weight": "weight",
            "delay": "delay",
        },
        plain="connection",
        weighted="connectionWD",
    ),
    Kind(
        "projection_",
        "electricalProjection",
        ends=_CELLS,
        own=_PAIR,
        columns=_SEGMENTS,
        plain="electricalConnectionInstance",
        weighted="electricalConnectionInstanceW",
        shared=("synapse",),
        single="electricalConnection",
    ),
    Kind(
        "projection_",
        "continuousProjection",
        ends=_CELLS,
        own=_PAIR,
        columns=_SEGMENTS,
        plain="continuousConnectionInstance",
        weighted="continuousConnectionInstanceW",
        shared=("preComponent", "postComponent"),
        single="continuousConnection",
    ),
    INPUTS,
)


def is_hdf5(name: str) -> bool:
    """Whether a file of that name is read as NeuroML in HDF5."""
    return name.lower().endswith((".h5", ".hdf5"))

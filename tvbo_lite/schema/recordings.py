"""What a run writes and shows: output files, event files and displays, as in LEMS.

Ids, paths of quantities and scales stand in the LEMS document as they are written here.
"""

from typing import Annotated, ClassVar

from pydantic import Field

from tvbo_lite.schema.base import IN_TIME_SCALE, Flag, Item, Named, SchemaModel, Shorthand, Text, Written
from tvbo_lite.schema.dynamics import DynamicsMap
from tvbo_lite.schema.integration import Time

__all__ = ["Column", "Display", "EventFile", "EventSelection", "Line", "OutputFile", "Recordings"]

_PATH = "Path to the quantity from the network, such as 'pyr[0]/v'."


class _Recorded(Item):
    """Something recorded; the key under which it stands is its id."""

    anonymous: Flag = Field(default=False, description="Whether it has no id in LEMS.")


class Column(Shorthand, _Recorded):
    """A column of an output file. A bare text stands for ``quantity``."""

    shorthand: ClassVar[str] = "quantity"
    shorthand_types: ClassVar[tuple[str, ...]] = ("string",)

    quantity: Text = Field(description=_PATH)


class OutputFile(_Recorded):
    """Traces in a text file: rows of the time in s, then the columns in SI units."""

    file: Text = Field(description="Name of the file, such as 'results/v.dat'.")
    folder: Text | None = Field(default=None, description="Folder of the file; left out: none.")
    every: Time | None = Field(
        default=None,
        description="Time between rows, in 'time_scale' or with its unit; left out: all rows of the run.",
        json_schema_extra=IN_TIME_SCALE,
    )
    columns: Annotated[dict[str, Column], Named()] = Field(
        default_factory=dict, description="What each column holds, by id."
    )


class EventSelection(Shorthand, _Recorded):
    """Events of one instance. A bare text stands for ``select``."""

    shorthand: ClassVar[str] = "select"
    shorthand_types: ClassVar[tuple[str, ...]] = ("string",)

    select: Text = Field(description="The instance, such as 'pyr[0]'.")
    port: Text = Field(default="spike", description="Event port.")


class EventFile(_Recorded):
    """Events in a text file: a row for each, with its time in s and the id of its source."""

    file: Text = Field(description="Name of the file, such as 'results/spikes.dat'.")
    folder: Text | None = Field(default=None, description="Folder of the file; left out: none.")
    format: Text | None = Field(
        default=None,
        description="Order of a row.",
        json_schema_extra={"examples": ["ID_TIME", "TIME_ID"]},
    )
    events: Annotated[dict[str, EventSelection], Named()] = Field(
        default_factory=dict, description="Sources of events, by the id that the file shows."
    )


class Line(Shorthand, _Recorded):
    """A line of a display. A bare text stands for ``quantity``."""

    shorthand: ClassVar[str] = "quantity"
    shorthand_types: ClassVar[tuple[str, ...]] = ("string",)

    quantity: Text = Field(description=_PATH)
    scale: Written = Field(default="1", description="What the value is divided by, such as '1 mV'.")
    color: Text | None = Field(default=None, description="Colour, such as '#ff0000'.")
    time_scale: Written | None = Field(
        default=None, description="What the time is divided by; left out: the display's."
    )


class Display(_Recorded):
    """A figure of traces against time."""

    title: Text | None = Field(default=None, description="Title of the figure.")
    time_scale: Written = Field(default="1ms", description="What the time is divided by.")
    xmin: Written | None = Field(default=None, description="Left end, in 'time_scale'.")
    xmax: Written | None = Field(default=None, description="Right end, in 'time_scale'.")
    ymin: Written | None = Field(default=None, description="Lower end, in the lines' scales.")
    ymax: Written | None = Field(default=None, description="Upper end.")
    lines: Annotated[dict[str, Line], Named()] = Field(default_factory=dict, description="Lines by id.")


class Recordings(SchemaModel):
    """What a run writes and shows."""

    files: Annotated[dict[str, OutputFile], Named()] = Field(
        default_factory=dict, description="Output files by id."
    )
    events: Annotated[dict[str, EventFile], Named()] = Field(
        default_factory=dict, description="Files of events by id."
    )
    displays: Annotated[dict[str, Display], Named()] = Field(
        default_factory=dict, description="Displays by id."
    )
    components: DynamicsMap = Field(
        default_factory=dict, description="Other parts of the simulation, such as Meta."
    )

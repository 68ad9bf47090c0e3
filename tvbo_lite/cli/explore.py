"""``tvbo-lite explore``."""

from __future__ import annotations

from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    import numpy as np
    import xarray as xr
    from numpy.typing import NDArray

ENDINGS = (".npz", ".zarr")
EXAMPLE = """\b
Examples:
  tvbo-lite explore experiment.yaml excitability --out sweep.npz
  tvbo-lite explore experiment.yaml --set eta=-10:0:101 --set J=10,15,20 --output sweep.zarr
"""


@click.command(epilog=EXAMPLE)
@click.argument("file", type=click.Path(path_type=Path))
@click.argument("name", required=False)
@click.option(
    "--set",
    "space",
    metavar="NAME=VALUES",
    multiple=True,
    help="Values of a parameter: LOWEST:HIGHEST:NUMBER, or one by one with commas, with units or without.",
)
@click.option("--zip", "zipped", is_flag=True, help="Take the values side by side instead of each with each.")
@click.option(
    "--threads", metavar="N", type=click.IntRange(min=1), help="Runs at a time; all cores by default."
)
@click.option(
    "--every", metavar="S", type=click.FloatRange(min=0, min_open=True), help="Keep a row every S seconds."
)
@click.option(
    "--out",
    "--output",
    "out",
    metavar="FILE.npz|FOLDER.zarr",
    type=Path,
    required=True,
    help="NumPy file for the result, or Zarr store, to which sets are added as they finish.",
)
def explore(
    file: Path,
    name: str | None,
    *,
    space: tuple[str, ...],
    zipped: bool,
    threads: int | None,
    every: float | None,
    out: Path,
) -> None:
    """Run FILE, a YAML experiment, for many sets of parameter values.

    NAME is one of its explorations; without it --set says which values. A NumPy file holds the arrays
    values, dims, time, the values of each parameter, and the names and units of the traces. A Zarr store
    holds the same as xarray reads it; the same command goes on with one that was stopped.
    """
    if (name is None) == (not space):
        raise click.UsageError("give either the NAME of an exploration or --set NAME=VALUES")
    if out.suffix not in ENDINGS:
        raise click.UsageError(f"--out {out}: the name has to end in {' or '.join(ENDINGS)}")
    begin = perf_counter()
    from tvbo_lite.cli._console import Watch, duration
    from tvbo_lite.experiment import SimulationExperiment

    experiment = SimulationExperiment.from_file(file)
    wanted = name or dict(_values(text) for text in space)
    mode = "zip" if zipped else "product"
    with Watch() as watch:
        swept = experiment.explore(
            wanted,
            mode,
            threads=threads,
            progress=watch,
            output=out if out.suffix == ".zarr" else None,
            sampling_step_size=every,
        )
    if out.suffix == ".npz":
        _write(out, swept)
    sizes = ", ".join(f"{key} {size}" for key, size in swept.sizes.items())
    click.echo(f"wrote {out}: {sizes}")
    click.echo(f"took {duration(perf_counter() - begin)}")


def _values(text: str) -> tuple[str, NDArray[np.float64] | list[str]]:
    """``eta=-10:0:101``, ``eta=1,2,3`` or ``amplitude=80 pA,0.1 nA``."""
    import numpy as np

    from tvbo_lite.transforms.quantity import number_and_unit

    name, _, given = text.partition("=")
    try:
        if ":" in given:
            lowest, highest, number = given.split(":")
            return name, np.linspace(float(lowest), float(highest), int(number))
        listed = given.split(",")
        if None not in map(number_and_unit, listed):
            return name, listed
    except ValueError:
        pass
    msg = f"--set {text}: expected NAME=LOWEST:HIGHEST:NUMBER, NAME=1,2,3 or NAME=80 pA,0.1 nA"
    raise click.UsageError(msg)


def _write(path: Path, swept: xr.DataArray) -> None:
    from io import BytesIO

    import numpy as np

    from tvbo_lite.atomic import write_beside

    arrays = {str(key): coordinate.values for key, coordinate in swept.coords.items()}
    buffer = BytesIO()
    np.savez_compressed(buffer, values=swept.values, dims=np.array(swept.dims, dtype=np.str_), **arrays)
    write_beside(path, buffer.getvalue())

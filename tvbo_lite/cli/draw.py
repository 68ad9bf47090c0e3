"""``tvbo-lite draw``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from tvbo_lite.cli import _options as options

EXAMPLE = """\b
Examples:
  tvbo-lite draw LEMS_NML2_Ex12_Net2.xml -o network.svg
  tvbo-lite draw LEMS_NML2_Ex5_DetCell.xml --what channels -o channels.png
  tvbo-lite draw LEMS_NML2_Ex15_CaDynamics.xml --channel Gran_KCa_98 --at caConc=1e-3mM -o kca.pdf
"""


@click.command(epilog=EXAMPLE)
@click.argument("file")
@click.option(
    "-o", "--output", metavar="OUT", type=Path,
    help="A .png, .pdf, .svg, .jpg or .webp file; without it, SVG on stdout.",
)  # fmt: skip
@click.option(
    "--what", metavar="PICTURE",
    help="network, components or channels; by default the network, if FILE has one, else the channels.",
)  # fmt: skip
@click.option("--network", metavar="ID", help="Which network, if the file has several.")
@click.option("--channel", "channels", metavar="ID", multiple=True, help="Only this channel; repeatable.")
@click.option("--voltages", metavar="LOW:HIGH", help="Of channels; by default -100mV:100mV.")
@click.option(
    "--at", "conditions", metavar="NAME=VALUE", multiple=True,
    help="What channels require besides v, such as temperature=20degC or caConc=1e-4mM.",
)  # fmt: skip
@options.include
def draw(
    file: str,
    *,
    output: Path | None,
    what: str | None,
    network: str | None,
    channels: tuple[str, ...],
    voltages: str | None,
    conditions: tuple[str, ...],
    include: tuple[Path, ...],
) -> None:
    """Draw FILE: its network as a graph, its components as a tree, or its channels against the voltage.

    FILE is a YAML experiment, a LEMS or NeuroML file, or the name of a canonical example. Of channels,
    whatever exposes a steady state, a time constant or the rates of a transition is drawn; the built-in
    engine works them out.
    """
    chosen = _options(network, channels, voltages, conditions)
    from tvbo_lite.atomic import write_beside
    from tvbo_lite.cli._files import check_figure
    from tvbo_lite.cli._source import read_model
    from tvbo_lite.draw import draw as picture
    from tvbo_lite.plotting._figure import encoded

    output = None if str(output) == "-" else output
    check_figure(output)
    if output is not None and output.exists() and Path(file).is_file() and output.samefile(file):
        raise click.UsageError(f"-o {output}: that is FILE itself")
    if what is None and set(chosen) & {"channels", "voltages", "conditions"}:
        what = "channels"
    figure = picture(read_model(file, include)[0], what, **chosen)
    if output is None:
        click.echo(encoded(figure, "svg"), nl=False)
        return
    write_beside(output, encoded(figure, output.suffix[1:].lower()))
    click.echo(f"wrote {output}", err=True)


def _options(
    network: str | None, channels: tuple[str, ...], voltages: str | None, conditions: tuple[str, ...]
) -> dict[str, Any]:
    """Those that are given, as `tvbo_lite.draw.draw` takes them."""
    chosen: dict[str, Any] = {"network": network, "channels": channels}
    if voltages is not None:
        low, colon, high = voltages.partition(":")
        if not colon:
            raise click.UsageError(f"--voltages {voltages}: expected LOW:HIGH, such as -100mV:60mV")
        chosen["voltages"] = (low, high)
    if conditions:
        pairs = [text.partition("=") for text in conditions]
        for name, sign, value in pairs:
            if not (name and sign and value):
                raise click.UsageError(
                    f"--at {name}{sign}{value}: expected NAME=VALUE, such as caConc=1e-4mM"
                )
        chosen["conditions"] = {name: value for name, _, value in pairs}
    return {name: value for name, value in chosen.items() if value}

"""The command line ``tvbo-lite``: the only place of the package that prints or exits.

A subcommand is a row of `COMMANDS`; its module loads when it is called, so that neither ``--help``
nor another subcommand pays for it. Exit status: 0 done, 1 a comparison failed, 2 an error of the
user's, 70 one of ours, 130 stopped with Ctrl-C or SIGTERM.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

import click

from tvbo_lite import __version__

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["COMMANDS", "cli"]

COMMANDS = {
    "run": ("tvbo_lite.cli.run:run", "Simulate an experiment and write its output files."),
    "render": ("tvbo_lite.cli.render:render", "Show an experiment in another format, such as LEMS."),
    "convert": ("tvbo_lite.cli.convert:convert", "Write an experiment to a file in another format."),
    "formats": ("tvbo_lite.cli.formats:formats", "List the formats, and what each cannot hold."),
    "validate": ("tvbo_lite.cli.validate:validate", "Check files and list all their problems."),
    "info": ("tvbo_lite.cli.info:info", "Show what a file holds: cells, synapses, networks, simulations."),
    "draw": ("tvbo_lite.cli.draw:draw", "Draw the network, the components or the channels of a file."),
    "explore": ("tvbo_lite.cli.explore:explore", "Run an experiment for many sets of parameter values."),
    "compare": ("tvbo_lite.cli.compare:compare", "Compare a run with jLEMS, or with earlier results."),
    "omv": ("tvbo_lite.cli.omv:omv", "Run tests of OSB Model Validation (.omt files)."),
    "examples": ("tvbo_lite.cli.examples:examples", "List or extract the canonical NeuroML2 examples."),
    "schema": ("tvbo_lite.cli.schema:schema", "Show the JSON Schema of YAML experiments."),
}
LEVELS = ("debug", "info", "warning", "error")


class LazyGroup(click.Group):
    """Subcommands by name from `COMMANDS`; errors become one message and an exit status."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the table's order."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The subcommand, its module loaded now."""
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(import_module(module), name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does it, but an unknown name is answered with the nearest one."""
        name = args[0]
        if name not in COMMANDS and not name.startswith("-"):
            from tvbo_lite.errors import nearest

            hint = nearest(name, COMMANDS) or f"there are {', '.join(COMMANDS)}"
            ctx.fail(f"there is no command '{name}'; {hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """One line for each subcommand, from the table."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])

    def make_context(self, *args: Any, **extra: Any) -> click.Context:
        """As click does it, but Ctrl-C meanwhile is what it is later."""
        try:
            return super().make_context(*args, **extra)
        except KeyboardInterrupt as error:
            from tvbo_lite.cli._failure import failure

            raise failure(error) from error

    def invoke(self, ctx: click.Context) -> Any:
        """Run the subcommand; what it raises is told in one message, unless ``--debug`` is given."""
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.Abort, click.exceptions.Exit, BrokenPipeError):
            raise
        except (Exception, KeyboardInterrupt) as error:
            if ctx.params.get("debug"):
                raise
            from tvbo_lite.cli._failure import failure

            raise failure(error) from error


def _log_level(ctx: click.Context, option: click.Parameter, level: str | None) -> None:
    if level is None:
        return
    import logging

    logging.basicConfig(format="%(levelname)s %(name)s: %(message)s", force=True)
    logging.getLogger("tvbo_lite").setLevel(level.upper())


_log_option: Callable[[Any], Any] = click.option(
    "--log-level",
    type=click.Choice(LEVELS, case_sensitive=False),
    expose_value=False,
    callback=_log_level,
    help="Write log messages of this level and above to stderr.",
)


@click.group(
    cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(__version__, message="%(prog)s %(version)s")
@_log_option
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def cli(*, debug: bool) -> None:
    """Write a neural simulation once: check it, translate it, run it as machine code.

    \b
    Example:
      tvbo-lite run LEMS_NML2_Ex2_Izh.xml --out results --plot izhikevich.png

    Each command has its own page: tvbo-lite run --help
    """  # noqa: D301  \b is click's mark of a paragraph to leave as it is

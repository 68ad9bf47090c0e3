"""Runs a model in EDEN, which reads LEMS and NeuroML itself, in single precision.

EDEN refuses a document with the first quantity that it cannot record; that is left out, and it is asked
again, which takes it some milliseconds.
"""

from __future__ import annotations

import re
import signal
from typing import TYPE_CHECKING

from tvbo_lite.backends._exported import TABLE, Simulator, Workspace
from tvbo_lite.backends._jneuroml import last_words
from tvbo_lite.backends._python import find_python, need_programs, path_with
from tvbo_lite.backends._refused import BY_EDEN

if TYPE_CHECKING:
    from tvbo_lite.backends._process import Output

__all__ = ["run_file", "run_model"]

VARIABLE = "TVBO_LITE_EDEN_PYTHON"

_RUN = "import sys, eden_simulator; eden_simulator.runEden(sys.argv[1])"
_MESSAGE = re.compile(r"file .*?, line \d+, column \d+: (?P<reason>.*)")
_QUANTITY = re.compile(r'.*<OutputColumn id="q\d+" quantity="(?P<quantity>[^"]*)"')
_WAIT = {"OMP_WAIT_POLICY": "passive"}  # threads that spin while they wait slow one another down
_RETURN_CODE = "returncode of subprocess:"
_CRASH = (
    "EDEN crashed (segmentation fault); the program in its package carries glibc 2.28 of its own and cannot "
    "load machine code on every newer system"
)
_HARMLESS = ("Temperature not specified",)
_ERROR = re.compile(r".*(?:error:|Error loading|undefined symbol).*")  # a compiler, or the loader


def _record(space: Workspace, quantities: tuple[str, ...]) -> dict[str, int]:
    python = find_python("eden_simulator", VARIABLE, "eden")
    need_programs(["gcc"], space.simulator)
    variables = {"PATH": path_with(python), **_WAIT}
    while quantities:
        main = space.write(quantities, includes=False)  # EDEN has the core types built in
        output = space.run("process", [str(python), "-c", _RUN, main.name], variables)
        if output.code == 0 and (space.folder / TABLE).is_file():
            return {quantity: number for number, quantity in enumerate(quantities, start=1)}
        refused = _refused(output)
        if refused is None or refused[0] not in quantities:
            break
        space.lose(*refused)
        quantities = tuple(item for item in quantities if item != refused[0])
    raise space.fail("could not run", _words(output) if quantities else ["it can record nothing of it"])


def _refused(output: Output) -> tuple[str, str] | None:
    """The quantity of which EDEN complains, and its words; None if it complains of something else."""
    lines = output.stdout
    for at, line in enumerate(lines[:-1]):
        message, place = _MESSAGE.match(line), _QUANTITY.match(lines[at + 1])
        if message and place:
            return place["quantity"], f"EDEN says: {message['reason']}"
    return None


def _words(output: Output) -> list[str]:
    if _signal(output) == signal.SIGSEGV:
        return [_CRASH]
    said = [
        match["reason"]
        for line in output.stdout
        if (match := _MESSAGE.match(line)) and not match["reason"].startswith(_HARMLESS)
    ]
    said += [line for line in output.stdout if _ERROR.match(line)]
    return said or last_words(output)


def _signal(output: Output) -> int | None:
    """The signal that ended EDEN, as its Python wrapper tells it."""
    for line, after in zip(output.stdout, output.stdout[1:], strict=False):
        if line == _RETURN_CODE and after.startswith("-"):
            return int(after[1:])
    return None


_EDEN = Simulator("EDEN", _record, BY_EDEN)
run_file, run_model = _EDEN.run_file, _EDEN.run_model

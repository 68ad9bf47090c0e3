"""The page of a reference example."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pictures

from tvbo_lite.errors import TvboLiteError
from tvbo_lite.losses import Losses

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from examples import Example
    from matplotlib.figure import Figure
    from references import Reference

    from tvbo_lite.compare import Comparison, EventComparison, TraceComparison
    from tvbo_lite.results import ExperimentResult

log = logging.getLogger("mkdocs.plugins.gallery")

NEUROML = "https://github.com/NeuroML/NeuroML2/blob/master/LEMSexamples/"
MOST_CELLS = 100  # of a network that is shown as LEMS, which has a component for each connection
FEW = 8  # cells of each population in what is shown in its place
TRACES = ("trace", "values", "that differ", "largest difference", "of its range", "spikes", "largest shift")
EVENTS = ("file of events", "lines", "that differ", "largest shift")


@dataclass
class Made:
    """What is made of an example: the parts of its page, a line for the overview, its pictures by file."""

    verdict: str = ""
    parts: list[str] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)

    def draw(self, example: Example, figure: Figure) -> None:
        """Adds a picture, and a small one for the overview."""
        name = example.name
        self.files[f"{name}.png"] = pictures.png(figure)
        self.files[f"{name}.small.png"] = pictures.png(pictures.small(figure), pictures.SMALL_DPI)
        self.parts.append(f"![{example.title}]({name}.png)")


def made(example: Example, reference: Reference) -> Made:
    """Run the example with the built-in engine, and compare it with its reference."""
    page = Made(parts=[f"# {example.title}", *about(example)])
    try:
        result = example.experiment.run()
    except TvboLiteError as error:
        page.verdict = "refused"
        page.parts += refused(example, error)
        page.draw(example, example.experiment.draw("network"))
    else:
        page.verdict = shown(page, example, result, reference)
    page.parts += texts(example)
    return page


def about(example: Example) -> Iterable[str]:
    """What it is and where it comes from."""
    yield " ".join((example.experiment.description or "").split())
    if example.look:
        yield f"**What to look at.** {example.look}"
    original = example.provenance.get("original")
    if original:
        yield f"**Where it comes from.** It says again NeuroML's [`{original}`]({NEUROML}{original})."
    for title, key in (("Where it comes from", "source"), ("How it is tested", "tests")):
        if key in example.provenance:
            facts = (f"* {name.replace('_', ' ')}: {text}" for name, text in example.provenance[key].items())
            yield f"**{title}.**\n\n" + "\n".join(facts)
    if example.experiment.references:
        yield "**References.** " + "; ".join(example.experiment.references)


def refused(example: Example, error: TvboLiteError) -> Iterable[str]:
    """The message, as the command line shows it."""
    yield "## A run is refused"
    yield "It is read, checked and translated; this engine and jLEMS do not run it."
    yield f"```console\n$ tvbo-lite run {example.path}\nerror: {error}\n```"


def shown(page: Made, example: Example, result: ExperimentResult, reference: Reference) -> str:
    """Adds the picture and the errors; the verdict in a few words."""
    name = example.name
    page.parts += ["## A run", f"```console\n$ {command(example, reference)}\n```"]
    page.draw(example, pictures.picture(result, reference, example.title))
    if not reference:
        page.parts.append(reference.words)
        return "runs alone"
    comparison = reference.compared(result.recording)
    if not comparison.ok:
        log.warning("%s does not agree with its reference:\n%s", name, comparison)
    page.parts += errors(comparison, reference)
    return verdict(comparison)


def command(example: Example, reference: Reference) -> str:
    """What gives the picture and the errors on the command line."""
    picture = f"\\\n    --plot {example.name}.png"
    if reference.tables is not None:
        return f"tvbo-lite compare {example.path} --reference reference_examples/{example.name} {picture}"
    if reference:
        return f"tvbo-lite compare {example.path} --reference jlems {picture}"
    return f"tvbo-lite run {example.path} {picture}"


def verdict(comparison: Comparison) -> str:
    """A comparison in a few words."""
    values = sum(trace.n_values for trace in comparison)
    differ = sum(trace.n_different for trace in comparison)
    if comparison.identical:
        return f"{number(values)} values, all identical"
    return f"{number(differ)} of {number(values)} values differ"


def errors(comparison: Comparison, reference: Reference) -> Iterable[str]:
    """The tables of errors."""
    yield f"Solid: {reference.words}. Dashed: the built-in engine."
    yield "## Errors"
    yield f"Compared as float32, which is what jLEMS prints: **{verdict(comparison)}.**"
    yield table(TRACES, (trace_row(trace) for trace in comparison))
    if comparison.events:
        yield table(EVENTS, (event_row(item) for item in comparison.events))


def trace_row(trace: TraceComparison) -> tuple[str, ...]:
    """The cells of `TRACES`; the difference is in SI units."""
    spikes = shift = "–"
    if trace.threshold is not None:
        spikes = f"{len(trace.our_spikes)} of {len(trace.reference_spikes)}"
        shift = "–" if trace.max_spike_shift is None else f"{trace.max_spike_shift * 1e3:g} ms"
    share = trace.max_error / trace.extent if trace.extent else 0.0
    return (
        path(trace.name), number(trace.n_values), number(trace.n_different), f"{trace.max_error:.3g}",
        f"{share:.3g}", spikes, shift,
    )  # fmt: skip


def event_row(item: EventComparison) -> tuple[str, ...]:
    """The cells of `EVENTS`."""
    shift = "–" if item.max_shift is None else f"{item.max_shift * 1e3:g} ms"
    return (path(item.name), number(item.n_reference), number(item.n_different), shift)


def texts(example: Example) -> Iterable[str]:
    """The experiment, and what it means in LEMS, folded."""
    yield "## The experiment"
    yield f'```yaml title="{example.path}"\n{example.text.rstrip()}\n```'
    yield "## What it means in LEMS"
    experiment, words = few_cells(example)
    losses = Losses()
    text = experiment.render("lems", losses=losses)
    if words:
        yield words
    yield folded("The LEMS document", f"```xml\n{text.rstrip()}\n```")
    if losses:
        yield "What LEMS cannot hold:"
        yield "\n".join(f"* {loss.what}: {loss.reason}" for loss in losses)


def few_cells(example: Example):
    """The experiment with fewer cells where it has very many, and the words that tell it."""
    network = example.experiment.network
    sizes: Mapping[str, int] = {
        name: item.size for name, item in (network.populations if network else {}).items() if item.size
    }
    if sum(sizes.values()) <= MOST_CELLS:
        return example.experiment, ""
    populations = {
        name: item.model_copy(update={"size": FEW}) if name in sizes else item
        for name, item in network.populations.items()
    }
    fewer = example.experiment.model_copy(
        update={"network": network.model_copy(update={"populations": populations})}
    )
    given = " and ".join(f"{number(size)} ({name})" for name, size in sizes.items())
    return fewer, (
        f"In LEMS each cell and each connection is a component. Here the populations have {FEW} cells each, "
        f"in place of {given}; `tvbo-lite render {example.path} -o LEMS.xml` writes all."
    )


def table(header: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table in Markdown; all columns but the first are numbers."""
    lines = [tuple(header), *map(tuple, rows)]
    lines.insert(1, ("---", *["---:"] * (len(lines[0]) - 1)))
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def folded(title: str, text: str) -> str:
    """A block that opens when it is asked to."""
    return f'??? note "{title}"\n\n' + "\n".join(f"    {line}" if line else "" for line in text.splitlines())


def path(name: str) -> str:
    """The name of a trace, which may be broken after a slash."""
    return f"<code>{name.replace('/', '/<wbr>')}</code>"


def number(value: int) -> str:
    """With thin spaces between thousands."""
    return f"{value:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")

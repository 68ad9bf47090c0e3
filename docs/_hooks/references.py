"""What an example is compared with: jLEMS where it can run it, else the traces that are kept beside it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tvbo_lite.backends.java import has_java
from tvbo_lite.compare import Comparison, compare
from tvbo_lite.errors import BackendError, UnsupportedError
from tvbo_lite.formats.dat import read_dat

if TYPE_CHECKING:
    from examples import Example
    from numpy.typing import NDArray

    from tvbo_lite.lems.recording import Recording

log = logging.getLogger("mkdocs.plugins.gallery")


@dataclass(frozen=True)
class Reference:
    """The other side of a comparison, and in words where it is from; or why there is none.

    ``tables`` are kept traces by file, with each ``every``-th row of the run. ``settled`` is False where
    another machine would have more to show.
    """

    words: str
    recording: Recording | None = None
    tables: Mapping[str, NDArray] | None = None
    every: int = 1
    settled: bool = True

    def __bool__(self) -> bool:
        return self.recording is not None or self.tables is not None

    def compared(self, ours: Recording) -> Comparison:
        """All traces and events of both sides."""
        if self.recording is not None:
            return compare(self.recording, ours)
        tables = {file.path: ours.table(file)[:: self.every] for file in ours.plan.files}
        return compare(self.tables or {}, tables, plan=ours.plan)


def reference(example: Example) -> Reference:
    """Run in jLEMS what the example means; what it cannot run is told in its words."""
    if "does_not_run" in example.provenance:
        return Reference("No engine here runs this example.")
    method = example.experiment.integration.method
    if method != "euler":
        return Reference(f"It runs alone: jLEMS has Euler's method only, not `{method}`.")
    try:
        recording = example.experiment.run("jlems").recording
    except UnsupportedError as error:
        return Reference(f"It runs alone, since LEMS cannot hold it:\n\n```text\n{error}\n```")
    except BackendError as error:
        return _kept(example, error)
    return Reference("jLEMS, run on its LEMS text when this page was made", recording)


def _kept(example: Example, error: BackendError) -> Reference:
    """The stored traces; without Java they are all there is."""
    tell = log.warning if has_java() else log.info
    tell("%s: jLEMS did not run: %s", example.name, error)
    files = {path.name: read_dat(path) for path in sorted(example.folder.glob("*.dat"))}
    why = "This page was made without jLEMS"
    if not files:
        return Reference(f"{why}, and no traces are kept: the run is shown alone.", settled=False)
    every = example.provenance.get("rows", {}).get("every", 1)
    tool = example.provenance["reference"]["tool"]
    return Reference(
        f"traces that are kept beside it, of {tool}, since this page was made without jLEMS",
        tables=files, every=every, settled=False,
    )  # fmt: skip

"""A bar that shows how far something is: on a terminal with rich, in a notebook as a line of its own."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["Bar", "Progress", "shown"]

Progress = Callable[[int, int], None]


@contextmanager
def shown(progress: Progress | bool | None, what: str) -> Iterator[Progress | None]:
    """What is to be called with (done, in all): for True a bar, else what was given."""
    if progress is True:
        bar = NotebookBar(what) if _in_notebook() else Bar(what)
        try:
            yield bar
        finally:
            bar.stop()
    else:
        yield progress or None


class Bar:
    """Draws a bar on stderr where that is a terminal, and takes it away when it is stopped."""

    def __init__(self, what: str) -> None:
        self.what = what
        self.visible = sys.stderr.isatty()
        self._bar: Any = None

    def __call__(self, done: int, total: int) -> None:
        if self.visible:
            self._draw(done, total)

    def _draw(self, done: int, total: int) -> None:
        if self._bar is None:
            from rich.console import Console
            from rich.progress import Progress

            self._bar = Progress(console=Console(stderr=True), transient=True)
            self._bar.add_task(self.what, total=total)
            self._bar.start()
        self._bar.update(self._bar.task_ids[0], completed=done)

    def stop(self) -> None:
        """Takes it away."""
        if self._bar is not None:
            self._bar.stop()


class NotebookBar:
    """Shows a bar below the cell of a notebook, and leaves it there."""

    def __init__(self, what: str) -> None:
        self.what = what
        self._shown: Any = None
        self._text = ""

    def __call__(self, done: int, total: int) -> None:
        self._text = f"{self.what}: {done} of {total}"
        self._html = f"<progress value='{done}' max='{total}'></progress> {self._text}"
        if self._shown is None:
            from IPython.display import display

            self._shown = display(self, display_id=True)
        else:
            self._shown.update(self)

    def _repr_html_(self) -> str:
        return self._html

    def __repr__(self) -> str:
        return self._text

    def stop(self) -> None:
        """What is shown last stays."""


def _in_notebook() -> bool:
    """Whether IPython runs this with a kernel, which a notebook shows."""
    found = sys.modules.get("IPython")
    shell = found.get_ipython() if found is not None else None
    return shell is not None and shell.has_trait("kernel")

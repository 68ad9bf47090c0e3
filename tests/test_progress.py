"""A bar for Python scripts and notebooks."""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Any

from tvbo_lite.progress import Bar, NotebookBar, shown

if TYPE_CHECKING:
    import pytest


def test_a_function_is_called_itself() -> None:
    """True gives a bar, nothing nothing."""
    with shown(print, "sets") as progress:
        assert progress is print
    for nothing in (None, False):
        with shown(nothing, "sets") as progress:
            assert progress is None


def test_a_bar_is_seen_on_a_terminal_only(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It stands on stderr; where that goes to a file there is nothing."""
    with shown(progress=True, what="sets") as progress:
        assert isinstance(progress, Bar)
        progress(1, 2)
    assert capsys.readouterr() == ("", "")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with shown(progress=True, what="sets") as progress:
        assert isinstance(progress, Bar)
        progress(1, 2)
        (task,) = progress._bar.tasks
        assert (task.description, task.completed, task.total) == ("sets", 1, 2)
    assert progress._bar.finished is False
    assert not progress._bar.live.is_started


def test_a_notebook_shows_a_bar_below_the_cell(monkeypatch: pytest.MonkeyPatch) -> None:
    """One element, which is replaced as it goes."""
    calls: list[str] = []

    def display(bar: NotebookBar, *, display_id: bool) -> Any:
        assert display_id
        calls.append(bar._repr_html_())
        return SimpleNamespace(update=lambda bar: calls.append(bar._repr_html_()))

    ipython, kernel = ModuleType("IPython"), ModuleType("IPython.display")
    ipython.get_ipython = lambda: SimpleNamespace(has_trait=lambda name: name == "kernel")  # type: ignore[attr-defined]
    kernel.display = display  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "IPython.display", kernel)
    with shown(progress=True, what="sets") as progress:
        assert progress is not None
        progress(1, 4)
        progress(4, 4)
    assert calls == [
        "<progress value='1' max='4'></progress> sets: 1 of 4",
        "<progress value='4' max='4'></progress> sets: 4 of 4",
    ]
    assert repr(progress) == "sets: 4 of 4"

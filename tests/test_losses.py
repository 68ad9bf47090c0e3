"""Losses: what a format could not hold, where it stands, and why; the caller decides what follows."""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING

import pytest

from tvbo_lite import formats
from tvbo_lite.errors import Location, RenderError
from tvbo_lite.formats import Format
from tvbo_lite.lems import model as m
from tvbo_lite.losses import Loss, Losses, LossWarning

if TYPE_CHECKING:
    from collections.abc import Iterator

PLACE = Location("e.yaml", 7, "network.nodes.3")
MODEL = m.Model(components=(m.Component("x", "a", location=PLACE),))


@pytest.fixture(autouse=True)
def _lossy(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A format that loses every component."""

    def write(model: m.Model, losses: Losses, *, words: str = "nothing") -> str:
        for item in model.components:
            losses.add(f"<{item.tag}> '{item.id}'", "the format holds none", item.location)
        return words

    module = ModuleType("tvbo_lite.formats.lossy")
    module.write = write  # type: ignore[attr-defined]
    monkeypatch.setitem(__import__("sys").modules, "tvbo_lite.formats.lossy", module)
    monkeypatch.setitem(formats.FORMATS, "lossy", Format("lossy text", None, "lossy:write"))
    return None


def test_a_loss_says_what_where_and_why() -> None:
    """In one line, the place first, as errors do; without a place there is none."""
    assert str(Loss("weight", "spikes have no weight here", PLACE)) == (
        "e.yaml:7: network.nodes.3: weight: spikes have no weight here"
    )
    assert str(Loss("weight", "spikes have no weight here")) == "weight: spikes have no weight here"


def test_losses_keep_their_order_and_are_told_once() -> None:
    """What is met twice at one place is one loss; at another place it is another."""
    losses = Losses()
    for what, place in (("b", PLACE), ("a", PLACE), ("b", PLACE), ("b", Location("e.yaml", 8))):
        losses.add(what, "why", place)
    assert [(loss.what, loss.where.line) for loss in losses] == [("b", 7), ("a", 7), ("b", 8)]
    assert len(losses) == 3


def test_all_losses_are_in_the_error() -> None:
    """One error for all of them; none where there is none."""
    losses = Losses()
    losses.require_none("PyRates")
    losses.add("one", "why", PLACE)
    losses.add("two", "because")
    with pytest.raises(RenderError) as error:
        losses.require_none("PyRates")
    assert str(error.value) == (
        "PyRates cannot hold all of this model:\n  e.yaml:7: network.nodes.3: one: why\n  two: because"
    )


def test_losses_are_given_to_whoever_asks_for_them() -> None:
    """Without a word else; they are added to those that are there already."""
    losses = Losses([Loss("earlier", "why")])
    assert formats.render(MODEL, "lossy", losses=losses) == "nothing"
    assert [loss.what for loss in losses] == ["earlier", "<x> 'a'"]
    assert losses.found[1].where == PLACE


def test_losses_are_warnings_where_nobody_asks() -> None:
    """Nothing is left out in silence."""
    with pytest.warns(LossWarning, match=r"lossy text: e\.yaml:7: .*<x> 'a': the format holds none"):
        formats.render(MODEL, "lossy")


def test_losses_are_an_error_where_none_is_accepted() -> None:
    """``strict`` tells all of them; what others did before does not count."""
    losses = Losses([Loss("earlier", "why")])
    with pytest.raises(RenderError, match=r"lossy text cannot hold all of this model:\n  e\.yaml:7"):
        formats.render(MODEL, "lossy", losses=losses, strict=True)
    assert len(losses) == 1
    assert formats.render(m.Model(), "lossy", losses=losses, strict=True) == "nothing"

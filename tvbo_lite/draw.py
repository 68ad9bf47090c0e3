"""Pictures of a model: its network, its components, its channels against the membrane potential."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tvbo_lite.errors import ModelError, Problem, UnsupportedError, nearest
from tvbo_lite.formats.lems.reader import link

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from tvbo_lite.lems.model import Model

__all__ = ["PICTURES", "draw"]


def draw(model: Model, what: str | None = None, *, title: str = "", **options: Any) -> Figure:
    """A picture of a model.

    Args:
        model: as it is read, or lowered from an experiment.
        what: ``"network"``, ``"components"`` or ``"channels"``; by default the first of network, channels
            and components that the model has.
        title: of the figure.
        options: of a network ``network``, the id of one among several; of channels those of
            `tvbo_lite.analysis.kinetics`: ``channels``, ``voltages``, ``count``, ``conditions``.

    Raises:
        UnsupportedError: there is no such picture, or it has no such option.
        ModelError: there is nothing of the kind in the model, or the model is wrong.
        UnitError: as `tvbo_lite.analysis.kinetics`.
    """
    model = link(model) if model.includes else model
    if what is not None:
        return _picture(what, options)(model, title, **options)
    for name in ("network", "channels"):
        try:
            return PICTURES[name](model, title, **{key: options[key] for key in options if key in OF[name]})
        except NothingToDrawError:
            continue
    return PICTURES["components"](model, title)


class NothingToDrawError(ModelError):
    """The model has nothing of the kind."""


def _picture(what: str, options: Mapping[str, Any]) -> Callable[..., Figure]:
    if what not in PICTURES:
        message = f"there is no picture '{what}'"
        raise UnsupportedError(Problem(message, expected=", ".join(PICTURES), hint=nearest(what, PICTURES)))
    for name in options:
        if name not in OF[what]:
            message = f"the picture of {what} has no option '{name}'"
            raise UnsupportedError(Problem(message, expected=", ".join(OF[what]) or "none"))
    return PICTURES[what]


def _network(model: Model, title: str, *, network: str | None = None) -> Figure:
    from tvbo_lite.plotting.network_graph import plot_network_graph
    from tvbo_lite.transforms.summary import summary

    summed = summary(model)
    found = {item.id: item for item in summed.networks if item.populations}
    listed = ", ".join(found)
    if not found:
        raise NothingToDrawError(Problem("the model has no network with populations", model.location))
    if network is not None and network not in found:
        message = f"the model has no network '{network}' with populations"
        raise ModelError(Problem(message, model.location, listed, nearest(network, found)))
    run = next((item.target for item in summed.simulations if item.target in found), None)
    name = network or run or next(iter(found))
    return plot_network_graph(found[name], title=title)


def _components(model: Model, title: str) -> Figure:
    from tvbo_lite.plotting.component_tree import plot_component_tree
    from tvbo_lite.transforms.component_tree import component_tree

    rows = component_tree(model)
    if not rows:
        raise NothingToDrawError(Problem("the model has no components", model.location))
    return plot_component_tree(rows, title=title)


def _channels(model: Model, title: str, channels: Sequence[str] = (), **options: Any) -> Figure:
    from tvbo_lite.analysis.kinetics import kinetics
    from tvbo_lite.plotting.kinetics import plot_kinetics

    found = kinetics(model, channels, **options)
    if not any(item.curves for item in found):
        what = "no channel of the model has a steady state, a time constant or a rate"
        raise NothingToDrawError(Problem(what, model.location))
    return plot_kinetics(found, title=title)


PICTURES: dict[str, Callable[..., Figure]] = {
    "network": _network,
    "components": _components,
    "channels": _channels,
}
OF: dict[str, tuple[str, ...]] = {
    "network": ("network",),
    "components": (),
    "channels": ("channels", "voltages", "count", "conditions"),
}

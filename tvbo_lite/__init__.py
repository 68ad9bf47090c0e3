"""tvbo_lite: write a neural simulation once; check it, translate it and run it anywhere.

Importing this package loads nothing heavy and runs nothing; names load on first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tvbo_lite.experiment import SimulationExperiment as SimulationExperiment
    from tvbo_lite.lems.state import State as State
    from tvbo_lite.results import ExperimentResult as ExperimentResult
    from tvbo_lite.show.model import model_html as model_html

__version__ = "0.1.0"

_LAZY = {
    "SimulationExperiment": "tvbo_lite.experiment",
    "ExperimentResult": "tvbo_lite.results",
    "State": "tvbo_lite.lems.state",
    "model_html": "tvbo_lite.show.model",  # for a model, which stands below what shows it
}

__all__ = ["ExperimentResult", "SimulationExperiment", "State", "__version__"]


def __getattr__(name: str) -> object:
    """Load a public name from its module on first use (PEP 562)."""
    if name not in _LAZY:
        msg = f"module 'tvbo_lite' has no attribute '{name}'"
        raise AttributeError(msg)
    from tvbo_lite.collector import loaded

    value = getattr(loaded(_LAZY[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)

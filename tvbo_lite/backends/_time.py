"""Whether a run would come to an end in time, told as it begins."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tvbo_lite.errors import Problem, UnsupportedError
from tvbo_lite.limits import RUN_TIME

if TYPE_CHECKING:
    from tvbo_lite.lems.plan import SimulationPlan

__all__ = ["Forecast", "require_time"]

TRIAL = 0.5  # s of a run, from which the rest is estimated
PARTS = 3  # of the trial at least: the first row touches all memory for the first time
SPEED = 2e7  # steps in a second that no other simulator exceeds, however small the model


class Forecast:
    """How long a run will take, from the fastest of its first parts: the time of a row, for all to come.

    The speed is measured, not guessed from the model: it depends on spikes, methods and the machine. The
    fastest part counts, so that a machine that is busy for a moment refuses nothing.
    """

    def __init__(self, steps: float) -> None:
        """``steps``: how many the whole run has, for the message."""
        self.steps = steps
        self.most = RUN_TIME.value()
        self.parts, self.spent, self.fastest = 0, 0.0, float("inf")

    def is_made(self, rows: int, seconds: float, left: int) -> bool:
        """Takes what a part of so many ``rows`` took; whether enough is known, and the rest may run.

        Raises `UnsupportedError` where the rows that are ``left`` would take longer than `RUN_TIME` allows.
        """
        self.parts += 1
        self.spent += seconds
        self.fastest = min(self.fastest, seconds / rows)
        if self.spent < TRIAL or self.parts < PARTS:
            return False
        needed = self.fastest * left
        if needed > self.most:
            what = f"this run would take about {RUN_TIME.spelt(needed)} for its {self.steps:.3g} steps"
            raise UnsupportedError(Problem(what, expected=f"at most {RUN_TIME}", hint=HINT))
        return True


HINT = (
    "simulate less, or take longer steps; to run it all the same: run(force=True), tvbo-lite run --force,"
    f" or the environment variable {RUN_TIME.variable}"
)


def require_time(simulator: str, plan: SimulationPlan, timeout: float) -> None:
    """Raises `UnsupportedError` where another simulator could not do the steps of a plan within ``timeout``
    (s), even if the model were the smallest.
    """
    if plan.n_steps > SPEED * timeout:
        what = f"{simulator} cannot do {plan.n_steps:.3g} steps within {timeout:g} s"
        hint = "simulate less, take longer steps, or give it a longer timeout"
        raise UnsupportedError(Problem(what, expected=f"at most {SPEED * timeout:.3g}", hint=hint))

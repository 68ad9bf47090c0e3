"""Numbers as people read them, in the terminal and in a notebook."""

from __future__ import annotations

__all__ = ["duration"]

_UNITS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "us"))


def duration(seconds: float) -> str:
    """A time in a handy unit: ``200 ms``, ``1.5 s``."""
    if not seconds:
        return "0 s"
    scale, unit = next((item for item in _UNITS if seconds >= item[0] * 0.9995), _UNITS[-1])
    return f"{seconds / scale:.3g} {unit}"

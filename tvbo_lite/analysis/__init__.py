"""Analysis of an experiment of one node: fixed points and their stability, nullclines, hysteresis.

All numbers are in SI units, as in results; rates and eigenvalues are per second.
"""

from tvbo_lite.analysis.plane import PhasePlane, nullclines, phase_plane
from tvbo_lite.analysis.points import FixedPoint, fixed_points
from tvbo_lite.analysis.scan import Branch, Scan, scan
from tvbo_lite.analysis.system import System, system

__all__ = [
    "Branch",
    "FixedPoint",
    "PhasePlane",
    "Scan",
    "System",
    "fixed_points",
    "nullclines",
    "phase_plane",
    "scan",
    "system",
]

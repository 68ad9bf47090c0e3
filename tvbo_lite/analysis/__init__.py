"""Analysis without a run: fixed points of one node and their stability, nullclines, hysteresis; channels.

All numbers are in SI units, as in results; rates and eigenvalues are per second.
"""

from tvbo_lite.analysis.kinetics import Curve, Kinetics, kinetics
from tvbo_lite.analysis.plane import PhasePlane, nullclines, phase_plane
from tvbo_lite.analysis.points import FixedPoint, fixed_points
from tvbo_lite.analysis.scan import Branch, Scan, scan
from tvbo_lite.analysis.system import System, system

__all__ = [
    "Branch",
    "Curve",
    "FixedPoint",
    "Kinetics",
    "PhasePlane",
    "Scan",
    "System",
    "fixed_points",
    "kinetics",
    "nullclines",
    "phase_plane",
    "scan",
    "system",
]

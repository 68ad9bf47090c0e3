"""The equations of each population, flattened from the tree of instances; see `system`."""

from tvbo_lite.transforms.equations.build import population_equations
from tvbo_lite.transforms.equations.system import System

__all__ = ["System", "population_equations"]

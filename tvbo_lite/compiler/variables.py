"""The variables of a component type's instances, as the compiler's modules know them."""

from tvbo_lite.transforms.variables import CLOCK, Derived, Variables, analyse, initial_regime, texts

__all__ = ["CLOCK", "Derived", "Variables", "analyse", "initial_regime", "texts"]

"""What the tests of sweeps share: a node, and the sets of its values."""

from __future__ import annotations

import numpy as np

QIF = """
label: qif
dynamics:
  name: qif
  parameters: {tau: 1.0, Delta: 1.0, eta: -5.0, J: 15.0}
  state_variables:
    r: {equation: (Delta/(pi*tau) + 2*r*v)/tau, initial_value: 0.01}
    v: {equation: (v**2 + eta + J*r*tau - (pi*r*tau)**2)/tau, initial_value: -2.0}
integration: {step_size: 0.01, duration: 5, time_scale: ms}
"""
SPACE = {"eta": np.linspace(-6.0, 0.0, 5), "J": [10.0, 15.0, 20.0]}

"""Integration methods as tables that check themselves when they are loaded.

A table that does not meet the order conditions of the method's order is a `CompileError`: a wrong digit
cannot go unseen.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

from tvbo_lite.compiler.order import residual
from tvbo_lite.errors import CompileError, Problem, UnsupportedError, nearest

__all__ = ["EXPONENTIAL", "METHODS", "Method", "Rosenbrock", "RungeKutta", "Stochastic", "load"]

Row: TypeAlias = tuple[float, ...]

EXACT = 1e-13  # how far a rounded table may be from its conditions
INSIDE = (0.25, 0.5, 0.8)  # fractions of the step at which the dense output is checked


@dataclass(frozen=True, slots=True)
class RungeKutta:
    """An explicit Runge-Kutta method: ``y1 = y0 + h * (b1 * k1 + b2 * k2 + ...)``.

    ``matrix`` has a row for each stage but the first. ``error`` are the weights of an estimate of the
    error (adaptive methods). ``dense`` has for each stage the coefficients of theta, theta^2, ... of its
    weight at the fraction theta of the step, which is of the order ``dense_order``.
    """

    name: str
    order: int
    matrix: tuple[Row, ...]
    weights: Row
    source: str
    error: Row = ()
    error_order: int = 0
    dense: tuple[Row, ...] = ()
    dense_order: int = 0

    @property
    def nodes(self) -> Row:
        """The stages' times, as fractions of the step."""
        return (0.0, *map(sum, self.matrix))

    @property
    def last_is_first(self) -> bool:
        """Whether the last stage's rates are those at the end of the step."""
        return bool(self.matrix) and self.matrix[-1] == self.weights[:-1] and self.weights[-1] == 0.0

    def check(self) -> None:
        """Raises `CompileError` where the table is not of its order."""
        square = ((), *self.matrix)
        _near(self.name, residual(square, self.weights, self.order), f"order {self.order}")
        if self.error:
            lower = [b - e for b, e in zip(self.weights, self.error, strict=True)]
            _near(self.name, residual(square, lower, self.error_order), f"error of order {self.error_order}")
        if self.dense:
            _dense(self.name, self.dense, self.weights)
            for at in INSIDE:
                inside = residual(square, at_fraction(self.dense, at), self.dense_order, at)
                _near(self.name, inside, f"dense output of order {self.dense_order}")


@dataclass(frozen=True, slots=True)
class Rosenbrock:
    """A linearly implicit method, in the form that needs no product with the Jacobian J.

    Stage i solves ``(I / (gamma h) - J) u_i = f(t + nodes[i] h, y0 + sum matrix[i][j] u_j)
    + sum coupling[i][j] u_j / h + slopes[i] h df/dt``; ``y1 = y0 + sum weights[j] u_j``.
    """

    name: str
    order: int
    gamma: float
    nodes: Row
    slopes: Row
    matrix: tuple[Row, ...]
    coupling: tuple[Row, ...]
    weights: Row
    error: Row
    error_order: int
    dense: tuple[Row, ...]
    dense_order: int
    source: str

    def check(self) -> None:
        """Raises `CompileError` where the table is not of its order."""
        inner = _inverse(self.coupling, self.gamma)
        alpha = [_times(row, inner) for row in ((), *self.matrix)]
        beta = [[x + y for x, y in zip(a, g, strict=True)] for a, g in zip(alpha, inner, strict=True)]

        def off(weights: Sequence[float], order: int, at: float = 1.0) -> float:
            return residual(alpha, _times(weights, inner), order, at, beta)

        _near(self.name, off(self.weights, self.order), f"order {self.order}")
        lower = [b - e for b, e in zip(self.weights, self.error, strict=True)]
        _near(self.name, off(lower, self.error_order), f"error of order {self.error_order}")
        for at in INSIDE:
            inside = off(at_fraction(self.dense, at), self.dense_order, at)
            _near(self.name, inside, f"dense output of order {self.dense_order}")
        _dense(self.name, self.dense, self.weights)
        rows = zip(self.nodes, self.slopes, alpha, inner, strict=True)
        sums = max(max(abs(c - sum(a)), abs(d - sum(g))) for c, d, a, g in rows)
        _near(self.name, sums, "row sums")


@dataclass(frozen=True, slots=True)
class Stochastic:
    """``y1 = y0 + h * (b1 * k1 + b2 * k2) + (b1 * g1 + b2 * g2) * dW`` with k, g the rates and the strengths
    of the noise at y0 and, where there is a second stage, at ``y0 + h * k1 + g1 * dW``.

    ``strong`` is the order in which the mean distance of a path from the true one shrinks, where the
    noise does not depend on the state and in general (one noise term).
    """

    name: str
    weights: Row
    strong: tuple[float, float]
    calculus: str
    source: str

    def check(self) -> None:
        """Raises `CompileError` where the weights of the rates or of the noise do not add up to 1."""
        square = ((),) if len(self.weights) == 1 else ((), (1.0,))
        _near(self.name, residual(square, self.weights, len(self.weights)), "order without noise")


Method: TypeAlias = RungeKutta | Rosenbrock | Stochastic


def at_fraction(dense: Sequence[Row], theta: float) -> list[float]:
    """The stages' weights at a fraction of the step."""
    return [sum(c * theta ** (n + 1) for n, c in enumerate(row)) for row in dense]


def _near(name: str, distance: float, what: str) -> None:
    if not distance < EXACT:
        msg = f"the table of the method '{name}' is wrong: {what} is missed by {distance:g}"
        raise CompileError(msg)


def _dense(name: str, dense: Sequence[Row], weights: Row) -> None:
    ends = max(abs(x - b) for x, b in zip(at_fraction(dense, 1.0), weights, strict=True))
    _near(name, ends, "the end of the dense output")


def _inverse(coupling: Sequence[Row], gamma: float) -> list[list[float]]:
    """The inverse of ``identity / gamma - coupling``, whose rows below the diagonal are given."""
    size = len(coupling) + 1
    found: list[list[float]] = []
    for i in range(size):
        row = coupling[i - 1] if i else ()
        below = [sum(c * found[j][k] for j, c in enumerate(row)) for k in range(i)]
        found.append([gamma * x for x in below] + [gamma] + [0.0] * (size - i - 1))
    return found


def _times(row: Sequence[float], matrix: Sequence[Sequence[float]]) -> list[float]:
    return [sum(x * matrix[j][k] for j, x in enumerate(row)) for k in range(len(matrix))]


# ---- the tables -----------------------------------------------------------------------------------------


def _euler() -> Method:
    return RungeKutta("euler", 1, (), (1.0,), "Euler (1768)")


def _heun() -> Method:
    return RungeKutta("heun", 2, ((1.0,),), (0.5, 0.5), "Heun (1900), the explicit trapezoidal rule")


def _midpoint() -> Method:
    return RungeKutta("midpoint", 2, ((0.5,),), (0.0, 1.0), "Runge (1895)")


def _rk4() -> Method:
    matrix = ((0.5,), (0.0, 0.5), (0.0, 0.0, 1.0))
    inner = (0.0, 1.0, -2 / 3)
    return RungeKutta(
        "rk4", 4, matrix, (1 / 6, 1 / 3, 1 / 3, 1 / 6), "Kutta (1901)",
        dense=((1.0, -3 / 2, 2 / 3), inner, inner, (0.0, -1 / 2, 2 / 3)), dense_order=3,
    )  # fmt: skip


def _bosh3() -> Method:
    weights = (2 / 9, 1 / 3, 4 / 9, 0.0)
    # The cubic through both ends and their slopes: y1 - y0 = h * sum b k enters with 3 theta^2 - 2 theta^3.
    hermite = [[0.0, 3 * b, -2 * b] for b in weights]
    for stage, slope in ((0, (1.0, -2.0, 1.0)), (3, (0.0, -1.0, 1.0))):
        hermite[stage] = [x + y for x, y in zip(hermite[stage], slope, strict=True)]
    return RungeKutta(
        "bosh3", 3, ((1 / 2,), (0.0, 3 / 4), weights[:3]), weights,
        "Bogacki and Shampine, Appl. Math. Lett. 2 (1989) 321",
        error=(2 / 9 - 7 / 24, 1 / 3 - 1 / 4, 4 / 9 - 1 / 3, -1 / 8), error_order=2,
        dense=tuple(map(tuple, hermite)), dense_order=3,
    )  # fmt: skip


def _dopri5() -> Method:
    weights = (35 / 384, 0.0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84, 0.0)
    lower = (5179 / 57600, 0.0, 7571 / 16695, 393 / 640, -92097 / 339200, 187 / 2100, 1 / 40)
    matrix = (
        (1 / 5,),
        (3 / 40, 9 / 40),
        (44 / 45, -56 / 15, 32 / 9),
        (19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729),
        (9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656),
        weights[:6],
    )
    bump = (
        -12715105075 / 11282082432, 0.0, 87487479700 / 32700410799, -10690763975 / 1880347072,
        701980252875 / 199316789632, -1453857185 / 822651844, 69997945 / 29380423,
    )  # fmt: skip
    # Hairer, Nørsett and Wanner I, II.6: theta y1 + theta (1 - theta) (...), the last term a quartic bump.
    dense = [[0.0, 3 * b + d, -2 * b - 2 * d, d] for b, d in zip(weights, bump, strict=True)]
    dense[0] = [x + y for x, y in zip(dense[0], (1.0, -2.0, 1.0, 0.0), strict=True)]
    dense[6] = [x + y for x, y in zip(dense[6], (0.0, -1.0, 1.0, 0.0), strict=True)]
    return RungeKutta(
        "dopri5", 5, matrix, weights, "Dormand and Prince, J. Comp. Appl. Math. 6 (1980) 19",
        error=tuple(x - y for x, y in zip(weights, lower, strict=True)), error_order=4,
        dense=tuple(map(tuple, dense)), dense_order=4,
    )  # fmt: skip


def _rodas4() -> Method:
    last = (1.221224509226641, 6.019134481288629, 12.53708332932087, -0.6878860361058950)
    second = (
        10.12623508344586, -7.487995877610167, -34.80091861555747, -7.992771707568823, 1.025137723295662, 0.0
    )  # fmt: skip
    third = (
        -0.6762803392801253, 6.087714651680015, 16.43084320892478, 24.76722511418386, -6.594389125716872, 0.0
    )  # fmt: skip
    weights = (*last, 1.0, 1.0)
    # theta y1 + theta (1 - theta) (second + theta third)
    dense = tuple((m + p, q - p, -q) for m, p, q in zip(weights, second, third, strict=True))
    return Rosenbrock(
        "rodas4", 4, 0.25, (0.0, 0.386, 0.21, 0.63, 1.0, 1.0), (0.25, -0.1043, 0.1035, -0.0362, 0.0, 0.0),
        matrix=(
            (1.544,),
            (0.9466785280815826, 0.2557011698983284),
            (3.314825187068521, 2.896124015972201, 0.9986419139977817),
            last,
            (*last, 1.0),
        ),
        coupling=(
            (-5.6688,),
            (-2.430093356833875, -0.2063599157091915),
            (-0.1073529058151375, -9.594562251023355, -20.47028614809616),
            (7.496443313967647, -10.24680431464352, -33.99990352819905, 11.70890893206160),
            (
                8.083246795921522, -7.981132988064893, -31.52159432874371, 16.31930543123136,
                -6.058818238834054,
            ),
        ),
        weights=weights, error=(0.0, 0.0, 0.0, 0.0, 0.0, 1.0), error_order=3,
        dense=dense, dense_order=3,
        source="Hairer and Wanner, Solving Ordinary Differential Equations II, IV.7 (RODAS)",
    )  # fmt: skip


def _euler_maruyama() -> Method:
    source = "Maruyama, Rend. Circ. Mat. Palermo 4 (1955) 48"
    return Stochastic("euler_maruyama", (1.0,), (1.0, 0.5), "Itô", source)


def _stochastic_heun() -> Method:
    source = "Rümelin, SIAM J. Numer. Anal. 19 (1982) 604"
    return Stochastic("stochastic_heun", (0.5, 0.5), (1.0, 1.0), "Stratonovich", source)


METHODS: dict[str, Callable[[], Method]] = {
    "euler": _euler,
    "heun": _heun,
    "midpoint": _midpoint,
    "rk4": _rk4,
    "bosh3": _bosh3,
    "dopri5": _dopri5,
    "rodas4": _rodas4,
    "euler_maruyama": _euler_maruyama,
    "stochastic_heun": _stochastic_heun,
}
EXPONENTIAL = "exponential_euler"
"""The one that is no table of numbers (`tvbo_lite.compiler.exponential`)."""
ALIASES = {"stiff": "rodas4", "adaptive": "dopri5", "rk45": "dopri5", "rk23": "bosh3"}
NOISY = {"euler": "euler_maruyama", "heun": "stochastic_heun"}
"""What a method becomes where there is noise."""


@lru_cache
def load(name: str) -> Method:
    """The checked table of a method.

    Raises:
        UnsupportedError: there is no such method.
    """
    plain = ALIASES.get(name.lower(), name.lower())
    if plain not in METHODS:
        what = f"the built-in engine has no method '{name}'"
        known = (*METHODS, EXPONENTIAL)
        hint = nearest(plain, [*known, *ALIASES])
        raise UnsupportedError(Problem(what, expected=f"one of {', '.join(known)}", hint=hint))
    method = METHODS[plain]()
    method.check()
    return method

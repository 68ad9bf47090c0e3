"""Normal numbers from random words, in arithmetic that LLVM can do for several at once.

Box and Muller (1958), "A note on the generation of random normal deviates": from u in (0, 1] and an angle,
x = sqrt(-2 ln u) cos(angle) and y = sqrt(-2 ln u) sin(angle). The logarithm is 2 artanh((m - 1) / (m + 1))
of the mantissa, by its series; sine and cosine of an eighth of a turn by theirs; each within 1e-15. There is
no branch and no call of a library, and every operation is a single IEEE one: the steps below are written as
machine code and worked out by the judge, with the same bits.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Iterator
from typing import TypeAlias

__all__ = ["OUTPUTS", "box_muller", "instructions"]

Step: TypeAlias = tuple[str, str, tuple[str | float, ...]]  # result, operation, operands

_LOG = [1.0 / n for n in range(23, 1, -2)]  # of artanh(s) / s - 1, in s^2, highest power first
_SIN = [(-1) ** (n // 2) / math.factorial(n) for n in range(17, 1, -2)]
_COS = [(-1) ** (n // 2) / math.factorial(n) for n in range(18, 1, -2)]
OUTPUTS = ("x", "y")


def _series(name: str, variable: str, coefficients: list[float]) -> Iterator[Step]:
    """Horner's scheme; the result is ``name``."""
    so_far: str | float = coefficients[0]
    for n, coefficient in enumerate(coefficients[1:]):
        yield f"{name}.m{n}", "mul", (so_far, variable)
        so_far = name if n == len(coefficients) - 2 else f"{name}.a{n}"
        yield so_far, "add", (f"{name}.m{n}", coefficient)


def _steps() -> Iterator[Step]:
    """From mantissa ``m`` and exponent ``e`` of u, and the angle ``a`` in turns, to ``x`` and ``y``."""
    yield "big", "gt", ("m", math.sqrt(2.0))
    yield "m.half", "mul", ("m", 0.5)
    yield "m1", "select", ("big", "m.half", "m")
    yield "e.up", "add", ("e", 1.0)
    yield "e1", "select", ("big", "e.up", "e")
    yield "f", "sub", ("m1", 1.0)
    yield "g", "add", ("m1", 1.0)
    yield "s", "div", ("f", "g")
    yield "z", "mul", ("s", "s")
    yield from _series("p", "z", _LOG)
    yield "q", "mul", ("z", "p")
    yield "r", "mul", ("s", "q")
    yield "t", "add", ("s", "r")
    yield "log.m", "add", ("t", "t")
    yield "log.e", "mul", ("e1", math.log(2.0))
    yield "log", "add", ("log.e", "log.m")
    yield "twice", "mul", ("log", -2.0)
    yield "radius", "sqrt", ("twice",)
    yield "a4", "mul", ("a", 4.0)
    yield "k", "rint", ("a4",)
    yield "k4", "mul", ("k", 0.25)
    yield "rest", "sub", ("a", "k4")
    yield "angle", "mul", ("rest", 2.0 * math.pi)
    yield "w", "mul", ("angle", "angle")
    yield from _series("sp", "w", _SIN)
    yield "sq", "mul", ("w", "sp")
    yield "sr", "mul", ("angle", "sq")
    yield "sin", "add", ("angle", "sr")
    yield from _series("cp", "w", _COS)
    yield "cq", "mul", ("w", "cp")
    yield "cos", "add", ("cq", 1.0)
    yield from _turned()


def _turned() -> Iterator[Step]:
    """The sine and cosine of the whole angle, ``k`` quarter turns more; then the numbers."""
    for quarter in (1.0, 2.0, 3.0):
        yield f"is{quarter:g}", "eq", ("k", quarter)
    for name, one, other in (("odd", "is1", "is3"), ("c.minus", "is1", "is2"), ("s.minus", "is2", "is3")):
        yield name, "or", (one, other)
    yield "c1", "select", ("odd", "sin", "cos")
    yield "s1", "select", ("odd", "cos", "sin")
    for axis, name in (("c", "x"), ("s", "y")):
        yield f"{axis}2", "neg", (f"{axis}1",)
        yield f"{axis}3", "select", (f"{axis}.minus", f"{axis}2", f"{axis}1")
        yield name, "mul", ("radius", f"{axis}3")


STEPS = tuple(_steps())

_IR = {
    "mul": "fmul double {}, {}",
    "add": "fadd double {}, {}",
    "sub": "fsub double {}, {}",
    "div": "fdiv double {}, {}",
    "neg": "fneg double {}",
    "sqrt": "call double @llvm.sqrt.f64(double {})",
    "rint": "call double @llvm.rint.f64(double {})",
    "gt": "fcmp ogt double {}, {}",
    "eq": "fcmp oeq double {}, {}",
    "or": "or i1 {}, {}",
    "select": "select i1 {}, double {}, double {}",
}
_PYTHON: dict[str, Callable[..., float]] = {
    "mul": lambda x, y: x * y,
    "add": lambda x, y: x + y,
    "sub": lambda x, y: x - y,
    "div": lambda x, y: x / y,
    "neg": lambda x: -x,
    "sqrt": lambda x: math.copysign(math.sqrt(x), x),
    "rint": lambda x: float(round(x)),
    "gt": lambda x, y: x > y,
    "eq": lambda x, y: x == y,
    "or": lambda x, y: x or y,
    "select": lambda test, x, y: x if test else y,
}
_ONE = 0x3FF << 52  # the bits of 1.0


def instructions(words: tuple[str, str, str, str]) -> str:
    """LLVM instructions that make ``%x`` and ``%y`` of four words."""
    lines = [*_unit("u", words[0], words[1]), *_unit("v", words[2], words[3])]
    lines += [
        "  %u = fsub double 2.0, %u.number",  # in (0, 1]
        "  %a = fsub double %v.number, 1.0",  # in [0, 1)
        "  %u.all = bitcast double %u to i64",
        "  %e.high = lshr i64 %u.all, 52",
        "  %e.word = trunc i64 %e.high to i32",
        "  %e.less = sub i32 %e.word, 1023",
        "  %e = sitofp i32 %e.less to double",
        f"  %m.low = and i64 %u.all, {(1 << 52) - 1}",
        f"  %m.all = or i64 %m.low, {_ONE}",
        "  %m = bitcast i64 %m.all to double",
    ]
    for name, operation, operands in STEPS:
        lines.append(f"  %{name} = " + _IR[operation].format(*map(_operand, operands)))
    return "\n".join(lines)


def _unit(name: str, high: str, low: str) -> list[str]:
    """A number in [1, 2) whose mantissa is 32 bits of one word and 20 of another."""
    return [
        f"  %{name}.h0 = zext i32 {high} to i64",
        f"  %{name}.h1 = shl i64 %{name}.h0, 20",
        f"  %{name}.l0 = lshr i32 {low}, 12",
        f"  %{name}.l1 = zext i32 %{name}.l0 to i64",
        f"  %{name}.bits = or i64 %{name}.h1, %{name}.l1",
        f"  %{name}.one = or i64 %{name}.bits, {_ONE}",
        f"  %{name}.number = bitcast i64 %{name}.one to double",
    ]


def _operand(operand: str | float) -> str:
    if isinstance(operand, str):
        return f"%{operand}"
    return f"0x{struct.unpack('>Q', struct.pack('>d', operand))[0]:016X}"


def box_muller(words: tuple[int, int, int, int]) -> tuple[float, float]:
    """The same in Python, bit for bit."""
    u = 2.0 - _float(_ONE | words[0] << 20 | words[1] >> 12)
    mantissa, exponent = math.frexp(u)
    known: dict[str, float] = {
        "a": _float(_ONE | words[2] << 20 | words[3] >> 12) - 1.0,
        "m": 2.0 * mantissa,
        "e": float(exponent - 1),
    }
    for name, operation, operands in STEPS:
        values = [known[item] if isinstance(item, str) else item for item in operands]
        known[name] = _PYTHON[operation](*values)
    return known["x"], known["y"]


def _float(bits: int) -> float:
    value: float = struct.unpack(">d", struct.pack(">Q", bits))[0]
    return value

"""The few functions that compiled models call, as LLVM text; a module holds those it needs."""

from __future__ import annotations

from collections.abc import Iterable

from tvbo_lite.compiler.ir import RANDOM

_PURE = "nounwind willreturn memory(none)"

_DECLARED = {
    **{name: f"declare double @{name}(double) {_PURE}" for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh")},
    "exp": f"declare double @exp(double) {_PURE}",
    "log": f"declare double @log(double) {_PURE}",
    "pow": f"declare double @pow(double, double) {_PURE}",
    "llvm.sqrt.f64": "declare double @llvm.sqrt.f64(double)",
    "llvm.fabs.f64": "declare double @llvm.fabs.f64(double)",
    "llvm.ceil.f64": "declare double @llvm.ceil.f64(double)",
    "llvm.copysign.f64": "declare double @llvm.copysign.f64(double, double)",
    "llvm.rint.f64": "declare double @llvm.rint.f64(double)",
    "llvm.fma.f64": "declare double @llvm.fma.f64(double, double, double)",
}

# jLEMS: the logarithm of zero or less is NaN.
_LOG = """
define internal double @lems.log(double %x) alwaysinline {
  %positive = fcmp ogt double %x, 0.0
  %y = call double @log(double %x)
  %result = select i1 %positive, double %y, double 0x7FF8000000000000
  ret double %result
}"""

# H(x) = (signum(x) + 1) / 2: 0, 0.5 at 0, 1.
_STEP = """
define internal double @lems.step(double %x) alwaysinline {
  %sign = call double @llvm.copysign.f64(double 1.0, double %x)
  %level = fcmp one double %x, 0.0
  %signum = select i1 %level, double %sign, double %x
  %above = fadd double %signum, 1.0
  %half = fmul double %above, 0.5
  ret double %half
}"""

# In 32-bit integers that wrap around, as in Java; NaN for what is not a whole number >= 0.
_FACTORIAL = """
define internal double @lems.factorial(double %x) {
entry:
  %n = call i32 @llvm.fptosi.sat.i32.f64(double %x)
  %back = sitofp i32 %n to double
  %whole = fcmp oeq double %back, %x
  %natural = icmp sge i32 %n, 0
  %good = and i1 %whole, %natural
  br i1 %good, label %loop, label %bad
loop:
  %i = phi i32 [ 1, %entry ], [ %following, %more ]
  %product = phi i32 [ 1, %entry ], [ %next, %more ]
  %go = icmp sle i32 %i, %n
  br i1 %go, label %more, label %end
more:
  %next = mul i32 %product, %i
  %following = add i32 %i, 1
  br label %loop
end:
  %result = sitofp i32 %product to double
  ret double %result
bad:
  ret double 0x7FF8000000000000
}
declare i32 @llvm.fptosi.sat.i32.f64(double)"""

# java.util.Random.nextDouble: a 48-bit linear congruential generator, two draws of 26 and 27 bits.
_RANDOM = f"""
define internal double @lems.random(ptr %S) {{
  %place = getelementptr inbounds double, ptr %S, i64 {RANDOM}
  %seed0 = load i64, ptr %place
  %a1 = mul i64 %seed0, 25214903917
  %b1 = add i64 %a1, 11
  %seed1 = and i64 %b1, 281474976710655
  %a2 = mul i64 %seed1, 25214903917
  %b2 = add i64 %a2, 11
  %seed2 = and i64 %b2, 281474976710655
  store i64 %seed2, ptr %place
  %high = lshr i64 %seed1, 22
  %low = lshr i64 %seed2, 21
  %shifted = shl i64 %high, 27
  %bits = add i64 %shifted, %low
  %number = uitofp i64 %bits to double
  %result = fmul double %number, 0x3CA0000000000000
  ret double %result
}}"""

# exp(x) = 2^n * e^r with n = rint(x / ln 2) and |r| <= ln 2 / 2; ln 2 in two parts (Cody and Waite,
# 1980), e^r by its series to r^13 (Horner), below 1 ulp of error for -708 <= x <= 709; infinity and 0
# outside. It has no branch, so LLVM can work on several instances at once.
_LN2_HIGH, _LN2_LOW = "0x3FE62E42FEFA3800", "0x3D2EF35793C76730"


def _fast_exp() -> str:
    factorial, terms = 1.0, []
    for n in range(14):
        factorial *= n or 1
        terms.append(1.0 / factorial)
    lines = []
    previous = _hex(terms[13])
    for n in range(12, -1, -1):
        lines.append(f"  %p{n} = call double @llvm.fma.f64(double {previous}, double %r, double {_hex(terms[n])})")
        previous = f"%p{n}"
    series = "\n".join(lines)
    return f"""
define internal double @fast.exp(double %x) alwaysinline {{
  %scaled = fmul double %x, 0x3FF71547652B82FE
  %n = call double @llvm.rint.f64(double %scaled)
  %minus = fneg double %n
  %r0 = call double @llvm.fma.f64(double %minus, double {_LN2_HIGH}, double %x)
  %r = call double @llvm.fma.f64(double %minus, double {_LN2_LOW}, double %r0)
{series}
  %shift = fadd double %n, 0x4338000000000000
  %bits = bitcast double %shift to i64
  %up = add i64 %bits, 1023
  %exponent = shl i64 %up, 52
  %power = bitcast i64 %exponent to double
  %y = fmul double %p0, %power
  %huge = fcmp ogt double %x, 0x40862E42FEFA39EF
  %tiny = fcmp olt double %x, 0xC086232BDD7ABCD2
  %y1 = select i1 %huge, double 0x7FF0000000000000, double %y
  %y2 = select i1 %tiny, double 0.0, double %y1
  ret double %y2
}}"""


def _hex(value: float) -> str:
    import struct

    return f"0x{struct.unpack('>Q', struct.pack('>d', value))[0]:016X}"


_DEFINED = {
    "lems.log": (_LOG, ("log",)),
    "lems.step": (_STEP, ("llvm.copysign.f64",)),
    "lems.factorial": (_FACTORIAL, ()),
    "lems.random": (_RANDOM, ()),
    "fast.exp": (_fast_exp, ("llvm.rint.f64", "llvm.fma.f64")),
}


def text(needs: Iterable[str]) -> list[str]:
    """Definitions and declarations of the named functions and of what these call."""
    wanted = sorted(needs)
    defined = [_DEFINED[name] for name in wanted if name in _DEFINED]
    declared = {name for name in wanted if name in _DECLARED} | {name for _, more in defined for name in more}
    bodies = [body if isinstance(body, str) else body() for body, _ in defined]
    return [*bodies, *(_DECLARED[name] for name in sorted(declared))]

"""The few functions that compiled models call, as LLVM text; a module holds those it needs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tvbo_lite.compiler.ir import (
    LOG,
    LOG_LENGTH,
    LOG_ROOM,
    QUEUE,
    QUEUE_HEAD,
    QUEUE_ROOM,
    QUEUE_TAIL,
    RANDOM,
    TIME,
)
from tvbo_lite.compiler.runtime_solvers import SOLVERS
from tvbo_lite.compiler.runtime_threads import functions as thread_functions
from tvbo_lite.compiler.shared import literal

_VECTOR = re.compile(r"llvm\.fabs\.v(?P<count>\d+)f64")
_PURE = "nounwind willreturn memory(none)"
_LIBM = ("sin", "cos", "tan", "sinh", "cosh", "tanh", "exp", "log")
_INTRINSICS = {
    "llvm.sqrt.f64": "double (double)",
    "llvm.fabs.f64": "double (double)",
    "llvm.ceil.f64": "double (double)",
    "llvm.rint.f64": "double (double)",
    "llvm.copysign.f64": "double (double, double)",
    "llvm.fma.f64": "double (double, double, double)",
    "llvm.fptosi.sat.i32.f64": "i32 (double)",
    "llvm.memmove.p0.p0.i64": "void (ptr, ptr, i64, i1)",
}


@dataclass(frozen=True, slots=True)
class _Defined:
    """A function written here, and the functions that it calls."""

    text: str
    calls: tuple[str, ...] = ()


def text(needs: Iterable[str]) -> Iterator[str]:
    """Definitions and declarations of the named functions and of all that these call."""
    todo, done = list(needs), set()
    while todo:
        name = todo.pop()
        if name in done:
            continue
        done.add(name)
        if name in _DEFINED:
            yield _DEFINED[name].text
            todo += _DEFINED[name].calls
        else:
            yield _declaration(name)


def _declaration(name: str) -> str:
    if name in _LIBM:
        return f"declare double @{name}(double) {_PURE}"
    if name == "pow":
        return f"declare double @pow(double, double) {_PURE}"
    if name == "realloc":
        return "declare ptr @realloc(ptr, i64)"
    if name == "free":
        return "declare void @free(ptr)"
    vector = _VECTOR.fullmatch(name)
    if vector is not None:
        kind = f"<{vector['count']} x double>"
        return f"declare {kind} @{name}({kind})"
    result, arguments = _INTRINSICS[name].split(" ", 1)
    return f"declare {result} @{name}{arguments}"


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

# In 32-bit integers that wrap around, as in Java (the factorial of 34 or more is 0); NaN for what is not
# a whole number >= 0.
_FACTORIAL = """
define internal double @lems.factorial(double %x) {
entry:
  %n = call i32 @llvm.fptosi.sat.i32.f64(double %x)
  %back = sitofp i32 %n to double
  %whole = fcmp oeq double %back, %x
  %natural = icmp sge i32 %n, 0
  %good = and i1 %whole, %natural
  %few = icmp slt i32 %n, 34
  %last = select i1 %few, i32 %n, i32 34
  br i1 %good, label %loop, label %bad
loop:
  %i = phi i32 [ 1, %entry ], [ %following, %more ]
  %product = phi i32 [ 1, %entry ], [ %next, %more ]
  %go = icmp sle i32 %i, %last
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
}"""

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
  %result = fmul double %number, {literal(2.0**-53)}
  ret double %result
}}"""


def _fast_exp() -> str:
    """exp(x) = 2^n * e^r with n = rint(x / ln 2) and |r| <= ln 2 / 2; ln 2 in two parts (Cody and Waite,
    1980), e^r by its series to r^13 (Horner), about 1 ulp of error for -708 <= x <= 709; infinity and 0
    outside. It has no branch, so LLVM can work on several instances at once.
    """
    terms = [1.0]
    for n in range(1, 14):
        terms.append(terms[-1] / n)
    lines, previous = [], literal(terms[13])
    for n in range(12, -1, -1):
        lines.append(
            f"  %p{n} = call double @llvm.fma.f64(double {previous}, double %r, double {literal(terms[n])})"
        )
        previous = f"%p{n}"
    series = "\n".join(lines)
    return f"""
define internal double @fast.exp(double %x) alwaysinline {{
  %scaled = fmul double %x, 0x3FF71547652B82FE
  %n = call double @llvm.rint.f64(double %scaled)
  %minus = fneg double %n
  %r0 = call double @llvm.fma.f64(double %minus, double 0x3FE62E42FEFA3800, double %x)
  %r = call double @llvm.fma.f64(double %minus, double 0x3D2EF35793C76730, double %r0)
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


# expm(A dt) applied to occupancies, as jLEMS does it: M = A dt scaled by 2^-p until its largest element
# is at most 1e-12, then p times M <- 2 M + M^2, so that I + M is squared without ever being formed.
# %a: the n x n matrix, row by row, then the n occupancies.
_KINETICS = """
define internal void @lems.kinetics(ptr %a, i64 %n, double %dt) {
entry:
  %nn = mul i64 %n, %n
  %u = alloca double, i64 %nn
  %w = alloca double, i64 %n
  %p.occupancy = getelementptr double, ptr %a, i64 %nn
  br label %scale
scale:
  %s = phi i64 [ 0, %entry ], [ %s1, %scale ]
  %largest = phi double [ 0.0, %entry ], [ %larger, %scale ]
  %p.s = getelementptr double, ptr %a, i64 %s
  %v.s = load double, ptr %p.s
  %scaled = fmul double %v.s, %dt
  store double %scaled, ptr %p.s
  %size = call double @llvm.fabs.f64(double %scaled)
  %is.larger = fcmp ogt double %size, %largest
  %larger = select i1 %is.larger, double %size, double %largest
  %s1 = add i64 %s, 1
  %s.more = icmp ult i64 %s1, %nn
  br i1 %s.more, label %scale, label %halve
halve:
  %f = phi double [ 1.0, %scale ], [ %f.half, %halve.more ]
  %p = phi i64 [ 0, %scale ], [ %p1, %halve.more ]
  %df = fmul double %larger, %f
  %large = fcmp ogt double %df, 0x3D719799812DEA11
  br i1 %large, label %halve.more, label %shrink
halve.more:
  %f.half = fmul double %f, 0.5
  %p1 = add i64 %p, 1
  br label %halve
shrink:
  %h = phi i64 [ 0, %halve ], [ %h1, %shrink ]
  %p.h = getelementptr double, ptr %a, i64 %h
  %v.h = load double, ptr %p.h
  %v.h1 = fmul double %v.h, %f
  store double %v.h1, ptr %p.h
  %h1 = add i64 %h, 1
  %h.more = icmp ult i64 %h1, %nn
  br i1 %h.more, label %shrink, label %squarings
squarings:
  %left = phi i64 [ %p, %shrink ], [ %left1, %added ]
  %none = icmp eq i64 %left, 0
  br i1 %none, label %apply, label %row
row:
  %i = phi i64 [ 0, %squarings ], [ %i1, %row.end ]
  %i.n = mul i64 %i, %n
  br label %column
column:
  %j = phi i64 [ 0, %row ], [ %j1, %dot.end ]
  br label %dot
dot:
  %k = phi i64 [ 0, %column ], [ %k1, %dot ]
  %sum = phi double [ 0.0, %column ], [ %sum1, %dot ]
  %ik = add i64 %i.n, %k
  %k.n = mul i64 %k, %n
  %kj = add i64 %k.n, %j
  %p.ik = getelementptr double, ptr %a, i64 %ik
  %p.kj = getelementptr double, ptr %a, i64 %kj
  %v.ik = load double, ptr %p.ik
  %v.kj = load double, ptr %p.kj
  %product = fmul double %v.ik, %v.kj
  %sum1 = fadd double %sum, %product
  %k1 = add i64 %k, 1
  %k.more = icmp ult i64 %k1, %n
  br i1 %k.more, label %dot, label %dot.end
dot.end:
  %ij = add i64 %i.n, %j
  %p.ij = getelementptr double, ptr %u, i64 %ij
  store double %sum1, ptr %p.ij
  %j1 = add i64 %j, 1
  %j.more = icmp ult i64 %j1, %n
  br i1 %j.more, label %column, label %row.end
row.end:
  %i1 = add i64 %i, 1
  %i.more = icmp ult i64 %i1, %n
  br i1 %i.more, label %row, label %add
add:
  %q = phi i64 [ 0, %row.end ], [ %q1, %add ]
  %p.q = getelementptr double, ptr %a, i64 %q
  %p.uq = getelementptr double, ptr %u, i64 %q
  %v.q = load double, ptr %p.q
  %v.uq = load double, ptr %p.uq
  %twice = fadd double %v.q, %v.q
  %whole = fadd double %twice, %v.uq
  store double %whole, ptr %p.q
  %q1 = add i64 %q, 1
  %q.more = icmp ult i64 %q1, %nn
  br i1 %q.more, label %add, label %added
added:
  %left1 = sub i64 %left, 1
  br label %squarings
apply:
  %r = phi i64 [ 0, %squarings ], [ %r1, %apply.end ]
  %r.n = mul i64 %r, %n
  br label %sum.row
sum.row:
  %c = phi i64 [ 0, %apply ], [ %c1, %sum.row ]
  %total = phi double [ 0.0, %apply ], [ %total1, %sum.row ]
  %rc = add i64 %r.n, %c
  %p.rc = getelementptr double, ptr %a, i64 %rc
  %p.c = getelementptr double, ptr %p.occupancy, i64 %c
  %v.rc = load double, ptr %p.rc
  %on.diagonal = icmp eq i64 %r, %c
  %one = select i1 %on.diagonal, double 1.0, double 0.0
  %element = fadd double %v.rc, %one
  %v.c = load double, ptr %p.c
  %part = fmul double %element, %v.c
  %total1 = fadd double %total, %part
  %c1 = add i64 %c, 1
  %c.more = icmp ult i64 %c1, %n
  br i1 %c.more, label %sum.row, label %apply.end
apply.end:
  %p.w = getelementptr double, ptr %w, i64 %r
  store double %total1, ptr %p.w
  %r1 = add i64 %r, 1
  %r.more = icmp ult i64 %r1, %n
  br i1 %r.more, label %apply, label %copy
copy:
  %bytes = mul i64 %n, 8
  call void @llvm.memmove.p0.p0.i64(ptr %p.occupancy, ptr %w, i64 %bytes, i1 false)
  ret void
}"""

# The sum of 0 * x over ranges of memory: 0 where all are finite, else NaN. %ranges: pairs of first and end.
_FINITE = """
define internal double @lems.finite(ptr readonly %S, ptr readonly %ranges, i64 %count) noinline {
entry:
  br label %range
range:
  %i = phi i64 [ 0, %entry ], [ %i1, %range.end ]
  %so.far = phi double [ 0.0, %entry ], [ %sum, %range.end ]
  %p.first = getelementptr { i64, i64 }, ptr %ranges, i64 %i
  %p.end = getelementptr { i64, i64 }, ptr %ranges, i64 %i, i32 1
  %first = load i64, ptr %p.first
  %end = load i64, ptr %p.end
  br label %value
value:
  %j = phi i64 [ %first, %range ], [ %j1, %value ]
  %total = phi double [ %so.far, %range ], [ %sum, %value ]
  %p.x = getelementptr double, ptr %S, i64 %j
  %x = load double, ptr %p.x
  %zero = fmul double %x, 0.0
  %sum = fadd reassoc double %total, %zero
  %j1 = add i64 %j, 1
  %j.more = icmp ult i64 %j1, %end
  br i1 %j.more, label %value, label %range.end
range.end:
  %i1 = add i64 %i, 1
  %i.more = icmp ult i64 %i1, %count
  br i1 %i.more, label %range, label %done
done:
  ret double %sum
}"""

# A growing list whose pointer, length and room lie in memory: makes space for one more item.
_MAKE_ROOM = """
define internal void @events.grow(ptr %S, i64 %list, i64 %room, i64 %size) noinline {
  %p.list = getelementptr double, ptr %S, i64 %list
  %p.room = getelementptr double, ptr %S, i64 %room
  %old = load i64, ptr %p.room
  %twice = mul i64 %old, 2
  %none = icmp eq i64 %old, 0
  %new = select i1 %none, i64 256, i64 %twice
  %bytes = mul i64 %new, %size
  %items = load ptr, ptr %p.list
  %moved = call ptr @realloc(ptr %items, i64 %bytes)
  store ptr %moved, ptr %p.list
  store i64 %new, ptr %p.room
  ret void
}"""

# A recorded event: its time and the recorder's number.
_RECORD = f"""
define internal void @events.record(ptr %S, i64 %recorder) noinline {{
  %p.length = getelementptr double, ptr %S, i64 {LOG_LENGTH}
  %p.room = getelementptr double, ptr %S, i64 {LOG_ROOM}
  %length = load i64, ptr %p.length
  %room = load i64, ptr %p.room
  %full = icmp eq i64 %length, %room
  br i1 %full, label %grow, label %write
grow:
  call void @events.grow(ptr %S, i64 {LOG}, i64 {LOG_ROOM}, i64 16)
  br label %write
write:
  %p.log = getelementptr double, ptr %S, i64 {LOG}
  %log = load ptr, ptr %p.log
  %item = getelementptr {{ double, i64 }}, ptr %log, i64 %length
  %p.time = getelementptr double, ptr %S, i64 {TIME}
  %time = load double, ptr %p.time
  store double %time, ptr %item
  %p.recorder = getelementptr {{ double, i64 }}, ptr %log, i64 %length, i32 1
  store i64 %recorder, ptr %p.recorder
  %longer = add i64 %length, 1
  store i64 %longer, ptr %p.length
  ret void
}}"""

# The queue is a list of (time due, handler, instance) in the order of delivery, first in first out among
# equal times. An event goes in behind all that are due before it or with it: most often at the end, else
# where a binary search finds its place.
_PUSH = f"""
define internal void @events.push(ptr %S, double %due, i64 %handler, i64 %index) noinline {{
entry:
  %p.list = getelementptr double, ptr %S, i64 {QUEUE}
  %p.head = getelementptr double, ptr %S, i64 {QUEUE_HEAD}
  %p.tail = getelementptr double, ptr %S, i64 {QUEUE_TAIL}
  %p.room = getelementptr double, ptr %S, i64 {QUEUE_ROOM}
  %tail0 = load i64, ptr %p.tail
  %room = load i64, ptr %p.room
  %full = icmp eq i64 %tail0, %room
  br i1 %full, label %make.room, label %find
make.room:
  %head0 = load i64, ptr %p.head
  %twice = mul i64 %head0, 2
  %half.free = icmp ugt i64 %twice, %tail0
  br i1 %half.free, label %compact, label %grow
compact:
  %old = load ptr, ptr %p.list
  %first = getelementptr {{ double, i64, i64 }}, ptr %old, i64 %head0
  %used = sub i64 %tail0, %head0
  %bytes = mul i64 %used, 24
  call void @llvm.memmove.p0.p0.i64(ptr %old, ptr %first, i64 %bytes, i1 false)
  store i64 0, ptr %p.head
  store i64 %used, ptr %p.tail
  br label %find
grow:
  call void @events.grow(ptr %S, i64 {QUEUE}, i64 {QUEUE_ROOM}, i64 24)
  br label %find
find:
  %list = load ptr, ptr %p.list
  %head = load i64, ptr %p.head
  %tail = load i64, ptr %p.tail
  %none = icmp ule i64 %tail, %head
  br i1 %none, label %place, label %compare.last
compare.last:
  %last = sub i64 %tail, 1
  %p.last = getelementptr {{ double, i64, i64 }}, ptr %list, i64 %last
  %due.last = load double, ptr %p.last
  %last.later = fcmp ogt double %due.last, %due
  br i1 %last.later, label %look, label %place
look:
  %low = phi i64 [ %head, %compare.last ], [ %low.next, %compare ]
  %high = phi i64 [ %last, %compare.last ], [ %high.next, %compare ]
  %found = icmp uge i64 %low, %high
  br i1 %found, label %shift, label %compare
compare:
  %sum = add i64 %low, %high
  %middle = lshr i64 %sum, 1
  %p.middle = getelementptr {{ double, i64, i64 }}, ptr %list, i64 %middle
  %due.middle = load double, ptr %p.middle
  %later = fcmp ogt double %due.middle, %due
  %after = add i64 %middle, 1
  %low.next = select i1 %later, i64 %low, i64 %after
  %high.next = select i1 %later, i64 %middle, i64 %high
  br label %look
shift:
  %p.here = getelementptr {{ double, i64, i64 }}, ptr %list, i64 %low
  %p.up = getelementptr {{ double, i64, i64 }}, ptr %p.here, i64 1
  %behind = sub i64 %tail, %low
  %behind.bytes = mul i64 %behind, 24
  call void @llvm.memmove.p0.p0.i64(ptr %p.up, ptr %p.here, i64 %behind.bytes, i1 false)
  br label %place
place:
  %at = phi i64 [ %tail, %find ], [ %tail, %compare.last ], [ %low, %shift ]
  %item = getelementptr {{ double, i64, i64 }}, ptr %list, i64 %at
  store double %due, ptr %item
  %p.handler = getelementptr {{ double, i64, i64 }}, ptr %list, i64 %at, i32 1
  store i64 %handler, ptr %p.handler
  %p.index = getelementptr {{ double, i64, i64 }}, ptr %list, i64 %at, i32 2
  store i64 %index, ptr %p.index
  %longer = add i64 %tail, 1
  store i64 %longer, ptr %p.tail
  ret void
}}"""

# The next queued event whose time has come, taken off the queue; null where there is none.
_DUE = f"""
define internal ptr @events.due(ptr %S) {{
  %p.head = getelementptr double, ptr %S, i64 {QUEUE_HEAD}
  %p.tail = getelementptr double, ptr %S, i64 {QUEUE_TAIL}
  %head = load i64, ptr %p.head
  %tail = load i64, ptr %p.tail
  %empty = icmp uge i64 %head, %tail
  br i1 %empty, label %none, label %look
look:
  %p.list = getelementptr double, ptr %S, i64 {QUEUE}
  %list = load ptr, ptr %p.list
  %item = getelementptr {{ double, i64, i64 }}, ptr %list, i64 %head
  %due = load double, ptr %item
  %p.time = getelementptr double, ptr %S, i64 {TIME}
  %time = load double, ptr %p.time
  %ready = fcmp ole double %due, %time
  br i1 %ready, label %take, label %none
take:
  %next = add i64 %head, 1
  store i64 %next, ptr %p.head
  ret ptr %item
none:
  ret ptr null
}}"""

# Queues events that an earlier run left: (time due, handler, instance) in the order of delivery.
_RESTORE = """
define void @restore(ptr %S, ptr %items, i64 %count) {
entry:
  %none = icmp eq i64 %count, 0
  br i1 %none, label %end, label %one
one:
  %i = phi i64 [ 0, %entry ], [ %next, %one ]
  %item = getelementptr { double, i64, i64 }, ptr %items, i64 %i
  %p.handler = getelementptr { double, i64, i64 }, ptr %items, i64 %i, i32 1
  %p.index = getelementptr { double, i64, i64 }, ptr %items, i64 %i, i32 2
  %due = load double, ptr %item
  %handler = load i64, ptr %p.handler
  %index = load i64, ptr %p.index
  call void @events.push(ptr %S, double %due, i64 %handler, i64 %index)
  %next = add i64 %i, 1
  %more = icmp ult i64 %next, %count
  br i1 %more, label %one, label %end
end:
  ret void
}"""

_RELEASE = f"""
define void @release(ptr %S) {{
  %p.queue = getelementptr double, ptr %S, i64 {QUEUE}
  %p.log = getelementptr double, ptr %S, i64 {LOG}
  %queue = load ptr, ptr %p.queue
  %log = load ptr, ptr %p.log
  call void @free(ptr %queue)
  call void @free(ptr %log)
  store ptr null, ptr %p.queue
  store ptr null, ptr %p.log
  ret void
}}"""

_DEFINED = {
    "lems.log": _Defined(_LOG, ("log",)),
    "lems.step": _Defined(_STEP, ("llvm.copysign.f64",)),
    "lems.factorial": _Defined(_FACTORIAL, ("llvm.fptosi.sat.i32.f64",)),
    "lems.random": _Defined(_RANDOM),
    "lems.finite": _Defined(_FINITE),
    "lems.kinetics": _Defined(_KINETICS, ("llvm.fabs.f64", "llvm.memmove.p0.p0.i64")),
    "fast.exp": _Defined(_fast_exp(), ("llvm.rint.f64", "llvm.fma.f64")),
    "events.grow": _Defined(_MAKE_ROOM, ("realloc",)),
    "events.record": _Defined(_RECORD, ("events.grow",)),
    "events.push": _Defined(_PUSH, ("events.grow", "llvm.memmove.p0.p0.i64")),
    "events.due": _Defined(_DUE),
    "release": _Defined(_RELEASE, ("free",)),
    "restore": _Defined(_RESTORE, ("events.push",)),
    **{name: _Defined(*row) for name, row in (SOLVERS | thread_functions()).items()},
}

"""Functions that integration methods call, as LLVM text: linear systems, random numbers, tables."""

from __future__ import annotations

from tvbo_lite.compiler.box_muller import instructions
from tvbo_lite.compiler.ir import QUEUE, QUEUE_HEAD, QUEUE_TAIL, SAME_TIME
from tvbo_lite.compiler.shared import literal

# Philox4x32-10: J. K. Salmon et al., Parallel random numbers: as easy as 1, 2, 3 (2011).
PHILOX_FACTORS = (0xD2511F53, 0xCD9E8D57)
PHILOX_WEYL = (0x9E3779B9, 0xBB67AE85)
PHILOX_ROUNDS = 10

# LU with row exchanges, by Gauss: %target = LU of diagonal * 1 - matrix; %pivots: which row came to row k.
_FACTOR = """
define internal void @linear.factor(
    ptr %S, i64 %target, i64 %matrix, i64 %pivots, i64 %n, double %diagonal) noinline {
entry:
  %a = getelementptr double, ptr %S, i64 %target
  %j = getelementptr double, ptr %S, i64 %matrix
  %p = getelementptr double, ptr %S, i64 %pivots
  %nn = mul i64 %n, %n
  %n.next = add i64 %n, 1
  br label %negate
negate:
  %q = phi i64 [ 0, %entry ], [ %q1, %negate ]
  %p.j = getelementptr double, ptr %j, i64 %q
  %v.j = load double, ptr %p.j
  %off = urem i64 %q, %n.next
  %on.diagonal = icmp eq i64 %off, 0
  %d = select i1 %on.diagonal, double %diagonal, double 0.0
  %v.a = fsub double %d, %v.j
  %p.a = getelementptr double, ptr %a, i64 %q
  store double %v.a, ptr %p.a
  %q1 = add i64 %q, 1
  %q.more = icmp ult i64 %q1, %nn
  br i1 %q.more, label %negate, label %column
column:
  %k = phi i64 [ 0, %negate ], [ %k1, %column.end ]
  %k.n = mul i64 %k, %n
  %kk = add i64 %k.n, %k
  %p.kk = getelementptr double, ptr %a, i64 %kk
  %v.kk0 = load double, ptr %p.kk
  %size0 = call double @llvm.fabs.f64(double %v.kk0)
  %k1 = add i64 %k, 1
  br label %search
search:
  %r = phi i64 [ %k1, %column ], [ %r1, %search.more ]
  %best = phi i64 [ %k, %column ], [ %best1, %search.more ]
  %size = phi double [ %size0, %column ], [ %size1, %search.more ]
  %r.more = icmp ult i64 %r, %n
  br i1 %r.more, label %search.more, label %found
search.more:
  %r.n = mul i64 %r, %n
  %rk = add i64 %r.n, %k
  %p.rk = getelementptr double, ptr %a, i64 %rk
  %v.rk = load double, ptr %p.rk
  %size.r = call double @llvm.fabs.f64(double %v.rk)
  %larger = fcmp ogt double %size.r, %size
  %best1 = select i1 %larger, i64 %r, i64 %best
  %size1 = select i1 %larger, double %size.r, double %size
  %r1 = add i64 %r, 1
  br label %search
found:
  %p.pivot = getelementptr double, ptr %p, i64 %k
  %pivot = uitofp i64 %best to double
  store double %pivot, ptr %p.pivot
  %best.n = mul i64 %best, %n
  br label %exchange
exchange:
  %c = phi i64 [ 0, %found ], [ %c1, %exchange ]
  %kc = add i64 %k.n, %c
  %bc = add i64 %best.n, %c
  %p.kc = getelementptr double, ptr %a, i64 %kc
  %p.bc = getelementptr double, ptr %a, i64 %bc
  %v.kc = load double, ptr %p.kc
  %v.bc = load double, ptr %p.bc
  store double %v.bc, ptr %p.kc
  store double %v.kc, ptr %p.bc
  %c1 = add i64 %c, 1
  %c.more = icmp ult i64 %c1, %n
  br i1 %c.more, label %exchange, label %row
row:
  %i = phi i64 [ %k1, %exchange ], [ %i1, %row.end ]
  %i.more = icmp ult i64 %i, %n
  br i1 %i.more, label %reduce, label %column.end
reduce:
  %i.n = mul i64 %i, %n
  %ik = add i64 %i.n, %k
  %p.ik = getelementptr double, ptr %a, i64 %ik
  %v.ik = load double, ptr %p.ik
  %v.kk = load double, ptr %p.kk
  %f = fdiv double %v.ik, %v.kk
  store double %f, ptr %p.ik
  br label %across
across:
  %m = phi i64 [ %k1, %reduce ], [ %m1, %across.more ]
  %m.more = icmp ult i64 %m, %n
  br i1 %m.more, label %across.more, label %row.end
across.more:
  %im = add i64 %i.n, %m
  %km = add i64 %k.n, %m
  %p.im = getelementptr double, ptr %a, i64 %im
  %p.km = getelementptr double, ptr %a, i64 %km
  %v.im = load double, ptr %p.im
  %v.km = load double, ptr %p.km
  %product = fmul double %f, %v.km
  %less = fsub double %v.im, %product
  store double %less, ptr %p.im
  %m1 = add i64 %m, 1
  br label %across
row.end:
  %i1 = add i64 %i, 1
  br label %row
column.end:
  %k.more = icmp ult i64 %k1, %n
  br i1 %k.more, label %column, label %done
done:
  ret void
}"""

_SOLVE = """
define internal void @linear.solve(ptr %S, i64 %matrix, i64 %pivots, i64 %vector, i64 %n) noinline {
entry:
  %a = getelementptr double, ptr %S, i64 %matrix
  %p = getelementptr double, ptr %S, i64 %pivots
  %x = getelementptr double, ptr %S, i64 %vector
  br label %exchange
exchange:
  %e = phi i64 [ 0, %entry ], [ %e1, %exchange ]
  %p.pivot = getelementptr double, ptr %p, i64 %e
  %pivot = load double, ptr %p.pivot
  %best = fptoui double %pivot to i64
  %p.xe = getelementptr double, ptr %x, i64 %e
  %p.xb = getelementptr double, ptr %x, i64 %best
  %v.xe = load double, ptr %p.xe
  %v.xb = load double, ptr %p.xb
  store double %v.xb, ptr %p.xe
  store double %v.xe, ptr %p.xb
  %e1 = add i64 %e, 1
  %e.more = icmp ult i64 %e1, %n
  br i1 %e.more, label %exchange, label %down
down:
  %i = phi i64 [ 0, %exchange ], [ %i1, %down.end ]
  %p.xi = getelementptr double, ptr %x, i64 %i
  %v.xi = load double, ptr %p.xi
  %i.n = mul i64 %i, %n
  br label %left
left:
  %j = phi i64 [ 0, %down ], [ %j1, %left.more ]
  %sum = phi double [ %v.xi, %down ], [ %sum1, %left.more ]
  %j.more = icmp ult i64 %j, %i
  br i1 %j.more, label %left.more, label %down.end
left.more:
  %ij = add i64 %i.n, %j
  %p.ij = getelementptr double, ptr %a, i64 %ij
  %v.ij = load double, ptr %p.ij
  %p.xj = getelementptr double, ptr %x, i64 %j
  %v.xj = load double, ptr %p.xj
  %product = fmul double %v.ij, %v.xj
  %sum1 = fsub double %sum, %product
  %j1 = add i64 %j, 1
  br label %left
down.end:
  store double %sum, ptr %p.xi
  %i1 = add i64 %i, 1
  %i.more = icmp ult i64 %i1, %n
  br i1 %i.more, label %down, label %up
up:
  %above = phi i64 [ %n, %down.end ], [ %u, %up.end ]
  %u = sub i64 %above, 1
  %p.xu = getelementptr double, ptr %x, i64 %u
  %v.xu = load double, ptr %p.xu
  %u.n = mul i64 %u, %n
  br label %right
right:
  %k = phi i64 [ %above, %up ], [ %k1, %right.more ]
  %rest = phi double [ %v.xu, %up ], [ %rest1, %right.more ]
  %k.more = icmp ult i64 %k, %n
  br i1 %k.more, label %right.more, label %up.end
right.more:
  %uk = add i64 %u.n, %k
  %p.uk = getelementptr double, ptr %a, i64 %uk
  %v.uk = load double, ptr %p.uk
  %p.xk = getelementptr double, ptr %x, i64 %k
  %v.xk = load double, ptr %p.xk
  %part = fmul double %v.uk, %v.xk
  %rest1 = fsub double %rest, %part
  %k1 = add i64 %k, 1
  br label %right
up.end:
  %uu = add i64 %u.n, %u
  %p.uu = getelementptr double, ptr %a, i64 %uu
  %v.uu = load double, ptr %p.uu
  %y = fdiv double %rest, %v.uu
  store double %y, ptr %p.xu
  %u.more = icmp ugt i64 %u, 0
  br i1 %u.more, label %up, label %done
done:
  ret void
}"""

# The place of the first of %count rising numbers above %x, or %count.
_AFTER = """
define internal i64 @table.after(ptr %numbers, i64 %count, double %x) {
entry:
  br label %look
look:
  %low = phi i64 [ 0, %entry ], [ %low1, %halve ]
  %high = phi i64 [ %count, %entry ], [ %high1, %halve ]
  %open = icmp ult i64 %low, %high
  br i1 %open, label %halve, label %done
halve:
  %sum = add i64 %low, %high
  %middle = lshr i64 %sum, 1
  %p = getelementptr double, ptr %numbers, i64 %middle
  %v = load double, ptr %p
  %above = fcmp ogt double %v, %x
  %next = add i64 %middle, 1
  %low1 = select i1 %above, i64 %low, i64 %next
  %high1 = select i1 %above, i64 %middle, i64 %high
  br label %look
done:
  ret i64 %low
}"""

# A value of a time course: of the last time that is not after %t, or on the line to the next one.
_AT = f"""
define internal double @table.at(
    ptr %S, i64 %times, i64 %values, i64 %count, i64 %columns, i64 %k, double %t, i1 %linear) {{
entry:
  %p.times = getelementptr double, ptr %S, i64 %times
  %p.values = getelementptr double, ptr %S, i64 %values
  %size = call double @llvm.fabs.f64(double %t)
  %rounding = fmul double %size, {literal(SAME_TIME)}
  %later = fadd double %t, %rounding
  %after = call i64 @table.after(ptr %p.times, i64 %count, double %later)
  %none = icmp eq i64 %after, 0
  %before = sub i64 %after, 1
  %row = select i1 %none, i64 0, i64 %before
  %start = mul i64 %row, %columns
  %place = add i64 %start, %k
  %p.v = getelementptr double, ptr %p.values, i64 %place
  %v = load double, ptr %p.v
  %last = icmp eq i64 %after, %count
  %ends = or i1 %none, %last
  %inside = xor i1 %ends, true
  %slanted = and i1 %linear, %inside
  br i1 %slanted, label %line, label %flat
line:
  %p.t0 = getelementptr double, ptr %p.times, i64 %row
  %p.t1 = getelementptr double, ptr %p.times, i64 %after
  %t0 = load double, ptr %p.t0
  %t1 = load double, ptr %p.t1
  %next = add i64 %place, %columns
  %p.w = getelementptr double, ptr %p.values, i64 %next
  %w = load double, ptr %p.w
  %rise = fsub double %w, %v
  %gone = fsub double %t, %t0
  %whole = fsub double %t1, %t0
  %part = fdiv double %gone, %whole
  %more = fmul double %rise, %part
  %y = fadd double %v, %more
  ret double %y
flat:
  ret double %v
}}"""

# How far back the newest row stands whose first number is not above %x; the oldest where there is none.
_FIND = """
define internal i64 @past.find(ptr %ring, i64 %rows, i64 %size, i64 %head, double %x) {
entry:
  %oldest = sub i64 %rows, 1
  br label %look
look:
  %low = phi i64 [ 0, %entry ], [ %low1, %halve ]
  %high = phi i64 [ %oldest, %entry ], [ %high1, %halve ]
  %open = icmp ult i64 %low, %high
  br i1 %open, label %halve, label %done
halve:
  %sum = add i64 %low, %high
  %middle = lshr i64 %sum, 1
  %place = call i64 @past.back(i64 %head, i64 %middle, i64 %size)
  %p = getelementptr double, ptr %ring, i64 %place
  %v = load double, ptr %p
  %known = fcmp ole double %v, %x
  %next = add i64 %middle, 1
  %low1 = select i1 %known, i64 %low, i64 %next
  %high1 = select i1 %known, i64 %middle, i64 %high
  br label %look
done:
  %found = call i64 @past.back(i64 %head, i64 %low, i64 %size)
  ret i64 %found
}"""

_BACK = """
define internal i64 @past.back(i64 %head, i64 %rows, i64 %size) alwaysinline {
  %at = sub i64 %head, %rows
  %before = icmp slt i64 %at, 0
  %turned = add i64 %at, %size
  %place = select i1 %before, i64 %turned, i64 %at
  ret i64 %place
}"""

_NEXT = f"""
define internal double @events.next(ptr %S) {{
  %p.head = getelementptr double, ptr %S, i64 {QUEUE_HEAD}
  %p.tail = getelementptr double, ptr %S, i64 {QUEUE_TAIL}
  %head = load i64, ptr %p.head
  %tail = load i64, ptr %p.tail
  %empty = icmp uge i64 %head, %tail
  br i1 %empty, label %none, label %some
some:
  %p.list = getelementptr double, ptr %S, i64 {QUEUE}
  %list = load ptr, ptr %p.list
  %item = getelementptr {{ double, i64, i64 }}, ptr %list, i64 %head
  %due = load double, ptr %item
  ret double %due
none:
  ret double {literal(float("inf"))}
}}"""


def _rounds() -> str:
    """The rounds of Philox, unrolled; the key moves on by Weyl's constants before each but the first."""
    lines = []
    for r in range(PHILOX_ROUNDS):
        for n, (lane, factor) in enumerate(zip((0, 2), PHILOX_FACTORS, strict=True)):
            lines += [
                f"  %w{r}.{n} = zext i32 %c{r}.{lane} to i64",
                f"  %m{r}.{n} = mul i64 %w{r}.{n}, {factor}",
                f"  %s{r}.{n} = lshr i64 %m{r}.{n}, 32",
                f"  %h{r}.{n} = trunc i64 %s{r}.{n} to i32",
                f"  %l{r}.{n} = trunc i64 %m{r}.{n} to i32",
            ]
        lines += [f"  %k{r}.{n} = add i32 %seed{n}, {signed(w * r)}" for n, w in enumerate(PHILOX_WEYL)]
        for lane, other, old in ((0, 1, 1), (2, 0, 3)):
            lines += [
                f"  %x{r}.{lane} = xor i32 %h{r}.{other}, %c{r}.{old}",
                f"  %c{r + 1}.{lane} = xor i32 %x{r}.{lane}, %k{r}.{lane // 2}",
                f"  %c{r + 1}.{lane + 1} = or i32 %l{r}.{other}, 0",
            ]
    return "\n".join(lines)


def signed(word: int) -> int:
    """The last 32 bits as LLVM spells them."""
    word &= 0xFFFFFFFF
    return word - (1 << 32) if word >> 31 else word


def _pair() -> str:
    """Two normal numbers from the block of a counter."""
    words = tuple(f"%c{PHILOX_ROUNDS}.{n}" for n in range(4))
    return f"""
define internal {{ double, double }} @noise.pair(
    i32 %seed0, i32 %seed1, i32 %stream, i64 %step, i64 %half) alwaysinline {{
  %c0.0 = trunc i64 %step to i32
  %step.high = lshr i64 %step, 32
  %c0.1 = trunc i64 %step.high to i32
  %c0.2 = trunc i64 %half to i32
  %c0.3 = add i32 %stream, 0
{_rounds()}
{instructions((words[0], words[1], words[2], words[3]))}
  %one = insertvalue {{ double, double }} undef, double %x, 0
  %two = insertvalue {{ double, double }} %one, double %y, 1
  ret {{ double, double }} %two
}}"""


# A loop without branches for whole pairs, then the last number where there is an odd one.
_NORMAL = """
define internal void @noise.normal(
    ptr noalias %target, i64 %size, i32 %seed0, i32 %seed1, i32 %stream, i64 %step) noinline {
entry:
  %pairs = lshr i64 %size, 1
  %some = icmp ne i64 %pairs, 0
  br i1 %some, label %pair, label %rest
pair:
  %half = phi i64 [ 0, %entry ], [ %half1, %pair ]
  %two = call { double, double } @noise.pair(i32 %seed0, i32 %seed1, i32 %stream, i64 %step, i64 %half)
  %x = extractvalue { double, double } %two, 0
  %y = extractvalue { double, double } %two, 1
  %i = shl nuw nsw i64 %half, 1
  %i1 = or i64 %i, 1
  %p.x = getelementptr double, ptr %target, i64 %i
  %p.y = getelementptr double, ptr %target, i64 %i1
  store double %x, ptr %p.x
  store double %y, ptr %p.y
  %half1 = add nuw nsw i64 %half, 1
  %more = icmp ult i64 %half1, %pairs
  br i1 %more, label %pair, label %rest
rest:
  %odd = and i64 %size, 1
  %is.odd = icmp ne i64 %odd, 0
  br i1 %is.odd, label %last, label %done
last:
  %last.two = call { double, double } @noise.pair(i32 %seed0, i32 %seed1, i32 %stream, i64 %step, i64 %pairs)
  %last.x = extractvalue { double, double } %last.two, 0
  %at = sub i64 %size, 1
  %p.last = getelementptr double, ptr %target, i64 %at
  store double %last.x, ptr %p.last
  br label %done
done:
  ret void
}"""


SOLVERS: dict[str, tuple[str, tuple[str, ...]]] = {
    "linear.factor": (_FACTOR, ("llvm.fabs.f64",)),
    "linear.solve": (_SOLVE, ()),
    "table.after": (_AFTER, ()),
    "table.at": (_AT, ("table.after", "llvm.fabs.f64")),
    "past.back": (_BACK, ()),
    "past.find": (_FIND, ("past.back",)),
    "events.next": (_NEXT, ()),
    "noise.pair": (_pair(), ("llvm.sqrt.f64", "llvm.rint.f64")),
    "noise.normal": (_NORMAL, ("noise.pair",)),
}
"""The text of each function, and the functions that it calls."""

"""How threads share a long loop, as LLVM text.

The thread that runs a model hands out the loop as a *job*: a function of a range, and its size. It takes
shares of the range itself, as do all threads that are waiting for work, and goes on when all shares are done.
Nobody waits for a thread that has not taken a share, so that one which the system holds back costs no time.
Who takes a share makes no difference to what is worked out.

The team's words, a cache line or more apart where several threads write them: a ticket, which holds the
number of the job (32 bits), of its shares and of those that have been taken (16 bits each); how many are
done; what the job consists of. A share is taken by an exchange of the whole ticket, so that nobody takes one
of a job that is over. The ticket `DISMISSED` sends all helpers home.
"""

from __future__ import annotations

import platform

from tvbo_lite.compiler.ir import BATCH, QUEUE, QUEUE_HEAD, QUEUE_TAIL, TEAM, TIME

__all__ = ["DISMISSED", "DONE", "GRAIN", "THREADS", "TICKET", "WORDS", "YIELD", "functions"]

TICKET, DONE, THREADS, JOB, BEGIN, END, SHARE, WORDS = 0, 16, 32, 33, 34, 35, 36, 48
DISMISSED = -1
GRAIN = (
    64  # instances; no vector loop does more at once, so that each instance is done by the same instructions
)
PATIENCE = 2000  # looks at a word before others are let run: some 50 microseconds
LEAVE = 100_000  # looks after which a helper goes home, should nobody send it
YIELD = "threads.yield"

# A thread that waits in a loop tells the processor so.
_PAUSES = {
    "x86_64": ("declare void @llvm.x86.sse2.pause()", "call void @llvm.x86.sse2.pause()"),
    "arm64": ("declare void @llvm.aarch64.hint(i32)", "call void @llvm.aarch64.hint(i32 1)"),
}
_PAUSES |= {"AMD64": _PAUSES["x86_64"], "aarch64": _PAUSES["arm64"]}


def functions() -> dict[str, tuple[str, tuple[str, ...]]]:
    """The text of each function, and the functions that it calls."""
    declared, pause = _PAUSES.get(platform.machine(), ("", ""))
    return {
        "threads.share": (_SHARE, ("threads.take", "threads.wait")),
        "threads.help": (_HELP, ("threads.take", "threads.wait")),
        "threads.take": (_TAKE, ()),
        "threads.wait": (f"{declared}\n{_WAIT.replace('PAUSE', pause)}", (YIELD,)),
        "events.batch": (_BATCH, ()),
        YIELD: (f"declare i32 @{YIELD}()", ()),
    }


def _word(name: str, number: int) -> str:
    return f"  %p.{name} = getelementptr i64, ptr %team, i64 {number}"


_WORDS = "\n".join(
    _word(name, number)
    for name, number in {
        "ticket": TICKET, "done": DONE, "job": JOB, "begin": BEGIN, "end": END, "share": SHARE
    }.items()
)  # fmt: skip

# Runs a job, a function of (memory, first, last), for %size whole numbers from %begin: alone, or in shares of
# whole grains, %pieces for each thread.
_SHARE = f"""
define internal void @threads.share(
    ptr %S, ptr %job, i64 %begin, i64 %size, i64 %grain, i64 %pieces) noinline {{
entry:
  %p.team = getelementptr double, ptr %S, i64 {TEAM}
  %team = load ptr, ptr %p.team
  %end = add i64 %begin, %size
  %alone = icmp eq ptr %team, null
  br i1 %alone, label %whole, label %divide
whole:
  call void %job(ptr %S, i64 %begin, i64 %end)
  ret void
divide:
{_WORDS}
  %p.threads = getelementptr i64, ptr %team, i64 {THREADS}
  %threads = load i64, ptr %p.threads
  %grain.less = sub i64 %grain, 1
  %size.up = add i64 %size, %grain.less
  %grains = udiv i64 %size.up, %grain
  %wanted = mul i64 %threads, %pieces
  %grains.up0 = add i64 %grains, %wanted
  %grains.up = sub i64 %grains.up0, 1
  %each = udiv i64 %grains.up, %wanted
  %share = mul i64 %each, %grain
  %share.less = sub i64 %share, 1
  %shares.up = add i64 %size, %share.less
  %shares = udiv i64 %shares.up, %share
  store atomic ptr %job, ptr %p.job monotonic, align 8
  store atomic i64 %begin, ptr %p.begin monotonic, align 8
  store atomic i64 %end, ptr %p.end monotonic, align 8
  store atomic i64 %share, ptr %p.share monotonic, align 8
  store atomic i64 0, ptr %p.done monotonic, align 8
  %last = load atomic i64, ptr %p.ticket monotonic, align 8
  %number = lshr i64 %last, 32
  %next = add i64 %number, 1
  %high = shl i64 %next, 32
  %low = shl i64 %shares, 16
  %ticket = or i64 %high, %low
  store atomic i64 %ticket, ptr %p.ticket release, align 8
  %taken = call i64 @threads.take(ptr %S, ptr %team)
  br label %look
look:
  %looks = phi i64 [ 0, %divide ], [ %looks1, %wait ]
  %done = load atomic i64, ptr %p.done acquire, align 8
  %all = icmp eq i64 %done, %shares
  br i1 %all, label %finished, label %wait
wait:
  call void @threads.wait(i64 %looks)
  %looks1 = add i64 %looks, 1
  br label %look
finished:
  ret void
}}"""

# Takes shares of the present job until there are none; the ticket that was found then.
_TAKE = f"""
define internal i64 @threads.take(ptr %S, ptr %team) noinline {{
entry:
{_WORDS}
  br label %look
look:
  %ticket = load atomic i64, ptr %p.ticket acquire, align 8
  %taken = and i64 %ticket, 65535
  %high = lshr i64 %ticket, 16
  %shares = and i64 %high, 65535
  %some = icmp ult i64 %taken, %shares
  br i1 %some, label %read, label %none
read:
  %job = load atomic ptr, ptr %p.job monotonic, align 8
  %begin = load atomic i64, ptr %p.begin monotonic, align 8
  %end = load atomic i64, ptr %p.end monotonic, align 8
  %share = load atomic i64, ptr %p.share monotonic, align 8
  %following = add i64 %ticket, 1
  %exchange = cmpxchg ptr %p.ticket, i64 %ticket, i64 %following acq_rel monotonic, align 8
  %mine = extractvalue {{ i64, i1 }} %exchange, 1
  br i1 %mine, label %work, label %look
work:
  %before = mul i64 %taken, %share
  %first = add i64 %begin, %before
  %until = add i64 %first, %share
  %within = icmp ult i64 %until, %end
  %last = select i1 %within, i64 %until, i64 %end
  call void %job(ptr %S, i64 %first, i64 %last)
  %so.far = atomicrmw add ptr %p.done, i64 1 release, align 8
  br label %look
none:
  ret i64 %ticket
}}"""

# What a helping thread does until it is dismissed, or has waited too long.
_HELP = f"""
define void @help(ptr %S, ptr %team) nounwind {{
entry:
  br label %take
take:
  %looks = phi i64 [ 0, %entry ], [ %looks.now, %wait ]
  %known = phi i64 [ 0, %entry ], [ %ticket, %wait ]
  %ticket = call i64 @threads.take(ptr %S, ptr %team)
  %dismissed = icmp eq i64 %ticket, {DISMISSED}
  br i1 %dismissed, label %end, label %wait
wait:
  %idle = icmp eq i64 %ticket, %known
  %looks1 = add i64 %looks, 1
  %looks.now = select i1 %idle, i64 %looks1, i64 0
  call void @threads.wait(i64 %looks.now)
  %forgotten = icmp ugt i64 %looks.now, {LEAVE}
  br i1 %forgotten, label %end, label %take
end:
  ret void
}}"""

_WAIT = f"""
define internal void @threads.wait(i64 %looks) noinline {{
  %patient = icmp ult i64 %looks, {PATIENCE}
  br i1 %patient, label %spin, label %yield
spin:
  PAUSE
  ret void
yield:
  %result = call i32 @{YIELD}()
  ret void
}}"""

# How many events can be delivered together: those at the head that are due and whose handlers are among the
# first ones; none where there are fewer than %least, or nobody helps.
_BATCH = f"""
define internal i64 @events.batch(ptr %S, i64 %handlers, i64 %least) noinline {{
entry:
  %p.team = getelementptr double, ptr %S, i64 {TEAM}
  %team = load i64, ptr %p.team
  %alone = icmp eq i64 %team, 0
  br i1 %alone, label %none, label %start
start:
  %p.head = getelementptr double, ptr %S, i64 {QUEUE_HEAD}
  %p.tail = getelementptr double, ptr %S, i64 {QUEUE_TAIL}
  %p.list = getelementptr double, ptr %S, i64 {QUEUE}
  %p.time = getelementptr double, ptr %S, i64 {TIME}
  %head = load i64, ptr %p.head
  %tail = load i64, ptr %p.tail
  %list = load ptr, ptr %p.list
  %time = load double, ptr %p.time
  br label %look
look:
  %at = phi i64 [ %head, %start ], [ %next, %count ]
  %more = icmp ult i64 %at, %tail
  br i1 %more, label %item, label %end
item:
  %p.due = getelementptr {{ double, i64, i64 }}, ptr %list, i64 %at
  %p.handler = getelementptr {{ double, i64, i64 }}, ptr %list, i64 %at, i32 1
  %due = load double, ptr %p.due
  %handler = load i64, ptr %p.handler
  %ready = fcmp ole double %due, %time
  %known = icmp ult i64 %handler, %handlers
  %good = and i1 %ready, %known
  br i1 %good, label %count, label %end
count:
  %next = add i64 %at, 1
  br label %look
end:
  %found = sub i64 %at, %head
  %enough = icmp uge i64 %found, %least
  br i1 %enough, label %together, label %none
together:
  %p.batch = getelementptr double, ptr %S, i64 {BATCH}
  store i64 %found, ptr %p.batch
  ret i64 %found
none:
  ret i64 0
}}"""

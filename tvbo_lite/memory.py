"""How much memory is free, and the refusal of what would need more, before it is taken."""

from __future__ import annotations

import os
from pathlib import Path

from tvbo_lite.limits import MEMORY

__all__ = ["LIMIT", "available", "gigabytes", "lacking"]

LIMIT = MEMORY.variable
"""Environment variable with the memory that may be taken, such as ``64 GB``, in place of what is free."""

_GB = 1e9
_MEMINFO = Path("/proc/meminfo")
_CGROUP = Path("/sys/fs/cgroup")


def available() -> float:
    """How many bytes may be taken: what `LIMIT` says, else what is free (where that cannot be told: all
    there are; infinite where not even that can).

    Raises `ModelError` where `LIMIT` is no size.
    """
    said = MEMORY.given()
    return min(_of_machine(), _of_group()) if said is None else said


def lacking(needed: float) -> str | None:
    """What lacks for ``needed`` bytes, in words; None where there is enough."""
    there = available()
    if needed <= there:
        return None
    what = f"{LIMIT} allows {gigabytes(there)}" if LIMIT in os.environ else f"{gigabytes(there)} are free"
    return f"about {gigabytes(needed)} of memory, and {what}"


def gigabytes(size: float) -> str:
    """``1.5 GB``, three digits."""
    return f"{size / _GB:.3g} GB"


def _of_machine() -> float:
    try:
        lines = _MEMINFO.read_text().splitlines()
        return float(next(line.split()[1] for line in lines if line.startswith("MemAvailable:"))) * 1024
    except (OSError, StopIteration):
        pass
    names = getattr(os, "sysconf_names", {})
    if {"SC_PHYS_PAGES", "SC_PAGE_SIZE"} <= names.keys():
        return float(os.sysconf("SC_PHYS_PAGES")) * os.sysconf("SC_PAGE_SIZE")
    return _of_windows()


def _of_windows() -> float:
    try:
        from ctypes import Structure, byref, c_ulong, c_ulonglong, sizeof, windll  # type: ignore[attr-defined]
    except ImportError:
        return float("inf")

    class Status(Structure):
        _fields_ = (
            ("length", c_ulong), ("load", c_ulong), ("total", c_ulonglong), ("free", c_ulonglong),
            *((f"other{number}", c_ulonglong) for number in range(5)),
        )  # fmt: skip

    status = Status(length=sizeof(Status))
    found = windll.kernel32.GlobalMemoryStatusEx(byref(status))
    return float(status.free) if found else float("inf")


def _of_group() -> float:
    """What is free of the memory that a container may take (Linux control groups, version 2)."""
    try:
        most = (_CGROUP / "memory.max").read_text().strip()
        used = int((_CGROUP / "memory.current").read_text())
        lines = (_CGROUP / "memory.stat").read_text().splitlines()
        cached = sum(int(line.split()[1]) for line in lines if line.startswith("inactive_file "))
    except (OSError, ValueError):
        return float("inf")
    return float("inf") if not most.isdecimal() else max(float(int(most) - used + cached), 0.0)

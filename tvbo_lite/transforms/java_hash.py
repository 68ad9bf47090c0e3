"""The order in which Java's hash tables are iterated, on which jLEMS's order of execution depends."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache

__all__ = ["java_hash_order"]


def java_hash_order(names: Iterable[str]) -> list[str]:
    """The names in the order in which a ``java.util.HashMap`` with these keys is iterated.

    jLEMS advances ``Child`` elements in that order (hash ``h ^ h >>> 16``, capacity 16 doubled above
    three quarters full, insertion order within a bucket).
    """
    return list(_hash_order(tuple(names)))


@lru_cache(maxsize=4096)
def _hash_order(names: tuple[str, ...]) -> tuple[str, ...]:
    listed = list(dict.fromkeys(names))
    capacity = 16
    while len(listed) > 0.75 * capacity:
        capacity *= 2

    def bucket(name: str) -> int:
        h = 0
        for unit in _utf16(name):
            h = (31 * h + unit) & 0xFFFFFFFF
        return (h ^ (h >> 16)) & (capacity - 1)

    return tuple(sorted(listed, key=bucket))


def _utf16(text: str) -> Iterator[int]:
    data = text.encode("utf-16-le")
    return (data[i] | data[i + 1] << 8 for i in range(0, len(data), 2))

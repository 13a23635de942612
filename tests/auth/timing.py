"""How far apart two kinds of answers are in time: by ranks, which a few slow ones do not disturb (PROMISES.md P12)."""

import gc
import random
import statistics
import time
from collections.abc import Callable
from typing import NamedTuple

Request = Callable[[], object]


class Compared(NamedTuple):
    """What an observer learns. `auc`: how often the second kind takes longer than the first; 0.5 is nothing at all."""

    auc: float
    median_apart: float  # milliseconds


def compare(
    first: Callable[[], object], second: Callable[[], object], n: int, before: Callable[[], object]
) -> Compared:
    """Time two kinds of requests, n of each, in random order; `before` each one, what makes it the first again."""
    kinds = [first, second] * n
    random.Random(7).shuffle(kinds)
    took: dict[object, list[float]] = {first: [], second: []}
    for kind in (first, second) * 5:  # warm
        before()
        kind()
    gc.disable()
    try:
        for kind in kinds:
            before()
            began = time.perf_counter()
            kind()
            took[kind].append(time.perf_counter() - began)
    finally:
        gc.enable()
    apart = statistics.median(took[second]) - statistics.median(took[first])
    return Compared(_auc(took[first], took[second]), apart * 1000)


def _auc(first: list[float], second: list[float]) -> float:
    """Mann and Whitney's U, as a share of all pairs."""
    ranked = sorted([(value, 0) for value in first] + [(value, 1) for value in second])
    ranks = sum(rank for rank, (_, kind) in enumerate(ranked, 1) if kind)
    return (ranks - len(second) * (len(second) + 1) / 2) / (len(first) * len(second))

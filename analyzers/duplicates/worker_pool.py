"""Runs the jobs of one detection in processes that share what was computed before they were forked."""

from __future__ import annotations

import gc
import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import Any, TypeVar

Job = TypeVar("Job")
Result = TypeVar("Result")

_shared: dict[str, Any] = {}


def run_jobs(
    function: Callable[[Any, Job], Result], shared: Any, jobs: Sequence[Job], processes: int
) -> Iterator[Result]:
    """Yields `function(shared, job)` for each job, in order.

    With one process, or where processes cannot be forked, everything runs in this one: the same results,
    later. Forked processes inherit `shared` for nothing; sending it to spawned ones would cost more than they
    gain.
    """
    if processes <= 1 or len(jobs) < 2 or "fork" not in multiprocessing.get_all_start_methods():
        for job in jobs:
            yield function(shared, job)
        return
    key = f"{function.__module__}.{function.__qualname__}"
    _shared[key] = shared
    gc.freeze()
    try:
        context = multiprocessing.get_context("fork")
        with ProcessPoolExecutor(min(processes, len(jobs)), mp_context=context) as pool:
            yield from pool.map(_call, [(key, function, job) for job in jobs])
    finally:
        gc.unfreeze()
        del _shared[key]


def _call(work: tuple[str, Callable[[Any, Any], Any], Any]) -> Any:
    key, function, job = work
    return function(_shared[key], job)

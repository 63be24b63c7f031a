from __future__ import annotations

import math
import os
import time

from flows.isolation import Broken, Done, workers


def test_calls_run_in_other_processes_and_keep_their_order() -> None:
    with workers(2, deadline_s=30) as pool:
        assert pool.map(math.sqrt, [(n * n,) for n in range(20)]) == [Done(float(n)) for n in range(20)]
        [pid] = pool.map(os.getpid, [()])
    assert isinstance(pid, Done)
    assert pid.value != os.getpid()


def test_a_call_that_breaks_breaks_nothing_else() -> None:
    """An endless loop, a native crash and an error, each between calls that end well."""
    with workers(2, deadline_s=1.0) as pool:
        results = pool.map(_call, [("sleep", 60), ("sqrt", 4), ("abort",), ("sqrt", 9), ("sqrt", -1), ("sqrt", 16)])
    assert [result.value for result in results if isinstance(result, Done)] == [2.0, 3.0, 4.0]
    broken = [result.error for result in results if isinstance(result, Broken)]
    assert broken[0] == "took longer than 1 seconds"
    assert broken[1].startswith("its process died")
    assert broken[2].startswith("ValueError")


def test_calls_begun_later_go_on_while_one_hangs() -> None:
    with workers(2, deadline_s=1.0) as pool:
        first = pool.begin(_call, [("sleep", 60), ("sqrt", 4)])
        second = pool.begin(_call, [("sqrt", 9), ("sqrt", 16)])
        assert pool.finish(second) == [Done(3.0), Done(4.0)]
        assert pool.finish(first) == [Broken("took longer than 1 seconds"), Done(2.0)]


def test_the_time_of_a_processor_is_noted_by_function() -> None:
    with workers(1, deadline_s=30) as pool:
        pool.map(_call, [("sleep", 0.2), ("sqrt", 4), ("sqrt", -1)])
        pool.map(sum, [(range(3_000_000),)])
        slept, rooted = pool.cpu_s(_call)  # what broke took no time that is known
        [summed] = pool.cpu_s(sum)
        assert pool.cpu_s(math.sqrt) == ()
    assert slept < 0.1 and rooted < 0.1
    assert summed > 0.005


def _call(name: str, *arguments: float) -> object:
    return {"sleep": time.sleep, "abort": os.abort, "sqrt": math.sqrt}[name](*arguments)  # type: ignore[operator]

"""One contender in a process of its own: ``python -m benchmarks.worker FACTORY JSON``.

FACTORY is ``module:function``. It is called with the JSON object's entries and returns
the task and the units of work that one call of it does. The worker warms the task up,
then runs it for every line it reads, and answers each with one JSON line.
"""

import contextlib
import importlib
import json
import math
import os
import sys
import time
import traceback
import warnings
from collections.abc import Callable

WARM_UP_CALLS = 2

SHORTEST_ROUND = 0.25
"""A quicker task runs several times a round: seconds that a clock can tell apart, and
caches that the waiting between rounds has emptied are filled again."""


def main(factory: str, arguments: str) -> int:
    """Prepare the task, report it ready, then serve rounds until the input ends."""
    answers = detach_output()
    warnings.simplefilter("ignore")
    try:
        task, units = build(factory, json.loads(arguments))
        for _ in range(WARM_UP_CALLS):
            once = clock(task)["seconds"]
    except Exception as error:
        traceback.print_exc()
        answer(answers, {"failed": f"{type(error).__name__}: {error}"})
        return 1
    calls = max(1, math.ceil(SHORTEST_ROUND / once))
    answer(answers, {"units": units * calls})
    for _ in sys.stdin:
        answer(answers, clock(lambda: [task() for _ in range(calls)]))
    return 0


def detach_output():
    """Keep the pipe for answers; whatever libraries print goes to standard error."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return answers


def build(factory: str, arguments: dict) -> tuple[Callable[[], object], float]:
    """Look the factory up and call it."""
    module, _, function = factory.partition(":")
    return getattr(importlib.import_module(module), function)(**arguments)


def clock(task: Callable[[], object]) -> dict[str, float]:
    """Wall time and processor time (all threads) of one call."""
    busy = time.process_time()
    start = time.perf_counter()
    task()
    seconds = time.perf_counter() - start
    return {"seconds": seconds, "busy": time.process_time() - busy}


def answer(stream, message: dict) -> None:
    """Send one line of JSON."""
    stream.write(json.dumps(message) + "\n")
    stream.flush()


if __name__ == "__main__":
    with contextlib.suppress(BrokenPipeError, KeyboardInterrupt):
        sys.exit(main(*sys.argv[1:]))

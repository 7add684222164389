"""Run a command, and print as JSON what it took: `python taken.py COMMAND...`.

A process of its own, and a small one: the most memory that a child ever had is, to Linux, at least
what whoever started it had then.
"""

import json
import resource
import subprocess
import sys
import time


def main(command: list[str]) -> None:
    start = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        shown, wrong = process.communicate()
    took_s = time.perf_counter() - start
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    told = {
        "ms": took_s * 1000,
        "cpu_ms": (used.ru_utime + used.ru_stime) * 1000,
        "peak_mb": used.ru_maxrss / 1024,
        "shown": shown.decode(),
        "wrong": wrong.decode(),
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main(sys.argv[1:])

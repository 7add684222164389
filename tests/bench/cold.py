"""One cold dry run in a process of its own: `python -m tests.bench.cold TREE STATE REPLIES`.

Prints, as JSON, what was counted and how much memory it took; the caller takes the time.
"""

import json
import pickle
import sys
from dataclasses import asdict
from pathlib import Path

from reconciler.report.text import text
from tests.bench.bench import bench
from tests.bench.machine import memory_mb


def main(tree: Path, state: Path, replies: Path) -> None:
    # Made by the same benchmark a moment ago.
    door = pickle.loads(replies.read_bytes())
    with bench(tree, state, door, writing=False) as told:
        shown = text(told.preview())
        done = told.done
    print(json.dumps({"line": shown.splitlines()[0], **memory_mb(), **asdict(done)}))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))

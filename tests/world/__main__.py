"""Run worlds by hand.

`python -m tests.world 17` tells the story of one seed and, if it breaks a law, shortens it;
`python -m tests.world --seeds 1000` tries many, on all cores, and names those that break one.
"""

import argparse
import logging
import multiprocessing
import sys
from collections.abc import Sequence

from tests.world.draw import drawn
from tests.world.events import Story
from tests.world.run import Told, told
from tests.world.shrink import shrunk


def main() -> int:
    """Return 1 when a law was broken."""
    logging.disable(logging.CRITICAL)
    parser = argparse.ArgumentParser(prog="tests.world", description="Worlds by their seeds.")
    parser.add_argument("seed", nargs="*", type=int, help="tell these stories, and shorten them")
    parser.add_argument("--seeds", type=int, default=0, help="try so many")
    parser.add_argument("--first", type=int, default=0, help="beginning with this one")
    parser.add_argument("--until-broken", action="store_true", help="stop at the first")
    parser.add_argument("--brief", action="store_true", help="shorten no story")
    asked = parser.parse_args()
    if asked.seed and not asked.brief:
        return max(_one(seed) for seed in asked.seed)
    seeds = asked.seed or range(asked.first, asked.first + asked.seeds)
    return _many(seeds, until_broken=asked.until_broken)


def _one(seed: int) -> int:
    story = drawn(seed)
    found = told(story)
    if not found.broken:
        print(f"seed {seed}: {len(story)} events, {len(found.acts)} acts, all laws hold")
        return 0
    print(f"seed {seed}: {_words(found)}\nshortening a story of {len(story)} events ...")
    short = shrunk(story, lambda shorter: told(shorter).law == found.law)
    _print(short, told(short))
    return 1


def _many(seeds: Sequence[int], *, until_broken: bool) -> int:
    wrong = 0
    with multiprocessing.Pool() as pool:
        for seed, found in pool.imap(_tried, seeds):
            if not found.broken:
                continue
            wrong += 1
            print(f"seed {seed}: {_words(found)}\n    python -m tests.world {seed}", flush=True)
            if until_broken:
                return 1
    print(f"{len(seeds)} worlds, {wrong} broke a law")
    return 1 if wrong else 0


def _tried(seed: int) -> tuple[int, Told]:
    logging.disable(logging.CRITICAL)
    return seed, told(drawn(seed))


def _print(story: Story, found: Told) -> None:
    for event in story:
        print(f"    {event}")
    print("what was asked of the scheduler:", *found.acts, sep="\n    ")
    print("what is wrong:", *found.broken, sep="\n    ")


def _words(found: Told) -> str:
    where = "at the end" if found.after is None else f"after event {found.after}"
    return f"{where}: {found.broken[0]}"


if __name__ == "__main__":
    sys.exit(main())

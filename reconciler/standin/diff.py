"""What an update would change: instances to add, update and remove, and those left alone."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise

from reconciler.standin.configs import meaning
from reconciler.standin.refusal import Refusal
from reconciler.thrift.structs import ConfigGroup, Range, ResponseCode, TaskConfig

# Java would run out of memory over more than this, too.
INSTANCES_MAX = 10_000_000


@dataclass(frozen=True, slots=True)
class Diff:
    """Ascending instance ids; `update` are those that run something else."""

    add: tuple[int, ...]
    update: tuple[int, ...]
    remove: tuple[int, ...]
    unchanged: tuple[int, ...]

    @property
    def is_empty(self) -> bool:
        return not (self.add or self.update or self.remove)

    def strangers(self, scope: frozenset[int]) -> tuple[int, ...]:
        """Return the ids of a scope that are neither live nor wanted, in ascending order."""
        known = {*self.add, *self.update, *self.remove, *self.unchanged}
        return tuple(sorted(scope - known))


def diff(
    current: Mapping[int, TaskConfig],
    wanted: TaskConfig,
    count: int,
    scope: frozenset[int] | None = None,
) -> Diff:
    """Return what leads from the live instances to `count` of the wanted config.

    An empty scope is none; a live instance outside of one is unchanged.
    """
    check_count(count)
    goal = meaning(wanted)
    ids = set(range(count))
    concerned = ids | current.keys() if not scope else (ids | current.keys()) & scope
    other = {i for i in concerned & current.keys() if i not in ids or meaning(current[i]) != goal}
    return Diff(
        add=tuple(sorted((concerned & ids) - current.keys())),
        update=tuple(sorted(other & ids)),
        remove=tuple(sorted(other - ids)),
        unchanged=tuple(sorted(current.keys() - other)),
    )


def check_count(count: int) -> None:
    """Raise Refusal for a negative count; Aurora does before it looks at the scope."""
    if count < 0:
        raise Refusal(f"Invalid range: [0..{count})", ResponseCode.ERROR)


def ranges(ids: Iterable[int]) -> tuple[Range, ...]:
    """Return ids as closed ranges, in ascending order and as few as possible."""
    found: list[Range] = []
    first = last = None
    for instance in sorted(set(ids)):
        if last is not None and instance == last + 1:
            last = instance
            continue
        if last is not None:
            found.append(Range(first=first, last=last))
        first = last = instance
    if last is not None:
        found.append(Range(first=first, last=last))
    return tuple(found)


def instances_of(told: Iterable[Range]) -> frozenset[int]:
    """Return the ids in ranges that a client sent; Refusal where Aurora cannot take them."""
    bounds = sorted({(r.first or 0, r.last or 0) for r in told})
    for first, last in bounds:
        if last < first:
            raise Refusal(f"Invalid range: [{first}..{last}]", ResponseCode.ERROR)
    for (first, last), (then, until) in pairwise(bounds):
        if then <= last:
            raise Refusal(
                f"Overlapping ranges not permitted but found [{first}..{last}] "
                f"overlapping [{then}..{until}]",
                ResponseCode.ERROR,
            )
    if sum(last - first + 1 for first, last in bounds) > INSTANCES_MAX:
        raise Refusal("Java heap space", ResponseCode.ERROR)
    return frozenset(i for first, last in bounds for i in range(first, last + 1))


def groups(configs: Mapping[int, TaskConfig]) -> tuple[ConfigGroup, ...]:
    """Return instances grouped by equal config, the group of the lowest id first."""
    members: dict[bytes, list[int]] = {}
    for instance in sorted(configs):
        members.setdefault(meaning(configs[instance]), []).append(instance)
    return tuple(
        ConfigGroup(config=configs[ids[0]], instances=ranges(ids)) for ids in members.values()
    )

"""Who a job is: its key, the patterns that select keys, and instance ids.

An empty set of instance ids means *all* to Aurora's killTasks and updateOnlyTheseInstances
(SchedulerThriftInterface), so `InstanceIds` cannot be empty: what cannot be expressed cannot be
sent.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase

# GOOD_IDENTIFIER_PATTERN of api.thrift; Java's \w is ASCII only, and 255 is the server's limit.
IDENTIFIER = re.compile(r"[A-Za-z0-9_.-]{1,255}")


@dataclass(frozen=True, slots=True, order=True)
class JobKey:
    """One job: always written `cluster/role/environment/name`."""

    cluster: str
    role: str
    environment: str
    name: str
    # Keys are looked up a hundred times for once that they are made. Strings hash otherwise in
    # every process, so that this one must never travel: see `__reduce__`.
    _hash: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        parts = (self.cluster, self.role, self.environment, self.name)
        for part in parts:
            if IDENTIFIER.fullmatch(part) is None:
                raise ValueError(f"not an identifier: {part!r}")
        object.__setattr__(self, "_hash", hash(parts))

    def __hash__(self) -> int:
        return self._hash

    def __reduce__(self) -> tuple[type["JobKey"], tuple[str, str, str, str]]:
        return JobKey, (self.cluster, self.role, self.environment, self.name)

    def __str__(self) -> str:
        return f"{self.cluster}/{self.role}/{self.environment}/{self.name}"

    @classmethod
    def parse(cls, text: str) -> "JobKey":
        """Return the key written as `cluster/role/environment/name`; ValueError otherwise."""
        parts = text.split("/")
        if len(parts) != 4:
            raise ValueError(f"a job key is cluster/role/environment/name, not {text!r}")
        return cls(*parts)


# A batch framework is two jobs, named after it.
MASTER, WORKERS = "-master", "-workers"


def workers_of(master: JobKey) -> JobKey | None:
    """Return the key of the workers that would belong to this master; None for another name."""
    if not master.name.endswith(MASTER):
        return None
    return replace(master, name=master.name.removesuffix(MASTER) + WORKERS)


@dataclass(frozen=True, slots=True)
class JobPattern:
    """Selects jobs by segments from the right: `api`, `prod/*`, `eu1/www/prod/api`."""

    segments: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> "JobPattern":
        """Return the pattern; ValueError when it has no or too many segments."""
        segments = tuple(text.split("/"))
        if not 1 <= len(segments) <= 4 or not all(segments):
            raise ValueError(
                f"a pattern has one to four segments, as in 'api' or 'prod/*', not {text!r}"
            )
        return cls(segments)

    def matches(self, key: JobKey) -> bool:
        """Return whether the last segments of a key match, each its own."""
        own = (key.cluster, key.role, key.environment, key.name)[-len(self.segments) :]
        return all(fnmatchcase(a, b) for a, b in zip(own, self.segments, strict=True))

    def __str__(self) -> str:
        return "/".join(self.segments)


@dataclass(frozen=True, slots=True)
class InstanceIds:
    """Instance ids of one job, ascending, at least one."""

    ids: tuple[int, ...]

    def __post_init__(self) -> None:
        if not self.ids:
            raise ValueError("no instance ids: to Aurora an empty set means all of them")
        if self.ids[0] < 0 or any(a >= b for a, b in zip(self.ids, self.ids[1:], strict=False)):
            raise ValueError(f"instance ids must ascend from 0, not {self.ids}")

    @classmethod
    def of(cls, ids: Iterable[int]) -> "InstanceIds | None":
        """Return the ids in order, or None when there are none."""
        ordered = tuple(sorted(set(ids)))
        return cls(ordered) if ordered else None

    @classmethod
    def first(cls, count: int) -> "InstanceIds":
        """Return 0 .. count-1; ValueError when count is not positive."""
        return cls(tuple(range(count)))

    def ranges(self) -> tuple[tuple[int, int], ...]:
        """Return closed ranges that cover exactly these ids, ascending."""
        found: list[tuple[int, int]] = []
        for i in self.ids:
            if found and found[-1][1] == i - 1:
                found[-1] = (found[-1][0], i)
            else:
                found.append((i, i))
        return tuple(found)

    def __len__(self) -> int:
        return len(self.ids)

    def __iter__(self) -> Iterator[int]:
        return iter(self.ids)

    def __str__(self) -> str:
        return ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in self.ranges())

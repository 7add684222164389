"""Draw a story from a seed: what a fleet, its people and its weather may come to in a few hours."""

from random import Random

from tests.support.cluster import Fault
from tests.world.events import Event, Story

NAMES = ("web-1", "web-2", "web-3", "web-4", "web-5", "night-1", "night-2", "train-1")
FAULTS = tuple(f.name for f in Fault if f is not Fault.EMPTIED)


def drawn(seed: int) -> Story:
    """Return the story of a seed: some plots that are known to be hard, and what chance adds."""
    chance = Random(seed)
    events = [*_beginning(chance)]
    for _ in range(chance.randint(4, 8)):
        events += _spell(chance) if chance.random() < 0.5 else _plot(chance)
    return tuple(events)


def _beginning(chance: Random) -> list[Event]:
    """A fleet is declared and, as a rule, comes up."""
    events = [_policy(chance) for _ in range(chance.randint(0, 3))]
    names = [name for name in NAMES if chance.random() < 0.75] or ["web-1"]
    for name in names:
        if chance.random() < 0.1:
            events.append(Event("create theirs", name, chance.randint(0, 5)))
        events.append(Event("create", name, chance.randint(1, 4)))
        if chance.random() < 0.3:
            events.append(Event("roll otherwise", name, chance.randint(0, 2)))
    if chance.random() < 0.8:
        events.append(Event("converge", seconds=1800))
    return events


def _policy(chance: Random) -> Event:
    verb = chance.choice(("set prunes", "set restarts", "set vanished"))
    return Event(verb, number=chance.randint(1, 4))


# --- plots


def _plot(chance: Random) -> list[Event]:
    """One of the stories that fleets live through, with whatever befalls it."""
    name, number = chance.choice(NAMES), chance.randint(1, 9)
    events = chance.choice(PLOTS)(chance, name, number)
    at = chance.randint(0, len(events) - 1)
    befalls = [_mishap(chance)] if chance.random() < 0.5 else []
    befalls += [_meanwhile(chance)] if chance.random() < 0.5 else []
    return [*events[:at], *befalls, *events[at:], _process(chance)]


def _meddled(chance: Random, name: str, number: int) -> list[Event]:
    word = chance.choice(("pause", "abort", "roll back", "update by hand", "kill", "restart"))
    change = chance.choice(("release", "tweak", "scale", "misbehave"))
    return [Event(change, name, number), Event("converge", seconds=1), Event(word, name, number)]


def _raced(chance: Random, name: str, number: int) -> list[Event]:
    """Somebody touches a job between the plan and its act."""
    change = chance.choice(("release", "tweak", "scale", "remove"))
    verb = chance.choice(("kill", "restart", "fail", "update by hand", "add"))
    touch = Event(verb, name, number, at=chance.randint(6, 13))
    first = [Event("sleep", seconds=60)] if change != "remove" else [Event("converge", seconds=1)]
    return [Event(change, name, number), *first, touch, Event("converge", seconds=200)]


def _purged(chance: Random, name: str, number: int) -> list[Event]:
    del name
    first = Event("set prunes", number=chance.randint(1, 3))
    return [first, Event("purge", number=number % 4), Event("watch", seconds=400)]


def _one_by_one(chance: Random, name: str, number: int) -> list[Event]:
    """Many small deletions: they must not come to what a large one may not."""
    del number
    names = chance.sample(NAMES, 4)
    removals = [[Event("remove", n), Event("converge", seconds=120)] for n in (name, *names)]
    return [event for pair in removals for event in pair]


def _emptied(chance: Random, name: str, number: int) -> list[Event]:
    del name, number
    return [Event("set vanished", number=chance.randint(1, 3)), Event("empty"), *_later(chance)]


def _half_read(chance: Random, name: str, number: int) -> list[Event]:
    bad = chance.choice((Event("pull half", number=number), Event("damage", name)))
    # Something was removed for good, and seen missing once, before the tree went bad.
    removed = [Event("remove", chance.choice(NAMES)), Event("converge", seconds=1)]
    extra = removed if chance.random() < 0.6 else []
    return [*extra, bad, Event("watch", seconds=200), *_later(chance)]


def _undone(chance: Random, name: str, number: int) -> list[Event]:
    """A deletion that is taken back before the second look."""
    del number
    brief = Event("converge", seconds=chance.choice((1, 5, 20, 60)))
    return [Event("remove", name), brief, Event("revert", number=1), *_later(chance)]


def _downgraded(chance: Random, name: str, number: int) -> list[Event]:
    newer = [Event("release", name, number), Event("converge", seconds=1800)]
    return [*newer, Event("check out", number=chance.randint(1, 3)), *_later(chance)]


def _contested(chance: Random, name: str, number: int) -> list[Event]:
    gone = [Event("remove", name), Event("converge", seconds=200)]
    theirs = [Event("create theirs", name, number), Event("create", name, 2)]
    return [*(gone if chance.random() < 0.7 else []), *theirs, *_later(chance)]


def _everywhere(chance: Random, name: str, number: int) -> list[Event]:
    del name
    first = Event("set restarts", number=chance.randint(1, 3))
    return [first, Event("upgrade all", number=number), *_later(chance)]


def _broken_release(chance: Random, name: str, number: int) -> list[Event]:
    return [Event("misbehave", name, number), Event("converge", seconds=1800), *_later(chance)]


def _laid_out_otherwise(chance: Random, name: str, number: int) -> list[Event]:
    """Another client writes the same config in its own way, and then the count changes."""
    theirs = Event("update by hand", name, number | 1)
    change = Event("scale", name, chance.randint(1, 5))
    return [theirs, Event("sleep", seconds=600), change, *_later(chance)]


def _later(chance: Random) -> list[Event]:
    return [_process(chance)] if chance.random() < 0.8 else []


PLOTS = (
    _meddled,
    _raced,
    _raced,
    _purged,
    _one_by_one,
    _emptied,
    _half_read,
    _undone,
    _downgraded,
    _contested,
    _everywhere,
    _broken_release,
    _laid_out_otherwise,
)


# --- and what chance adds


def _spell(chance: Random) -> list[Event]:
    """What happens before one process, what befalls it, and the process."""
    events = [_commit(chance) for _ in range(chance.randint(0, 3))]
    events += [_person(chance) for _ in range(chance.randint(0, 2))]
    if chance.random() < 0.3:
        events.append(_host(chance))
    while chance.random() < 0.4:
        events.append(_mishap(chance))
    while chance.random() < 0.35:
        events.append(_meanwhile(chance))
    events.append(_process(chance))
    if chance.random() < 0.4:
        events.append(Event("sleep", seconds=chance.choice((5, 60, 600, 7200))))
    return events


def _meanwhile(chance: Random) -> Event:
    """Something that happens in the middle of a round."""
    draw = chance.choice((_commit, _person, _person, _host, _jump))
    found = draw(chance) if chance.random() < 0.85 else Event("second")
    at = chance.choice((chance.randint(1, 12), chance.randint(1, 60)))
    return Event(found.verb, found.name, found.number, found.seconds, at)


def _commit(chance: Random) -> Event:
    name = chance.choice(NAMES)
    number = chance.randint(1, 9)
    weighed = {
        "create": 5,
        "release": 7,
        "misbehave": 5,
        "scale": 5,
        "tweak": 3,
        "reschedule": 2,
        "switch": 1,
        "suspend": 2,
        "roll otherwise": 2,
        "change kind": 1,
        "move": 1,
        "rename": 1,
        "remove": 5,
        "damage": 2,
        "purge": 1,
        "upgrade all": 1,
        "revert": 2,
        "set prunes": 1,
        "set restarts": 1,
        "set vanished": 1,
        "stop pruning": 1,
        "supersede": 1,
        "break platform": 1,
        "check out": 2,
        "pull half": 1,
        "pull whole": 2,
        "lose git": 1,
    }
    verb = _one_of(chance, weighed)
    match verb:
        case "scale":
            number = chance.choice((0, 1, 2, 3, 4, 5, 8))
        case "create" | "purge" | "revert" | "check out" | "set prunes" | "set restarts":
            number = chance.randint(1, 4)
    return Event(verb, name, number, seconds=chance.randint(1, 90) if verb == "lose git" else 0)


def _person(chance: Random) -> Event:
    weighed = {
        "kill": 6,
        "kill all": 2,
        "restart": 3,
        "add": 2,
        "fail": 4,
        "update by hand": 4,
        "pause": 3,
        "resume": 2,
        "abort": 2,
        "roll back": 2,
        "create theirs": 3,
        "run cron": 3,
        "deschedule": 1,
        "edit template": 2,
        "set quota": 2,
    }
    verb = _one_of(chance, weighed)
    number = chance.randint(0, 9)
    if verb == "set quota":
        number = chance.choice((1, 2, 100, 100))
    return Event(verb, chance.choice(NAMES), number, seconds=chance.randint(0, 1))


def _host(chance: Random) -> Event:
    weighed = {"lose host": 3, "return host": 3, "partition": 2, "drain": 2, "empty": 1}
    verb = _one_of(chance, weighed)
    return Event(verb, number=chance.randint(0, 4), seconds=chance.choice((30, 300, 3000)))


def _mishap(chance: Random) -> Event:
    weighed = {
        "die": 5,
        "fill disk": 2,
        "storm": 4,
        "mishap": 6,
        "fail over": 2,
        "misdirect": 2,
        "deafen": 3,
        "jump": 1,
        "lose record": 1,
    }
    verb = _one_of(chance, weighed)
    match verb:
        case "die":
            return Event(verb, number=chance.randint(1, 40))
        case "fill disk":
            return Event(verb, number=chance.randint(1, 20), seconds=chance.randint(0, 20))
        case "storm":
            name = chance.choice(("", chance.choice(FAULTS)))
            return Event(verb, name, chance.choice((5, 10, 30)), chance.randint(1, 10**6))
        case "mishap":
            return Event(verb, chance.choice(FAULTS), chance.randint(1, 6))
        case "fail over" | "misdirect":
            return Event(verb, number=chance.randint(1, 40), seconds=chance.randint(1, 40))
        case "deafen":
            return Event(verb, number=chance.randint(0, 5))
        case "jump":
            return _jump(chance)
        case _:
            return Event(verb)


def _jump(chance: Random) -> Event:
    return Event("jump", number=chance.randint(0, 1), seconds=chance.choice((5, 60, 1800)))


def _process(chance: Random) -> Event:
    verb = _one_of(chance, {"converge": 6, "watch": 4, "preview": 1})
    words = [w for w in ("adopt", "retry", "approve", "older") if chance.random() < 0.08]
    match verb:
        case "converge":
            seconds = chance.choice((1, 20, 90, 1800))
            return Event(verb, " ".join(words), seconds=seconds)
        case "watch":
            return Event(verb, seconds=chance.choice((1, 60, 400, 1500)))
        case _:
            return Event(verb)


def _one_of(chance: Random, weighed: dict[str, int]) -> str:
    return chance.choices(list(weighed), list(weighed.values()))[0]

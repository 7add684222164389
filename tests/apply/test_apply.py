"""Carrying out a plan: in order, from an unmoved basis, written down before it is sent."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from reconciler.apply import SILENCES_MAX, carry_out_plan, message
from reconciler.model.keys import JobKey
from reconciler.model.live import LiveSnapshot, Unknown
from reconciler.model.outcome import Applied, Deferred, Indeterminate, Outcome, Refused
from reconciler.model.plan import (
    Act,
    Basis,
    Hold,
    Keep,
    Plan,
    Reason,
    TasksBasis,
)
from reconciler.model.questions import Questions
from reconciler.model.tree import Revision
from reconciler.scheduler.port import Silent
from tests.support.builders import PROJECT, a_key
from tests.support.cluster import Died
from tests.support.plans import a_kill, a_plan, an_act

BASIS = TasksBasis(frozenset({"t0"}))
NAMES = ("a", "b", "c", "d", "e")


def removal(name: str, **differs: Any) -> Act:
    plain = {"key": a_key(name), "reason": Reason.REMOVED, "basis": BASIS}
    return an_act(a_kill(), **{**plain, **differs})


PLAN = a_plan(*map(removal, NAMES))


@dataclass
class World:
    """A scheduler and a journal in one, so that the order of everything can be told."""

    bases: dict[str, Basis | Unknown] = field(default_factory=dict)
    outcomes: dict[str, Callable[[Act], Outcome]] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    tokens: dict[str, str] = field(default_factory=dict)

    def basis(self, act: Act) -> Basis | Unknown:
        self.said.append(f"read {act.key.name}")
        return self.bases.get(act.key.name, BASIS)

    def carry_out(self, act: Act, token: str, message: str) -> Outcome:
        self.said.append(f"send {act.key.name}")
        self.words.append(message)
        assert self.tokens[act.key.name] == token, "sent with another token than was written down"
        return self.outcomes.get(act.key.name, Applied)(act)

    def survey(self, ended_since_ms: int) -> LiveSnapshot:
        raise AssertionError(f"read in bulk while applying: {ended_since_ms}")

    def examine(self, snapshot: LiveSnapshot, questions: Questions) -> LiveSnapshot:
        raise AssertionError(f"asked while applying: {snapshot} {questions}")

    def intend(self, act: Act, token: str) -> None:
        self.said.append(f"intend {act.key.name}")
        self.tokens[act.key.name] = token

    def settle(self, outcome: Outcome) -> None:
        self.said.append(f"settle {outcome.act.key.name}")

    def run(self, plan: Plan = PLAN, stop_after: int = 99) -> tuple[Outcome, ...]:
        tokens = iter(f"token-{n}" for n in range(99))
        return carry_out_plan(
            plan, self, self, lambda: next(tokens), lambda: len(self.words) >= stop_after
        )


def kinds(outcomes: tuple[Outcome, ...]) -> list[str]:
    return [type(outcome).__name__ for outcome in outcomes]


def lost(act: Act) -> Outcome:
    return Indeterminate(act, "lost")


def test_each_act_is_read_again_written_down_sent_and_settled_in_the_plans_order() -> None:
    world = World()
    outcomes = world.run()
    steps = ("read", "intend", "send", "settle")
    assert world.said == [f"{step} {name}" for name in NAMES for step in steps]
    assert [o.act.key.name for o in outcomes] == list(NAMES)
    assert len(set(world.tokens.values())) == len(NAMES)


def test_holds_and_keeps_are_not_touched() -> None:
    world = World()
    plan = a_plan(
        removal("a"),
        Hold(a_key("b"), PROJECT, Reason.PAUSED, wanted=removal("b")),
        Keep(a_key("c"), PROJECT, Reason.CONVERGED),
    )
    assert kinds(world.run(plan)) == ["Applied"]
    assert not any(said.endswith((" b", " c")) for said in world.said)


def test_moved_basis_is_deferred_and_neither_written_down_nor_sent() -> None:
    world = World(bases={"b": TasksBasis(frozenset({"heir-of-t0"}))})
    outcomes = world.run()
    assert kinds(outcomes) == ["Applied", "Deferred", "Applied", "Applied", "Applied"]
    assert [said for said in world.said if said.endswith(" b")] == ["read b", "settle b"]


def test_basis_that_cannot_be_read_is_deferred() -> None:
    outcomes = World(bases={"b": Unknown("garbage")}).run()
    found = outcomes[1]
    assert isinstance(found, Deferred)
    assert "garbage" in found.why


AFTER: dict[str, tuple[dict[str, Any], dict[str, Any], list[str]]] = {
    "refusals stop nothing": (
        {},
        {n: lambda act: Refused(act, "no") for n in NAMES},
        ["Refused"] * 5,
    ),
    "answers that are no use stop nothing": (
        {n: Unknown("a job with two tasks of one instance") for n in NAMES[:4]},
        {},
        ["Deferred"] * 4 + ["Applied"],
    ),
    "one silence stops nothing": (
        {"b": Silent("timeout"), "d": Silent("timeout")},
        {},
        ["Applied", "Deferred", "Applied", "Deferred", "Applied"],
    ),
    "silence again and again ends the round": (
        {n: Silent("timeout") for n in NAMES[1:4]},
        {},
        ["Applied", "Deferred", "Deferred", "Deferred", "Deferred"],
    ),
    "one lost reply stops nothing": (
        {},
        {"b": lost},
        ["Applied", "Indeterminate", "Applied", "Applied", "Applied"],
    ),
    "lost replies in a row end the round": (
        {},
        {"b": lost, "c": lost},
        ["Applied", "Indeterminate", "Indeterminate", "Deferred", "Deferred"],
    ),
    "a lost reply and then silence end the round": (
        {"c": Silent("timeout")},
        {"b": lost},
        ["Applied", "Indeterminate", "Deferred", "Deferred", "Deferred"],
    ),
}


@pytest.mark.parametrize("case", AFTER.values(), ids=AFTER)
def test_scheduler_that_falls_silent_is_not_asked_about_everything(case: Any) -> None:
    bases, outcomes, expected = case
    world = World(bases=bases, outcomes=outcomes)
    assert kinds(world.run()) == expected


def test_after_silence_the_rest_is_neither_read_nor_written_down() -> None:
    world = World(bases=dict.fromkeys(NAMES, Silent("timeout")))
    world.run()
    reads = [said for said in world.said if said.startswith("read")]
    assert len(reads) == SILENCES_MAX
    assert not any(said.endswith((" c", " d", " e")) for said in world.said)


def test_wish_to_stop_ends_between_acts_and_what_is_under_way_is_finished() -> None:
    world = World()
    outcomes = world.run(stop_after=2)
    assert kinds(outcomes) == ["Applied", "Applied", "Deferred", "Deferred", "Deferred"]
    assert all(
        isinstance(o, Deferred) and o.why == "the run ended before its turn came"
        for o in outcomes[2:]
    )
    assert world.said[-1] == "settle b"


@pytest.mark.parametrize("step", ["read", "intend", "send", "settle"])
@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_sent_after_a_crash_and_nothing_unwritten_before_it(
    step: str, name: str
) -> None:
    world = World()
    fatal = f"{step} {name}"

    class Dying(list[str]):
        def append(self, said: str) -> None:
            super().append(said)
            if said == fatal:
                raise Died

    world.said = Dying()
    with pytest.raises(Died):
        world.run()
    sent = [said.split()[1] for said in world.said if said.startswith("send")]
    written = [said.split()[1] for said in world.said if said.startswith("intend")]
    assert sent == written[: len(sent)]
    assert len(written) - len(sent) <= 1
    assert world.said[-1] == fatal


def test_what_cannot_be_written_down_is_not_sent() -> None:
    class Full(World):
        def intend(self, act: Act, token: str) -> None:
            raise OSError(f"no room for {act.key.name} {token}")

    world = Full()
    with pytest.raises(OSError, match="no room for a"):
        world.run()
    assert world.words == []


def test_message_says_why_and_from_which_revision() -> None:
    act = removal("a", detail="2 tasks")
    assert message(act, PLAN) == f"reconcile: Removed at revision {'f' * 19} (2 tasks)"
    plain = replace(PLAN, revision=Revision("files:abc"))
    assert message(removal("a"), plain) == "reconcile: Removed at revision files:abc"


def test_key_of_the_act_is_the_one_that_was_planned() -> None:
    key = JobKey("eu1", "www", "prod", "web")
    (outcome,) = World().run(a_plan(removal("a", key=key)))
    assert outcome.act.key == key

"""Ways in which the product could be wrong, each as one edit of its source.

Worlds are worth what they notice. An edit is applied to a copy of the package; `seed` is the first
world that breaks a law then, as `python -m tests.world.mutations` finds it.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
TRIES = 200
SEEDS = Path(__file__).with_name("mutations.json")


@dataclass(frozen=True, slots=True)
class Mutation:
    """One edit: in `file`, `old` becomes `new`. `old` must be there exactly once."""

    file: str
    old: str
    new: str

    def applied(self, text: str) -> str:
        assert text.count(self.old) == 1, f"{self.file} holds {text.count(self.old)} × {self.old!r}"
        return text.replace(self.old, self.new)


MUTATIONS: dict[str, Mutation] = {
    "a scheduler that does not answer is taken for empty": Mutation(
        "model/live.py",
        "            return Unknown(self.unread)\n",
        "            return Absent()\n",
    ),
    "a reply of another cluster is believed": Mutation(
        "scheduler/client.py",
        "        if name == self._server_name:\n",
        "        if True:\n",
    ),
    "what could not be read again is taken for unchanged": Mutation(
        "apply.py",
        "    basis = port.basis(act)\n",
        "    basis = port.basis(act)\n"
        "    basis = act.basis if isinstance(basis, Unknown) else basis\n",
    ),
    "what an act rests on is not compared again": Mutation(
        "apply.py",
        "    if basis != act.basis:\n",
        "    if False:\n",
    ),
    "a write without an answer is sent again at once": Mutation(
        "scheduler/client.py",
        "        if isinstance(data, Silence):\n            return Indeterminate",
        "        if isinstance(data, Silence) and data.sent:\n"
        "            data = self._exchange(method, args, write=True)\n"
        "        if isinstance(data, Silence):\n            return Indeterminate",
    ),
    "a broken file of a project does not stop its prunes": Mutation(
        "plan/removal.py",
        "    if tree.incomplete or tree.policies is None or unpruned:\n",
        "    if tree.incomplete or tree.policies is None:\n",
    ),
    "a prune needs no second look": Mutation(
        "plan/removal.py",
        "    if not (given.orders.prune_now or _seen_twice(f)):\n",
        "    if False:\n",
    ),
    "the second look comes too soon": Mutation(
        "plan/removal.py", "SECOND_LOOK_S = 30\n", "SECOND_LOOK_S = 3\n"
    ),
    "a job that is not ours is removed": Mutation(
        "plan/removal.py",
        "    if not f.is_ours:\n",
        "    if False:\n",
    ),
    "a job that is not ours is changed": Mutation(
        "plan/service.py",
        "        if not f.adopt:\n"
        "            return not_adopted(f, _change(f, wanted, live, groups, ids))\n",
        "",
    ),
    "an update that is not ours is treated as ours": Mutation(
        "plan/updates.py",
        "    if not f.ours(update):\n        if f.project",
        "    if False:\n        if f.project",
    ),
    "an update that a person paused is resumed": Mutation(
        "plan/updates.py",
        "    if word is not None and word.user is None:\n",
        "    if word is not None:\n",
    ),
    "a rollout that waits for a person is pushed on": Mutation(
        "plan/updates.py",
        "    if change is None or not change.pause_between or update.status.going_back:\n",
        "    if True:\n",
    ),
    "an update is given up at once": Mutation(
        "plan/updates.py", "GRACE_S = 600\n", "GRACE_S = -60\n"
    ),
    "an update is never given up": Mutation(
        "plan/updates.py",
        "    if f.now < _deadline(f, update):\n",
        "    if True:\n",
    ),
    "what failed before is tried again": Mutation(
        "plan/updates.py",
        "    if f.retry or f.wanted is None:\n",
        "    if True:\n",
    ),
    "suspended jobs are changed": Mutation(
        "plan/decide.py",
        "    if held := _suspended(f, f.wanted):\n",
        "    if False and (held := _suspended(f, f.wanted)):\n",
    ),
    "tasks that die do not keep a start waiting": Mutation(
        "plan/service.py",
        "    if held := dying(f, live):\n",
        "    if False and (held := dying(f, live)):\n",
    ),
    "workers do not wait for their master": Mutation(
        "plan/gates.py",
        "    if master is None or not isinstance(decision, Act):\n",
        "    if True:\n",
    ),
    "an old checkout may undo a newer one": Mutation(
        "plan/gates.py",
        "    if allow_older or not",
        "    if True or allow_older or not",
    ),
    "the guard allows one kill more": Mutation(
        "plan/guard.py",
        "    if not fresh or len(fresh | spent) <= allowed:\n",
        "    if not fresh or len(fresh | spent) <= allowed + 1:\n",
    ),
    "the guard forgets what was killed before": Mutation(
        "plan/guard.py",
        "        if s.key.role == role and s.deed in (Deed.PRUNE, Deed.KILL)",
        "        if False and s.deed in (Deed.PRUNE, Deed.KILL)",
    ),
    "a commit uses the limits that it loosens": Mutation(
        "plan/guard.py",
        "        guard_in_force=guard.stricter(recorded.guard),\n",
        "        guard_in_force=guard,\n",
    ),
    "a scale-down of more than half passes": Mutation(
        "plan/guard.py",
        "        if before - left > share * before:\n",
        "        if False:\n",
    ),
    "an emptied cluster is filled again": Mutation(
        "plan/guard.py",
        "    if len(gone) <= allowed:\n",
        "    if True:\n",
    ),
    "what an act counts is written only when it came through": Mutation(
        "plan/learn.py",
        "    spent = (*memory.spent, *spent_by(act, given.now))\n",
        "    spent = memory.spent\n",
    ),
    "an act is not written down before it is sent": Mutation(
        "loop/journal.py",
        "        self._keep(learn.intended(self._given, self._memory, act, token), of=act.key)\n",
        "",
    ),
    "two processes may use one record": Mutation(
        "record/lock.py",
        "            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)\n",
        "",
    ),
    "a config depends on the number of instances": Mutation(
        "translate/mediator.py",
        "(VERSION, spec.version))\n",
        '(VERSION, spec.version), ("count", str(spec.instances)))\n',
    ),
    "configs are compared by their bytes": Mutation(
        "plan/service.py",
        "        i for g in groups if not wanted.config.task.satisfied_by(g.config.task) for i",
        "        i for g in groups if wanted.config.wire != g.config.wire for i",
    ),
}


def copied(mutation: Mutation, directory: Path) -> None:
    """Put the product with this edit into a directory, beside all that its tests need."""
    shutil.copytree(ROOT / "reconciler", directory / "reconciler", ignore=_CACHES)
    for name in ("tests", "schemas", "desired-state"):
        (directory / name).symlink_to(ROOT / name)
    path = directory / "reconciler" / mutation.file
    path.write_text(mutation.applied(path.read_text(encoding="utf-8")), encoding="utf-8")


_CACHES = shutil.ignore_patterns("__pycache__")


def notices(mutation: Mutation, *words: str) -> str:
    """Return what the worlds say of a product with this edit: empty when all laws hold."""
    with tempfile.TemporaryDirectory() as directory:
        copied(mutation, Path(directory))
        environment = {**os.environ, "PYTHONPATH": directory, "PYTHONDONTWRITEBYTECODE": "1"}
        done = subprocess.run(
            [sys.executable, "-m", "tests.world", "--brief", *words],
            cwd=directory,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode in (0, 1), done.stderr
    return done.stdout if done.returncode else ""


def found() -> dict[str, int]:
    """Return for each edit the seed that is kept of the world that notices it."""
    told: dict[str, int] = json.loads(SEEDS.read_text(encoding="utf-8"))
    return told


def main() -> int:
    """Find for each edit, or those with a word of ours, the first seed that notices it."""
    words = sys.argv[1:] or [""]
    kept = {name: seed for name, seed in found().items() if name in MUTATIONS and sys.argv[1:]}
    for name, mutation in MUTATIONS.items():
        if not any(word in name for word in words):
            continue
        kept.pop(name, None)
        said = notices(mutation, "--seeds", str(TRIES), "--until-broken")
        print(f"{name}: {said.strip() or 'NOT NOTICED'}", flush=True)
        if said:
            kept[name] = int(said.split()[1].rstrip(":"))
        ordered = {name: kept[name] for name in MUTATIONS if name in kept}
        SEEDS.write_text(json.dumps(ordered, indent=2) + "\n", encoding="utf-8")
    return 0 if kept.keys() == MUTATIONS.keys() else 1


if __name__ == "__main__":
    sys.exit(main())

"""Small desired states: one platform, one cluster, one project; a case says what it adds."""

import hashlib
from collections.abc import Mapping

from reconciler.desired.documents import Parsed, parsed
from reconciler.desired.schemas import KINDS, Schemas
from reconciler.desired.tree import Memo, load
from reconciler.model.keys import JobKey
from reconciler.model.memory import Owned
from reconciler.model.problem import Problem
from reconciler.model.spec import DesiredJob
from reconciler.model.tree import DesiredTree, FileAt, Files, Revision
from reconciler.translate.mediator import render
from tests.support import schemas
from tests.support.builders import an_owned

CONTENTS = {name: schemas.CONTENTS[name] for name in (*KINDS.values(), "common", "job")}
SCHEMAS = Schemas(CONTENTS)

PLATFORM = """\
apiVersion: reconciler/v1
kind: Platform
metadata: {name: acme}
spec:
  environments:
    - {match: prod, tier: preferred}
    - {match: devel, tier: preemptible}
  recipes:
    wheel: {}
  rollouts:
    standard: {batch: 25%}
    careful: {batch: [10%, 50%]}
  rollout: standard
  slas:
    available: {percentage: 90, duration: 10m}
"""
CLUSTER = """\
apiVersion: reconciler/v1
kind: Cluster
metadata: {name: eu1}
spec:
  scheduler: {urls: ["http://aurora.example.org:8081"]}
"""
PROJECT = """\
apiVersion: reconciler/v1
kind: Project
metadata: {name: shop}
spec:
  sources: ["shop/**"]
  environments:
    prod: {cluster: eu1}
    devel: {cluster: eu1}
  allow:
    resources: {cpu: 4, ram: 8GiB, disk: 8GiB}
    instances: 30
    aurora: [priority]
"""
SERVICE = """\
apiVersion: reconciler/v1
kind: Service
metadata: {project: shop, name: web}
spec:
  package: shop-web
  version: "1.0"
  run: web serve
  resources: {cpu: 1, ram: 1GiB, disk: 1GiB}
  environments: {prod: {}}
"""
CRON = SERVICE.replace("Service", "CronJob").replace("  run:", '  schedule: "0 3 * * *"\n  run:')
FRAMEWORK = """\
apiVersion: reconciler/v1
kind: BatchFramework
metadata: {project: shop, name: crunch}
spec:
  package: shop-crunch
  version: "1.0"
  env: {SEED: "42", LEVEL: info}
  master:
    run: crunch master
    ports: [scheduler]
    resources: {cpu: 1, ram: 1GiB, disk: 1GiB}
  workers:
    run: crunch worker
    env: {LEVEL: debug}
    resources: {cpu: 2, ram: 1GiB, disk: 1GiB}
    instances: 8
  environments: {prod: {}}
"""
OPERATORS = {
    "platform/platform.yaml": PLATFORM,
    "platform/clusters/eu1.yaml": CLUSTER,
    "platform/projects/shop.yaml": PROJECT,
}
WEB = "shop/web.yaml"

Texts = Mapping[str, str | bytes]


def a_file(path: str, content: str | bytes) -> FileAt:
    data = content.encode() if isinstance(content, str) else content
    return FileAt(path, hashlib.sha256(data).hexdigest(), data)


def files(texts: Texts, incomplete: str | None = None) -> Files:
    return Files(
        Revision("r1"), tuple(a_file(p, t) for p, t in texts.items() if t != ""), incomplete
    )


def parse(content: str | bytes) -> Parsed:
    return parsed(a_file("a.yaml", content))


def read(
    texts: Texts | None = None,
    owned: Mapping[JobKey, Owned] | None = None,
    memo: Memo | None = None,
) -> DesiredTree:
    """Read the operators' documents and these; an empty text takes a file away."""
    return load(files({**OPERATORS, **(texts or {})}), SCHEMAS, owned or {}, memo=memo)


def a_key(name: str = "web", environment: str = "prod", role: str = "shop") -> JobKey:
    return JobKey("eu1", role, environment, name)


def recorded(*names: str, path: str = WEB, project: str = "shop") -> dict[JobKey, Owned]:
    return {a_key(name): an_owned(project, path=path) for name in names}


def everything_wrong(tree: DesiredTree) -> tuple[Problem, ...]:
    """Return the problems of the tree and those of the mediator, as a person is told them."""
    found = set(tree.problems)
    for job in tree.jobs.values():
        assert tree.policies is not None
        rendered = render(job, tree.policies)
        found |= set(rendered) if isinstance(rendered, tuple) else set()
    return tuple(sorted(found))


def told(texts: Texts | None = None) -> list[str]:
    """Return every problem with the operators' documents and these, as a person reads it."""
    return [str(problem) for problem in everything_wrong(read(texts))]


def changed(text: str, old: str, new: str) -> str:
    """Return a text with one part changed, which must be there exactly once."""
    assert text.count(old) == 1, f"{old!r} must stand once"
    return text.replace(old, new)


def web(old: str, new: str) -> dict[str, str]:
    """Return the service with one part of its text changed."""
    return {WEB: changed(SERVICE, old, new)}


def job(texts: Texts | None = None, name: str = "web", environment: str = "prod") -> DesiredJob:
    """Return one job of a tree that has no problems."""
    tree = read(texts if texts is not None else {WEB: SERVICE})
    assert tree.problems == ()
    return tree.jobs[a_key(name, environment)]

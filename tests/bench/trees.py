"""A desired state of any size: many services of one shape, spread over projects."""

import shutil
from pathlib import Path

from reconciler.app.packaged import sample

CLUSTER, ROLE_JOBS, INSTANCES = "devcluster", 50, 20

PROJECT = """\
apiVersion: reconciler/v1
kind: Project
metadata: {{name: {name}}}
spec:
  sources: ["{name}/**"]
  environments: {{prod: {{cluster: devcluster}}}}
  contact: {name}@retail.example
  allow: {{instances: 100}}
"""

CLUSTER_AT = """\
apiVersion: reconciler/v1
kind: Cluster
metadata: {{name: {name}}}
spec:
  timeZone: Europe/Berlin
  scheduler: {{urls: ["{url}"]}}
"""

SERVICE = """\
apiVersion: reconciler/v1
kind: Service
metadata: {{project: {project}, name: {name}}}
spec:
  package: forecast-{name}
  version: "{version}"
  run: forecast serve --port $PORT_HTTP --model /srv/models/{name}/current --threads 8
  env: {{LOG_LEVEL: info, REGION: eu-central, MODEL: "{name}"}}
  secrets: {{DB_PASSWORD: forecast-db}}
  resources: {{cpu: 1.5, ram: 4GiB, disk: 10GiB}}
  ports: [http]
  health: /health
  instances: {instances}
  environments: {{prod: {{}}}}
"""


def plant(folder: Path, jobs: int, instances: int = INSTANCES) -> Path:
    """Write a tree with so many jobs, one file each, and return the path of one of them."""
    shutil.copytree(sample() / "platform", folder / "platform")
    for path in (folder / "platform/projects").iterdir():
        path.unlink()
    for number in range(jobs):
        project = f"team-{number // ROLE_JOBS:03}"
        (folder / project).mkdir(exist_ok=True)
        told = folder / f"platform/projects/{project}.yaml"
        told.write_text(PROJECT.format(name=project), encoding="utf-8")
        release(folder, number, "2.14.1", instances)
    return path_of(folder, 0)


def reached_at(folder: Path, url: str) -> None:
    """Have the cluster be one that is reached at this URL."""
    told = CLUSTER_AT.format(name=CLUSTER, url=url)
    (folder / f"platform/clusters/{CLUSTER}.yaml").write_text(told, encoding="utf-8")


def finalization(folder: Path, seconds: int) -> None:
    """Change one line of the platform's document that is in the config of every job."""
    path = folder / "platform/platform.yaml"
    lines = path.read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if not line.startswith("  finalizationWait:")]
    at = kept.index("spec:") + 1
    told = [*kept[:at], f"  finalizationWait: {seconds}s", *kept[at:], ""]
    path.write_text("\n".join(told), encoding="utf-8")


def release(folder: Path, number: int, version: str, instances: int = INSTANCES) -> None:
    """Write the document of one job with this version."""
    project = f"team-{number // ROLE_JOBS:03}"
    name = f"job-{number:05}"
    text = SERVICE.format(project=project, name=name, version=version, instances=instances)
    path_of(folder, number).write_text(text, encoding="utf-8")


def path_of(folder: Path, number: int) -> Path:
    return folder / f"team-{number // ROLE_JOBS:03}" / f"job-{number:05}.yaml"

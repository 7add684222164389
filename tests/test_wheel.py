"""The wheel works outside of the checkout: code, schemas and sample are all in it."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

pytestmark = pytest.mark.slow


def run(*command: str | Path, cwd: Path) -> str:
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "RECONCILE_"))}
    done = subprocess.run(command, cwd=cwd, env=clean, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a wheel that was built from the checkout."""
    out = tmp_path_factory.mktemp("dist")
    options = ("--wheel", "--no-isolation", "--outdir", out)
    run(sys.executable, "-m", "build", *options, ROOT, cwd=ROOT)
    (found,) = out.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def elsewhere(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a directory with a virtual environment in it that has the wheel installed.

    Dependencies are those of this environment, by a path file: no network is needed.
    """
    here = tmp_path_factory.mktemp("elsewhere")
    run(sys.executable, "-m", "venv", "--without-pip", "venv", cwd=here)
    python = here / "venv/bin/python"
    install = ("-m", "pip", "--python", python, "install", "--quiet", "--no-deps", "--no-index")
    run(sys.executable, *install, wheel, cwd=here)
    (packages,) = here.glob("venv/lib/python*/site-packages")
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return here


def test_every_schema_and_the_whole_sample_are_packaged(wheel: Path) -> None:
    held = set(zipfile.ZipFile(wheel).namelist())
    for folder, packaged in (("schemas", "_schemas"), ("desired-state", "_sample")):
        files = [p for p in (ROOT / folder).rglob("*") if p.is_file()]
        assert files
        assert {f"reconciler/{packaged}/{p.relative_to(ROOT / folder)}" for p in files} <= held
    assert not [name for name in held if name.startswith("tests/")]


def test_the_installed_program_works_outside_of_the_checkout(elsewhere: Path) -> None:
    python, reconcile = elsewhere / "venv/bin/python", elsewhere / "venv/bin/reconcile"
    where = run(python, "-c", "import reconciler; print(reconciler.__file__)", cwd=elsewhere)
    assert where.startswith(str(elsewhere))
    assert run(reconcile, "--version", cwd=elsewhere).startswith("reconcile, version ")
    shutil.copytree(ROOT / "desired-state", elsewhere / "desired-state")
    assert run(reconcile, "validate", cwd=elsewhere).endswith("no problems\n")
    told = json.loads(run(reconcile, "render", "prod/api", "--output", "json", cwd=elsewhere))
    assert [job["key"] for job in told["jobs"]] == ["devcluster/demand-forecast/prod/api"]

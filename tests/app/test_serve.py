"""The document from which the stand-in takes its hosts."""

from pathlib import Path

import pytest

from reconciler.app.packaged import sample
from reconciler.app.serve import SAMPLE, cluster_in
from reconciler.model.policy import Cluster, Embedded

GOOD = (sample() / SAMPLE).read_text(encoding="utf-8")

BAD = {
    "no YAML": ("kind: [", "not YAML"),
    "no document at all": ("", "there is no document"),
    "a document of another kind": ("kind: Project\n", "one document of kind Cluster is needed"),
    "two of them": (f"{GOOD}\n---\n{GOOD}", "one document of kind Cluster is needed"),
    "a field that is none": (GOOD.replace("cpu: 16", "cpus: 16"), "cpu"),
    "a host twice": (GOOD.replace("agent-2", "agent-1"), "a second host 'agent-1'"),
    "a real cluster": (
        "apiVersion: reconciler/v1\nkind: Cluster\nmetadata: {name: eu1}\n"
        'spec: {scheduler: {urls: ["http://aurora:8081"]}}\n',
        "a cluster with `embedded` is needed",
    ),
}


def test_the_sample_has_a_cluster_to_serve() -> None:
    found = cluster_in(sample() / SAMPLE)
    assert isinstance(found, Cluster)
    assert isinstance(found.scheduler, Embedded)
    assert len(found.scheduler.hosts) == 6


@pytest.mark.parametrize("name", BAD)
def test_a_document_that_is_none_is_told_with_its_place(name: str, tmp_path: Path) -> None:
    text, words = BAD[name]
    path = tmp_path / "hosts.yaml"
    path.write_text(text, encoding="utf-8")
    found = cluster_in(path)
    assert not isinstance(found, Cluster)
    assert words in str(found[0])
    assert str(found[0]).startswith(str(path))


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    found = cluster_in(tmp_path / "no.yaml")
    assert not isinstance(found, Cluster)
    assert "cannot be read: No such file" in str(found[0])

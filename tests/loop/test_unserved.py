"""Jobs of clusters that no sound document declares: told in every round, and never touched."""

from pathlib import Path

from reconciler.plan.inputs import Orders
from tests.support.site import PLATFORM, Site, reasons, service

EU = "platform/clusters/eu1.yaml"


def two_clusters(tmp_path: Path) -> Site:
    site = Site(tmp_path / "state", "dev", "eu1")
    site.declare(service("web"))
    site.declare(service("api", project="shop-eu1"), project="shop-eu1")
    assert site.converge().converged
    return site


def leave(site: Site) -> None:
    """Remove a cluster, and all that is declared there."""
    gone = (EU, "platform/projects/shop-eu1.yaml", "shop-eu1/")
    site.tree.files = {p: t for p, t in site.tree.files.items() if not p.startswith(gone)}


def test_cluster_whose_document_is_removed_keeps_its_jobs_in_sight(tmp_path: Path) -> None:
    site = two_clusters(tmp_path)
    leave(site)
    before = len(site.clusters["eu1"].writes)
    for report in (site.preview(), site.step(), site.converge().report):
        assert reasons(report) == {"web": "Converged", "api": "NoCluster"}
    assert len(site.clusters["eu1"].writes) == before
    assert [key.name for key in site.memory("eu1").owned] == ["api"]


def test_cluster_whose_document_is_broken_holds_its_jobs_with_the_reason(tmp_path: Path) -> None:
    site = two_clusters(tmp_path)
    site.tree.files[EU] = site.tree.files[EU].replace("spec:", "spec:\n  nonsense: 1", 1)
    report = site.step()
    assert reasons(report) == {"web": "Converged", "api": "Invalid"}
    (hold,) = (d for r in report.rounds if r.plan.cluster == "eu1" for d in r.plan.decisions)
    assert EU in hold.detail


def test_platform_that_is_broken_holds_every_job(tmp_path: Path) -> None:
    site = two_clusters(tmp_path)
    site.tree.files["platform/platform.yaml"] = PLATFORM.replace("spec:", "spec:\n  nonsense: 1", 1)
    assert reasons(site.step()) == {"web": "Invalid", "api": "Invalid"}


def test_jobs_of_a_cluster_that_is_gone_for_good_are_forgotten_at_a_word(tmp_path: Path) -> None:
    site = two_clusters(tmp_path)
    leave(site)
    word = Orders(prune_now=True)
    site.preview(word)
    assert site.memory("eu1").owned, "a preview forgets nothing"
    site.step(word)
    assert not site.memory("eu1").owned
    assert reasons(site.step()) == {"web": "Converged"}


def test_nothing_is_forgotten_by_a_tree_that_is_not_whole(tmp_path: Path) -> None:
    site = two_clusters(tmp_path)
    leave(site)
    site.tree.incomplete = "half a pull"
    site.step(Orders(prune_now=True))
    assert site.memory("eu1").owned

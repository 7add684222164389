"""The worlds notice a product that is wrong: each edit of its source, by the world that is kept.

The seeds are found anew by `make world-mutations`, which tries two hundred worlds for each edit.
"""

import pytest

from tests.world.mutations import MUTATIONS, ROOT, found, notices

FOUND = found()


def test_every_edit_is_of_a_line_that_is_there() -> None:
    for mutation in MUTATIONS.values():
        text = (ROOT / "reconciler" / mutation.file).read_text(encoding="utf-8")
        assert mutation.applied(text) != text


def test_every_edit_is_noticed_by_some_world() -> None:
    assert FOUND.keys() == MUTATIONS.keys()
    assert len(MUTATIONS) >= 20


@pytest.mark.slow
@pytest.mark.parametrize("name", MUTATIONS)
def test_world_breaks_a_law_of_a_product_that_is_wrong(name: str) -> None:
    said = notices(MUTATIONS[name], str(FOUND[name]))
    assert "1 broke a law" in said, f"{name}: find another world by `make world-mutations`"

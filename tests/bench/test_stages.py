"""The stages of a round by name: each is one function, whatever it is called by then."""

from tests.bench.stages import STAGES, profiled, shares


def test_every_stage_is_a_function_of_a_warm_round() -> None:
    found = shares(profiled(120))
    assert set(found) == {*STAGES, "all else"}
    assert all(0 <= share < 1 for share in found.values())
    assert round(sum(found.values()), 6) == 1

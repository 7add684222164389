"""A problem: what is wrong, where, and what to do."""

import pytest

from reconciler.model.problem import Origin, Problem


def test_a_problem_is_told_in_one_line_with_its_place_and_a_remedy() -> None:
    problem = Problem(Origin("shop/web.yaml", 3, 5), "a\nb", "mend it")
    assert str(problem) == "shop/web.yaml:3:5: a\\nb; mend it"


def test_a_problem_without_a_remedy_cannot_be_made() -> None:
    with pytest.raises(AssertionError, match="'not YAML' does not say what to do"):
        Problem(Origin("shop/web.yaml"), "not YAML", "")

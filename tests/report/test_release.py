"""What releases a hold can be copied as it stands, and means the plan that was shown."""

import pytest

from reconciler.report.release import argv, as_called, exact, remembered, runnable

CALLED = "reconcile --state s --only 'prod/*'"

RUNNABLE: dict[str, tuple[list[str], str]] = {
    "an option": (["--allow-older"], f"{CALLED} --allow-older"),
    "an option within words": (
        ["declare another spec, or --retry eu1/www/prod/api"],
        f"declare another spec, or {CALLED} --retry eu1/www/prod/api",
    ),
    "an option before words": (
        ["--retry eu1/www/prod/api, or declare another spec"],
        f"{CALLED} --retry eu1/www/prod/api, or declare another spec",
    ),
    "several jobs, each option once": (
        ["--only 'a*' --retry a", "--only 'a*' --retry b"],
        f"{CALLED} --only 'a*' --retry a --retry b",
    ),
    "a flag before an option": (
        ["--allow-older --approve 0123"],
        f"{CALLED} --allow-older --approve 0123",
    ),
    "a deed": (["mend web.yaml:3:1"], "mend web.yaml:3:1"),
}


@pytest.mark.parametrize("name", RUNNABLE)
def test_a_release_is_a_command_with_all_that_the_run_was_called_with(name: str) -> None:
    texts, told = RUNNABLE[name]
    assert runnable(texts, CALLED) == told


def test_a_release_is_a_list_of_words_for_a_script() -> None:
    words = ["reconcile", "--state", "s", "--only", "prod/*", "--retry", "a"]
    assert argv("--retry a, or declare another spec", CALLED) == words
    assert argv("mend web.yaml:3:1", CALLED) is None


REMEMBERED: dict[str, tuple[str, str, str]] = {
    "narrowed": (
        "--approve DIGEST of this plan",
        as_called(["prod/*"], ["api"], allow_older=True),
        "--only 'prod/*' --adopt api --allow-older --approve 0123",
    ),
    "not narrowed": ("--approve DIGEST of this plan", "", "--approve 0123"),
    "within words": ("do this, or --retry a", "--only a", "do this, or --only a --retry a"),
    "a deed": ("resume it", "--only a", "resume it"),
}


@pytest.mark.parametrize("name", REMEMBERED)
def test_what_is_kept_for_later_calls_says_how_this_one_was_called(name: str) -> None:
    text, called, told = REMEMBERED[name]
    assert remembered(exact(text, "0123"), called) == told

"""Convergence at scale, small: the same on a socket and a clock as with 10,000 jobs."""

import pytest

from tests.bench.converging import READS_MAX, WRITES_MAX, Ended, converged

ENDED = Ended(
    jobs=100,
    rounds=3,
    calls={"startJobUpdate": 100, "getJobs": 3, "getConfigSummary": 212},
    cpu_s=1.25,
    wall_s=60.0,
    peak_mb=80.0,
)


def test_what_is_read_in_bulk_is_counted_by_the_round_and_not_by_the_job() -> None:
    assert (ENDED.writes, ENDED.reads) == (100, 200)
    assert ENDED.row() == "| 100 | 3 | 1.00 | 2.00 | 12.5 ms | 60 s | 80 MB |"


@pytest.mark.slow
def test_new_jobs_cost_a_write_and_two_reads_each() -> None:
    ended = converged(60)
    assert ended.writes <= WRITES_MAX * 60
    assert ended.reads <= READS_MAX * 60

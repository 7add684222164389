"""What the comparison with others rests on: one cluster for all, and a plot that tells them."""

import itertools
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import httpx
import msgspec
import pytest
import yaml

from reconciler.thrift import binary_calls, calls, structs
from tests.bench.bench import door_of
from tests.bench.canned import CannedDoor
from tests.bench.peers import plain
from tests.bench.peers.compare import DRY_RUN, SCRIPT, WARM, Contender, Figure, Figures, _text
from tests.bench.peers.plot import LABEL_GAP, apart, svg
from tests.bench.peers.served import Answers, served
from tests.bench.peers.show import section
from tests.bench.trees import plant

KEY = structs.JobKey(role="team-000", environment="prod", name="job-00001")
QUERY = structs.TaskQuery(
    role=KEY.role, environment=KEY.environment, jobName=KEY.name, instanceIds=(0,)
)


@pytest.fixture
def door(tmp_path: Path) -> CannedDoor:
    plant(tmp_path / "tree", 60)
    return door_of(tmp_path / "tree")


@pytest.mark.parametrize("speech", [calls, binary_calls], ids=["TJSON", "TBinary"])
def test_each_call_is_answered_in_its_protocol_and_under_its_number(
    door: CannedDoor, speech: Any
) -> None:
    answers = Answers(door)
    for number in (1, 2, 77):
        reply = answers.answer(speech.encode_call("getTasksStatus", number, query=QUERY))
        [task] = speech.decode_reply(reply, "getTasksStatus").result.scheduleStatusResult.tasks
        assert task.assignedTask.task == door.jobs[str(KEY)].taskConfig
        told = speech.encode_call("getTasksStatus", number, query=QUERY)
        assert seqid_of(reply) == seqid_of(told)


def seqid_of(message: bytes) -> int:
    if message.startswith(b"["):
        found: int = msgspec.json.decode(message)[3]
        return found
    at = 8 + int.from_bytes(message[4:8])
    return int.from_bytes(message[at : at + 4])


def test_a_role_has_its_own_jobs(door: CannedDoor) -> None:
    answers = Answers(door)
    for role, count in (("team-000", 50), ("team-001", 10)):
        reply = answers.answer(binary_calls.encode_call("getJobs", 1, ownerRole=role))
        found = binary_calls.decode_reply(reply, "getJobs").result
        assert found is not None
        assert found.getJobsResult is not None
        assert {j.key.role for j in found.getJobsResult.configs or () if j.key} == {role}
        assert len(found.getJobsResult.configs or ()) == count


@pytest.mark.slow
def test_replies_come_from_a_process_of_its_own_call_after_call(door: CannedDoor) -> None:
    body = calls.encode_call("getConfigSummary", 5, job=KEY)
    with served(door) as url, httpx.Client(trust_env=False) as client:
        replies = [client.post(f"{url}/api", content=body).content for _ in range(3)]
    assert set(replies) == {Answers(door).answer(body)}


def test_a_plain_file_holds_all_that_aurora_tells_of_a_job(
    door: CannedDoor, tmp_path: Path
) -> None:
    plain.files(tmp_path / "plain", door.jobs.values())
    told = yaml.safe_load((tmp_path / "plain" / f"{KEY.name}.yaml").read_text(encoding="utf-8"))
    config = door.jobs[str(KEY)].taskConfig
    assert config is not None
    assert config.executorConfig is not None
    assert told["config"]["executorConfig"]["data"] == config.executorConfig.data
    assert told["config"]["resources"] == [
        {"numCpus": 1.5},
        {"ramMb": 4096},
        {"diskMb": 10240},
        {"namedPort": "http"},
    ]
    assert (told["role"], told["name"], told["instances"]) == (KEY.role, KEY.name, 20)


def test_structs_are_told_with_all_that_they_hold() -> None:
    told = plain.specs(structs.ConfigSummary)
    assert told["ConfigSummary"] == [
        [1, "key", ["struct", "JobKey"]],
        [2, "groups", ["set", ["struct", "ConfigGroup"]]],
    ]
    assert [22, "taskLinks", ["map", "string", "string"]] in told["TaskConfig"]
    assert [1, "numCpus", "double"] in told["Resource"]
    assert [1, "first", "i32"] in told["Range"]


def test_what_begins_something_in_terraform_is_only_text_there() -> None:
    assert plain.quoted('a "b" ${c} %{d}') == r'"a \"b\" $${c} %%{d}"'


def test_a_contender_that_does_not_say_what_was_expected_is_no_figure(tmp_path: Path) -> None:
    file = tmp_path / "job"
    one = Contender("echo", ("echo", "2 differ"), tmp_path, file, "0 differ", "1 differ")
    with pytest.raises(AssertionError, match="echo: '0 differ' was expected: 2 differ"):
        one.run(one.same)
    assert one.run("2 differ").peak_mb > 0


FIGURES = [
    Figure(WARM, 100, [10.0, 12.0, 30.0], [9.0, 9.0, 9.0], 50.0),
    Figure(WARM, 1_000, [100.0], [90.0], 60.0),
    Figure(DRY_RUN, 1_000, [2_000.0], [90.0], 60.0),
    Figure(SCRIPT, 1_000, [2_100.0], [90.0], 70.4),
]


def test_the_table_tells_the_fastest_runs_memory_and_who_is_missing() -> None:
    versions = {DRY_RUN: "1.0", WARM: "1.0", SCRIPT: "thrift 1"}
    told = section(Figures("a machine", versions, {"Go": "none"}, FIGURES), "p.svg")
    assert f"| {WARM} | 10 | 100 | 90 | 60 MB |" in told
    assert f"| {SCRIPT} |  | 2,100 | 90 | 70 MB |" in told
    assert "- Versions: ours 1.0; thrift 1.\n" in told
    assert "- Left out: Go (none)." in told
    assert "Machine: a machine." in told


def test_figures_are_kept_with_one_line_for_the_runs() -> None:
    told = Figures("a machine", {SCRIPT: "thrift 1"}, {}, FIGURES)
    text = _text(told)
    assert msgspec.json.decode(text, type=Figures) == told
    assert '   "runs_ms": [10.0, 12.0, 30.0],' in text.splitlines()


def test_the_plot_has_a_line_a_contender_and_labels_that_do_not_touch() -> None:
    root = ElementTree.fromstring(svg(FIGURES))
    space = {"svg": "http://www.w3.org/2000/svg"}
    assert len(root.findall("svg:polyline", space)) == 3
    labels = [text for text in root.findall("svg:text", space) if ": " in (text.text or "")]
    assert {text.text for text in labels} >= {f"{WARM}: 100 ms", f"{SCRIPT}: 2.1 s"}
    heights = sorted(float(text.attrib["y"]) for text in labels)
    assert all(b - a >= LABEL_GAP - 0.1 for a, b in itertools.pairwise(heights))
    assert all(float(text.attrib["x"]) > 0 for text in labels)


def test_labels_stay_where_there_is_room() -> None:
    assert apart({"a": 10.0, "b": 15.0, "c": 100.0}) == {"a": 10.0, "b": 29.0, "c": 100.0}

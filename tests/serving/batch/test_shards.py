"""Which share of the work is whose."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from serving.batch.jobs.plan import Shard
from serving.batch.jobs.scoring_job import merge_shards
from serving.commands.score import score
from tests.serving.batch.conftest import Command, done, houses, read_jsonl, write_csv
from tests.serving.contracts import tabular_contract


def test_shards_take_whole_files_if_there_are_enough(tmp_path: Path) -> None:
    sources = [write_csv(tmp_path / f"in{number}.csv", houses(10)) for number in range(5)]
    done(tmp_path, tabular_contract(), sources, "out.jsonl", shard=Shard(1, 2), part_rows=4)
    parts = sorted(path.name[:15] for path in (tmp_path / "out.jsonl.parts").glob("*.rows"))
    assert parts == [f"{source:06d}-{part:08d}" for source in (1, 3) for part in (0, 1, 2)]


def test_shards_take_parts_of_few_files(tmp_path: Path) -> None:
    source = write_csv(tmp_path / "in.csv", houses(10))
    summaries = [
        done(tmp_path, tabular_contract(), [source], "out.jsonl", shard=Shard(index, 3), part_rows=2)
        for index in (2, 0, 1)
    ]
    assert [summary["rows"] for summary in summaries] == [2, 4, 4]
    assert merge_shards(str(tmp_path / "out.jsonl"), None)["rows"] == 10
    assert [row["row_id"] for row in read_jsonl(tmp_path / "out.jsonl")] == [f"{source}:{row}" for row in range(1, 11)]
    again = done(tmp_path, tabular_contract(), [source], "out.jsonl", shard=Shard(0, 3), part_rows=2)
    assert again["finished_before"]


def test_rejects_of_all_shards_are_merged_and_counted(command: Command, tmp_path: Path) -> None:
    write_csv(tmp_path / "in.csv", [*houses(3), {"rooms": "x", "age": 1}, *houses(3), {"rooms": "y", "age": 1}])
    for index in (1, 0):
        result = command(
            "in.csv", "--output", "out.csv", "--part-rows", 4, "--shard", f"{index}/2", model="house_price"
        )
        assert "next: plumbline score --merge --output out.csv" in result.output
    refused = command("--merge", "--output", "out.csv", "--max-rejects", "20%")
    assert (refused.exit_code, "2 of 8 rows were rejected, and at most 1 may be" in refused.output) == (3, True)
    assert [reject["row"] for reject in read_jsonl(tmp_path / "out.csv.rejects.jsonl")] == [4, 8]
    assert not (tmp_path / "out.csv").exists()
    merged = command("--merge", "--output", "out.csv", "--json")
    assert (merged.exit_code, json.loads(merged.stdout)["rejected"]) == (0, 2)


@pytest.mark.parametrize(
    ("environment", "code", "said"),
    [
        ({"JOB_COMPLETION_INDEX": "1", "JOB_COMPLETION_COUNT": "2"}, 0, "shard      1/2"),
        ({"JOB_COMPLETION_INDEX": "1"}, 2, "Kubernetes sets only the first"),
        ({"JOB_COMPLETION_INDEX": "2", "JOB_COMPLETION_COUNT": "2"}, 2, "got 2 and 2"),
    ],
)
def test_an_indexed_job_says_which_shard(
    command: Command, tmp_path: Path, environment: dict[str, str], code: int, said: str
) -> None:
    write_csv(tmp_path / "in.csv", houses(10))
    arguments = ["in.csv", "--output", "out.csv", "--model", "house_price", "--model-server", command.server.address]
    result = CliRunner().invoke(score, arguments, env=environment)
    assert (result.exit_code, said in result.output) == (code, True), result.output

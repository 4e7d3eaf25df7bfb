import json
from datetime import UTC, datetime

from tests.training.report import records
from training.insight.insight import Insight
from training.insight.summary import Summary
from training.insight.twins import Twins
from training.jobs.reporting import Reporting, told_of

SUMMARY = Summary((4, 4), [], [], [], Twins(4, 4, 0, 0))


def written(tmp_path, looked):
    """Write a report; return what was said, and the metrics."""
    said = []
    Reporting(tmp_path, datetime(2026, 11, 29, tzinfo=UTC), said.append).report(
        records.binary(folds=[], final={}), looked, "passed", 3, None
    )
    (metrics,) = tmp_path.glob("sentiment/*/metrics.json")
    return said, json.loads(metrics.read_text("utf-8"))


def test_the_report_has_what_the_rows_tell(tmp_path):
    said, metrics = written(tmp_path, lambda: Insight(summary=SUMMARY))

    assert metrics["summary"]["twins"]["tested"] == 4
    assert (metrics["gate"], metrics["outcome"]["version"]) == ("passed", 3)
    assert len(said) == 1


def test_data_that_can_t_be_looked_at_cost_no_report(tmp_path):
    def looked():
        raise OverflowError("odd data")

    said, metrics = written(tmp_path, looked)

    assert said[0] == "sentiment: the report tells nothing of the data: OverflowError: odd data"
    assert metrics["summary"] is None
    assert metrics["test"]["accuracy"] == 0.5


def test_without_a_folder_nothing_is_looked_at():
    def looked():
        raise AssertionError

    Reporting(None, datetime.now(UTC), print).report(records.binary(), looked, "passed", 1, None)


def test_without_a_live_version_none_is_told_of():
    assert told_of(None, None) is None

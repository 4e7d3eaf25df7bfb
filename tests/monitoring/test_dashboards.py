"""The dashboards as files: they are what their Python says, and every panel explains itself."""

import re

import pytest

from dashboards.__main__ import HOME, generated
from tests.monitoring.dashboards import ALL_PANELS, FILES, Panel, board


def test_the_files_are_those_that_are_generated() -> None:
    """If this fails: `make dashboards`."""
    files = generated()

    assert {path for path in files if path.read_text() != files[path]} == set()
    assert set(FILES) == {path for path in files if path.suffix == ".json"}


def test_there_is_a_dashboard_for_each_part() -> None:
    assert [file.stem.removeprefix("plumbline-") for file in FILES] == [
        "gpu", "jobs", "model-server", "overview", "quality",
    ]  # fmt: skip
    for file in FILES:
        assert board(file)["uid"] == file.stem
        assert board(file)["description"]
    assert len({board(file)["title"] for file in FILES}) == len(FILES)


@pytest.mark.parametrize("panel", ALL_PANELS, ids=str)
def test_a_panel_has_a_description_a_unit_and_legends(panel: Panel) -> None:
    assert len(panel.json["description"]) > 15
    assert panel.defaults["unit"]
    assert panel.json["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
    assert [legend for _, legend in panel.queries if not legend] == []


def test_panels_fill_the_grid_without_overlap() -> None:
    for file in FILES:
        taken: set[tuple[int, int]] = set()
        for panel in board(file)["panels"]:
            at = panel["gridPos"]
            cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
            assert max(x for x, _ in cells) < 24
            assert not cells & taken, panel["title"]
            taken |= cells


def test_models_are_listed_by_the_metrics() -> None:
    for file in FILES:
        variables = {each["name"]: each for each in board(file)["templating"]["list"]}
        assert variables["datasource"]["query"] == "prometheus"
        used = set(re.findall(r"\$(model_name|model|namespace|node)\b", file.read_text()))
        assert used == variables.keys() - {"datasource"}
        if file.stem in ("plumbline-overview", "plumbline-quality"):
            assert variables["model"]["query"] == "label_values(plumbline_gateway_model_ready, model)"


def test_every_metric_of_the_gateway_that_is_not_only_a_detail_is_shown_or_judged() -> None:
    """A metric that nobody looks at needs a reason."""
    documented = set(re.findall(r"^\| `(plumbline_\w+)`", (HOME.parents[1] / "docs" / "metrics.md").read_text(), re.M))
    used = "".join(file.read_text() for file in [*FILES, *HOME.glob("rules/*.yaml")])

    assert {name for name in documented if name not in used} == {
        "plumbline_gateway_log_lines_left_out_total",  # the log itself says it, and the requests' codes are shown
        "plumbline_live_window_seconds",  # a setting
        # Pairs mean something by their test alone, which `plumbline live` and the canary do.
        "plumbline_live_paired_answers",
        "plumbline_live_shadow_better",
        "plumbline_live_shadow_worse",
        "plumbline_gateway_metric_files",  # what a scrape costs is shown as its time
        "plumbline_gateway_version_engine",  # GET /models says it too, and it changes with a version only
        "plumbline_gateway_drift_window_ratio",  # the monitoring page draws it, beside the reference
        "plumbline_gateway_request_instances",  # docs/runbooks.md sends one there; the calls' instances are shown
    }

"""Every query of dashboards and rules, asked of the real Prometheus that watches the real system under load."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.monitoring.conftest import Watched
from tests.monitoring.dashboards import ALL_PANELS, FILES, Panel, filled, named, panels
from tests.monitoring.picture import draw
from tests.monitoring.prometheus import RULES, needs_prometheus

pytestmark = needs_prometheus

ALL_RULES = [rule for file in RULES for group in yaml.safe_load(file.read_text())["groups"] for rule in group["rules"]]
EXPORTED = r"plumbline_|model:|certmanager_|kube_|node_|up\b|:tensorflow|DCGM_"
SELECTOR = re.compile(rf"(?<![\w:])((?:{EXPORTED})[\w:]*(?:\{{[^}}]*\}})?)")


def name_of(rule: dict[str, Any]) -> str:
    return rule.get("record") or rule["alert"]


@pytest.mark.parametrize("panel", ALL_PANELS, ids=str)
def test_each_query_of_a_panel_shows_something(watched: Watched, panel: Panel) -> None:
    for expr, legend in panel.queries:
        models = watched.models if 'model="$model"' in expr else (".*",)
        shown = [seen(watched, filled(expr, model, "8s")) for model in models]
        assert any(shown), expr
        for names in ([named(legend, series.labels) for series in found] for found in shown):
            assert len(names) == len(set(names)), (expr, names)  # the legend tells its series apart


def test_a_misspelt_label_or_metric_would_show_nothing(watched: Watched) -> None:
    assert seen(watched, 'plumbline_gateway_requests_total{model="sentiment"}')
    assert not seen(watched, 'plumbline_gateway_requests_total{modell="sentiment"}')
    assert not seen(watched, "plumbline_gateway_request_total")


def seen(watched: Watched, expr: str) -> list[Any]:
    return watched.prometheus.over(expr, watched.start, watched.end, 1)


@pytest.mark.parametrize("rule", [rule for rule in ALL_RULES if "record" in rule], ids=name_of)
def test_each_recording_rule_records_something(watched: Watched, rule: dict[str, Any]) -> None:
    assert seen(watched, rule["expr"])
    assert seen(watched, rule["record"])


@pytest.mark.parametrize("rule", [rule for rule in ALL_RULES if "alert" in rule], ids=name_of)
def test_each_alert_is_about_series_that_exist(watched: Watched, rule: dict[str, Any]) -> None:
    """Its whole expression is empty while all is well; rules_test.yaml has it fire."""
    selectors = SELECTOR.findall(rule["expr"])

    assert selectors
    watched.prometheus.now(rule["expr"])
    assert [selector for selector in selectors if not seen(watched, selector)] == []


def test_prometheus_finds_nothing_wrong_with_the_rules(watched: Watched) -> None:
    groups = watched.prometheus.ask("rules")["groups"]

    assert len([rule for group in groups for rule in group["rules"]]) == len(ALL_RULES)
    assert {(rule["health"], rule.get("lastError")) for group in groups for rule in group["rules"]} == {("ok", None)}


def test_every_target_is_scraped(watched: Watched) -> None:
    jobs = {series["metric"]["job"] for series in watched.prometheus.now("max_over_time(up[10m]) == 1")}

    assert jobs == {"cert-manager", "gateway", "model-server", "job-metrics", "live", "dcgm", "kube-state-metrics"}


def test_what_happened_shows(watched: Watched) -> None:
    """Failures, refusals, a lost worker, versions that failed their check or their load, and a failed training."""
    for expr in (
        'sum(increase(plumbline_gateway_requests_total{code=~"5.."}[10m])) > 0',
        "sum(plumbline_gateway_shed_requests_total) > 0",
        "sum(plumbline_gateway_worker_starts_total) > 2",
        'plumbline_gateway_parity_failures_total{model="sentiment"} > 0',
        'plumbline_gateway_desired_version{model="sentiment"} != plumbline_gateway_live_version{model="sentiment"}',
        'ALERTS{alertname="PlumblineParityFailure"}',
        'ALERTS{alertname="PlumblineVersionNotLive", model="sentiment"}',
        'ALERTS{alertname="PlumblineTrainingFailed", model="topic"}',
        'ALERTS{alertname="PlumblineLoadFailed", model="house_price"}',
        'plumbline_gateway_version_state{model="house_price", version="3", state="failed"}',
        'plumbline_gateway_version_state{model="house_price", version="2", state="available"}',
    ):
        assert seen(watched, expr), expr


def test_the_overview_can_be_drawn(watched: Watched, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    (file,) = [file for file in FILES if file.stem == "plumbline-overview"]
    picture = Path(request.config.getoption("--overview") or tmp_path / "overview.png")
    interval = max(8, round((watched.end - watched.start) / 30))

    span = (watched.start, watched.end)
    draw(list(panels(file)), lambda expr: seen(watched, filled(expr, ".*", f"{interval}s")), span, picture)
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert picture.stat().st_size > 50_000

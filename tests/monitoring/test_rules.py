"""Rules by promtool, and what stands beside them: for each alert a runbook, a case of firing and one of quiet."""

import re
import subprocess
from collections import defaultdict
from typing import Any

import click
import pytest
import yaml

from serving.commands.main import main
from tests.monitoring.prometheus import ROOT, RULES, needs_prometheus

RUNBOOKS = (ROOT / "docs" / "runbooks.md").read_text()
CASES = sorted((ROOT / "tests" / "monitoring").glob("rules*_test.yaml"))
ALERTS = {
    rule["alert"]: rule
    for file in RULES
    for group in yaml.safe_load(file.read_text())["groups"]
    for rule in group["rules"]
    if "alert" in rule
}


@needs_prometheus
def test_promtool_finds_the_rules_correct() -> None:
    done = subprocess.run(["promtool", "check", "rules", "--lint-fatal", *RULES], capture_output=True, text=True)

    assert done.returncode == 0, done.stdout + done.stderr


@needs_prometheus
@pytest.mark.parametrize("file", CASES, ids=lambda file: file.stem)
def test_alerts_fire_when_they_should_and_only_then(file) -> None:
    done = subprocess.run(["promtool", "test", "rules", file], capture_output=True, text=True)

    assert done.returncode == 0, done.stdout + done.stderr


def expectations() -> dict[str, list[list[str]]]:
    """Alert -> of each case the labels that are expected."""
    found = defaultdict(list)
    for file in CASES:
        for case in yaml.safe_load(file.read_text())["tests"]:
            for asked in case["promql_expr_test"]:
                name = re.fullmatch(r'ALERTS\{alertname="(\w+)", alertstate="firing"\}', asked["expr"])
                found[name[1]].append([sample["labels"] for sample in asked.get("exp_samples", [])])
    return found


def test_each_alert_has_a_case_in_which_it_fires_and_one_in_which_it_is_quiet() -> None:
    cases = expectations()

    assert cases.keys() == ALERTS.keys()
    assert [name for name, expected in cases.items() if not any(expected) or all(expected)] == []


@pytest.mark.parametrize("rule", ALERTS.values(), ids=ALERTS)
def test_an_alert_says_how_bad_it_is_what_it_is_and_where_to_read_on(rule: dict[str, Any]) -> None:
    assert rule["alert"].startswith("Plumbline")
    assert rule["labels"]["severity"] in ("critical", "warning")
    notes = rule["annotations"]
    assert notes.keys() == {"summary", "description", "runbook_url"}
    assert notes["runbook_url"] == f"docs/runbooks.md#{rule['alert'].lower()}"
    used = set(re.findall(r"\$labels\.(\w+)", notes["summary"] + notes["description"]))
    (fires, *_) = [labels for labels in expectations()[rule["alert"]] if labels]
    assert used <= set(re.findall(r"(\w+)=", fires[0]))


def test_each_alert_has_a_runbook_and_no_runbook_is_left_over() -> None:
    sections = re.split(r"^## (\w+)\n", RUNBOOKS, flags=re.M)[1:]
    bodies = dict(zip(sections[::2], sections[1::2], strict=True))

    assert bodies.keys() == ALERTS.keys()
    for name, body in bodies.items():
        assert "**Meaning.**" in body, name
        assert "**Look" in body or "As for" in body, name
        assert re.search(r"\b[Dd]o\.\*\*", body), name


def test_commands_of_the_runbooks_exist(tmp_path) -> None:
    commands = set(re.findall(r"`(plumbline [^`]+)`", RUNBOOKS))

    assert len(commands) >= 5
    for command in commands:
        _, name, *arguments = command.replace("MODEL", "sentiment").replace("FILE", __file__).split()
        shown = main.get_command(click.Context(main), name)
        if isinstance(shown, click.Group):
            name, *arguments = arguments
            shown = shown.get_command(click.Context(shown), name)
        assert shown is not None, command
        if any(option.name == "models_dir" for option in shown.params):
            arguments += ["--models-dir", str(tmp_path)]
        shown.make_context(name, arguments)


def test_the_operators_rules_are_the_same() -> None:
    operator = yaml.safe_load((ROOT / "k8s" / "monitoring" / "prometheus-rule.yaml").read_text())
    plain = [group for file in RULES for group in yaml.safe_load(file.read_text())["groups"]]

    assert operator["kind"] == "PrometheusRule"
    assert operator["spec"] == {"groups": plain}

"""The dashboards as Grafana would read them."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dashboards.__main__ import HOME

FILES = sorted((HOME / "dashboards").glob("*.json"))


@dataclass(frozen=True)
class Panel:
    """A panel that shows something; `json` is Grafana's whole description of it."""

    board: str
    row: str
    json: dict[str, Any]

    def __str__(self) -> str:
        return f"{self.board}: {self.row}: {self.json['title']}"

    @property
    def defaults(self) -> dict[str, Any]:
        return self.json["fieldConfig"]["defaults"]

    @property
    def queries(self) -> list[tuple[str, str]]:
        """PromQL and legend."""
        return [(target["expr"], target["legendFormat"]) for target in self.json["targets"]]


def board(file: Path) -> dict[str, Any]:
    return json.loads(file.read_text())


def panels(file: Path) -> Iterator[Panel]:
    row = ""
    for panel in board(file)["panels"]:
        if panel["type"] == "row":
            row = panel["title"]
        else:
            yield Panel(file.stem, row, panel)


ALL_PANELS = [panel for file in FILES for panel in panels(file)]


def filled(expr: str, model: str, interval: str) -> str:
    """Put in what Grafana would for its variables."""
    for name, value in (
        ("$__rate_interval", interval),
        ("$model_name", ".*"),
        ("$model", model),
        ("$node", ".*"),
        ("$namespace", ".*"),
    ):
        expr = expr.replace(name, value)
    return expr


def named(legend: str, labels: Mapping[str, str]) -> str:
    """Write a legend for a series."""
    for label, value in labels.items():
        legend = legend.replace(f"{{{{{label}}}}}", value)
    return legend

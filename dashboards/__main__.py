"""`python -m dashboards`, or `make dashboards`: write what k8s/monitoring has for Grafana and the operator."""

import json
from pathlib import Path
from textwrap import indent

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from dashboards import gpu, jobs, model_server, overview, quality

HOME = Path(__file__).parents[1] / "k8s" / "monitoring"

_RULE_HEAD = """\
# Made of rules/*.yaml by `make dashboards`.
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: plumbline
spec:
  groups:
"""


def generated() -> dict[Path, str]:
    """Return each generated file's text."""
    boards = (overview.BOARD, quality.BOARD, model_server.BOARD, jobs.BOARD, gpu.BOARD)
    built = [board.build() for board in boards]
    files = {HOME / "dashboards" / f"{board.uid}.json": json.dumps(board, cls=JSONEncoder, indent=2) for board in built}
    rules = (file.read_text("utf-8").partition("groups:\n")[2] for file in sorted(HOME.glob("rules/*.yaml")))
    files[HOME / "prometheus-rule.yaml"] = _RULE_HEAD + "".join(indent(groups, "  ") for groups in rules)
    return {path: text.rstrip() + "\n" for path, text in files.items()}


if __name__ == "__main__":
    for path, text in generated().items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "utf-8")

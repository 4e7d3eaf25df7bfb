"""checkov finds nothing but what k8s/checkov.yaml skips, with its reasons."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.k8s.manifests import K8S

CHECKOV = K8S.parent / ".venv-manifests" / "bin" / "checkov"


@pytest.mark.skipif(
    not CHECKOV.exists(), reason="checkov has an environment of its own: make .venv-manifests/installed"
)
def test_checkov_finds_nothing(rendered: Path) -> None:
    command = [CHECKOV, "--config-file", K8S / "checkov.yaml", "--file", rendered, "--output", "json"]
    done = subprocess.run(command, capture_output=True, text=True)
    report = json.loads(done.stdout)
    failed = [(check["check_id"], check["resource"]) for check in report.get("results", {}).get("failed_checks", [])]

    assert failed == []
    assert done.returncode == 0, done.stderr
    assert report["summary"]["passed"] > 300 if "summary" in report else report["passed"] > 300
    assert report.get("summary", report)["parsing_errors"] == 0

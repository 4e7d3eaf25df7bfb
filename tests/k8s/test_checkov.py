"""checkov finds nothing but what k8s/checkov.yaml skips, with its reasons."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.k8s.manifests import K8S, VARIANTS, render

CHECKOV = K8S.parent / ".venv-manifests" / "bin" / "checkov"


@pytest.mark.skipif(
    not CHECKOV.exists(), reason="checkov has an environment of its own: make .venv-manifests/installed"
)
def test_checkov_finds_nothing(tmp_path: Path) -> None:
    for variant in VARIANTS:
        (tmp_path / f"{variant}.yaml").write_text(render(variant))
    command = [CHECKOV, "--config-file", K8S / "checkov.yaml", "--directory", tmp_path, "--output", "json"]
    done = subprocess.run(command, capture_output=True, text=True)
    report = json.loads(done.stdout)
    failed = [(check["check_id"], check["resource"]) for check in report.get("results", {}).get("failed_checks", [])]

    assert failed == []
    assert done.returncode == 0, done.stderr
    summary = report.get("summary", report)
    assert summary["passed"] > 300 * len(VARIANTS)
    assert summary["parsing_errors"] == 0

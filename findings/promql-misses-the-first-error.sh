#!/usr/bin/env bash
# Guess: An alert on increase(errors_total[5m]) > 0 fires at the first error, and 1 - errors / requests is 1
# without any.
# Instead: A counter with labels isn't there before it is first counted, and then it is born with 1: nothing has
# increased. So the first error of each kind in each process is never seen, and until then the share has no value
# at all, not 1.
# Do: Make the series at the start by labels(...), which exposes 0, and write `or vector(0)` behind what may not
# be there.
# Versions: prometheus-client 0.26.0 promtool 2.42.0 (of Debian 12, on which this runs)
# Output seen:
#   prometheus-client 0.26.0 promtool 2.42.0+ds
#   (alert after the first error, share before it): {'as it is': [0.0, None], 'made at the start': [1.0, 1.0]}
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet uv
"$folder/venv/bin/uv" pip install --quiet --python "$folder/venv/bin/python" prometheus-client==0.26.0 pyyaml==6.0.3
cd "$folder"
apt-get download -qq prometheus=2.42.0+ds-5+deb12u1
dpkg-deb --extract prometheus_*.deb prometheus

venv/bin/python - <<'PYTHON'
import pathlib
import re
import subprocess
from importlib.metadata import version

import yaml
from prometheus_client import CollectorRegistry, Counter, generate_latest

promtool = "prometheus/usr/bin/promtool"
told = subprocess.run([promtool, "--version"], capture_output=True, text=True, check=True).stdout
print("prometheus-client", version("prometheus-client"), "promtool", told.split()[2])


def scraped(prepare):
    """Scrape before and after an error; `_` is what Prometheus' tests write for no value."""
    registry = CollectorRegistry()
    errors = Counter("errors", "Errors.", ["code"], registry=registry)
    if prepare:
        errors.labels("500")
    values = []
    for _ in range(2):
        found = re.search(r'errors_total{code="500"} (\d)', generate_latest(registry).decode())
        values.append(found[1] if found else "_")
        errors.labels("500").inc()
    return values


def evaluated(before, after, query, minute):
    """Return what a query gives after four minutes without an error, at the end of which there is one."""
    series = [
        {"series": 'errors_total{code="500"}', "values": f"{before}x3 {after}x20"},
        {"series": "requests_total", "values": "0+10x24"},
    ]
    expected = {"expr": query, "eval_time": f"{minute}m", "exp_samples": [{"labels": "{}", "value": -1}]}
    test = {"interval": "1m", "input_series": series, "promql_expr_test": [expected]}
    pathlib.Path("rules.yaml").write_text("groups: []")
    pathlib.Path("test.yaml").write_text(yaml.safe_dump({"rule_files": ["rules.yaml"], "tests": [test]}))
    done = subprocess.run([promtool, "test", "rules", "test.yaml"], capture_output=True, text=True)
    (got,) = re.findall(r"got: *(.*)", done.stdout + done.stderr)
    return None if got == "nil" else float(got.split()[-1])


first = "sum(increase(errors_total[5m])) > bool 0"
share = "1 - sum(rate(errors_total[3m])) / sum(rate(requests_total[3m]))"
seen = {}
for name, prepare in (("as it is", False), ("made at the start", True)):
    before, after = scraped(prepare)
    before = "_" if before == "_" else "0 0"
    seen[name] = [evaluated(before, after, first, 6), evaluated(before, after, share, 3)]
print("(alert after the first error, share before it):", seen)
assert seen == {"as it is": [0.0, None], "made at the start": [1.0, 1.0]}
PYTHON

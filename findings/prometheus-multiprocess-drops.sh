#!/usr/bin/env bash
# Guess: In multi-process mode, what can't be merged is refused.
# Instead: An exemplar is accepted and never exposed; a gauge with set_function() is exposed as 0.
# Do: Rely on neither there: call set() on the gauge, and put trace ids in the log instead.
# Versions: prometheus-client 0.26.0
# Output seen:
#   prometheus-client 0.26.0
#   ['calls_total 1.0', 'queue 0.0']
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet uv
"$folder/venv/bin/uv" pip install --quiet --python "$folder/venv/bin/python" prometheus-client==0.26.0
cd "$folder"

venv/bin/python - <<'PYTHON'
import os

os.environ["PROMETHEUS_MULTIPROC_DIR"] = os.getcwd()
from importlib.metadata import version

from prometheus_client import CollectorRegistry, Counter, Gauge, multiprocess
from prometheus_client.openmetrics.exposition import generate_latest

print("prometheus-client", version("prometheus-client"))
Counter("calls", "Calls.").inc(1, {"trace_id": "abc"})
Gauge("queue", "Waiting.", multiprocess_mode="sum").set_function(lambda: 5)
registry = CollectorRegistry()
multiprocess.MultiProcessCollector(registry)
lines = generate_latest(registry).decode().splitlines()
shown = [line for line in lines if line.startswith(("calls_total", "queue"))]
print(sorted(shown))
assert sorted(shown) == ["calls_total 1.0", "queue 0.0"]
PYTHON

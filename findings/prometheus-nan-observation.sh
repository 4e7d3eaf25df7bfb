#!/usr/bin/env bash
# Guess: A NaN that a histogram observes falls in the +Inf bucket (and is counted), or is refused.
# Instead: It is counted nowhere, yet makes the sum NaN until the process ends.
# Do: Check math.isfinite() before observe(): one NaN ruins every later average of the series.
# Versions: prometheus-client 0.26.0
# Output seen:
#   prometheus-client 0.26.0
#   ['loss_bucket{le="+Inf"} 2.0', 'loss_count 2.0', 'loss_sum NaN']
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet uv
"$folder/venv/bin/uv" pip install --quiet --python "$folder/venv/bin/python" prometheus-client==0.26.0
cd "$folder"

venv/bin/python - <<'PYTHON'
from importlib.metadata import version

from prometheus_client import CollectorRegistry, Histogram, generate_latest

print("prometheus-client", version("prometheus-client"))
registry = CollectorRegistry()
loss = Histogram("loss", "Loss.", buckets=[1], registry=registry)
for value in (0.5, float("nan"), 0.25):
    loss.observe(value)
lines = generate_latest(registry).decode().splitlines()
shown = [line for line in lines if line.startswith(("loss_count", "loss_sum", 'loss_bucket{le="+Inf"}'))]
print(shown)
assert shown == ['loss_bucket{le="+Inf"} 2.0', "loss_count 2.0", "loss_sum NaN"]
PYTHON

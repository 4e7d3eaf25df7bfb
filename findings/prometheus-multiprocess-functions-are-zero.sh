#!/usr/bin/env bash
# Guess: Gauge.set_function(queue.qsize) shows the queue's size in multiprocess mode (gunicorn with workers) as in a
# single process, or says that it can't.
# Instead: The function is never called there. The gauge is exported all the same, as 0 for ever: an alert on a queue
# that grows never fires. The registry of the process itself, which tests read, has the right value.
# Do: Set the gauge when the value changes, or from a thread every second.
# Versions: prometheus-client 0.26.0
# Output seen:
#   prometheus-client 0.26.0
#   the process itself: waiting 7.0; what is scraped: waiting 0.0
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

import warnings
from importlib.metadata import version

from prometheus_client import CollectorRegistry, Gauge, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

print("prometheus-client", version("prometheus-client"))
warnings.simplefilter("error")
own = CollectorRegistry()
Gauge("waiting", "How many wait.", registry=own, multiprocess_mode="livesum").set_function(lambda: 7)
scraped = CollectorRegistry()
MultiProcessCollector(scraped)


def value(registry):
    return next(line for line in generate_latest(registry).decode().splitlines() if line.startswith("waiting "))


print(f"the process itself: {value(own)}; what is scraped: {value(scraped)}")
assert (value(own), value(scraped)) == ("waiting 7.0", "waiting 0.0")
PYTHON

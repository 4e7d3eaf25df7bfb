#!/usr/bin/env bash
# Guess: @histogram.time() before an async function measures how long it takes, and count_exceptions() counts what
# it raises.
# Instead: The decorators of prometheus_client end when the coroutine is made, before it has begun: every call
# takes a microsecond, none is in progress, none fails. The dashboard shows a service that is quick and without
# errors. (So for generators.)
# Do: Use them as context managers within the function: with histogram.time().
# Versions: prometheus-client 0.26.0
# Output seen:
#   prometheus-client 0.26.0
#   (took 0.1 s at least, in progress, failed): {'decorated': (False, 0.0, 0.0), 'with': (True, 1.0, 1.0)}
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet uv
"$folder/venv/bin/uv" pip install --quiet --python "$folder/venv/bin/python" prometheus-client==0.26.0
cd "$folder"

venv/bin/python - <<'PYTHON'
import asyncio
from importlib.metadata import version

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

print("prometheus-client", version("prometheus-client"))
registry = CollectorRegistry()
took = Histogram("took_seconds", "Time.", registry=registry)
working = Gauge("working", "Now.", registry=registry)
failed = Counter("failed", "Errors.", registry=registry)
at_work = []


@took.time()
@working.track_inprogress()
@failed.count_exceptions()
async def decorated():
    at_work.append(registry.get_sample_value("working"))
    await asyncio.sleep(0.2)
    raise ValueError


async def within():
    with took.time(), working.track_inprogress(), failed.count_exceptions():
        at_work.append(registry.get_sample_value("working"))
        await asyncio.sleep(0.2)
        raise ValueError


def outcome(function):
    before = registry.get_sample_value("took_seconds_sum"), registry.get_sample_value("failed_total")
    try:
        asyncio.run(function())
    except ValueError:
        pass
    seconds = registry.get_sample_value("took_seconds_sum") - before[0]
    return seconds > 0.1, at_work.pop(), registry.get_sample_value("failed_total") - before[1]


seen = {"decorated": outcome(decorated), "with": outcome(within)}
print("(took 0.1 s at least, in progress, failed):", seen)
assert seen == {"decorated": (False, 0.0, 0.0), "with": (True, 1.0, 1.0)}
PYTHON

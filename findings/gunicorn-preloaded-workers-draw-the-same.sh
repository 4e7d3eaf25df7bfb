#!/usr/bin/env bash
# Guess: Each worker of gunicorn draws random numbers of its own, preloaded or not, as Python's random does after
# a fork.
# Instead: If what was preloaded has drawn from numpy.random once, all workers go on from the same state: each
# draws the same numbers in the same order. Samples of requests, or shares of an experiment, are far fewer
# independent ones than they seem.
# Do: Make a generator in each worker: numpy.random.default_rng() in post_fork or at the first request.
# Versions: gunicorn 27.0.1 numpy 2.4.6
# Output seen:
#   gunicorn 27.0.1 numpy 2.4.6
#   different first numbers of 3 workers: {'numpy.random': 1, 'default_rng': 3, 'random': 3}
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet uv
"$folder/venv/bin/uv" pip install --quiet --python "$folder/venv/bin/python" gunicorn==27.0.1 numpy==2.4.6
cd "$folder"

venv/bin/python - <<'PYTHON'
import http.client
import json
import pathlib
import re
import subprocess
import sys
import time
from importlib.metadata import version

print("gunicorn", version("gunicorn"), "numpy", version("numpy"))
pathlib.Path("served.py").write_text("""
import json
import os
import random

import numpy

numpy.random.random(), random.random()
draws = []


def app(environ, start_response):
    if not draws:
        draws.extend([numpy.random.random(), numpy.random.default_rng().random(), random.random()])
    body = json.dumps([os.getpid(), *draws]).encode()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]
""")
log = pathlib.Path("log")
options = ["--workers", "3", "--preload", "--bind", "127.0.0.1:0", "--no-control-socket"]
with log.open("w") as file:
    server = subprocess.Popen([sys.executable, "-m", "gunicorn", "served:app", *options], stderr=file)
try:
    for _ in range(300):
        if found := re.search(r"Listening at: http://127.0.0.1:(\d+)", log.read_text()):
            break
        time.sleep(0.1)
    by_worker = {}
    for _ in range(5000):
        connection = http.client.HTTPConnection("127.0.0.1", int(found[1]), timeout=60)
        connection.request("GET", "/")
        worker, *draws = json.loads(connection.getresponse().read())
        by_worker[worker] = draws
        connection.close()
        if len(by_worker) == 3:
            break
finally:
    server.terminate()
    server.wait()
different = [len(set(draws)) for draws in zip(*by_worker.values())]
seen = dict(zip(["numpy.random", "default_rng", "random"], different))
print(f"different first numbers of {len(by_worker)} workers:", seen)
assert len(by_worker) == 3 and seen == {"numpy.random": 1, "default_rng": 3, "random": 3}
PYTHON

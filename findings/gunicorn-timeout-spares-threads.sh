#!/usr/bin/env bash
# Guess: gunicorn's timeout ends a request that takes longer, by ending its worker.
# Instead: With threads the worker's main thread goes on saying that all is well: a request of 4 s is answered
# under a timeout of 1 s. A call that waits for ever keeps its thread for ever, until the worker has none
# left: it takes no requests, and is not replaced.
# Do: Give each call to another service a deadline of its own, as the project does. Don't count on timeout.
# Versions: gunicorn 27.0.1
# Output seen:
#   gunicorn 27.0.1
#   {'threads': 'answered', 'no threads': 'ended'}
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet uv
"$folder/venv/bin/uv" pip install --quiet --python "$folder/venv/bin/python" gunicorn==27.0.1
cd "$folder"

venv/bin/python - <<'PYTHON'
import http.client
import pathlib
import re
import subprocess
import sys
import time
from importlib.metadata import version

print("gunicorn", version("gunicorn"))
pathlib.Path("served.py").write_text("""
import time


def app(environ, start_response):
    time.sleep(4)
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]
""")


def outcome(*options):
    log = pathlib.Path("log")
    command = [sys.executable, "-m", "gunicorn", "served:app", "--bind", "127.0.0.1:0", "--timeout", "1"]
    with log.open("w") as file:
        server = subprocess.Popen([*command, "--no-control-socket", *options], stderr=file)
    try:
        for _ in range(300):
            if found := re.search(r"Listening at: http://127.0.0.1:(\d+)", log.read_text()):
                break
            time.sleep(0.1)
        connection = http.client.HTTPConnection("127.0.0.1", int(found[1]), timeout=60)
        connection.request("GET", "/")
        return "answered" if connection.getresponse().status == 200 else "ended"
    except ConnectionError:
        return "ended"
    finally:
        server.terminate()
        server.wait()


seen = {"threads": outcome("--threads", "2"), "no threads": outcome()}
print(seen)
assert seen == {"threads": "answered", "no threads": "ended"}
PYTHON

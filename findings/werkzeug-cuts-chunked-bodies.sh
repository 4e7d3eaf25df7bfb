#!/usr/bin/env bash
# Guess: A body over MAX_CONTENT_LENGTH gets 413, however it is sent.
# Instead: Only where its length was told. One sent in chunks is cut at the limit and handed over as if it
# were whole, with 200: JSON, CSV and lines of text can be cut into something that reads well and is wrong.
# Do: Where content_length is None, read one byte more after the body: that raises. The project does so.
# Versions: werkzeug 3.1.9 flask 3.1.3 gunicorn 27.0.1
# Output seen:
#   werkzeug 3.1.9 flask 3.1.3 gunicorn 27.0.1
#   12345678901234, at most 10 bytes: {'whole': (413,), 'chunks': (200, 1234567890), 'chunks, one more read': (413,)}
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet uv
"$folder/venv/bin/uv" pip install --quiet --python "$folder/venv/bin/python" \
    werkzeug==3.1.9 flask==3.1.3 gunicorn==27.0.1
cd "$folder"

venv/bin/python - <<'PYTHON'
import http.client
import os
import pathlib
import re
import subprocess
import sys
import time
from importlib.metadata import version

print(*(f"{name} {version(name)}" for name in ("werkzeug", "flask", "gunicorn")))
pathlib.Path("served.py").write_text("""
import flask

app = flask.Flask(__name__)
app.config["MAX_CONTENT_LENGTH"] = 10


@app.post("/<int:more>")
def tell(more):
    value = flask.request.get_json(force=True)
    if more:
        flask.request.stream.read(1)
    return str(value)
""")
log = pathlib.Path("log")
command = [sys.executable, "-m", "gunicorn", "served:app", "--bind", "127.0.0.1:0", "--threads", "2"]
with log.open("w") as file:
    server = subprocess.Popen([*command, "--no-control-socket"], stderr=file)
try:
    for _ in range(300):
        if found := re.search(r"Listening at: http://127.0.0.1:(\d+)", log.read_text()):
            break
        time.sleep(0.1)
    port = int(found[1])

    def outcome(body, path):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        connection.request("POST", path, body)
        answer = connection.getresponse()
        content = answer.read()
        return (200, int(content)) if answer.status == 200 else (answer.status,)

    number = b"12345678901234"
    seen = {
        "whole": outcome(number, "/0"),
        "chunks": outcome(iter([number]), "/0"),
        "chunks, one more read": outcome(iter([number]), "/1"),
    }
finally:
    server.terminate()
    server.wait()
print("12345678901234, at most 10 bytes:", seen)
assert seen == {"whole": (413,), "chunks": (200, 1234567890), "chunks, one more read": (413,)}
PYTHON

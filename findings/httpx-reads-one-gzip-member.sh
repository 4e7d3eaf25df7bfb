#!/usr/bin/env bash
# Guess: A body with Content-Encoding: gzip is decoded to its end, as requests, gzip and zcat do.
# Instead: gzip may hold several members one after another: appending to a .gz file writes them, and so does bgzip.
# httpx decodes the first and drops the rest without an error. A log or JSON lines are cut where one writer stopped, at
# the end of a line, so that what is left reads well; status and Content-Length are those of the whole.
# Do: Where bodies may be appended files, read iter_raw() and give it to gzip.
# Versions: httpx 0.28.1 requests 2.34.2
# Output seen:
#   httpx 0.28.1 requests 2.34.2
#   requests, httpx, httpx's raw bytes decoded by gzip: [['one', 'two', 'three'], ['one'], ['one', 'two', 'three']]
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet uv
"$folder/venv/bin/uv" pip install --quiet --python "$folder/venv/bin/python" httpx==0.28.1 requests==2.34.2
cd "$folder"

venv/bin/python - <<'PYTHON'
import gzip
import http.server
import pathlib
import threading

import httpx
import requests

print("httpx", httpx.__version__, "requests", requests.__version__)
for line in ("one", "two", "three"):
    with gzip.open("rows.gz", "at") as file:
        print(line, file=file)


class Files(http.server.SimpleHTTPRequestHandler):
    def end_headers(self):
        self.send_header("Content-Encoding", "gzip")
        super().end_headers()

    def log_message(self, *args):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Files)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{server.server_port}/rows.gz"
answer = httpx.get(url, trust_env=False).raise_for_status()
with requests.Session() as session:
    session.trust_env = False
    by_requests = session.get(url).text
with httpx.stream("GET", url, trust_env=False) as streamed:
    raw = b"".join(streamed.iter_raw())
server.shutdown()
seen = [by_requests.split(), answer.text.split(), gzip.decompress(raw).decode().split()]
print("requests, httpx, httpx's raw bytes decoded by gzip:", seen)
assert int(answer.headers["Content-Length"]) == pathlib.Path("rows.gz").stat().st_size == len(raw)
assert seen == [["one", "two", "three"], ["one"], ["one", "two", "three"]]
PYTHON

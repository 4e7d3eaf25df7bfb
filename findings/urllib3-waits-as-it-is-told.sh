#!/usr/bin/env bash
# Guess: Retry(backoff_max=...) bounds the pause between attempts, and a time-out bounds the rest.
# Instead: A Retry-After header counts for itself: the pause is as long as the server says, past both
# (up to six hours). A client with a time-out of 0.5 s waits 3 s here.
# Do: Pass respect_retry_after_header=False, or a small retry_after_max.
# Versions: urllib3 2.8.0
# Output seen:
#   urllib3 2.8.0
#   status 200 after 3 s; without the header 0 s; retry_after_max 21600
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet uv
"$folder/venv/bin/uv" pip install --quiet --python "$folder/venv/bin/python" urllib3==2.8.0
cd "$folder"

venv/bin/python - <<'PYTHON'
import http.server
import threading
import time

import urllib3

print("urllib3", urllib3.__version__)


class Busy(http.server.BaseHTTPRequestHandler):
    seen = 0

    def do_GET(self):
        Busy.seen += 1
        self.send_response(503 if Busy.seen == 1 else 200)
        if Busy.seen == 1:
            self.send_header("Retry-After", "3")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Busy)
threading.Thread(target=server.serve_forever, daemon=True).start()


def seconds(**settings):
    Busy.seen = 0
    retry = urllib3.Retry(3, status_forcelist=[503], backoff_factor=0.1, backoff_max=0.2, **settings)
    begun = time.monotonic()
    with urllib3.PoolManager() as pool:
        status = pool.request("GET", f"http://127.0.0.1:{server.server_port}/", retries=retry, timeout=0.5).status
    return status, int(time.monotonic() - begun)


told, untold = seconds(), seconds(respect_retry_after_header=False)
server.shutdown()
most = urllib3.Retry().retry_after_max
print(f"status {told[0]} after {told[1]} s; without the header {untold[1]} s; retry_after_max {most}")
assert told == (200, 3) and untold == (200, 0) and most == 21600
PYTHON

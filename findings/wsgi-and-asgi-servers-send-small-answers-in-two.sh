#!/usr/bin/env bash
# Guess: A server for Python sends an answer of a few bytes in one segment, head and body together.
# Instead: gunicorn, waitress, uvicorn and Hypercorn all send two: the head by itself, then the body. Each wakes the
# client, and takes a call to the system, in which a thread gives up its right to run Python.
# Do: Nothing, as long as a model takes milliseconds. Where an answer takes less than one, write both at once, as the
# project does: at 32 callers that gave 1.1 times the answers.
# Versions: gunicorn 27.0.1, waitress 3.0.2, uvicorn 0.54.0 with h11 0.16.0, hypercorn 0.18.0; Linux counts the segments
# Output seen:
#   {'gunicorn': 2, 'waitress': 2, 'uvicorn': 2, 'hypercorn': 2}
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet uv
"$folder/venv/bin/uv" pip install --quiet --python "$folder/venv/bin/python" \
    gunicorn==27.0.1 waitress==3.0.2 uvicorn==0.54.0 h11==0.16.0 hypercorn==0.18.0
cd "$folder"

venv/bin/python - <<'PYTHON'
import pathlib
import socket
import struct
import subprocess
import time

pathlib.Path("served.py").write_text("""
def wsgi(environ, start_response):
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]


async def asgi(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})
""")
COMMANDS = {
    "gunicorn": "gunicorn served:wsgi --threads 2 --no-control-socket --bind 127.0.0.1:{port}",
    "waitress": "waitress-serve --listen=127.0.0.1:{port} served:wsgi",
    "uvicorn": "uvicorn served:asgi --lifespan off --http h11 --port {port}",
    "hypercorn": "hypercorn served:asgi --bind 127.0.0.1:{port}",
}
DATA_SEGMENTS_IN = 152  # where it is in struct tcp_info


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def connected(port):
    for _ in range(300):
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=10)
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("the server did not start")


def segments(connection):
    information = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
    return struct.unpack_from("I", information, DATA_SEGMENTS_IN)[0]


def of_an_answer(command):
    port = free_port()
    program, *arguments = command.format(port=port).split()
    server = subprocess.Popen([f"venv/bin/{program}", *arguments], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    try:
        with connected(port) as connection:
            for _ in range(2):  # the second answer is that of a server that is warm
                before, answer = segments(connection), b""
                connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
                while not answer.endswith(b"\r\n\r\nok"):
                    answer += connection.recv(4096)
            return segments(connection) - before
    finally:
        server.terminate()
        server.wait()


seen = {name: of_an_answer(command) for name, command in COMMANDS.items()}
print(seen)
assert set(seen.values()) == {2}
PYTHON

#!/usr/bin/env bash
# Guess: httpx is called as requests is: params= adds to what the URL asks for already, and None leaves a
# parameter out.
# Instead: params= replaces the whole query of the URL, a token or a version in it too, and None is sent as an
# empty value. After the change from requests the server gets another question, and often has an answer for it.
# Form data treat None in the same way.
# Do: Use httpx.URL(url).copy_merge_params(params), and drop what is None before.
# Versions: httpx 0.28.1 requests 2.34.2
# Output seen:
#   httpx 0.28.1 requests 2.34.2
#   requests: version=2&label=new
#   httpx: label=new&limit=
#   httpx, merged: version=2&label=new
#   requests, form: label=new
#   httpx, form: label=new&limit=
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet uv
"$folder/venv/bin/uv" pip install --quiet --python "$folder/venv/bin/python" httpx==0.28.1 requests==2.34.2
cd "$folder"

venv/bin/python - <<'PYTHON'
import httpx
import requests

print("httpx", httpx.__version__, "requests", requests.__version__)
url, params = "http://shop.example/prices?version=2", {"label": "new", "limit": None}
merged = httpx.URL(url).copy_merge_params({"label": "new"})
seen = {
    "requests": requests.Request("GET", url, params=params).prepare().url.partition("?")[2],
    "httpx": httpx.Request("GET", url, params=params).url.query.decode(),
    "httpx, merged": merged.query.decode(),
    "requests, form": requests.Request("POST", url, data=params).prepare().body,
    "httpx, form": httpx.Request("POST", url, data=params).read().decode(),
}
for name, sent in seen.items():
    print(f"{name}: {sent}")
assert list(seen.values()) == [
    "version=2&label=new",
    "label=new&limit=",
    "version=2&label=new",
    "label=new",
    "label=new&limit=",
]
PYTHON

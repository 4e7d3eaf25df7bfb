#!/usr/bin/env bash
# Guess: exists() and glob() ask the store, or at least a new S3FileSystem does.
# Instead: What was listed once is remembered until the process ends, by all of it: a second S3FileSystem with
# the same arguments is the first. A watcher never sees new files, and one that was deleted still exists.
# Do: Call invalidate_cache() before each look, as the project does before it writes.
# Versions: s3fs 2026.9.0 moto 5.2.5
# Output seen:
#   s3fs 2026.9.0
#   the same object: True; glob: ['bucket/in/a.csv']; exists: a True, b False
#   after invalidate_cache(): ['bucket/in/b.csv']
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet uv
"$folder/venv/bin/uv" pip install --quiet --python "$folder/venv/bin/python" 'moto[server]==5.2.5' s3fs==2026.9.0
cd "$folder"

venv/bin/python - <<'PYTHON'
import os

os.environ |= {"AWS_ACCESS_KEY_ID": "none", "AWS_SECRET_ACCESS_KEY": "none", "AWS_DEFAULT_REGION": "us-east-1"}
import boto3
import s3fs
from moto.server import ThreadedMotoServer

print("s3fs", s3fs.__version__)
server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
server.start()
address = "http://{}:{}".format(*server.get_host_and_port())
client = boto3.client("s3", endpoint_url=address)
client.create_bucket(Bucket="bucket")
store = s3fs.S3FileSystem(endpoint_url=address)

client.put_object(Bucket="bucket", Key="in/a.csv", Body=b"1")
store.glob("bucket/in/*.csv")
client.put_object(Bucket="bucket", Key="in/b.csv", Body=b"2")
client.delete_object(Bucket="bucket", Key="in/a.csv")
second = s3fs.S3FileSystem(endpoint_url=address)
found = second.glob("bucket/in/*.csv")
there = second.exists("bucket/in/a.csv"), second.exists("bucket/in/b.csv")
print(f"the same object: {second is store}; glob: {found}; exists: a {there[0]}, b {there[1]}")
store.invalidate_cache()
fresh = second.glob("bucket/in/*.csv")
server.stop()
print("after invalidate_cache():", fresh)
assert second is store and found == ["bucket/in/a.csv"] and there == (True, False)
assert fresh == ["bucket/in/b.csv"]
PYTHON

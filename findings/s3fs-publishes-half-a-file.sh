#!/usr/bin/env bash
# Guess: An object appears when its upload ends; if the program fails while it writes, there is none.
# Instead: The end of the with block finishes the upload, also where an error ends it: what was written so far
# is there under the right name, and the next job takes it for all.
# Do: Write on this machine and upload the whole file, as the project does.
# Versions: s3fs 2026.9.0 moto 5.2.5
# Output seen:
#   s3fs 2026.9.0
#   after the error: b'id,score\n1,0.5\n'
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

try:
    with store.open("bucket/scores.csv", "wb") as file:
        file.write(b"id,score\n1,0.5\n")
        raise ValueError("the second row can't be scored")
except ValueError:
    pass
content = client.get_object(Bucket="bucket", Key="scores.csv")["Body"].read()
server.stop()
print("after the error:", content)
assert content == b"id,score\n1,0.5\n"
PYTHON

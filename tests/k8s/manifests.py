"""Overlays rendered by the real kubectl, and the questions that the tests ask of them."""

import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

K8S = Path(__file__).parents[2] / "k8s"
KUBECTL = Path(sys.executable).parent / "kubectl"

OVERLAYS = ("local", "gpu")
OPTIONAL = ("api-keys", "kueue", "model-server-tls", "multi-worker", "object-store", "prune")
"""Components that no overlay has; the variant `everything` is the overlay gpu with them added to its list."""

VARIANTS = (*OVERLAYS, "everything")


@dataclass(frozen=True)
class Pod:
    """A pod template, with the kind and name of what makes pods of it."""

    kind: str
    name: str
    labels: dict[str, str]
    spec: dict[str, Any]

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"

    @property
    def containers(self) -> list[dict[str, Any]]:
        return [*self.spec["containers"], *self.spec.get("initContainers", [])]


@dataclass(frozen=True)
class Manifests:
    """All objects of a rendered overlay."""

    objects: Sequence[dict[str, Any]]

    def of(self, *kinds: str) -> list[dict[str, Any]]:
        return [found for found in self.objects if found["kind"] in kinds]

    def names(self, kind: str) -> set[str]:
        return {found["metadata"]["name"] for found in self.of(kind)}

    def get(self, kind: str, name: str) -> dict[str, Any]:
        (found,) = [found for found in self.of(kind) if found["metadata"]["name"] == name]
        return found

    def pods(self) -> Iterator[Pod]:
        for found in self.of("Deployment", "CronJob", "Job"):
            spec = found["spec"]
            template = (spec["jobTemplate"]["spec"] if found["kind"] == "CronJob" else spec)["template"]
            yield Pod(found["kind"], found["metadata"]["name"], template["metadata"]["labels"], template["spec"])

    def pod(self, name: str) -> Pod:
        (found,) = [pod for pod in self.pods() if pod.name == name]
        return found

    def selected(self, selector: dict[str, Any]) -> list[Pod]:
        return [pod for pod in self.pods() if matches(selector, pod.labels)]


def matches(selector: dict[str, Any], labels: dict[str, str]) -> bool:
    """Whether a label selector (both of its forms) takes *labels*."""
    wanted = selector.get("matchLabels", {})
    terms = selector.get("matchExpressions", [])
    assert all(term["operator"] == "In" for term in terms)
    return wanted.items() <= labels.items() and all(labels.get(term["key"]) in term["values"] for term in terms)


def render(variant: str, folder: Path) -> str:
    if variant in OVERLAYS:
        return kustomize(K8S / "overlays" / variant)
    shutil.copytree(K8S, folder / "k8s")
    overlay = folder / "k8s" / "overlays" / "gpu"
    file = overlay / "kustomization.yaml"
    document = yaml.safe_load(file.read_text())
    document["components"] += [f"../../components/{component}" for component in OPTIONAL]
    file.write_text(yaml.safe_dump(document))
    return kustomize(overlay)


def kustomize(folder: Path) -> str:
    done = subprocess.run([KUBECTL, "kustomize", folder], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert not done.stderr, done.stderr  # it warns of what is deprecated
    return done.stdout


def parse(text: str) -> Manifests:
    return Manifests(tuple(yaml.safe_load_all(text)))

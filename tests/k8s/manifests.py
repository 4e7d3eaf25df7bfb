"""Overlays rendered by the real kubectl, and the questions that the tests ask of them."""

import functools
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

K8S = Path(__file__).parents[2] / "k8s"
KUBECTL = Path(sys.executable).parent / "kubectl"

OVERLAYS = ("local", "gpu")

LAST = "components/object-store"
"""It changes what others bring."""

COMPONENTS = sorted(
    (
        str(file.parent.relative_to(K8S))
        for file in K8S.rglob("kustomization.yaml")
        if yaml.safe_load(file.read_text())["kind"] == "Component"
    ),
    key=lambda component: (component == LAST, component),
)

VARIANTS = (*OVERLAYS, *(f"{overlay}+all" for overlay in OVERLAYS))
"""Overlays as they are, and with all components added to their list."""


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


@functools.cache
def render(variant: str, namespace: str = "plumbline") -> str:
    """Return what `kubectl apply -k` would send for an overlay, as with one component more: local+components/kueue."""
    overlay, _, added = variant.partition("+")
    listed = read_overlay(overlay).get("components", [])
    wanted = COMPONENTS if added == "all" else [added] if added else []
    missing = [path for path in (f"../../{component}" for component in wanted) if path not in listed]
    return render_with(overlay, {"components": missing}, namespace)


def render_with(overlay: str, added: Mapping[str, list[Any]], namespace: str = "plumbline") -> str:
    """Return the same for an overlay to whose lists something was *added*, in the place of what has its name there."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(K8S, Path(folder) / "k8s")
        document = read_overlay(overlay)
        for name, more in added.items():
            named = [each["name"] for each in more] if name == "images" else []
            kept = [each for each in document.get(name, []) if name != "images" or each["name"] not in named]
            document[name] = [*kept, *more]
        copy = Path(folder) / "k8s" / "overlays" / overlay
        (copy / "kustomization.yaml").write_text(yaml.safe_dump({**document, "namespace": namespace}))
        return kustomize(copy)


def read_overlay(overlay: str) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((K8S / "overlays" / overlay / "kustomization.yaml").read_text())
    return document


SINGLES = [
    f"{overlay}+{component}"
    for overlay in OVERLAYS
    for component in COMPONENTS
    if f"../../{component}" not in read_overlay(overlay).get("components", [])
]
"""Overlays with one component added that they have not."""


def kustomize(folder: Path) -> str:
    done = subprocess.run([KUBECTL, "kustomize", folder], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert not done.stderr, done.stderr  # it warns of what is deprecated
    return done.stdout


@functools.cache
def manifests_of(variant: str) -> Manifests:
    """Return what `render` does, to be read only: it is shared by all tests."""
    return parse(render(variant))


def parse(text: str) -> Manifests:
    return Manifests(tuple(yaml.load_all(text, yaml.CSafeLoader)))

"""What each pod must be: unprivileged, without a token, with resources, from an image that is named exactly."""

import re

from tests.k8s.manifests import K8S, Manifests, Pod

USER = 10001


def test_pods_run_as_nobody_that_matters(manifests: Manifests) -> None:
    for pod in manifests.pods():
        context = pod.spec["securityContext"]
        assert (context["runAsNonRoot"], context["runAsUser"], context["runAsGroup"]) == (True, USER, USER), pod
        assert context["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod.spec["automountServiceAccountToken"] is False
        assert pod.spec["enableServiceLinks"] is False
        assert not {"hostNetwork", "hostPID", "hostIPC"} & pod.spec.keys()
        for container in pod.containers:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert "/tmp" in [mount["mountPath"] for mount in container["volumeMounts"]]  # noqa: S108 - in the pod


def test_volumes_that_are_written_belong_to_the_pods_group(manifests: Manifests) -> None:
    for pod in manifests.pods():
        if any("persistentVolumeClaim" in volume for volume in pod.spec["volumes"]):
            assert pod.spec["securityContext"]["fsGroup"] == USER, pod
        for volume in pod.spec["volumes"]:
            if "emptyDir" in volume:
                assert volume["emptyDir"]["sizeLimit"], pod


def test_resources_are_set(manifests: Manifests) -> None:
    for pod in manifests.pods():
        for container in pod.containers:
            assert container["resources"]["requests"].keys() >= {"cpu", "memory"}, pod
            assert "memory" in container["resources"]["limits"], pod


def test_no_account_has_a_token(manifests: Manifests) -> None:
    accounts = manifests.of("ServiceAccount")

    assert len(accounts) >= 5
    assert not any(account["automountServiceAccountToken"] for account in accounts)


def test_the_namespace_refuses_what_is_less_strict(manifests: Manifests) -> None:
    (namespace,) = manifests.of("Namespace")

    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"


def test_nothing_secret_is_written_down() -> None:
    text = "".join(file.read_text() for file in K8S.rglob("*.yaml"))

    assert "kind: Secret" not in text
    assert not re.search(r"(?i)(password|token|api_?key)\s*[:=]\s*\S{8,}", text)


def test_images_are_named_exactly_and_alike(manifests: Manifests) -> None:
    images = {pod.name: pod.containers[0]["image"] for pod in manifests.pods()}

    assert all(re.search(r":v?\d+\.\d+\.\d+(-gpu)?$", image) for image in images.values())
    assert images.pop("job-metrics", "prom/node-exporter:").startswith("prom/node-exporter:")
    parts = {name: image.rpartition("/")[2].partition(":")[0] for name, image in images.items()}
    assert parts.pop("model-server") == "serving"
    assert parts.pop("gateway") == "plumbline-serve"
    assert {parts.pop(name, "plumbline-serve") for name in ("desk", "prune", "canary", "live")} <= {
        "plumbline-serve",
        "plumbline-batch",
    }
    assert {parts.pop("score"), parts.pop("merge")} == {"plumbline-batch"}
    assert set(parts.values()) == {"plumbline-train"}
    assert images["model-server"].startswith("tensorflow/serving:")
    assert len({re.search(r":([\d.]+)", image)[1] for name, image in images.items() if name != "model-server"}) == 1


def test_gpus_are_asked_for_where_there_are_some(manifests: Manifests) -> None:
    for pod in manifests.pods():
        limits = pod.containers[0]["resources"]["limits"]
        has_gpu_image = pod.containers[0]["image"].endswith("-gpu")
        wants = "nvidia.com/gpu" in limits
        tolerated = [each["key"] for each in pod.spec.get("tolerations", [])]
        assert (
            wants == ("nvidia.com/gpu.present" in pod.spec.get("nodeSelector", {})) == ("nvidia.com/gpu" in tolerated)
        ), pod
        assert has_gpu_image or not wants, pod
        if wants:
            check_cuda_cache(pod)
    server = manifests.pod("model-server").containers[0]
    assert server["image"].endswith("-gpu") == ("nvidia.com/gpu" in server["resources"]["limits"])


def check_cuda_cache(pod: Pod) -> None:
    """What the driver compiles has a place where it can be kept, and room there."""
    variables = {each["name"]: each.get("value") for each in pod.containers[0]["env"]}
    (tmp,) = [volume["emptyDir"]["sizeLimit"] for volume in pod.spec["volumes"] if volume["name"] == "tmp"]

    assert variables["CUDA_CACHE_PATH"] == "/tmp/cuda"  # noqa: S108 - in the pod
    assert int(variables["CUDA_CACHE_MAXSIZE"]) < int(tmp.removesuffix("Gi")) * 1024**3


def test_model_servers_run_where_their_image_does(manifests: Manifests) -> None:
    assert manifests.pod("model-server").spec["nodeSelector"]["kubernetes.io/arch"] == "amd64"

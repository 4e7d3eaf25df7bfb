"""What the manifests say of the programs is true: settings, flags, paths, models, exit codes, metrics, time."""

import re
from functools import partial
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from serving.capacity.costs import measured_costs
from serving.capacity.scaled_objects import rules_of
from serving.capacity.scaling import follow
from serving.commands.main import main
from serving.gateway.app import close_app, create_app
from serving.gateway.settings import Settings
from serving.monitoring.gateway_metrics import Metrics
from serving.registry.server_config import METRICS_PATH
from serving.tfserving.connection import FRESH_SECONDS
from tests.k8s.manifests import K8S, Manifests, Pod
from tests.k8s.test_references import settings
from tests.serving.registry.folders import write_version
from tests.serving.registry.test_server_config import configured
from training.errors import ExitCode
from training.task import task_names

KUBERNETES_PAGE = (K8S.parent / "docs" / "kubernetes.md").read_text()
TENSORFLOW_METRICS = (K8S.parent / "docs" / "tensorflow-serving.md").read_text()
FLAGS = (Path(__file__).parent / "data" / "tensorflow_model_server_flags.txt").read_text()
CHECK = ["check", "--quarantine", "--models-dir=/models"]
SERVABLE = b"\x12\x09\x0a\x07\x22\x05serve"
"""A SavedModel of nothing but a graph with that tag."""
DNS_SECONDS = int(re.findall(r"names are cached for up\s+to (\d+) s", KUBERNETES_PAGE)[0])
"""How long a cluster's DNS, and caches before it, let the names of a headless Service live: the one stated number."""


def flags(manifests: Manifests) -> dict[str, str]:
    arguments = manifests.pod("model-server").containers[0]["args"]
    return {name.removeprefix("--"): value for name, _, value in (each.partition("=") for each in arguments)}


def test_the_gateways_settings_are_settings(manifests: Manifests) -> None:
    container = manifests.pod("gateway").containers[0]
    files = {each["name"]: each["value"] for each in container.get("env", [])}
    mounted = [mount["mountPath"] for mount in container["volumeMounts"]]

    own = {name.lower() for name in (*settings(manifests), *files) if not name.startswith("OTEL_")}
    assert own <= Settings.__dataclass_fields__.keys()
    assert all(str(Path(file).parent) in mounted for file in files.values())
    read = Settings.from_env(settings(manifests))
    assert read.model_server == "model-server:8500"


def test_the_gateways_probes_and_metrics_are_paths_that_it_serves(manifests: Manifests) -> None:
    container = manifests.pod("gateway").containers[0]
    asked = {container[f"{probe}Probe"]["httpGet"]["path"] for probe in ("startup", "readiness", "liveness")}
    for monitor in manifests.of("ServiceMonitor"):
        if monitor["metadata"]["name"] == "gateway":
            asked.add(monitor["spec"]["endpoints"][0]["path"])

    app = create_app(Settings(model_server="127.0.0.1:1"))
    try:
        assert asked <= {rule.rule for rule in app.url_map.iter_rules()}
    finally:
        close_app(app)


def test_the_model_servers_flags_exist(manifests: Manifests) -> None:
    known = set(re.findall(r"^\w+$", FLAGS, re.M))

    assert len(known) == 48
    assert flags(manifests).keys() <= known


def test_the_model_servers_flags_go_together(manifests: Manifests) -> None:
    given = flags(manifests)

    assert given.keys() >= {"enable_batching", "enable_per_model_batching_parameters", "batching_parameters_file"}
    assert "enable_grpc_healthcheck_service" in given  # the readiness probe asks it
    assert not {"rest_api_port", "enable_serialization_as_tensor_content"} <= given.keys()  # REST would answer garbage
    ports = {port["name"]: port["containerPort"] for port in manifests.pod("model-server").containers[0]["ports"]}
    assert (int(given["port"]), int(given["rest_api_port"])) == (ports["grpc"], ports["rest"])
    assert "allow_version_labels_for_unavailable_models" in given  # labels would keep it from starting again


def test_a_model_server_starts_after_what_it_can_not_load_is_taken_away(manifests: Manifests, tmp_path: Path) -> None:
    pod = manifests.pod("model-server")
    (check,) = [each for each in pod.spec["initContainers"] if each["name"] == "check-models"]
    assert check["args"] == ["models", *CHECK]
    assert {"name": "models", "mountPath": "/models"} in check["volumeMounts"]

    models_dir = tmp_path / "models"
    for name, graph in (("topic/1", SERVABLE), ("sentiment/1", SERVABLE), ("sentiment/2", SERVABLE[:9])):
        (models_dir / name).mkdir(parents=True)
        (models_dir / name / "saved_model.pb").write_bytes(graph)
    arguments = [each.replace("=/models", f"={models_dir}") for each in check["args"]]
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 0, done.output
    assert sorted(path.name for path in models_dir.glob("*/[0-9]*")) == ["1", "1"]


def test_the_model_servers_have_a_thread_for_each_call_of_all_gateways(manifests: Manifests) -> None:
    gateways, servers = most_and_fewest(manifests, "gateway")[0], most_and_fewest(manifests, "model-server")[1]
    calls = gateways * Settings.workers * (Settings.threads + 1)  # and one that looks for versions

    assert int(flags(manifests)["grpc_max_threads"]) >= calls / servers


def most_and_fewest(manifests: Manifests, name: str) -> tuple[int, int]:
    """How many pods of a Deployment there may be."""
    for scaled in (each for each in manifests.of("ScaledObject") if each["metadata"]["name"] == name):
        return scaled["spec"]["maxReplicaCount"], scaled["spec"]["minReplicaCount"]
    replicas: int = manifests.get("Deployment", name)["spec"]["replicas"]
    return replicas, replicas


def pages() -> list[Path]:
    """All that tells somebody to start the original, or to send to it."""
    found = [K8S.parent / "README.md", K8S.parent / "compose.yaml", *sorted((K8S.parent / "docs").glob("*.md"))]
    told = re.compile(r"tensorflow_model_server|tensorflow/serving:|tf-serving:8500")
    results = ("performance.md",)
    return [page for page in found if told.search(page.read_text()) and page.name not in results]


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_wherever_the_original_is_named_so_are_its_threads(page: Path) -> None:
    assert "--grpc_max_threads=" in page.read_text()


def test_the_model_server_is_of_the_release_that_models_are_trained_with(manifests: Manifests) -> None:
    lock = (K8S.parent / "requirements" / "train.txt").read_text()
    trained_with = re.findall(r"^tensorflow==(\d+\.\d+)\.", lock, re.M)
    served_by = re.findall(r":(\d+\.\d+)\.", manifests.pod("model-server").containers[0]["image"])

    assert served_by == trained_with


def test_the_metrics_of_the_model_server_are_where_they_are_asked_for(manifests: Manifests) -> None:
    (config,) = [found for found in manifests.of("ConfigMap") if found["metadata"]["name"].startswith("model-server-")]
    monitors = [each for each in manifests.of("ServiceMonitor") if each["metadata"]["name"] == "model-server"]
    asked = [monitor["spec"]["endpoints"][0]["path"] for monitor in monitors]
    probe = manifests.pod("model-server").containers[0]["livenessProbe"]["httpGet"]["path"]

    assert f'path: "{METRICS_PATH}"' in config["data"]["monitoring.config"]
    assert {probe, *asked} == {METRICS_PATH}


def test_the_models_are_the_same_everywhere(manifests: Manifests) -> None:
    served = manifests.get("ConfigMap", "served-models")["data"]["models.config"]
    trained = [pod.containers[0]["args"][1] for pod in manifests.pods() if pod.name.startswith("train-")]
    trained.remove("all")  # by train-missing

    assert set(Settings.from_env(settings(manifests)).models) == set(task_names())
    assert re.findall(r'name: "(\w+)"', served) == sorted(task_names())
    assert sorted(trained) == sorted(task_names())


@pytest.mark.parametrize(
    ("folder", "options"),
    [
        ("base/model-server", ["--base-path", "/models"]),
        ("overlays/gpu", ["--batch-threads", "2"]),
    ],
)
def test_the_model_servers_files_are_those_that_the_command_writes(
    folder: str, options: list[str], tmp_path: Path
) -> None:
    for model in task_names():
        write_contract(tmp_path / "models" / model / "1", model)
    result = configured(tmp_path / "models", *options, "--output", str(tmp_path / "out"))
    assert result.exit_code == 0, result.output

    committed = {file.name: file.read_text() for file in (K8S / folder).glob("*.config")}
    written = {file.name: file.read_text() for file in (tmp_path / "out").iterdir() if file.name in committed}
    assert committed
    assert committed == written


def write_contract(folder: Path, model: str) -> None:
    from tests.serving.contracts import tabular_contract

    write_version(folder, document=tabular_contract(model).to_json())


def test_jobs_end_by_the_exit_codes_of_training(manifests: Manifests) -> None:
    for name in manifests.names("CronJob"):
        spec = manifests.get("CronJob", name)["spec"]["jobTemplate"]["spec"]
        codes, disrupted = spec["podFailurePolicy"]["rules"]
        assert codes["action"] == "FailJob"
        assert codes["onExitCodes"]["values"] == [ExitCode.BAD_INPUT, ExitCode.REFUSED]
        assert disrupted["action"] == "Ignore"
        assert spec["template"]["spec"]["restartPolicy"] == "Never"  # a failure policy works with no other
        assert spec["backoffLimit"] > 0
        assert spec["activeDeadlineSeconds"] > 0
        assert spec["ttlSecondsAfterFinished"] > 0


def _filled_in(argument: str, values: dict[str, str]) -> str:
    """Put variables in, as Kubernetes does, as far as they are known."""
    return re.sub(r"\$\((\w+)\)", lambda found: values.get(found[1], found[0]), argument)


def own_beside(pod: Pod) -> list[dict[str, Any]]:
    return [each for each in pod.spec.get("initContainers", []) if each["name"] == "weights"]


def test_the_commands_take_their_arguments(manifests: Manifests) -> None:
    checked = 0
    containers = [(pod, each) for pod in manifests.pods() for each in (pod.containers[0], *own_beside(pod))]
    for pod, container in containers:
        if "command" in container:  # of the image's own
            continue
        values = {each["name"]: each.get("value", "x") for each in container.get("env", [])}
        name, *arguments = [_filled_in(each, values) for each in container["args"]]
        command = main.get_command(click.Context(main), name)
        if command is None and name == "score":  # not in this release yet
            continue
        assert command is not None, pod
        command.make_context(name, list(arguments))
        checked += 1
    assert checked >= 6


def test_a_model_server_goes_only_when_nobody_sends_to_it_any_more(manifests: Manifests) -> None:
    pod = manifests.pod("model-server")
    slept = int(pod.containers[0]["lifecycle"]["preStop"]["exec"]["command"][1])
    deadline = Settings.from_env(settings(manifests)).deadline_seconds

    assert slept == FRESH_SECONDS + DNS_SECONDS + deadline
    assert 0 < pod.spec["terminationGracePeriodSeconds"] - slept <= 10


def test_a_gateway_has_time_to_finish(manifests: Manifests) -> None:
    pod = manifests.pod("gateway")
    slept = int(pod.containers[0]["lifecycle"]["preStop"]["exec"]["command"][1])
    configuration = (K8S.parent / "serving" / "gateway" / "gunicorn_conf.py").read_text()
    (graceful,) = re.findall(r"^graceful_timeout = ceil\(_settings.drain_seconds\) \+ (\d+)", configuration, re.M)
    read = Settings.from_env(settings(manifests))

    assert pod.spec["terminationGracePeriodSeconds"] > slept + read.drain_seconds + int(graceful)
    assert int(graceful) > read.deadline_seconds


def test_a_gateway_has_the_memory_that_was_measured(manifests: Manifests) -> None:
    table = KUBERNETES_PAGE.partition("### Memory of a gateway")[2].partition("So a gateway")[0]
    measured = [int(megabytes) for megabytes in re.findall(r"\| (\d+) \|$", table, re.M)]
    resources = manifests.pod("gateway").containers[0]["resources"]

    assert len(measured) == 6
    assert gibibytes(resources["limits"]["memory"]) * 1024 > 1.2 * max(measured)
    assert f"a limit of {gibibytes(resources['limits']['memory'])} Gi" in KUBERNETES_PAGE


def gibibytes(quantity: str) -> int:
    return int(quantity.removesuffix("Gi"))


def test_a_roll_out_may_wait_as_long_as_a_start(manifests: Manifests) -> None:
    for name in ("gateway", "model-server"):
        spec = manifests.get("Deployment", name)["spec"]
        probe = spec["template"]["spec"]["containers"][0]["startupProbe"]
        assert spec["progressDeadlineSeconds"] > probe["periodSeconds"] * probe["failureThreshold"]
        assert spec["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}


def test_the_autoscaler_asks_for_metrics_that_there_are(manifests: Manifests) -> None:
    exposed = Metrics(None).exposition().decode()
    for scaled in manifests.of("ScaledObject"):
        assert scaled["spec"]["fallback"]["behavior"] == "currentReplicasIfHigher"  # it never takes gateways away
        (namespace,) = manifests.names("Namespace")
        for trigger in scaled["spec"]["triggers"]:
            query = trigger["metadata"]["query"]
            for metric in re.findall(r"plumbline_\w+", query):
                assert f"# TYPE {metric} gauge" in exposed
            for metric in re.findall(r":tensorflow[\w:]+", query):
                assert metric.removesuffix("_sum").rpartition(":")[2] in TENSORFLOW_METRICS
            for container in re.findall(r'container="([^"]+)"', query):
                assert container in [each["name"] for each in manifests.pod(container).containers]
            assert f'namespace="{namespace}"' in query


def test_the_autoscaler_never_swings_and_soon_has_enough(manifests: Manifests) -> None:
    for scaled in (each for each in manifests.of("ScaledObject") if each["metadata"]["name"] == "gateway"):
        rules, costs = rules_of(scaled), measured_costs("image")
        most = 0.7 * rules.most / costs.gateway_seconds
        for rate in (most * tenths / 10 for tenths in range(1, 11)):
            course = follow(rules, costs, 1, partial(stepped, rate), 4500)
            assert course.turns(since=1800) == 0
            assert course.overloaded_until() <= 900 + 65


def stepped(rate: float, second: int) -> float:
    """After a quarter of an hour, twice the rate of before."""
    return rate / 2 if second < 900 else rate


def test_what_is_published_is_what_callers_use_and_not_the_metrics(manifests: Manifests) -> None:
    published = [
        [(path["pathType"], path["path"]) for path in it["spec"]["rules"][0]["http"]["paths"]]
        for it in manifests.of("Ingress")
    ] + [
        [
            (match["path"]["type"].removeprefix("Path"), match["path"]["value"])
            for match in it["spec"]["rules"][0]["matches"]
        ]
        for it in manifests.of("HTTPRoute")
    ]
    app = create_app(Settings(model_server="127.0.0.1:1"))
    try:
        routes = {rule.rule for rule in app.url_map.iter_rules()}
    finally:
        close_app(app)

    for paths in published:
        assert {route for route in routes if not is_published(route, paths)} == {"/metrics"}


def is_published(route: str, paths: list[tuple[str, str]]) -> bool:
    return any(route == path or (kind == "Prefix" and route.startswith(f"{path}/")) for kind, path in paths)


def test_a_request_may_be_as_large_as_the_gateway_takes(manifests: Manifests) -> None:
    for ingress in manifests.of("Ingress"):
        size = ingress["metadata"]["annotations"]["nginx.ingress.kubernetes.io/proxy-body-size"]
        assert int(size.removesuffix("m")) * 1024 * 1024 == Settings.max_body_bytes

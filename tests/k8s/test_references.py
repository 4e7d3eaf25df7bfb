"""What one object says of another is true: names, selectors, ports, claims, volumes."""

import json
import re
from typing import Any

import yaml

from tests.k8s.manifests import K8S, Manifests, Pod, matches

QUEUES = K8S / "components" / "kueue" / "cluster-queue.yaml"

FROM_OUTSIDE = {
    ("Secret", name)
    for name in ("plumbline-tls", "api-keys", "model-server-tls", "gateway-tls", "prune-api-key", "object-store")
} | {("ConfigMap", "plumbline-weights")}
"""What whoever installs it brings along; docs/kubernetes.md says how."""


def test_all_stand_in_the_one_namespace(manifests: Manifests) -> None:
    (namespace,) = manifests.names("Namespace")
    others = [found for found in manifests.objects if found["kind"] not in ("Namespace", "PriorityClass")]

    assert {found["metadata"]["namespace"] for found in others} == {namespace}
    assert {found["metadata"]["labels"]["app.kubernetes.io/part-of"] for found in others} == {"plumbline"}


def test_a_workload_selects_its_own_pods_and_no_others(manifests: Manifests) -> None:
    deployments = manifests.of("Deployment")
    assert len(deployments) >= 3
    for deployment in deployments:
        selected = manifests.selected(deployment["spec"]["selector"])
        assert [pod.name for pod in selected] == [deployment["metadata"]["name"]]


def test_a_service_leads_to_ports_that_its_pods_have(manifests: Manifests) -> None:
    for service in manifests.of("Service"):
        pods = manifests.selected({"matchLabels": service["spec"]["selector"]})
        assert pods, service["metadata"]["name"]
        if service["metadata"]["name"] == "workers":  # all training pods may have it; those that listen are few
            pods = [pod for pod in pods if pod.spec.get("subdomain") == "workers"]
        for port in service["spec"]["ports"]:
            assert all(port["targetPort"] in ports(pod) for pod in pods), service["metadata"]["name"]


def ports(pod: Pod) -> dict[str, int]:
    return {port["name"]: port["containerPort"] for each in pod.containers for port in each.get("ports", [])}


def test_the_gateways_find_every_model_server_by_a_headless_service(manifests: Manifests) -> None:
    host, _, port = settings(manifests)["MODEL_SERVER"].partition(":")
    service = manifests.get("Service", host)

    assert service["spec"]["clusterIP"] == "None"
    assert int(port) in [each["port"] for each in service["spec"]["ports"] if each["targetPort"] == "grpc"]
    assert variables(manifests.pod("score"))["MODEL_SERVER"] == settings(manifests)["MODEL_SERVER"]


def variables(pod: Pod) -> dict[str, str]:
    return {each["name"]: each["value"] for each in pod.containers[0]["env"]}


def test_shares_are_as_many_as_pods(manifests: Manifests) -> None:
    job = manifests.get("CronJob", "score")["spec"]["jobTemplate"]["spec"]

    assert job["completionMode"] == "Indexed"
    assert int(variables(manifests.pod("score"))["JOB_COMPLETION_COUNT"]) == job["completions"]


def settings(manifests: Manifests) -> dict[str, str]:
    (config,) = [found for found in manifests.of("ConfigMap") if found["metadata"]["name"].startswith("gateway-")]
    data: dict[str, str] = config["data"]
    return data


def test_budgets_and_spreads_select_the_pods_they_are_about(manifests: Manifests) -> None:
    for budget in manifests.of("PodDisruptionBudget"):
        selected = manifests.selected(budget["spec"]["selector"])
        assert [pod.name for pod in selected] == [budget["metadata"]["name"]]
    for pod in manifests.pods():
        for spread in pod.spec.get("topologySpreadConstraints", []):
            assert matches(spread["labelSelector"], pod.labels)


def test_network_policies_name_pods_and_ports_that_are_there(manifests: Manifests) -> None:
    for policy in manifests.of("NetworkPolicy"):
        spec = policy["spec"]
        chosen = manifests.selected(spec["podSelector"])
        assert chosen, policy["metadata"]["name"]
        for rule in spec.get("ingress", []):
            check_ports(rule, chosen)
            check_peers(manifests, rule["from"])
        for rule in spec.get("egress", []):
            check_peers(manifests, rule["to"])
            check_ports(rule, [pod for peer in rule["to"] for pod in manifests.selected(peer.get("podSelector", {}))])


def check_peers(manifests: Manifests, peers: list[dict[str, Any]]) -> None:
    for peer in peers:
        assert "podSelector" not in peer or manifests.selected(peer["podSelector"]), peer


def check_ports(rule: dict[str, Any], pods: list[Pod]) -> None:
    for port in rule["ports"]:
        if isinstance(port["port"], str):
            assert any(port["port"] in ports(pod) for pod in pods), port


def test_nothing_is_reached_that_no_policy_allows(manifests: Manifests) -> None:
    denied = manifests.get("NetworkPolicy", "default-deny")["spec"]

    assert denied == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    server = manifests.get("NetworkPolicy", "model-server")["spec"]["ingress"]
    callers = [peer["podSelector"] for rule in server for peer in rule["from"] if "podSelector" in peer]
    assert {pod.name for selector in callers for pod in manifests.selected(selector)} == {"gateway", "score", "merge"}


def test_traces_go_where_a_policy_lets_them(manifests: Manifests) -> None:
    if settings(manifests).get("TRACING") != "on":
        return
    ((namespace, port),) = re.findall(r"\.([\w-]+):(\d+)$", settings(manifests)["OTEL_EXPORTER_OTLP_ENDPOINT"])
    (rule,) = manifests.get("NetworkPolicy", "traces")["spec"]["egress"]

    assert rule["to"][0]["namespaceSelector"]["matchLabels"] == {"kubernetes.io/metadata.name": namespace}
    assert rule["ports"] == [{"protocol": "TCP", "port": int(port)}]


def test_names_are_asked_of_pods_and_of_addresses_of_the_node(manifests: Manifests) -> None:
    (rule,) = manifests.get("NetworkPolicy", "names")["spec"]["egress"]

    assert {"ipBlock": {"cidr": "169.254.0.0/16"}} in rule["to"]
    assert {port["port"] for port in rule["ports"]} == {53}


def test_config_maps_claims_secrets_and_accounts_exist(manifests: Manifests) -> None:
    there = {(found["kind"], found["metadata"]["name"]) for found in manifests.objects} | FROM_OUTSIDE
    for pod in manifests.pods():
        assert set(needed(pod)) <= there, pod
    for ingress in manifests.of("Ingress"):
        assert {("Secret", tls["secretName"]) for tls in ingress["spec"]["tls"]} <= there


def needed(pod: Pod) -> list[tuple[str, str]]:
    found = [("ServiceAccount", pod.spec["serviceAccountName"])]
    for volume in pod.spec["volumes"]:
        if "persistentVolumeClaim" in volume:
            found.append(("PersistentVolumeClaim", volume["persistentVolumeClaim"]["claimName"]))
        if "configMap" in volume:
            found.append(("ConfigMap", volume["configMap"]["name"]))
        if "secret" in volume:
            found.append(("Secret", volume["secret"]["secretName"]))
    for container in pod.containers:
        for source in container.get("envFrom", []):
            kind = "ConfigMap" if "configMapRef" in source else "Secret"
            found.append((kind, next(iter(source.values()))["name"]))
        for variable in container.get("env", []):
            if "secretKeyRef" in variable.get("valueFrom", {}):
                found.append(("Secret", variable["valueFrom"]["secretKeyRef"]["name"]))
    return found


def test_priorities_exist_and_are_those_of_jobs(manifests: Manifests) -> None:
    used = {pod.name: pod.spec["priorityClassName"] for pod in manifests.pods() if "priorityClassName" in pod.spec}

    assert set(used.values()) == manifests.names("PriorityClass")
    for name in used:
        assert name in manifests.names("CronJob")
        tolerated = [each["key"] for each in manifests.pod(name).spec["tolerations"]]
        assert "cloud.google.com/gke-spot" in tolerated, name


def test_a_queue_that_jobs_wait_in_is_there(manifests: Manifests) -> None:
    key = "kueue.x-k8s.io/queue-name"
    labels = [job["spec"]["jobTemplate"]["metadata"]["labels"] for job in manifests.of("CronJob")]
    waited_in = {each[key] for each in labels if key in each}

    assert waited_in == manifests.names("LocalQueue")
    (queue, *_) = [*yaml.safe_load_all(QUEUES.read_text())][::-1]
    given = {
        resource["name"] for flavor in queue["spec"]["resourceGroups"][0]["flavors"] for resource in flavor["resources"]
    }
    for local in manifests.of("LocalQueue"):
        assert local["spec"]["clusterQueue"] == queue["metadata"]["name"]
        (namespace,) = manifests.of("Namespace")
        assert matches(queue["spec"]["namespaceSelector"], namespace["metadata"]["labels"])
    for pod in (pod for pod in manifests.pods() if pod.kind == "CronJob"):
        resources = pod.containers[0]["resources"]
        assert {*resources["requests"], *resources["limits"]} <= given, pod


def test_volumes_are_mounted_and_mounts_have_volumes(manifests: Manifests) -> None:
    for pod in manifests.pods():
        mounted = {mount["name"] for container in pod.containers for mount in container["volumeMounts"]}
        assert mounted == {volume["name"] for volume in pod.spec["volumes"]}, pod


def test_files_that_a_command_names_are_mounted(manifests: Manifests) -> None:
    server = manifests.pod("model-server")
    volumes = {volume["name"]: volume for volume in server.spec["volumes"]}
    mounts = {mount["mountPath"]: volumes[mount["name"]] for mount in server.containers[0]["volumeMounts"]}
    named = re.findall(r"=(/etc/\S+)/([^/ ]+)", " ".join(server.containers[0]["args"]))

    assert len(named) >= 3
    for folder, file in named:
        if "secret" in mounts[folder]:
            continue
        assert file in manifests.get("ConfigMap", mounts[folder]["configMap"]["name"])["data"]


def test_probes_ask_named_ports_that_the_container_has(manifests: Manifests) -> None:
    for pod in manifests.pods():
        for container in pod.containers:
            for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
                for kind, check in container.get(probe, {}).items():
                    if kind in ("httpGet", "tcpSocket"):
                        assert check["port"] in ports(pod)
                    if kind == "grpc":
                        assert check["port"] == ports(pod)["grpc"]


def test_failure_policies_name_the_container(manifests: Manifests) -> None:
    for job in manifests.of("CronJob"):
        spec = job["spec"]["jobTemplate"]["spec"]
        names = {container["name"] for container in spec["template"]["spec"]["containers"]}
        for rule in spec["podFailurePolicy"]["rules"]:
            assert rule.get("onExitCodes", {}).get("containerName", *names) in names


def test_the_ingress_the_monitors_and_the_autoscaler_lead_to_what_is_there(manifests: Manifests) -> None:
    for ingress in manifests.of("Ingress"):
        for path in ingress["spec"]["rules"][0]["http"]["paths"]:
            backend = path["backend"]["service"]
            service = manifests.get("Service", backend["name"])
            assert backend["port"]["name"] in [port["name"] for port in service["spec"]["ports"]]
    for route in manifests.of("HTTPRoute"):
        ((backend,),) = (rule["backendRefs"] for rule in route["spec"]["rules"])
        assert backend["port"] in [port["port"] for port in manifests.get("Service", backend["name"])["spec"]["ports"]]
        assert not manifests.of("Ingress")
    for monitor in manifests.of("ServiceMonitor"):
        (service,) = [
            each for each in manifests.of("Service") if matches(monitor["spec"]["selector"], each["metadata"]["labels"])
        ]
        (endpoint,) = monitor["spec"]["endpoints"]
        assert endpoint["port"] in [port["name"] for port in service["spec"]["ports"]]
    for scaled in manifests.of("ScaledObject"):
        target = scaled["spec"]["scaleTargetRef"]
        assert "replicas" not in manifests.get(target["kind"], target["name"])["spec"]


def test_workers_find_one_another(manifests: Manifests) -> None:
    for job in manifests.of("CronJob"):
        spec = job["spec"]["jobTemplate"]["spec"]
        variables = {each["name"]: each for each in spec["template"]["spec"]["containers"][0].get("env", [])}
        if "TF_CONFIG" not in variables:
            continue
        text = variables["TF_CONFIG"]["value"].replace("$(JOB)", "train-digits-1").replace("$(WORKER)", "1")
        config = json.loads(text)
        service = manifests.get("Service", spec["template"]["spec"]["subdomain"])
        port = service["spec"]["ports"][0]["port"]
        assert config["task"] == {"type": "worker", "index": 1}
        assert config["cluster"]["worker"] == [
            f"train-digits-1-{index}.{service['metadata']['name']}:{port}" for index in range(spec["completions"])
        ]
        assert spec["completions"] == spec["parallelism"]
        # $(NAME) is replaced only by variables that stand above.
        assert list(variables).index("TF_CONFIG") > max(map(list(variables).index, ("JOB", "WORKER")))

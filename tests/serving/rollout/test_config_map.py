"""A ConfigMap's weights, by an HTTPS server that does what Kubernetes' API says of it."""

import http.client
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme
from click.testing import CliRunner

from serving.canary.settings import Plan
from serving.catalog.weights import parse
from serving.commands.canary import canary
from serving.process.exit_codes import ExitCode
from serving.rollout import config_map
from serving.rollout.audit import AuditLog
from serving.rollout.canary_run import CanaryRun, Pace
from serving.rollout.config_map import Cluster, WeightsInConfigMap
from serving.rollout.copying import keep_copy
from serving.rollout.errors import ChangedByOthers, WeightsUnavailable
from serving.rollout.gateways import Gateways
from serving.rollout.looking import Known
from serving.rollout.weighing import Weighing, lines_of
from tests.serving.fake_model_server import FakeModelServer, wait_until
from tests.serving.rollout.api_server import PATH, ApiServer
from tests.serving.rollout.system import System, skewed

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)


@pytest.fixture
def api(tmp_path: Path) -> Iterator[ApiServer]:
    with ApiServer(tmp_path, {"weights": "# ours\nsentiment=4\n", "other": "stays"}) as server:
        yield server


@pytest.fixture
def place(api: ApiServer) -> WeightsInConfigMap:
    return WeightsInConfigMap(Cluster(api.url, api.account), "plumbline-weights")


def test_only_the_entry_of_the_weights_is_patched(api: ApiServer, place: WeightsInConfigMap) -> None:
    Weighing(place, "sentiment", 5, 4, timedelta(minutes=5)).give(20, NOW)
    assert api.data
    assert parse(place.read())["sentiment"].shares[5].percent == 20
    assert api.data["other"] == "stays"
    assert set(api.asked) == {f"GET {PATH}", f"PATCH {PATH}"}


def test_what_somebody_else_writes_at_that_moment_is_not_lost(api: ApiServer, place: WeightsInConfigMap) -> None:
    weighing = Weighing(place, "sentiment", 5, 4, timedelta(minutes=5))
    api.meanwhile = ["topic=1\nsentiment=4\n"]
    weighing.give(20, NOW)
    assert parse(place.read()).keys() == {"topic", "sentiment"}
    api.meanwhile = ["sentiment=4\nsentiment:5=refused # mine\n"]
    with pytest.raises(ChangedByOthers, match="refused by somebody else: mine"):
        weighing.give(50, NOW)
    api.meanwhile = [f"sentiment={number}" for number in range(1, 50)]
    with pytest.raises(WeightsUnavailable, match="changes faster than it can be changed"):
        place.change(lambda text: text + "#\n")


def test_an_api_that_is_cut_off_is_told(place: WeightsInConfigMap, monkeypatch: pytest.MonkeyPatch) -> None:
    def cut_off(*_: object) -> bytes:
        raise http.client.IncompleteRead(b"{")

    monkeypatch.setattr(http.client.HTTPResponse, "read", cut_off)
    with pytest.raises(WeightsUnavailable, match="GET of the ConfigMap plumbline-weights: IncompleteRead"):
        place.read()
    monkeypatch.setattr(http.client.HTTPResponse, "read", lambda *_: b"[]")
    with pytest.raises(WeightsUnavailable, match="GET of the ConfigMap plumbline-weights: list indices"):
        place.read()


@pytest.mark.parametrize("fault", ["token", "entry", "forbidden", "authority", "away", "account", "name"])
def test_what_can_not_be_read_is_told(api: ApiServer, place: WeightsInConfigMap, fault: str, tmp_path: Path) -> None:
    told = {
        "token": "GET of the ConfigMap plumbline-weights: 401: Unauthorized",
        "entry": "has no entry 'weights'",
        "forbidden": "403: configmaps is forbidden",
        "authority": "certificate verify failed",
        "away": "refused",
        "account": "No such file or directory",
        "name": "403: configmaps is forbidden",
    }
    if fault == "token":
        (api.account / "token").write_text("another")
    if fault in ("entry", "forbidden"):
        api.data = {} if fault == "entry" else None
    if fault == "authority":
        trustme.CA().cert_pem.write_to_path(api.account / "ca.crt")
    if fault == "away":
        place = WeightsInConfigMap(Cluster("https://127.0.0.1:1", api.account), "plumbline-weights")
    if fault == "account":
        (api.account / "token").unlink()
    if fault == "name":
        place = WeightsInConfigMap(Cluster(api.url, api.account), "another")
    with pytest.raises(WeightsUnavailable, match=told[fault]):
        place.read()


def test_the_cluster_is_that_of_the_pod() -> None:
    assert Cluster.around({"KUBERNETES_SERVICE_HOST": "10.0.0.1"}).url == "https://10.0.0.1:443"
    there = {"KUBERNETES_SERVICE_HOST": "fd00::1", "KUBERNETES_SERVICE_PORT": "6443"}
    assert Cluster.around(there).url == "https://[fd00::1]:6443"
    with pytest.raises(WeightsUnavailable, match="from a pod only"):
        Cluster.around({})


def test_a_copy_follows_all_but_mistakes(api: ApiServer, place: WeightsInConfigMap, tmp_path: Path) -> None:
    copy, stop, said = tmp_path / "weights" / "weights", threading.Event(), list[str]()
    copying = threading.Thread(target=keep_copy, args=(place, copy, 0.01, stop, said.append))
    copying.start()
    try:
        wait_until(copy.exists)
        assert copy.read_text() == "# ours\nsentiment=4\n"
        api.data = {"weights": "sentiment:5\n"}
        wait_until(lambda: len(said) == 1)
        api.data = {"weights": "sentiment=5\n"}
        wait_until(lambda: copy.read_text() == "sentiment=5\n")
    finally:
        stop.set()
        copying.join()
    assert said[0].startswith("line 1: expected model=version")
    assert said[1:] == ["the weights can be read again"]


def test_gateways_follow_the_config_map_of_a_canary_that_is_worse(
    api: ApiServer, place: WeightsInConfigMap, model_server: FakeModelServer, tmp_path: Path
) -> None:
    stop, said = threading.Event(), list[str]()
    with System(tmp_path, model_server, skewed) as system:
        copying = threading.Thread(target=keep_copy, args=(place, system.document, 1.0, stop, said.append))
        copying.start()
        try:
            weighing = Weighing(place, "sentiment", 5, 4, timedelta(minutes=5))
            source, audit = Gateways([system.url], "sentiment"), AuditLog(None, {})
            plan, pace = Plan((20.0, 100.0), 2), Pace(0.5, 60, is_withdrawn=False)
            run = CanaryRun(weighing, plan, pace, source, lambda since: Known(), audit, said.append, stop)
            assert run.run(lines_of(place.read(), "sentiment")) is ExitCode.ROLLED_BACK, said
            wait_until(lambda: system.refuses(5))
        finally:
            stop.set()
            copying.join()
    assert api.data
    assert api.data["weights"].startswith("# ours\nsentiment=4\nsentiment:5=refused  # rolled back at step 20 %")


def test_an_api_that_is_away_is_tried_again_later(monkeypatch: pytest.MonkeyPatch) -> None:
    options = ["--config-map", "plumbline-weights", "--gateway", "http://127.0.0.1:1"]
    monkeypatch.setattr(config_map.Cluster, "around", lambda: Cluster("https://127.0.0.1:1", Path("/nowhere")))
    result = CliRunner().invoke(canary, ["sentiment", "newest", *options])
    assert (result.exit_code, "No such file" in result.output) == (75, True)

"""The monitoring page in a real browser, in front of the real gateway: its figures are those of /metrics."""

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, Route, expect
from prometheus_client.parser import text_string_to_metric_families

from serving.gateway.app import create_app
from serving.gateway.middleware.key_file import make_key
from serving.gateway.settings import Settings
from serving.prediction.predictor import STAGES
from serving.truth import mistakes
from tests.serving.contracts import tabular_contract, text_contract, with_reference
from tests.serving.fake_model_server import FakeModelServer, wait_until
from tests.serving.gateway.browser import NARROW
from tests.serving.gateway.conftest import served
from tests.serving.truth.parts import capture, feedback, write_captures, write_feedback

HOUSE = {"rooms": 5.0, "age": 30.0}
FAR = {"rooms": 2.0, "age": 30.0}


@pytest.fixture
def settings(model_server: FakeModelServer) -> Settings:
    model_server.publish(with_reference(tabular_contract()))
    model_server.publish(text_contract())
    models = ("house_price", "sentiment")
    return Settings(model_server=model_server.address, models=models, refresh_seconds=0.05)


@contextlib.contextmanager
def gateway(settings: Settings, port: int = 0) -> Iterator[str]:
    with served(create_app(settings), port) as url:
        wait_until(lambda: httpx.get(f"{url}/readyz").status_code == 200)
        yield url


@pytest.fixture
def url(settings: Settings) -> Iterator[str]:
    with gateway(settings) as at:
        yield at


def ask(url: str, *instances: object) -> int:
    return httpx.post(f"{url}/predict/house_price", json={"instances": instances}).status_code


def open_monitor(page: Page, url: str, model: str = "house_price") -> None:
    page.goto(f"{url}/monitor#{model}")
    expect(page.get_by_role("heading", name=model, exact=True, level=2)).to_be_visible()


def cells(page: Page, table: str, row: str) -> Locator:
    rows = page.get_by_role("table", name=table).get_by_role("row")
    return rows.filter(has=page.get_by_role("rowheader", name=row, exact=True)).get_by_role("cell")


def metric(url: str, name: str, **labels: str) -> float:
    families = text_string_to_metric_families(httpx.get(f"{url}/metrics").text)
    samples = [sample for family in families for sample in family.samples]
    wanted = labels.items()
    return sum(it.value for it in samples if it.name == f"plumbline_gateway_{name}" and wanted <= it.labels.items())


def test_figures_are_those_of_the_metrics(page: Page, url: str) -> None:
    ask(url, HOUSE)
    open_monitor(page, url)
    expect(cells(page, "Requests by status", "200")).to_have_text(["0", "\N{EN DASH}", "1"])

    assert [ask(url, HOUSE) for _ in range(5)] == [200] * 5
    assert [ask(url, {"rooms": "many"}) for _ in range(2)] == [422] * 2

    expect(cells(page, "Requests by status", "200").first).to_have_text("5")
    expect(cells(page, "Requests by status", "200").last).to_have_text("6")
    expect(cells(page, "Requests by status", "422 (failed)").first).to_have_text("2")
    expect(cells(page, "Requests by status", "all").last).to_have_text("8")
    stages = page.get_by_role("table", name="Time by stage, in the last minute").get_by_role("rowheader")
    expect(stages).to_have_text([*STAGES, "the whole request"])
    expect(cells(page, "Time by stage, in the last minute", "predict").last).to_have_text("5")
    expect(cells(page, "Time by stage, in the last minute", "the whole request").last).to_have_text("7")
    expect(cells(page, "Versions of the model", "1").nth(0)).to_have_text("answers")
    expect(cells(page, "Versions of the model", "1").nth(4)).to_have_text("28.6%")
    assert metric(url, "requests_total", model="house_price", code="200") == 6
    assert metric(url, "requests_total", model="house_price") == 8


def test_drift_is_shown_by_the_two_distributions_that_it_is_of(page: Page, url: str) -> None:
    open_monitor(page, url)
    expect(page.get_by_text("They are too few to judge.")).to_be_visible()

    ask(url, *[FAR] * 300)

    expect(page.get_by_role("link", name="house_price drift")).to_be_visible()
    psi = metric(url, "drift_psi", model="house_price", feature="rooms")
    expect(cells(page, "Drift by feature", "rooms").nth(0)).to_have_text(f"{psi:.3g}")
    expect(cells(page, "Drift by feature", "rooms").nth(1)).to_have_text("drift")
    figure = page.get_by_role("figure", name="rooms")
    expect(figure.locator("svg rect")).to_have_count(2)
    figure.get_by_text("As a table").click()
    expect(cells(page, "Shares of rooms", "5")).to_have_text(["100%", "50%"])
    expect(cells(page, "Shares of rooms", "+Inf")).to_have_text(["0%", "50%"])
    with page.expect_response("**/metrics"):
        pass
    expect(page.get_by_role("table", name="Shares of rooms")).to_be_visible()  # it stays open


def test_a_gateway_that_is_gone_and_one_that_starts_again_are_told(page: Page, settings: Settings) -> None:
    with gateway(settings) as url:
        ask(url, HOUSE)
        open_monitor(page, url)
        expect(cells(page, "Requests by status", "200").last).to_have_text("1")

    expect(page.get_by_role("alert")).to_contain_text("the gateway can't be reached")
    with gateway(settings, int(url.rpartition(":")[2])) as again:
        expect(page.get_by_role("alert")).to_contain_text("The gateway started again at")
        expect(cells(page, "Requests by status", "all").last).to_have_text("0")
        ask(again, HOUSE)
        expect(cells(page, "Requests by status", "200")).to_contain_text(["1", "", "1"])


@pytest.mark.parametrize(("status", "why"), [(401, "wants a key"), (403, "forbids it"), (404, "kept inside")])
def test_metrics_that_may_not_be_read_are_told_and_not_asked_for_again_and_again(
    page: Page, url: str, status: int, why: str
) -> None:
    asked = []

    def refuse(route: Route) -> None:
        asked.append(route.request.url)
        route.fulfill(status=status, body="no")

    page.route("**/metrics", refuse)
    page.goto(f"{url}/monitor")
    if status == 401:
        page.get_by_label("Key", exact=True).fill("wrong")
        page.keyboard.press("Enter")
        expect(page.get_by_role("dialog")).to_contain_text("The gateway does not accept the key")
        page.get_by_role("button", name="Cancel").click()

    expect(page.get_by_role("alert")).to_contain_text(why)
    page.unroute("**/metrics")
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("heading", name="house_price", level=2)).to_be_visible()
    assert len(asked) == (2 if status == 401 else 1)


def test_canaries_and_shadows_are_named_with_their_shares(
    page: Page, settings: Settings, model_server: FakeModelServer
) -> None:
    for version in (2, 3):
        model_server.publish(with_reference(tabular_contract()), version)
    shares = replace(settings, canary={"house_price": {2: 20.0}}, shadow={"house_price": {3: 50.0}})
    with gateway(shares) as url:
        wait_until(lambda: httpx.get(f"{url}/models/house_price").json()["versions"] == [3, 2, 1])
        open_monitor(page, url)
        expect(cells(page, "Versions of the model", "2").first).to_have_text("canary, 20%")
        expect(cells(page, "Versions of the model", "3").first).to_have_text("shadow, 50%")
        expect(cells(page, "Versions of the model", "1").first).to_have_text("answers")
        expect(cells(page, "Shadows", "3").first).to_have_text("50%")


@pytest.mark.parametrize(
    "look",
    [{"color_scheme": "light"}, {"color_scheme": "dark", "viewport": NARROW}],
    ids=["light and wide", "dark and narrow"],
    indirect=True,
)
def test_it_is_accessible_and_fits(page: Page, url: str) -> None:
    ask(url, *[FAR] * 300)
    open_monitor(page, url)
    expect(page.get_by_role("figure", name="rooms")).to_be_visible()
    for summary in page.locator("summary").all():
        summary.focus()
        page.keyboard.press("Enter")
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


def test_the_two_pages_lead_to_each_other_and_the_address_names_the_model(page: Page, url: str) -> None:
    page.goto(url)
    page.get_by_role("link", name="Monitor").click()
    page.get_by_role("link", name="sentiment").click()
    expect(page.get_by_role("heading", name="sentiment", level=2)).to_be_visible()
    expect(page.get_by_role("link", name="sentiment")).to_be_focused()
    page.get_by_role("link", name="Try models").click()
    expect(page.get_by_role("button", name="Predict")).to_be_visible()


@pytest.fixture
def captured(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[str, dict[str, str]]]:
    """A gateway with captures, whose last answer to a house was wrong, and the keys of those who may see it or not."""
    monkeypatch.setattr(mistakes, "MOST_SECONDS", (60.0, 60.0))
    keys = {owner: make_key(owner, "*", "", reads) for owner, reads in (("reader", True), ("caller", False))}
    (tmp_path / "keys").write_text("".join(f"{line}\n" for _, line in keys.values()))
    places = {"capture": str(tmp_path / "captures"), "api_keys_file": tmp_path / "keys"}
    earlier = datetime.now(UTC) - timedelta(minutes=5)
    answer = {"value": 20.0, "unit": "1000 USD"}
    sent = replace(capture("r1", answer, earlier, model="house_price"), instance={"rooms": 5.0, "secret": "x"})
    write_captures(tmp_path / "captures", [sent])
    write_feedback(tmp_path / "captures", [feedback("r1", 26.0, earlier, model="house_price")])
    with gateway(replace(settings, capture_part_seconds=0.1, **places)) as url:
        headers = {"X-API-Key": keys["caller"][0]}
        httpx.post(f"{url}/predict/house_price", json=HOUSE, headers=headers)
        yield url, {owner: key for owner, (key, _) in keys.items()}


def test_the_last_mistakes_are_shown_to_a_key_that_may_read_captures(
    page: Page, captured: tuple[str, dict[str, str]]
) -> None:
    url, keys = captured
    open_monitor(page, url)  # asks for no key: /metrics needs none
    page.get_by_role("button", name="Show the last mistakes").click()
    page.get_by_label("Key", exact=True).fill(keys["reader"])
    page.keyboard.press("Enter")

    mistake = page.get_by_role("table", name="The last mistakes").get_by_role("row").last
    expect(mistake.get_by_role("cell")).to_have_text(["1", "value 20, unit 1000 USD", "26", "rooms 5"])
    expect(cells(page, "Of the answers that were read", "1")).to_have_text(["mae 6", "\N{EN DASH}", "1"])
    expect(page.get_by_text("The 1 last answers that were farthest off, of 1 whose truth is known.")).to_be_visible()
    assert Axe().run(page).violations_count == 0


def test_a_key_that_may_not_read_captures_sees_no_mistakes(page: Page, captured: tuple[str, dict[str, str]]) -> None:
    url, keys = captured
    open_monitor(page, url)
    page.get_by_role("button", name="Show the last mistakes").click()
    page.get_by_label("Key", exact=True).fill(keys["caller"])
    page.keyboard.press("Enter")

    expect(page.get_by_text("Not shown: expected an API key with the right captures=read")).to_be_visible()
    expect(page.get_by_role("table", name="The last mistakes")).to_have_count(0)

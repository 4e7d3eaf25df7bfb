"""The page while models are being trained, in a real browser in front of the real gateway."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from serving.gateway.app import create_app
from serving.gateway.settings import Settings
from serving.registry.progress import Progress
from serving.registry.versions import CONTRACT
from tests.serving.contracts import tabular_contract
from tests.serving.fake_model_server import wait_until
from tests.serving.gateway.conftest import served
from tests.serving.saved_models import write_saved_model


@pytest.fixture
def models_dir(tmp_path: Path) -> Path:
    (tmp_path / "models").mkdir()
    return tmp_path / "models"


@pytest.fixture
def following(models_dir: Path) -> Iterator[str]:
    settings = Settings(models_dir=models_dir, model_server="", models=("*",), refresh_seconds=0.05)
    with served(create_app(settings)) as url:
        yield url


def publish(models_dir: Path, model: str) -> None:
    contract, staged = tabular_contract(model), models_dir / ".staging" / model
    write_saved_model(staged, contract, contract.to_json())
    (staged / CONTRACT).write_text(contract.to_json())
    (models_dir / model).mkdir()
    staged.rename(models_dir / model / "1")


def test_models_that_are_trained_show_how_far_they_are_until_they_are_served(
    page: Page, following: str, models_dir: Path
) -> None:
    page.goto(following)
    expect(page.get_by_role("alert")).to_have_text("there is no model yet")
    with Progress(models_dir, "house") as house, Progress(models_dir, "later") as later:
        expect(page.get_by_role("link")).to_contain_text(["house waiting", "later waiting", "/docs"])
        house.show(0.4)
        expect(page.get_by_role("link", name="house training, 40 %")).to_be_visible()
        expect(page.get_by_text("Not ready: no version yet: training, 40 %")).to_be_visible()
        house.show(0.7)
        expect(page.get_by_text("Not ready: no version yet: training, 70 %")).to_be_visible()
        publish(models_dir, "house")
        house.close()

        expect(page.get_by_role("link", name="house sample")).to_be_visible()
        page.get_by_label("rooms").fill("6")
        later.show(0.5)
        expect(page.get_by_role("link", name="later training, 50 %")).to_be_visible()
        publish(models_dir, "later")
    expect(page.get_by_role("link", name="later sample")).to_be_visible()
    assert page.get_by_label("rooms").input_value() == "6"  # somebody is busy with it
    expect(page.get_by_role("heading", level=2)).to_have_text("house")


def test_a_training_that_fails_is_no_longer_shown(page: Page, following: str, models_dir: Path) -> None:
    publish(models_dir, "house")
    wait_until(lambda: page.request.get(f"{following}/readyz").ok)
    with Progress(models_dir, "later") as later:
        later.show(0.5)
        page.goto(f"{following}/#later")
        expect(page.get_by_text("Not ready: no version yet: training, 50 %")).to_be_visible()
    expect(page.get_by_role("heading", level=2)).to_have_text("house")
    expect(page.get_by_role("link", name="later")).to_have_count(0)


def test_a_page_of_models_that_are_all_served_asks_no_more(page: Page, following: str, models_dir: Path) -> None:
    publish(models_dir, "house")
    asked: list[str] = []
    wait_until(lambda: page.request.get(f"{following}/readyz").ok)
    page.goto(following)
    expect(page.get_by_role("link", name="house sample")).to_be_visible()
    page.on("request", lambda request: asked.append(request.url))
    threading.Event().wait(1.5)  # longer than the page waits between two looks
    page.get_by_role("button", name="Predict").click()
    expect(page.locator(".headline strong")).to_be_visible()
    assert asked == [f"{following}/predict/house"]

"""The page in a real browser, in front of the real gateway: what a person does, sees and hears."""

import base64
import io
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import orjson
import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from serving.gateway.app import create_app
from serving.gateway.middleware.key_file import make_key
from serving.gateway.settings import Settings
from serving.prediction.predictor import STAGES
from tests.serving.contracts import png, tabular_contract, text_contract
from tests.serving.fake_model_server import FakeModelServer, wait_until
from tests.serving.gateway.browser import NARROW, open_model
from tests.serving.gateway.conftest import served
from tests.stack import Stack

MODELS = ("digits", "house_price", "image", "sentiment", "topic")


def predict(page: Page) -> None:
    page.get_by_role("button", name="Predict").click()


def headline(page: Page) -> Locator:
    return page.locator(".headline strong")


def answered(prediction: dict[str, object]) -> str:
    return str(prediction["label"]) if "label" in prediction else f"{prediction['value']:.5g}"


@pytest.mark.parametrize("model", MODELS)
def test_each_models_example_is_answered(page: Page, stack: Stack, model: str) -> None:
    told = stack.get(f"/models/{model}").json()
    (prediction,) = stack.post(f"/predict/{model}", told["instance"]["example"]).json()["predictions"]

    open_model(page, stack.url, model)
    expect(page.get_by_text("Trained on a small built-in sample")).to_be_visible()
    predict(page)

    expect(headline(page)).to_have_text(answered(prediction))
    expect(page.get_by_role("status")).to_contain_text(f"Answer: {answered(prediction)}")
    expect(page.get_by_text("Version 1 answered in")).to_be_visible()
    times = page.get_by_role("table", name="Time by stage")
    expect(times.get_by_role("rowheader")).to_have_text([*STAGES, "everything else"])
    if "scores" in prediction:
        rows = page.get_by_role("table", name="Scores").get_by_role("rowheader")
        expect(rows).to_have_text(list(prediction["scores"]))


def test_a_text_is_pasted_over_the_example(page: Page, stack: Stack) -> None:
    text = {"text": 'it\'s "superb",\nmoving, charming: 素晴らしい'}
    (prediction,) = stack.post("/predict/sentiment", text).json()["predictions"]

    open_model(page, stack.url, "sentiment")
    page.get_by_label("text").fill(text["text"])
    predict(page)

    expect(headline(page)).to_have_text(answered(prediction))


@pytest.mark.skipif(shutil.which("curl") is None, reason="the command that is shown needs curl")
def test_the_last_request_is_shown_as_a_command_that_works(page: Page, stack: Stack) -> None:
    open_model(page, stack.url, "sentiment")
    page.get_by_label("text").fill('it\'s "superb" at $10;\nmoving')
    with page.expect_response("**/predict/sentiment") as reply:
        predict(page)
    command = page.locator("code").text_content()

    done = subprocess.run(["/bin/sh", "-c", command], capture_output=True, check=True)

    assert orjson.loads(done.stdout) == reply.value.json()


def test_the_command_is_copied(page: Page, stack: Stack) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    open_model(page, stack.url, "sentiment")
    predict(page)
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == page.locator("code").text_content()


def test_errors_stand_at_their_field(page: Page, stack: Stack) -> None:
    open_model(page, stack.url, "house_price")
    wrong = page.get_by_label("NOX")
    wrong.fill("low")
    predict(page)

    expect(wrong).to_have_attribute("aria-invalid", "true")
    expect(wrong).to_have_accessible_description("expected a number, got 'low'")
    expect(wrong).to_be_focused()
    expect(page.locator("[aria-invalid]")).to_have_count(1)

    wrong.fill("0.5")
    predict(page)
    expect(headline(page)).to_be_visible()
    expect(page.locator("[aria-invalid]")).to_have_count(0)


def test_several_errors_stand_each_at_the_field_that_its_pointer_names(page: Page, stack: Stack) -> None:
    errors = [{"detail": "too low", "pointer": "#/NOX"}, {"detail": "no number", "pointer": "#/instances/0/RM"}]
    problem = {"title": "Invalid instance", "status": 422, "errors": [*errors, {"detail": "one row is too few"}]}
    page.route("**/predict/house_price", lambda route: route.fulfill(status=422, json=problem))
    open_model(page, stack.url, "house_price")
    predict(page)
    expect(page.get_by_label("NOX")).to_have_accessible_description("too low")
    expect(page.get_by_label("RM")).to_have_accessible_description("no number")
    expect(page.get_by_role("alert")).to_have_text("one row is too few")


def test_a_digit_is_drawn(page: Page, stack: Stack) -> None:
    open_model(page, stack.url, "digits")
    pad = page.get_by_role("img", name="preview").bounding_box()
    page.mouse.move(pad["x"] + 140, pad["y"] + 40)
    page.mouse.down()
    page.mouse.move(pad["x"] + 140, pad["y"] + 240, steps=4)
    page.mouse.up()
    expect(page.get_by_role("img", name="Your drawing")).to_be_visible()
    with page.expect_request("**/predict/digits") as request:
        predict(page)
    expect(headline(page)).to_be_visible()

    drawn = Image.open(io.BytesIO(base64.b64decode(request.value.post_data_json["image"]))).convert("L")
    assert drawn.size == (280, 280)
    assert [drawn.getpixel((x, 140)) for x in (20, 140, 260)] == [0, 255, 0]  # a white stroke on black
    assert [drawn.getpixel((140, y)) for y in (10, 50, 230, 270)] == [0, 255, 255, 0]


@pytest.mark.parametrize("look", [{"has_touch": True}], indirect=True)
def test_a_finger_draws_too_and_clear_wipes_it_off(page: Page, stack: Stack) -> None:
    open_model(page, stack.url, "digits")
    pad = page.get_by_role("img", name="preview").bounding_box()
    page.touchscreen.tap(pad["x"] + 100, pad["y"] + 100)
    expect(page.get_by_role("img", name="Your drawing")).to_be_visible()
    page.get_by_role("button", name="Clear").click()
    predict(page)
    expect(page.get_by_label("image")).to_have_attribute("aria-invalid", "true")


CARRY = """([base64, type, name, event]) => {
  const carried = new DataTransfer();
  carried.items.add(new File([Uint8Array.from(atob(base64), (c) => c.charCodeAt(0))], name, {type}));
  const options = {bubbles: true, cancelable: true};
  document.body.dispatchEvent(event === "drop" ? new DragEvent("drop", {...options, dataTransfer: carried})
                                               : new ClipboardEvent("paste", {...options, clipboardData: carried}));
}"""


@pytest.mark.parametrize("way", ["drop", "paste", "choose"])
def test_a_photo_is_dropped_pasted_or_chosen(page: Page, stack: Stack, way: str) -> None:
    photo = png(200, size=(60, 40))
    (prediction,) = stack.post("/predict/image", photo, "image/png").json()["predictions"]

    open_model(page, stack.url, "image")
    if way == "choose":
        page.get_by_label("image").set_input_files({"name": "my cat.png", "mimeType": "image/png", "buffer": photo})
    else:
        page.evaluate(CARRY, [base64.b64encode(photo).decode(), "image/png", "my cat.png", way])
    expect(page.get_by_role("img", name="preview")).to_have_js_property("width", 240)  # four times as large
    with page.expect_response("**/predict/image") as reply:
        predict(page)

    expect(headline(page)).to_have_text(answered(prediction))
    assert reply.value.json()["predictions"] == [prediction]
    assert reply.value.request.headers["content-type"] == "image/png"
    expect(page.locator("code")).to_contain_text("-H 'Content-Type: image/png' \\\n  --data-binary '@my cat.png'")


def test_a_file_that_is_no_picture_is_an_error_at_the_field(page: Page, stack: Stack) -> None:
    open_model(page, stack.url, "image")
    paper = {"name": "a.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.7"}
    page.get_by_label("image").set_input_files(paper)
    predict(page)
    expect(page.get_by_label("image")).to_have_accessible_description(
        "JPEG, PNG, WEBP, GIF; at most 50,000,000 pixels and 10,485,760 bytes expected a whole picture in one of the "
        "formats "
        "JPEG, PNG, WEBP, GIF, got 8 bytes that start with b'%PDF-1.7'"
    )


def test_the_keyboard_is_enough(page: Page, stack: Stack) -> None:
    page.goto(stack.url)
    page.get_by_role("heading", level=2).wait_for()

    def tab_to(target: Locator) -> None:
        for _ in range(30):
            page.keyboard.press("Tab")
            if target.evaluate("node => node === document.activeElement"):
                return
        pytest.fail(f"Tab never comes to {target}")

    tab_to(page.get_by_role("link", name="sentiment"))
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="sentiment", level=2)).to_be_visible()
    expect(page.get_by_role("link", name="sentiment")).to_be_focused()
    tab_to(page.get_by_label("text"))
    page.keyboard.press("Control+A")
    page.keyboard.type("a superb film")
    tab_to(page.get_by_role("button", name="Predict"))
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    page.keyboard.press("Space")
    expect(page.get_by_role("status")).to_contain_text("Answer: ")
    assert outline == "solid"


@pytest.mark.parametrize(
    "look",
    [{"color_scheme": "light"}, {"color_scheme": "dark", "viewport": NARROW}],
    ids=["light and wide", "dark and narrow"],
    indirect=True,
)
def test_it_is_accessible_and_fits(page: Page, stack: Stack) -> None:
    axe = Axe()
    for model in ("digits", "house_price", "topic"):
        open_model(page, stack.url, model)
        predict(page)
        expect(headline(page)).to_be_visible()
        found = axe.run(page)
        assert found.violations_count == 0, found.generate_report()
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


@pytest.mark.parametrize("look", [{"color_scheme": "light"}, {"color_scheme": "dark"}], indirect=True)
def test_the_system_chooses_light_or_dark_and_the_button_overrides_it(
    page: Page, stack: Stack, look: dict[str, object]
) -> None:
    def is_dark() -> bool:
        red = page.evaluate("getComputedStyle(document.body).backgroundColor.match(/\\d+/)[0]")
        return int(red) < 128

    dark = look["color_scheme"] == "dark"
    button = page.get_by_role("button", name="Dark")
    page.goto(stack.url)
    expect(button).to_have_attribute("aria-pressed", str(dark).lower())
    assert is_dark() == dark
    button.click()
    assert is_dark() != dark
    page.reload()
    expect(button).to_have_attribute("aria-pressed", str(not dark).lower())
    assert is_dark() != dark


@pytest.fixture
def small_gateway(settings: Settings, model_server: FakeModelServer) -> Iterator[str]:
    """The URL of a gateway with a model that nobody has heard of, one that is refused, and one that is missing."""
    model_server.publish(tabular_contract("churn"))
    model_server.publish(text_contract(), 2, weights=1)
    models = ("churn", "sentiment", "digits", "parrot")
    app = create_app(Settings(model_server=settings.model_server, models=models, refresh_seconds=0.05))
    with served(app) as url:
        client = app.test_client()
        wait_until(lambda: bool(client.get("/models/sentiment").get_json()["refused"]))
        wait_until(
            lambda: client.get("/models/digits").get_json()["ready"] and client.get("/models/churn").get_json()["ready"]
        )
        yield url


def test_a_new_model_needs_no_change_of_the_page(page: Page, small_gateway: str) -> None:
    page.goto(small_gateway)
    expect(page.get_by_role("heading", level=2)).to_have_text("churn")
    assert page.get_by_label("rooms").input_value() == "5"
    predict(page)
    expect(headline(page)).to_be_visible()
    expect(page.locator(".headline")).to_contain_text("in 1000 USD")


def test_what_is_not_served_is_listed_with_the_reason(page: Page, small_gateway: str) -> None:
    open_model(page, small_gateway, "sentiment")
    expect(page.get_by_text("Version 2 was refused: ")).to_contain_text("scores are off")
    page.get_by_role("link", name="parrot not ready").click()
    expect(page.get_by_text("Not ready: the model server has no such model")).to_be_visible()
    expect(page.get_by_role("button", name="Predict")).to_have_count(0)


def test_the_pads_colours_are_those_of_the_contract(page: Page, small_gateway: str) -> None:
    open_model(page, small_gateway, "digits")
    page.get_by_role("button", name="Clear").click()
    pixel = page.locator("canvas").evaluate("c => [...c.getContext('2d').getImageData(5, 5, 1, 1).data]")
    assert pixel == [255, 255, 255, 255]


def test_what_concerns_no_field_is_told_below_the_form(
    page: Page, small_gateway: str, model_server: FakeModelServer
) -> None:
    open_model(page, small_gateway, "churn")
    model_server.stop()
    predict(page)
    expect(page.get_by_role("alert")).to_contain_text("churn: ")


@pytest.fixture
def key_and_file(tmp_path: Path) -> tuple[str, Path]:
    key, line = make_key("alice")
    (tmp_path / "api-keys").write_text(f"{line}\n")
    return key, tmp_path / "api-keys"


@pytest.fixture
def locked_gateway(settings: Settings, key_and_file: tuple[str, Path]) -> Iterator[str]:
    """The URL of a gateway that asks for an API key."""
    app = create_app(replace(settings, api_keys_file=key_and_file[1]))
    with served(app) as url:
        client = app.test_client()
        wait_until(lambda: client.get("/readyz").status_code == 200)
        yield url


def test_a_key_is_asked_for_once_and_kept_in_the_tab(
    page: Page, locked_gateway: str, key_and_file: tuple[str, Path]
) -> None:
    page.goto(f"{locked_gateway}/#house_price")
    dialog = page.get_by_role("dialog", name="API key")
    expect(dialog).to_be_visible()
    expect(page.get_by_label("Key", exact=True)).to_be_focused()
    assert Axe().run(page).violations_count == 0
    page.keyboard.type("schlüssel")  # no header can have that
    page.keyboard.press("Enter")
    page.get_by_label("Key", exact=True).fill("wrong")
    page.keyboard.press("Enter")
    expect(dialog).to_contain_text("The gateway does not accept the key")
    page.get_by_label("Key", exact=True).fill(key_and_file[0])
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="house_price", level=2)).to_be_visible()
    predict(page)
    expect(headline(page)).to_be_visible()
    expect(dialog).to_be_hidden()
    expect(page.locator("code")).to_contain_text('-H "X-API-Key: $API_KEY"')
    assert key_and_file[0] not in page.content()

    page.reload()
    expect(page.get_by_role("heading", name="house_price", level=2)).to_be_visible()
    expect(dialog).to_be_hidden()
    page.goto(f"{locked_gateway}/docs")
    expect(page.get_by_text("/predict/house_price", exact=True)).to_be_visible()


def test_who_gives_no_key_is_told_why_there_is_nothing(page: Page, locked_gateway: str) -> None:
    page.goto(locked_gateway)
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("alert")).to_contain_text("expected a known API key")
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("dialog", name="API key")).to_be_visible()


def test_a_key_that_is_revoked_while_the_page_is_open_is_asked_for_anew(
    page: Page, locked_gateway: str, key_and_file: tuple[str, Path]
) -> None:
    key, file = key_and_file
    page.goto(f"{locked_gateway}/#house_price")
    page.get_by_label("Key", exact=True).fill(key)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="house_price", level=2)).to_be_visible()
    key, line = make_key("alice")
    file.write_text(f"{line}\n# the old one is gone\n")
    dialog = page.get_by_role("dialog", name="API key")
    page.wait_for_timeout(1100)  # so long an old key may still do
    predict(page)
    expect(dialog).to_be_visible()
    page.get_by_label("Key", exact=True).fill(key)
    page.keyboard.press("Enter")
    expect(headline(page)).to_be_visible()

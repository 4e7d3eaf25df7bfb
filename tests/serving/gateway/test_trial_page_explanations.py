"""The page explains its last answer: in a real browser, in front of the real gateway and models of known causes."""

import io
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Locator, Page, Route, expect

from serving.contract.arrays import Array, Features
from serving.gateway.app import create_app
from serving.gateway.settings import Settings
from tests.serving.contracts import image_contract, planted, tabular_contract, text_contract
from tests.serving.fake_model_server import FakeModelServer, wait_until
from tests.serving.gateway.browser import NARROW, open_model
from tests.serving.gateway.conftest import served
from tests.serving.mixed_contract import mixed_contract, mixed_scores

MINUS = "\N{MINUS SIGN}"  # as screen readers say it
TEXT = "A \N{GRINNING FACE} bad film,\nbut very good"
MODELS = ("sentiment", "house_price", "digits", "birds")
IDS = {word: text_contract().features([{"text": word}])["ids"].max() for word in ("bad", "good", "film")}


def by_words(features: Features) -> Array:
    """The score of "positive": even, but less by one word and more by another."""
    (ids,) = features.values()
    has = {word: (ids == number).any(axis=1, keepdims=True) for word, number in IDS.items()}
    scores = 0.5 - 0.32 * has["bad"] + 0.16 * has["good"] - 0.04 * has["film"]
    return np.asarray(scores, np.float32)


def by_columns(features: Features) -> Array:
    (numbers,) = features.values()
    return np.asarray(24 + numbers @ [[2], [-0.5]], np.float32)


def by_patches(features: Features) -> Array:
    """The score of "3": more by one pixel and less by another."""
    (pixels,) = features.values()
    grey = pixels.reshape(len(pixels), 7, 7) / 255
    scores = np.full((len(grey), 10), 0.01)
    scores[:, 3] = 0.5 + 0.25 * grey[:, 1, 4] - 0.125 * grey[:, 6, 0]
    return scores.astype(np.float32)


@pytest.fixture
def causes(model_server: FakeModelServer) -> FakeModelServer:
    """A model of texts, one of numbers, one of pictures whose causes are known, and one of all kinds and two heads."""
    for contract, model in (
        (text_contract(), by_words),
        (tabular_contract(), by_columns),
        (image_contract(side=7), by_patches),
    ):
        model_server.publish(planted(contract, model), model=model)
    model_server.publish(mixed_contract(), model=mixed_scores)
    return model_server


@pytest.fixture
def url(request: pytest.FixtureRequest, causes: FakeModelServer) -> Iterator[str]:
    """The URL of a gateway of these models; tests may parametrise its settings."""
    settings = Settings(model_server=causes.address, models=MODELS, refresh_seconds=0.05)
    app = create_app(replace(settings, **getattr(request, "param", {})))
    with served(app) as address:
        wait_until(lambda: app.test_client().get("/readyz").status_code == 200)
        yield address


def two_dots() -> bytes:
    """A black picture with two white dots: where the model looks for what speaks for a 3, and against it."""
    picture = Image.new("L", (7, 7))
    picture.putpixel((4, 1), 255)
    picture.putpixel((0, 6), 255)
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


def fill(page: Page, url: str, model: str) -> None:
    open_model(page, url, model)
    if model == "sentiment":
        page.get_by_label("text").fill(TEXT)
    if model == "house_price":
        page.get_by_label("rooms").fill("7.5")
        page.get_by_label("age").fill("80")
    if model == "digits":
        page.get_by_label("image").set_input_files({"name": "dots.png", "mimeType": "image/png", "buffer": two_dots()})


def explain(page: Page, url: str, model: str) -> str:
    """Press both buttons; returns the address that was asked."""
    fill(page, url, model)
    page.get_by_role("button", name="Predict").click()
    with page.expect_request("**/explain/**") as request:
        page.get_by_role("button", name="Explain").click()
    expect(section(page)).to_be_visible()
    return request.value.url


def section(page: Page) -> Locator:
    return page.get_by_role("region", name="Explanation")


def rows(page: Page) -> list[list[str]]:
    """The table of the strongest parts: name and figure."""
    found = page.get_by_role("table", name="Strongest parts").locator("tbody tr")
    texts = found.evaluate_all("rows => rows.map(({cells}) => [cells[0].textContent, cells[2].textContent])")
    return [[str(cell) for cell in row] for row in texts]


def test_words_are_marked_in_their_text_and_ranked_with_signed_figures(page: Page, url: str) -> None:
    explain(page, url, "sentiment")

    assert rows(page) == [["“bad”", "+32.0"], ["“good”", f"{MINUS}16.0"], ["“film,”", "+4.0"]]
    text = page.get_by_role("group", name="text, with the words for and against the answer marked")
    assert text.text_content() == TEXT
    marks = text.locator("span")
    expect(marks).to_have_text(["bad", "film,", "good"])
    shown = "nodes => nodes.map((node) => [node.title, getComputedStyle(node).textDecorationStyle])"
    assert marks.evaluate_all(shown) == [
        ["+32.0 points", "solid"],
        ["+4.0 points", "solid"],
        [f"{MINUS}16.0 points", "wavy"],
    ]
    expect(section(page)).to_contain_text("negative has a score of 70.0%. With none of its parts it would be 50.0%.")
    expect(section(page)).to_contain_text("And 4 weaker parts.")
    expect(section(page)).to_contain_text("over all combinations of the parts (128 evaluations by version 1)")
    expect(page.get_by_role("status")).to_have_text(
        f"Explanation of negative, points: “bad” +32.0; “good” {MINUS}16.0; “film,” +4.0."
    )


def test_columns_stand_with_what_is_usual_and_their_share_in_the_unit(page: Page, url: str) -> None:
    explain(page, url, "house_price")

    assert rows(page) == [["rooms 7.5 instead of 5", "+5.00"], ["age 80 instead of 30", f"{MINUS}1.25"]]
    expect(section(page)).to_contain_text(
        "The value is 26.25 in 1000 USD. With none of its parts it would be 22.50 in 1000 USD. "
        "The parts add up to the difference."
    )


def test_patches_are_painted_over_their_picture_and_named_by_row_and_column(page: Page, url: str) -> None:
    explain(page, url, "digits")

    assert rows(page) == [["row 2, column 5", "+24.0"], ["row 7, column 1", f"{MINUS}12.0"]]
    canvas = page.get_by_role("img", name="image, with the patches for and against the answer marked")
    expect(canvas).to_have_attribute("data-painted", "true")
    strip = canvas.evaluate("c => [...c.getContext('2d').getImageData(200, 90, 131, 1).data]")
    outside, inside = strip[:4], strip[-4:]
    assert inside[2] > inside[0] + 50  # blue
    assert outside == [0, 0, 0, 255]


def test_any_label_of_any_head_can_be_explained_by_the_version_that_answered(page: Page, url: str) -> None:
    asked = explain(page, url, "birds")
    assert asked.endswith("/explain/birds?version=1&head=species&target=Gentoo")
    choice = page.get_by_label("What to explain")
    names = ["species: Gentoo", "species: ", "species: ", "weight: value", "weight: low", "weight: high"]
    expect(choice.locator("option")).to_contain_text(names)
    expect(section(page)).to_contain_text("species: Gentoo has a score of 51.4%.")
    expect(page.get_by_role("table", name="Strongest parts").get_by_text("note: “")).not_to_have_count(0)

    choice.select_option(label="weight: low")
    with page.expect_request("**/explain/**") as request:
        page.get_by_role("button", name="Explain").click()

    assert request.value.url.endswith("/explain/birds?version=1&head=weight&target=low")
    expect(section(page)).to_contain_text("weight: low is 0.1834 in g.")


def test_what_is_rough_is_said_to_be(page: Page, url: str) -> None:
    rough = {"complete": False, "exact": False, "stability": 0.4, "evaluations": 60, "sum": 0.75, "gap": -0.05}

    def cut_short(route: Route) -> None:
        reply = route.fetch()
        whole = reply.json()
        route.fulfill(response=reply, json={**whole, "explanation": {**whole["explanation"], **rough}})

    page.route("**/explain/**", cut_short)

    explain(page, url, "sentiment")

    expect(section(page)).to_contain_text("Not complete: its time or budget ended after 60 evaluations")
    expect(section(page)).to_contain_text("The parts add up to 5.0 points more than that.")
    expect(section(page)).to_contain_text("rank the parts differently: not stable (rank correlation 0.40)")
    expect(page.get_by_role("status")).to_contain_text("Not complete.")


@pytest.mark.parametrize("url", [{"explain_budget": 0}], indirect=True)
def test_a_gateway_that_explains_nothing_says_so(page: Page, url: str) -> None:
    explain(page, url, "sentiment")
    expect(section(page)).to_contain_text("No explanation: ")
    expect(page.get_by_role("status")).to_contain_text("EXPLAIN_BUDGET")


@pytest.mark.parametrize(
    ("status", "headers", "detail", "said"),
    [
        (429, {"Retry-After": "2"}, "others wait", "No explanation: others wait; try again in 2 s"),
        (504, {}, "no answer within 5 s", "No explanation: no answer within 5 s"),
    ],
)
def test_why_there_is_none_is_told_as_a_sentence(
    page: Page, url: str, status: int, headers: dict[str, str], detail: str, said: str
) -> None:
    problem = {"title": "None", "status": status, "detail": detail}
    page.route("**/explain/**", lambda route: route.fulfill(status=status, headers=headers, json=problem))

    explain(page, url, "sentiment")

    expect(section(page).get_by_text(said, exact=True)).to_be_visible()
    expect(page.get_by_role("status")).to_have_text(said)
    expect(page.locator(".headline strong")).to_be_visible()


def test_another_answer_takes_the_explanation_away(page: Page, url: str) -> None:
    explain(page, url, "sentiment")

    page.get_by_role("button", name="Predict").click()

    expect(page.get_by_role("status")).to_contain_text("Answer: ")
    expect(section(page)).to_be_hidden()


@pytest.mark.parametrize("look", [{}, {"color_scheme": "dark", "viewport": NARROW}], indirect=True)
def test_it_is_accessible_by_keyboard_and_fits(page: Page, url: str) -> None:
    for model in MODELS:
        fill(page, url, model)
        page.get_by_role("button", name="Predict").press("Enter")
        button = page.get_by_role("button", name="Explain")
        button.press("Enter")
        expect(section(page)).to_be_visible()
        expect(button).to_be_focused()
        found = Axe().run(page)
        assert found.violations_count == 0, found.generate_report()
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0

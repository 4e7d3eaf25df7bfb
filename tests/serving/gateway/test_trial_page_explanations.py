"""The page explains its last answer: in a real browser, in front of the real gateway."""

from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, expect

from serving.gateway.app import create_app
from serving.gateway.settings import Settings
from tests.serving.fake_model_server import FakeModelServer, wait_until
from tests.serving.gateway.browser import NARROW, open_model
from tests.serving.gateway.conftest import served
from tests.serving.mixed_contract import mixed_contract, mixed_scores

MINUS = "\N{MINUS SIGN}"  # as screen readers say it
TEXT = "A 😀 boring film,\nbut superb"
WORDS = [
    {"field": "text", "start": 0, "end": 1, "text": "A", "contribution": 0.0001, "error": 0.0},
    {"field": "text", "start": 4, "end": 10, "text": "boring", "contribution": 0.32, "error": 0.004},
    {"field": "text", "start": 11, "end": 16, "text": "film,", "contribution": 0.04, "error": 0.002},
    {"field": "text", "start": 21, "end": 27, "text": "superb", "contribution": -0.16, "error": 0.01},
]
COLUMNS = [
    {"field": "rooms", "value": 5, "reference": 6.2, "contribution": -1.5, "error": 0.0},
    {"field": "crime", "value": 0.25, "reference": 3.6, "contribution": 12.25, "error": 0.0},
]
PATCHES = [
    {
        "field": "image",
        "box": [column * 4, row * 4, column * 4 + 4, row * 4 + 4],
        "contribution": {(1, 4): 0.25, (6, 0): -0.25}.get((row, column), 0.0),
        "error": 0.0,
    }
    for row in range(7)
    for column in range(7)
]


@pytest.fixture
def url(settings: Settings, model_server: FakeModelServer) -> Iterator[str]:
    """The URL of a gateway with models of texts, of numbers, of pictures, and of all kinds with two heads."""
    model_server.publish(mixed_contract(), model=mixed_scores)
    models = (*settings.models, "birds")
    app = create_app(Settings(model_server=settings.model_server, models=models, refresh_seconds=0.05))
    with served(app) as address:
        wait_until(lambda: app.test_client().get("/readyz").status_code == 200)
        yield address


def explanation(parts: list[dict[str, Any]], prediction: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """What the gateway would say of an answer."""
    made = {
        "method": "shapley",
        "head": None,
        "target": prediction.get("label", "value"),
        "unit": prediction.get("unit"),
        "score": 0.7,
        "base": 0.5,
        "sum": 0.7,
        "gap": 0.0,
        "evaluations": 512,
        "complete": True,
        "exact": False,
        "stability": 0.97,
        "parts": parts,
        **changes,
    }
    return {"model": "any", "version": 1, "prediction": prediction, "explanation": made}


def reply_with(page: Page, parts: list[dict[str, Any]], prediction: dict[str, Any], **changes: Any) -> None:
    reply = explanation(parts, prediction, **changes)
    page.route("**/explain/**", lambda route: route.fulfill(json=reply))


def explain(page: Page, url: str, model: str) -> str:
    """Press both buttons; returns the address that was asked."""
    open_model(page, url, model)
    if model == "sentiment":
        page.get_by_label("text").fill(TEXT)
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


SURE = {"label": "negative", "score": 0.7, "scores": {"negative": 0.7, "positive": 0.3}}
HOUSE = {"value": 24.5, "unit": "1000 USD"}


def test_words_are_marked_in_their_text_and_ranked_with_signed_figures(page: Page, url: str) -> None:
    reply_with(page, WORDS, SURE)

    explain(page, url, "sentiment")

    assert rows(page) == [["“boring”", "+32.0"], ["“superb”", f"{MINUS}16.0"], ["“film,”", "+4.0"]]
    text = page.get_by_role("group", name="text, with the words for and against the answer marked")
    assert text.text_content() == TEXT
    marks = text.locator("span")
    expect(marks).to_have_text(["boring", "film,", "superb"])
    shown = "nodes => nodes.map((node) => [node.title, getComputedStyle(node).textDecorationStyle])"
    assert marks.evaluate_all(shown) == [
        ["+32.0 points", "solid"],
        ["+4.0 points", "solid"],
        [f"{MINUS}16.0 points", "wavy"],
    ]
    expect(section(page)).to_contain_text("negative has a score of 70.0%. With none of its parts it would be 50.0%.")
    expect(section(page)).to_contain_text("And 1 weaker part.")
    expect(page.get_by_role("status")).to_have_text(
        f"Explanation of negative, points: “boring” +32.0; “superb” {MINUS}16.0; “film,” +4.0."
    )


def test_columns_stand_with_what_is_usual_and_their_share_in_the_unit(page: Page, url: str) -> None:
    reply_with(page, COLUMNS, HOUSE, score=24.5, base=13.75, exact=True, stability=None, evaluations=4)

    explain(page, url, "house_price")

    assert rows(page) == [["crime 0.25 instead of 3.6", "+12.3"], ["rooms 5 instead of 6.2", f"{MINUS}1.5"]]
    expect(section(page)).to_contain_text(
        "The value is 24.5 in 1000 USD. With none of its parts it would be 13.8 in 1000 USD. "
        "The parts add up to the difference."
    )
    expect(section(page)).to_contain_text("over all combinations of the parts (4 evaluations by version 1)")


def test_patches_are_painted_over_their_picture_and_named_by_row_and_column(page: Page, url: str) -> None:
    reply_with(page, PATCHES, SURE, pictures=[{"field": "image", "width": 28, "height": 28}])

    explain(page, url, "digits")

    assert rows(page) == [["row 2, column 5", "+25.0"], ["row 7, column 1", f"{MINUS}25.0"]]
    canvas = page.get_by_role("img", name="image, with the patches for and against the answer marked")
    expect(canvas).to_have_attribute("data-painted", "true")
    strip = canvas.evaluate("c => [...c.getContext('2d').getImageData(200, 90, 131, 1).data]")
    outside, inside = strip[:4], strip[-4:]
    assert inside[2] > inside[0] + 50  # blue
    assert outside[0] == outside[1] == outside[2]


def test_any_label_of_any_head_can_be_explained_by_the_version_that_answered(page: Page, url: str) -> None:
    reply_with(page, COLUMNS, {"species": SURE, "weight": HOUSE}, head="species")
    asked = explain(page, url, "birds")
    assert asked.endswith("/explain/birds?version=1&head=species&target=Gentoo")
    choice = page.get_by_label("What to explain")
    expect(choice.locator("option")).to_contain_text(
        ["species: Gentoo", "species: ", "species: ", "weight: value", "weight: low", "weight: high"]
    )

    choice.select_option(label="weight: low")
    with page.expect_request("**/explain/**") as request:
        page.get_by_role("button", name="Explain").click()

    assert request.value.url.endswith("/explain/birds?version=1&head=weight&target=low")


def test_what_is_rough_is_said_to_be(page: Page, url: str) -> None:
    reply_with(page, WORDS, SURE, complete=False, stability=0.4, evaluations=60, sum=0.75, gap=-0.05)

    explain(page, url, "sentiment")

    expect(section(page)).to_contain_text("Not complete: its time or budget ended after 60 evaluations")
    expect(section(page)).to_contain_text("The parts add up to 5.0 points more than that.")
    expect(section(page)).to_contain_text("rank the parts differently: not stable (rank correlation 0.40)")
    expect(page.get_by_role("status")).to_contain_text("Not complete.")


@pytest.mark.parametrize(
    ("status", "headers", "detail", "said"),
    [
        (404, {}, "explanations are off", "No explanation: explanations are off"),
        (429, {"Retry-After": "2"}, "another one is made", "No explanation: another one is made; try again in 2 s"),
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
    reply_with(page, WORDS, SURE)
    explain(page, url, "sentiment")

    page.get_by_role("button", name="Predict").click()

    expect(page.get_by_role("status")).to_contain_text("Answer: ")
    expect(section(page)).to_be_hidden()


@pytest.mark.parametrize("look", [{}, {"color_scheme": "dark", "viewport": NARROW}], indirect=True)
def test_it_is_accessible_by_keyboard_and_fits(page: Page, url: str) -> None:
    kinds = (("sentiment", WORDS, SURE), ("house_price", COLUMNS, HOUSE), ("digits", PATCHES, SURE))
    for model, parts, prediction in kinds:
        reply_with(page, parts, prediction, complete=False)
        open_model(page, url, model)
        page.get_by_role("button", name="Predict").press("Enter")
        button = page.get_by_role("button", name="Explain")
        button.press("Enter")
        expect(section(page)).to_be_visible()
        expect(button).to_be_focused()
        found = Axe().run(page)
        assert found.violations_count == 0, found.generate_report()
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
        page.unroute("**/explain/**")

"""The page for a record of fields of many kinds, for several heads, and for a file of rows."""

import base64
import csv
import io
import json
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, Request, Route, expect

from serving.contract import Answers, ParityExample, Reading, Record
from serving.contract.encoders import Number, Picture
from serving.contract.faults import Faults
from serving.contract.heads import Head, Interval, Labels, TagSet, Value, Values, Vector
from serving.contract.record import Input
from serving.gateway.app import create_app
from serving.gateway.settings import Settings
from tests.serving.contracts import png
from tests.serving.every_kind import make, model_of
from tests.serving.fake_model_server import FakeModelServer, wait_until
from tests.serving.gateway.browser import NARROW, open_model
from tests.serving.gateway.conftest import served
from tests.serving.mixed_contract import EXAMPLES, SPECIES, mixed_contract, mixed_scores

DROP = """([text, name]) => {
  const carried = new DataTransfer();
  carried.items.add(new File([text], name));
  const options = {bubbles: true, cancelable: true, dataTransfer: carried};
  document.body.dispatchEvent(new DragEvent("drop", options));
}"""
DROP_PICTURE = """([base64, name]) => {
  const carried = new DataTransfer();
  carried.items.add(new File([Uint8Array.from(atob(base64), (c) => c.charCodeAt(0))], name, {type: "image/png"}));
  document.body.dispatchEvent(new DragEvent("drop", {bubbles: true, cancelable: true, dataTransfer: carried}));
}"""
FIRST = EXAMPLES[0]


@pytest.fixture
def birds(model_server: FakeModelServer) -> Iterator[str]:
    """The URL of a gateway with the mixed model; a request may have 512 instances."""
    model_server.publish(mixed_contract(), model=mixed_scores)
    app = create_app(Settings(model_server=model_server.address, models=("birds",), refresh_seconds=0.05))
    with served(app) as url:
        wait_until(lambda: app.test_client().get("/readyz").status_code == 200)
        yield url


def predict(page: Page) -> Any:
    """Press the button; returns the JSON that was sent."""
    with page.expect_request("**/predict/birds") as request:
        page.get_by_role("button", name="Predict").click()
    return request.value.post_data_json


def answers(url: str, *instances: object) -> list[dict[str, Any]]:
    body = json.dumps({"instances": instances}).encode()
    request = urllib.request.Request(f"{url}/predict/birds", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as reply:
        return list(json.load(reply)["predictions"])


def test_the_form_sends_the_example_as_it_is(page: Page, birds: str) -> None:
    open_model(page, birds, "birds")
    assert predict(page) == FIRST
    expect(page.get_by_role("table", name="Answers")).to_be_visible()


def test_each_field_has_the_control_that_suits_it(page: Page, birds: str) -> None:
    open_model(page, birds, "birds")
    page.get_by_label("mass").fill("3900")
    page.get_by_label("ring").fill("77")
    page.get_by_label("island").select_option("Torgersen")
    page.get_by_role("group", name="habits").get_by_label("nests").check()
    page.get_by_role("group", name="habits").get_by_label("dives").uncheck()
    page.get_by_label("seen").fill("2026-03-04")
    page.get_by_label("wings").fill("[[1, 2], [3, 4.5]]")
    page.get_by_label("tame").uncheck()
    page.get_by_label("note").fill("")
    known = page.locator("datalist option").evaluate_all("options => options.map((option) => option.value)")
    assert known == ["9", "8"]

    sent = predict(page)

    assert sent == {
        "mass": 3900,
        "ring": 77,
        "island": "Torgersen",
        "habits": ["swims", "nests"],
        "seen": "2026-03-04",
        "wings": [[1, 2], [3, 4.5]],
        "tame": False,
    }
    expect(page.get_by_role("table", name="Answers")).to_be_visible()


def test_what_is_left_empty_is_left_out(page: Page, birds: str) -> None:
    open_model(page, birds, "birds")
    page.get_by_role("button", name="Clear").click()
    assert predict(page) == {"habits": [], "tame": False}
    for name in ("ring", "island", "seen", "wings"):
        expect(page.get_by_label(name)).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_label("mass")).not_to_have_attribute("aria-invalid", "true")


def test_an_error_within_a_value_stands_at_its_field(page: Page, birds: str) -> None:
    open_model(page, birds, "birds")
    wings = page.get_by_label("wings")
    wings.fill('[[1, "two"], [3, "four"]]')
    predict(page)
    expect(wings).to_have_accessible_description(
        "item 1.2: expected a number, got 'two'; item 2.2: expected a number, got 'four'"
    )
    expect(wings).to_be_focused()
    wings.fill("[[1, 2")
    predict(page)
    expect(wings).to_have_accessible_description("expected a list of 2 items, got '[[1, 2'")


def test_a_tag_that_is_refused_is_marked_itself(page: Page, birds: str) -> None:
    errors = [{"detail": "too wet", "pointer": "/instances/0/habits/1", "index": 0, "field": "habits"}]
    problem = {"title": "Invalid instance", "status": 422, "errors": errors, "error_count": 3}
    page.route("**/predict/birds", lambda route: route.fulfill(status=422, json=problem))
    open_model(page, birds, "birds")
    predict(page)
    habits = page.get_by_role("group", name="habits")
    expect(habits.get_by_label("dives")).to_have_attribute("aria-invalid", "true")
    expect(habits).to_have_accessible_description("item 2: too wet")
    expect(page.get_by_role("alert")).to_have_text("And 2 more.")


def test_a_whole_number_of_64_bits_keeps_its_digits(page: Page, birds: str) -> None:
    open_model(page, birds, "birds")
    page.get_by_label("ring").fill("9007199254740993")
    with page.expect_request("**/predict/birds") as request:
        page.get_by_role("button", name="Predict").click()
    assert json.loads(request.value.post_data)["ring"] == 9007199254740993


def test_the_answers_of_all_heads_are_shown_and_told(page: Page, birds: str) -> None:
    open_model(page, birds, "birds")
    predict(page)
    table = page.get_by_role("table", name="Answers")
    expect(table.get_by_role("rowheader", name="species", exact=True)).to_be_visible()
    expect(page.locator(".headline")).to_have_text(["Gentoo 51.4%", "0.30263 in g, 0.18341 to 0.51396"])
    rows = page.get_by_role("table", name="Scores of species").get_by_role("rowheader")
    expect(rows).to_have_text(list(answers(birds, FIRST)[0]["species"]["scores"]))
    expect(page.get_by_text("That range held the true value of 90.0% of the test rows.")).to_be_visible()
    expect(page.get_by_role("status")).to_have_text(
        "Answer: species Gentoo, 51.4%; weight 0.30263 in g, 0.18341 to 0.51396"
    )


@pytest.mark.parametrize(
    ("prediction", "said"),
    [
        ({"tags": ["oil"], "scores": {"gold": 0.1, "oil": 0.9}}, "oil 90.0%"),
        ({"tags": [], "scores": {"gold": 0.1, "oil": 0.2}}, "no tag"),
        ({"value": 0.25, "unit": ""}, "0.25"),
        ({"values": {"height": 1.5, "width": 2}}, "height 1.5, width 2"),
        ({"vector": [0.5, -1, 2]}, "3 numbers: 0.5, -1, 2"),
        ({"odd": "kind"}, '{"odd":"kind"}'),
        ({"a": {"value": 2, "unit": "m"}, "b": {"vector": [1]}}, "a 2 in m; b 1 number: 1"),
    ],
)
def test_each_kind_of_answer_is_told_and_shown(
    page: Page, birds: str, prediction: dict[str, object], said: str
) -> None:
    reply = {"model": "birds", "version": 1, "predictions": [prediction]}
    page.route("**/predict/birds", lambda route: route.fulfill(json=reply))
    open_model(page, birds, "birds")
    predict(page)
    expect(page.get_by_role("status")).to_have_text(f"Answer: {said}")
    shown = page.locator(".answer").inner_text()
    assert all(word.strip(",;:") in shown for word in said.replace('{"odd":"kind"}', "odd").split() if word != "a")


def as_csv(rows: list[dict[str, object]]) -> str:
    """Write rows as a spreadsheet does; lists as JSON."""
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(rows[0])
    for row in rows:
        writer.writerow([json.dumps(cell) if isinstance(cell, list | bool) else cell for cell in row.values()])
    return file.getvalue()


def drop(page: Page, text: str, name: str) -> None:
    page.evaluate(DROP, [text, name])


def cells(page: Page) -> list[list[str]]:
    rows: Locator = page.get_by_role("table", name="Answers to the rows").locator("tr")
    texts = rows.evaluate_all("rows => rows.map((row) => [...row.cells].map((cell) => cell.textContent))")
    return [[str(cell) for cell in row] for row in texts]


def test_a_dropped_csv_is_answered_as_a_table_with_its_bad_row(page: Page, birds: str) -> None:
    bad = {**FIRST, "island": "Atlantis", "wings": [[1, 2], [3]]}
    rows: list[dict[str, object]] = [{**FIRST, "name": 'Ada, "the bird"'}, {**bad, "name": "Bob"}]
    rows.append({**EXAMPLES[1], "name": "Cid\nof two lines"})
    first, last = answers(birds, *EXAMPLES)

    open_model(page, birds, "birds")
    drop(page, "\ufeff" + as_csv(rows), "some birds.csv")

    expect(page.locator(".told")).to_have_text(
        "some birds.csv: 2 of 3 rows answered, by version 1. 1 with faults: the table tells them. "
        "Only the first fields are shown here: the download has all 8. "
        "Not sent, since the model has no such field: name."
    )
    head, *body = cells(page)
    assert head[0] == "row"
    assert head[-7:] == ["species_label", "species_score", "species_scores", *head[-4:]]
    assert head[-4:] == ["weight_value", "weight_low", "weight_high", "weight_unit"]
    assert [row[:5] for row in body] == [
        ["1", "4200.5", "7", "Biscoe", '["swims","dives"]'],
        ["2", "4200.5", "7", "Atlantis", '["swims","dives"]'],
        ["3", "", "8", "Dream", "[]"],
    ]
    assert body[0][-7] == first["species"]["label"]
    assert body[2][-7] == last["species"]["label"]
    assert body[1][-1] == (
        "island: expected one of 'Torgersen', 'Dream', 'Biscoe', got 'Atlantis'; "
        "wings, item 2: expected a list of 2 items, got 1"
    )


def test_a_file_is_read_as_the_one_of_training_was(page: Page, model_server: FakeModelServer) -> None:
    reading = Reading(
        separator=";",
        decimal=",",
        encoding="cp1252",
        missing=("", "k.A."),
        dates={"seen": "%d.%m.%Y"},
        delimiters={"habits": "|"},
    )
    model_server.publish(replace(mixed_contract(), reading=reading), model=mixed_scores)
    head = "mass;ring;island;habits;seen;wings;tame;note"
    wings, other = '"[[1.0, 2.0], [3.0, 4.0]]"', '"[[1, 2], [3, 4]]"'
    rows = [
        f"4200,5;7;Biscoe;swims|dives;28.11.2026;{wings};true;schöner Vogel",
        f' k.A. ;8;Dream;["nests"];2026-01-02;{other};false;NA',
        f"1.5;8;Dream;;31.02.2026;{other};false;",
    ]
    app = create_app(Settings(model_server=model_server.address, models=("birds",), refresh_seconds=0.05))
    with served(app) as url:
        wait_until(lambda: app.test_client().get("/readyz").status_code == 200)
        open_model(page, url, "birds")
        data = "\r\n".join([head, *rows]).encode("cp1252")
        with page.expect_request("**/predict/birds") as request:
            page.get_by_label("File of rows").set_input_files({"name": "birds.csv", "mimeType": "", "buffer": data})
        expect(page.locator(".told")).to_contain_text("Read as the file that the model was trained on is written.")
    first, second, third = request.value.post_data_json["instances"]
    assert first == {
        **EXAMPLES[0],
        "seen": "2026-11-28",
        "note": "schöner Vogel",
    }
    assert second == {
        "ring": 8,
        "island": "Dream",
        "habits": ["nests"],
        "seen": "2026-01-02",
        "wings": [[1, 2], [3, 4]],
        "tame": False,
        "note": "NA",
    }
    assert (third["mass"], third["seen"]) == ("1.5", "31.02.2026")


def test_the_table_is_downloaded_as_csv(page: Page, birds: str) -> None:
    rows = [{**FIRST}, {**FIRST, "ring": "seven, of course"}]
    (answer,) = answers(birds, FIRST)
    open_model(page, birds, "birds")
    drop(page, as_csv(rows), "birds.csv")
    with page.expect_download() as download:
        page.get_by_role("button", name="Download as CSV").click()
    assert download.value.suggested_filename == "birds-answers.csv"
    good, bad = csv.DictReader(io.StringIO(download.value.path().read_text()))
    assert json.loads(good["habits"]) == FIRST["habits"]
    assert float(good["weight_value"]) == answer["weight"]["value"]
    assert json.loads(good["species_scores"]) == answer["species"]["scores"]
    assert (good["row"], good["faults"]) == ("1", "")
    assert bad["species_label"] == ""
    assert bad["faults"] == "ring: expected a whole number, got 'seven, of course'"


def test_lines_of_json_are_answered_and_a_broken_one_told(page: Page, birds: str) -> None:
    lines = [json.dumps(FIRST), "{", "5", "", json.dumps(EXAMPLES[1])]
    open_model(page, birds, "birds")
    file = {"name": "birds.jsonl", "mimeType": "", "buffer": "\n".join(lines).encode()}
    page.get_by_label("File of rows").set_input_files(file)
    expect(page.locator(".told")).to_contain_text("2 of 4 rows answered")
    _, *body = cells(page)
    assert body[1][-1] == "expected JSON, got a line that is none"
    assert body[2][-1] == "expected an object with named fields, got 5"


def test_many_rows_go_in_chunks_and_all_faults_of_many_are_found(page: Page, birds: str) -> None:
    sizes: list[int] = []

    def count(request: Request) -> None:
        if request.method == "POST":
            sizes.append(len(request.post_data_json["instances"]))

    page.on("request", count)
    rows = [{**FIRST, "island": "Atlantis" if number % 2 else "Dream"} for number in range(250)]
    open_model(page, birds, "birds")
    drop(page, as_csv(rows), "birds.csv")
    expect(page.locator(".told")).to_contain_text("125 of 250 rows answered")
    assert max(sizes) == 100
    faulty = [row[0] for row in cells(page)[1:] if "Atlantis" in row[-1]]
    assert faulty == [str(number) for number in range(2, 251, 2)]


def test_a_gateway_that_is_busy_is_asked_again(page: Page, birds: str) -> None:
    busy = iter([{"title": "Rate limited", "status": 429}])

    def limit(route: Route) -> None:
        problem = next(busy, None)
        if problem:
            route.fulfill(status=429, headers={"Retry-After": "1"}, json=problem)
        else:
            route.continue_()

    page.route("**/predict/birds", limit)
    open_model(page, birds, "birds")
    drop(page, as_csv([FIRST]), "birds.csv")
    expect(page.locator(".told")).to_contain_text("1 of 1 rows answered")


def test_what_is_too_much_is_told_and_the_rest_answered(page: Page, birds: str) -> None:
    def answer(route: Route) -> None:  # at once: the gateway takes a while for so many
        count = len(route.request.post_data_json["instances"])
        route.fulfill(json={"model": "birds", "version": 1, "predictions": [{"value": 1, "unit": "g"}] * count})

    page.route("**/predict/birds", answer)
    open_model(page, birds, "birds")
    header, row = as_csv([FIRST]).splitlines()
    drop(page, "\n".join([header, *[row] * 5001]), "birds.csv")
    expect(page.locator(".told")).to_contain_text(
        "5,000 of 5,000 rows answered, by version 1. The file has 5,001 rows; only the first 5,000 are answered here.",
        timeout=120_000,
    )


def test_smaller_limits_of_the_gateway_are_kept(page: Page, model_server: FakeModelServer) -> None:
    def limit_bytes(route: Route) -> None:
        too_large = {"title": "Too large", "status": 413, "detail": "expected a body of at most 5000 bytes"}
        if len(route.request.post_data or "") > 5000:
            route.fulfill(status=413, json=too_large)
        else:
            route.continue_()

    model_server.publish(mixed_contract(), model=mixed_scores)
    app = create_app(Settings(model_server=model_server.address, models=("birds",), max_instances=3))
    page.route("**/predict/birds", limit_bytes)
    with served(app) as url:
        wait_until(lambda: app.test_client().get("/readyz").status_code == 200)
        open_model(page, url, "birds")
        drop(page, as_csv([*[FIRST] * 9, {**FIRST, "note": "x" * 6000}, FIRST]), "birds.csv")
        expect(page.locator(".told")).to_contain_text("10 of 11 rows answered")
        assert cells(page)[10][-1] == "expected a body of at most 5000 bytes"


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("birds.xlsx", "PK", "birds.xlsx: expected a file whose name ends in .csv or .jsonl"),
        ("birds.csv", "", "birds.csv: expected rows, got none"),
        ("birds.csv", "mass,ring\n", "birds.csv: expected rows, got none"),
        ("birds.csv", "a,b\n1,2\n", "birds.csv: expected the fields mass, ring, island"),
        ("birds.csv", "mass,mass\n1,2\n", "birds.csv: expected columns of different names, got mass twice"),
    ],
)
def test_a_file_that_is_no_table_is_told_why(page: Page, birds: str, name: str, text: str, told: str) -> None:
    open_model(page, birds, "birds")
    drop(page, text, name)
    expect(page.locator(".told")).to_contain_text(told)


def test_rows_that_are_cut_or_open_are_told(page: Page, birds: str) -> None:
    open_model(page, birds, "birds")
    drop(page, 'mass;ring\n1\n2;3;4\n5;"6\n7;8\n', "birds.csv")
    expect(page.locator(".told")).to_contain_text("0 of 3 rows answered")
    assert [row[-1] for row in cells(page)[1:]] == [
        "expected 2 cells, as the header has, got 1",
        "expected 2 cells, as the header has, got 3",
        "expected a quote at the end of the cell, got the end of the file",
    ]


def test_a_gateway_that_does_not_answer_any_more_stops_the_table(
    page: Page, birds: str, model_server: FakeModelServer
) -> None:
    open_model(page, birds, "birds")
    model_server.stop()
    page.route("**/predict/birds", lambda route: route.fulfill(status=500, json={"title": "Gone", "status": 500}))
    drop(page, as_csv([FIRST]), "birds.csv")
    expect(page.locator(".told")).to_have_text("birds.csv: Gone")


def test_each_of_several_pictures_has_its_own_pad_and_file(page: Page, model_server: FakeModelServer) -> None:
    fields = {"front": Picture(8, 8, "L", background=0), "back": Picture(8, 8, "RGB")}
    record = Record(fields, tuple(Input(name, (name,)) for name in fields))
    shades = [base64.b64encode(png(shade)).decode() for shade in (10, 200)]
    instance = dict(zip(fields, shades, strict=True))
    features = record.encode(record.read([instance], Faults()))
    computed = mixed_scores(features)
    example = ParityExample(instance, {name: array[0] for name, array in features.items()}, {"scores": computed[0]})
    contract = replace(
        mixed_contract("coins"), record=record, answers=Answers.single(Labels(SPECIES, top=3)), examples=(example,)
    )
    model_server.publish(contract, model=mixed_scores)
    app = create_app(Settings(model_server=model_server.address, models=("coins",)))
    with served(app) as url:
        wait_until(lambda: app.test_client().get("/readyz").status_code == 200)
        open_model(page, url, "coins")
        pads = page.locator("canvas").evaluate_all("all => all.map((canvas) => canvas.className)")
        assert pads == ["pad", "photo"]
        page.get_by_role("button", name="Clear").click()
        for name, shade in (("one.png", 10), ("two.png", 200)):  # each drop goes to the first field that is empty
            page.evaluate(DROP_PICTURE, [base64.b64encode(png(shade)).decode(), name])
        with page.expect_request("**/predict/coins") as request:
            page.get_by_role("button", name="Predict").click()
        assert request.value.post_data_json == instance
        expect(page.locator(".headline strong")).to_be_visible()


@pytest.mark.parametrize("look", [{}, {"color_scheme": "dark", "viewport": NARROW}], indirect=True)
def test_it_is_accessible_and_fits(page: Page, birds: str) -> None:
    open_model(page, birds, "birds")
    predict(page)
    drop(page, as_csv([FIRST, {**FIRST, "island": "Atlantis"}]), "birds.csv")
    expect(page.get_by_role("table", name="Answers to the rows")).to_be_visible()
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


@pytest.mark.parametrize("look", [{}, {"viewport": NARROW}], indirect=True)
def test_every_head_fits_into_the_sheet(page: Page, model_server: FakeModelServer) -> None:
    long = "a name that is longer than a phone is wide, and_one_without_any_space_within_it"
    heads: dict[str, Head] = {
        "species": Labels((long, "b", "c"), top=3),
        "topics": TagSet((long, "b"), (0.2, 0.5)),
        "price": Value("EUR"),
        "size": Values((long, "width"), ("m", "")),
        "range": Interval("kg", 0.9),
        "embedding_of_all_words": Vector(40),
    }
    record = Record.single("x", Number.fit([1.0, 2.0]), "given")
    contract = make("heads", record, Answers(heads, {name: f"of_{name}" for name in heads}), [{"x": 1.0}])
    model_server.publish(contract, model=model_of(contract))
    app = create_app(Settings(model_server=model_server.address, models=("heads",)))
    with served(app) as url:
        wait_until(lambda: app.test_client().get("/readyz").status_code == 200)
        open_model(page, url, "heads")
        page.get_by_role("button", name="Predict").click()
        table = page.get_by_role("table", name="Answers", exact=True)
        expect(table).to_be_visible()
        assert table.get_by_role("rowheader", name="species").is_visible()
        ends = "(inner) => inner.getBoundingClientRect().right - inner.closest('section').getBoundingClientRect().right"
        for part in [table, *table.locator("table, pre, p").all()]:
            assert part.evaluate(ends) <= 0
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0

import dataclasses
import html.parser
import json
import math
import re
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from serving.contract.heads import Labels
from tests.training.report import records
from training.data.datasets import Part
from training.insight.importance import Importance, Need
from training.insight.insight import Insight
from training.insight.rows import Looked
from training.insight.slices import Slice, Slices
from training.insight.summary import summarise
from training.report.html import render
from training.report.metrics_json import metrics, plain
from training.report.outcome import Live, Outcome
from training.report.plots import plots
from training.report.results import evaluate
from training.report.tables import RecipeResult, baseline_results, flattened, recipe_results, stage_results
from training.report.writing import write_page

COMPARED = dataclasses.replace(
    records.regression(), baselines={"mean": 10.0, "ridge regression (scikit-learn)": 1.0, "diverged": math.nan}
)
FIGURES = [
    (records.binary(), ["calibration", "loss", "metric", "scores"]),
    (records.multiclass(), ["calibration", "loss", "metric"]),
    (records.multiclass(70), ["calibration", "confusion", "loss", "metric"]),
    (records.multilabel(), ["calibration", "loss", "metric"]),
    (records.regression(), ["loss", "metric", "predicted", "residuals"]),
    (records.quantiles(), ["loss", "metric", "predicted", "residuals"]),
    (records.values(), ["loss", "metric", "predicted-1", "predicted-2", "residuals-1", "residuals-2"]),
    (
        records.several(),
        "calibration loss mass-predicted mass-residuals metric range-predicted range-residuals scores "
        "sizes-predicted-1 sizes-predicted-2 sizes-residuals-1 sizes-residuals-2 tags-calibration".split(),
    ),
    (COMPARED, ["compared", "loss", "metric", "predicted", "residuals"]),
]
VOID = {"meta", "img", "br"}


class Reader(html.parser.HTMLParser):
    """Reads a page and keeps what the tests ask for; a tag that is closed out of order is an error."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(page)
        assert not self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture(scope="module", params=FIGURES, ids=lambda param: param[0].head_name or param[0].problem.name)
def written(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    record, figures = request.param
    return record, figures, write_page(record, folder)


def page_of(record, **more) -> Reader:
    return Reader(render(record, evaluate(record), [], **more))  # figures take their time, and are tested elsewhere


def outcome(**of) -> Outcome:
    started = datetime(2026, 11, 29, 8, tzinfo=UTC)
    return Outcome(started=started, ended=started + timedelta(seconds=125), **of)


def test_the_page_needs_nothing_but_itself(written):
    page = written[2].read_text("utf-8")
    tags = Reader(page).tags

    assert {tag for tag, _ in tags}.isdisjoint({"script", "link", "iframe", "object"})
    addresses = [attributes[name] for _, attributes in tags for name in ("src", "href") if name in attributes]
    assert all(address.startswith(("data:image/", "#")) for address in addresses)
    assert not re.search(r"url\(|@import", page)


def test_the_page_can_be_used_without_seeing_it(written):
    tags = Reader(written[2].read_text("utf-8")).tags
    names = [tag for tag, _ in tags]

    assert all(attributes.get("alt") for tag, attributes in tags if tag == "img")
    assert names.count("h1") == 1
    assert names.count("caption") == names.count("table")
    anchors = {attributes["id"] for _, attributes in tags if "id" in attributes}
    assert {a["href"][1:] for tag, a in tags if tag == "a"} | {
        a["aria-labelledby"] for _, a in tags if "aria-labelledby" in a
    } <= anchors
    assert all(attributes.get("scope") for tag, attributes in tags if tag == "th")


def test_the_figures_are_in_the_folder_of_the_page(written):
    _, figures, page = written
    paths = sorted(page.parent.glob("*.svg"))

    assert [path.stem for path in paths] == figures
    assert page.read_text("utf-8").count('<figure class="plot">') == len(figures)
    assert all("<svg " in path.read_text("utf-8") for path in paths)


def test_a_run_without_curves_has_no_figure_of_them():
    record = records.binary(folds=[], final={})

    assert [plot.name for plot in plots(record, evaluate(record))] == ["calibration", "scores"]


def test_the_metrics_are_strict_json(written):
    record, _, page = written

    document = json.loads((page.parent / "metrics.json").read_text("utf-8"), parse_constant=pytest.fail)

    assert document["schema"] == 1
    assert document["test"]["rows"] == len(record.test_targets)
    assert document["test"][record.metric] == pytest.approx(evaluate(record).measures[record.metric])
    assert document["validation"]["folds"][0]["stages"] == record.folds[0].stages


def test_the_spread_is_over_folds():
    record = records.binary()

    validation = metrics(record, evaluate(record))["validation"]
    assert (validation["mean"], validation["spread"]) == pytest.approx((0.8, 0.1))
    assert "0.8000 ± 0.1000" in page_of(record).text


def test_a_strangers_text_stays_text():
    attack = "</td><script>alert('x')</script><img src=x onerror=alert(1)>"
    record = records.binary(
        model=attack,
        head=Labels((attack, "positive"), top=2),
        notes=[attack],
        baselines={attack: 0.1},
        settings={attack: attack, "nested": {attack: [attack]}},
        seconds={attack: 1.0},
        test_instances=[{"text": f"{attack} {'long ' * 30}", attack: attack}] * 4,
    )

    reader = page_of(record)

    assert "script" not in [tag for tag, _ in reader.tags]
    assert not any("onerror" in attributes for _, attributes in reader.tags)
    assert reader.text.count("<script>alert('x')</script>") >= 7


def test_a_run_without_mistakes_folds_and_curves():
    record = records.binary(folds=[], final={}, test_scores=np.array([[0], [1], [1], [0]]), seconds={}, versions={})

    text = page_of(record).text

    assert "all 4 test rows are answered correctly" in text
    assert "The run was not validated" in text


def test_the_sample_is_warned_of():
    assert "Trained on the built-in sample" in page_of(records.binary(sample=True)).text


def test_a_figure_shows_the_rivals_beside_the_model():
    (compared, *_) = [plot for plot in plots(COMPARED, evaluate(COMPARED)) if plot.name == "compared"]

    told = "house_price, recipe best 1.500; mean 10.00; ridge regression (scikit-learn) 1.000; diverged n/a"
    assert compared.alt == f"Bar chart of MAE: {told}."
    assert compared.caption == "Shorter bars are better."


def test_the_page_says_when_it_ran_and_which_version_it_is_beside_the_live_one():
    live = Live(version=2, trained_at="2026-11-01T08:00:00+00:00", metric=0.75, chance="McNemar's test: p = 0.2")
    page = page_of(records.binary(decision="passed"), outcome=outcome(version=3, live=live))

    text = " ".join(page.text.split())
    told = "Published as version 3 after a run from 2026-11-29 08:00 UTC to 2026-11-29 08:02 UTC (2 min 5 s)."
    assert told in text
    assert "version 2, trained 2026-11-01 08:00 UTC; accuracy 0.7500 on the same test rows, the new model 0.5" in text
    assert re.search(r"live version 2\s*0.7500\s*0.2500 worse", text)


def test_the_page_says_that_a_model_was_refused_and_why_the_live_one_has_no_figure():
    live = Live(version=2, why_not="requires fields that the test rows lack: 'RM'")
    page = page_of(records.binary(decision="not published: worse"), outcome=outcome(version=None, live=live))

    text = " ".join(page.text.split())
    assert "Refused: not published after a run" in text
    assert "The gate: not published: worse" in text
    assert "it has no figure on these test rows, as it requires fields that the test rows lack: 'RM'." in text


def test_the_metrics_tell_what_became_of_the_run():
    record = records.binary()
    told = plain(metrics(record, evaluate(record), {}, outcome(version=3, live=None)))["outcome"]

    assert told == {
        "started": "2026-11-29T08:00:00+00:00",
        "ended": "2026-11-29T08:02:05+00:00",
        "version": 3,
        "live": None,
    }


def test_the_page_summarises_the_data_in_any_script():
    rows = [{"町": ("京都", "القاهرة")[row % 2], "code": row % 2, "size": float(row)} for row in range(80)]
    data = Part(rows, np.arange(80) % 2)
    looked = Looked.at(data, {"町": "category"})
    summary = summarise(data, data, (looked, looked), records.binary().head, "answer")
    page = page_of(records.binary(), insight=Insight(summary=summary))

    text = " ".join(page.text.split())
    assert "Chance explains all differences between training and test rows" in text
    assert "町: 100.0 %" in text
    assert "80 of 80 test rows are equal to one of 80 training rows" in text
    assert re.search("القاهرة ?50.0 % ?50.0 %", text)
    (label,) = [of["aria-label"] for tag, of in page.tags if tag == "svg" and "size" in of["aria-label"]]
    assert label == "Histogram of size: 0 to 79, half of it 19.75 to 59.25, median 39.5"


def test_the_page_marks_the_slices_that_are_worse():
    slices = [Slice("town", "大阪", 40, 0.4, 0.3, 0.55, 0.0002, worse=True), Slice("town", "Oslo", 60, 0.9, 0.8, 1, 1)]
    page = page_of(records.binary(), insight=Insight(slices={"": Slices(100, 0.7, slices)}))

    text = " ".join(page.text.split())
    assert "1 of 2 slices is worse than the whole (accuracy 0.7000 of 100 test rows)" in text
    assert re.search(r"town ?大阪 ?40 ?0.4000 ?0.3000 to 0.5500 ?0.0002 ?worse", text)
    paths = [of["d"] for tag, of in page.tags if tag == "path" and of.get("class") == "range"]
    assert paths == ["M2.0 8H36.3", "M70.6 8H98.0"]


def test_the_page_shows_what_the_model_needs_or_why_that_was_not_asked():
    told = Importance(40, 5, {"": [Need("部屋", 1.5, 0.1), Need("AGE", -0.01, 0.02)]}, unseen=("TAX",))
    page = page_of(records.regression(), insight=Insight(importance=told))
    alone = page_of(records.binary(), insight=Insight(importance=Importance(left_out="The model reads one field.")))

    text = " ".join(page.text.split())
    assert re.search(r"No time was left for TAX\..*部屋 ?1.500 ?0.1000 ?AGE ?-0.0100 ?0.0200", text)
    assert [of["style"] for _, of in page.tags if "wide" in (of.get("class") or "")] == ["--share: 100%", "--share: 0%"]
    assert "The model reads one field." in alone.text


def test_the_confusion_matrix_is_a_table_with_labels_in_any_script():
    page = page_of(records.binary(head=Labels(("東京", "القاهرة"), top=2)))

    cells = [of["style"] for tag, of in page.tags if tag == "td" and "--shade" in (of.get("style") or "")]
    assert cells == ["--shade: 0.707"] * 4
    titles = [of["title"] for tag, of in page.tags if tag == "bdi" and "title" in of]
    assert sorted(titles) == ["القاهرة", "القاهرة", "東京", "東京"]
    assert re.search(r"東京 ?1 ?1", " ".join(page.text.split()))


def test_baselines_are_compared_in_the_metrics_own_direction():
    (mean,) = baseline_results(records.regression(), evaluate(records.regression()))
    (frequent,) = baseline_results(records.binary(), evaluate(records.binary()))

    assert (mean.name, mean.gain) == ("mean", 8.5)
    assert (frequent.name, frequent.gain) == ("most frequent class", 0.0)


def test_each_stage_has_its_result_at_its_best_epoch():
    (stage,) = stage_results(records.binary())

    assert (stage.name, stage.epochs, stage.loss, stage.metric, stage.ended) == ("training", 4, 0.6, 0.7, 0.6)


def test_the_page_has_both_stages_of_transfer_learning_and_their_final_metric():
    frozen = {**records.CURVES, "val_accuracy": [0.6, 0.7, 0.65, 0.91]}
    tuned = {**records.CURVES, "val_accuracy": [0.6, 0.7, 0.65, 0.93]}
    fold = dataclasses.replace(records.fold(0.93), stages={"frozen base": frozen, "fine-tuning": tuned})
    text = page_of(records.binary(folds=[fold])).text

    assert re.search(r"frozen base\W*4\W*0.6000\W*0.7000\W*0.9100", text)
    assert re.search(r"fine-tuning\W*4\W*0.6000\W*0.7000\W*0.9300", text)


def test_the_page_compares_the_recipes_with_the_run_s_own():
    record = records.binary(compared={"scratch": [records.fold(0.5), records.fold(0.7)]})
    text = page_of(record).text

    assert [(stage.recipe, stage.name) for stage in stage_results(record)] == [
        ("scratch", "training"),
        ("best", "training"),
    ]
    assert recipe_results(record) == [
        RecipeResult("scratch", pytest.approx(0.6), pytest.approx(0.1)),
        RecipeResult("best", pytest.approx(0.8), pytest.approx(0.1)),
    ]
    assert "Recipes by their finished models' accuracy" in text
    assert plain(metrics(record, evaluate(record)))["compared"]["scratch"]["mean"] == pytest.approx(0.6)


def test_settings_within_settings_have_dotted_names():
    assert flattened({"rate": 0.1, "flip": {"left": True, "how": {}}}) == {
        "rate": 0.1,
        "flip.left": True,
        "flip.how": {},
    }


def test_plain_values_have_no_infinity():
    value = {"a": (1, np.float32(0.5), math.nan), "b": np.array([True]), "c": records.fold(math.inf), 4: {1, 2}}

    assert plain(value) == {
        "a": [1, 0.5, None],
        "b": [True],
        "c": {"stages": {"training": records.CURVES}, "metric": None, "train_rows": 30, "validation_rows": 10},
        "4": "{1, 2}",
    }

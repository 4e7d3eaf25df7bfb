import dataclasses
import re

import pytest
from click.testing import CliRunner

from tests.training.report import records
from tests.training.report.test_writing import Reader
from tests.training.runs.made import make_older, make_run
from training.commands.runs import runs

NAMES = ("20260101T000000Z", "20260102T000000Z")


def page(folder, first, second, older=False):
    (make_older if older else make_run)(folder, first, NAMES[0])
    make_run(folder, second, NAMES[1])
    path = folder / "comparison.html"
    asked = CliRunner().invoke(runs, ["compare", *NAMES, "--html", str(path), "--reports-dir", str(folder)])
    assert asked.exit_code == 0, asked.output
    return path.read_text("utf-8"), asked.output


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    first = records.multiclass()
    second = dataclasses.replace(first, test_scores=first.test_scores[::-1].copy(), seed=2)
    return page(tmp_path_factory.mktemp("digits"), first, second)


def test_the_page_needs_nothing_but_itself(pictures):
    tags = Reader(pictures[0]).tags

    assert {tag for tag, _ in tags}.isdisjoint({"script", "link", "iframe", "object"})
    addresses = [attributes[name] for _, attributes in tags for name in ("src", "href") if name in attributes]
    assert all(address.startswith(("data:image/", "#")) for address in addresses)
    assert not re.search(r"url\(|@import", pictures[0])


def test_it_has_the_verdict_the_curves_and_the_pictures_that_changed(pictures):
    html, text = pictures
    tags = Reader(html).tags
    alternatives = [attributes["alt"] for tag, attributes in tags if tag == "img"]

    assert text.splitlines()[-1] in Reader(html).text
    assert alternatives[:2] == [
        "Line chart of the loss by epoch of both runs.",
        "Line chart of the accuracy by epoch of both runs.",
    ]
    assert "image of test row 2: class 2" in alternatives


def test_what_the_data_say_is_no_markup(tmp_path):
    first = records.binary()
    instances = [{"text": f"<script>alert({row})</script> " * 10} for row in range(4)]
    first = dataclasses.replace(first, test_instances=instances, data="<b>imdb</b>")

    html, _ = page(tmp_path, first, dataclasses.replace(first, test_scores=1 - first.test_scores))

    assert "<script" not in html
    assert "&lt;script&gt;alert(2)" in html
    assert "&lt;b&gt;imdb&lt;/b&gt;" in html


def test_a_page_of_an_older_run_says_what_is_missing(tmp_path):
    html, _ = page(tmp_path, records.regression(), records.regression(), older=True)

    assert "Not compared row by row: 20260101T000000Z kept no rows" in Reader(html).text


def test_a_page_that_can_not_be_written_is_refused(tmp_path):
    for name in NAMES:
        make_run(tmp_path, records.binary(), name)

    asked = CliRunner().invoke(
        runs, ["compare", *NAMES, "--html", str(tmp_path / "no" / "a.html"), "--reports-dir", str(tmp_path)]
    )

    assert (asked.exit_code, asked.output.splitlines()) == (
        2,
        [f"Error: --html {tmp_path / 'no' / 'a.html'}: No such file or directory"],
    )

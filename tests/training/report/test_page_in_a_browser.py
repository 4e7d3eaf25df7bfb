"""The report's page in a real browser: on a phone and in the dark."""

import dataclasses

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe

from serving.contract.heads import Labels
from tests.serving.gateway.browser import NARROW, WIDE, Watch, chromium
from tests.training.report import records
from training.data.datasets import Part
from training.insight.importance import Importance, Need
from training.insight.insight import Insight
from training.insight.rows import Looked
from training.insight.slices import slices
from training.insight.summary import summarise
from training.report.writing import write_page

LONG = "a_field_with_a_name_that_is_longer_than_a_phone_is_wide"


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    rows = [{LONG: float(row), "町": ("京都", "القاهرة")[row % 2], "text": "子 " * 30 + "x" * row} for row in range(80)]
    run = records.several()
    record = dataclasses.replace(
        run,
        others={"tags": run.others["tags"]},
        head=Labels(("दिल्ली", LONG), top=2),
        settings={LONG: [*range(40)]},
        notes=[LONG * 3],
    )
    data = Part(rows, np.arange(80) % 2)
    looked = Looked.at(data, {})
    wide = dataclasses.replace(record, others={}, test_instances=rows, test_targets=data.targets,
                               test_scores=np.full((80, 1), 0.7))  # fmt: skip
    insight = Insight(
        summarise(data, data, (looked, looked), record.head, "kind"),
        {"kind": slices(wide, looked)},
        Importance(80, 5, {head: [Need(LONG, 1.5, 0.1)] for head in ("kind", *record.others)}),
    )
    return write_page(record, tmp_path_factory.mktemp("page"), None, insight)


@pytest.mark.parametrize(("size", "scheme"), [(NARROW, "light"), (WIDE, "dark")])
def test_the_page_fits_the_screen_and_all_of_it_is_drawn(page, size, scheme):
    with chromium() as browser:
        context = browser.new_context(viewport=size, color_scheme=scheme)
        watch = Watch()
        watch.follow(context)
        shown = context.new_page()
        shown.goto(page.as_uri())

        assert shown.evaluate("document.documentElement.scrollWidth") <= size["width"]
        assert shown.evaluate("[...document.images].filter(image => !image.naturalWidth).map(image => image.alt)") == []
        assert shown.locator("figure.plot").count() == 5
        found = Axe().run(shown)
        assert found.violations_count == 0, found.generate_report()
        assert (watch.told, watch.hosts) == ([], {""})

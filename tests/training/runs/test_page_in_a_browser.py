"""The page of a comparison in a real browser: on a phone and in the dark."""

import dataclasses

import pytest
from axe_playwright_python.sync_playwright import Axe

from serving.contract.heads import Labels
from tests.serving.gateway.browser import NARROW, WIDE, Watch, chromium
from tests.training.report import records
from tests.training.runs.made import make_run
from training.runs.comparison import compare
from training.runs.page import write_page
from training.runs.run import read_run

LONG = "a_setting_with_a_name_that_is_longer_than_a_phone_is_wide"


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    folder = tmp_path_factory.mktemp("page")
    first = dataclasses.replace(
        records.multiclass(), head=Labels(("दिल्ली", LONG, "القاهرة"), top=3), settings={LONG: LONG}
    )
    second = dataclasses.replace(first, test_scores=first.test_scores[::-1].copy(), settings={LONG: [*range(40)]})
    runs = [make_run(folder, record, f"2026010{day}T000000Z") for day, record in enumerate((first, second), start=1)]
    path = folder / "comparison.html"
    write_page(compare(*map(read_run, runs), 10), path)
    return path


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
        assert shown.locator("figure.plot").count() == 2
        found = Axe().run(shown)
        assert found.violations_count == 0, found.generate_report()
        assert (watch.told, watch.hosts) == ([], {""})

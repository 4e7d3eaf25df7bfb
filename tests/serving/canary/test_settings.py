import re
from pathlib import Path

import pytest

from serving.canary.settings import RATIOS, SHARES, Settings

PAGE = (Path(__file__).parents[3] / "docs" / "loop.md").read_text()


def test_the_page_has_the_margins():
    section = PAGE[PAGE.index("### How it is judged") :]
    told = {name: float(number) for name, number in re.findall(r"`(\w+)=([\d.]+)`", section)}

    assert {name: told[name] for name in (*SHARES, *RATIOS)} == {
        name: getattr(Settings(), name) for name in (*SHARES, *RATIOS)
    }


@pytest.mark.parametrize("margins", [{"errors": 0.0}, {"wrong": 0.5}, {"slower": 1.0}, {"error_ratio": float("nan")}])
def test_what_can_be_no_margin_is_refused(margins):
    with pytest.raises(ValueError, match="expected a number between"):
        Settings(**margins)

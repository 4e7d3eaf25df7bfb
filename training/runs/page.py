"""A comparison of two runs as a page: one file without scripts, which loads nothing."""

from pathlib import Path

import jinja2

from training.report import exhibits, style
from training.report.words import figure_of, metric_name, moment
from training.runs.comparison import Comparison
from training.runs.errors import CannotWrite
from training.runs.overlaid import overlaid_curves
from training.runs.sentences import LETTERS, between, changes_title, mcnemar, title, told_of_rows, verdict

_TEMPLATE = "comparison.html.j2"
_STYLE = Path(exhibits.__file__).parent
_FILTERS = {
    "between": between,
    "figure": figure_of,
    "mcnemar": mcnemar,
    "metric": metric_name,
    "moment": moment,
    "told_of_rows": told_of_rows,
}


def write_page(compared: Comparison, path: Path) -> None:
    """Write the page to *path*. Raises CannotWrite."""
    try:
        path.write_text(as_page(compared), "utf-8", errors="replace")  # lone surrogates, in texts or names
    except OSError as error:
        raise CannotWrite(path, str(error.strerror)) from error


def as_page(compared: Comparison) -> str:
    """Return the page."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader([Path(__file__).parent, _STYLE]),
        autoescape=True,  # instances, labels and settings are untrusted text
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= _FILTERS
    curves = [
        (name, exhibits.data_uri(style.svg(drawn), "image/svg+xml"), drawn)
        for name, drawn in overlaid_curves(compared.runs)
    ]
    return environment.get_template(_TEMPLATE).render(
        compared=compared,
        runs=dict(zip(LETTERS, compared.runs, strict=True)),
        verdict=verdict(compared),
        equal=[group for group, differing in compared.differences.items() if not differing],
        other_losses=any(each.name == "loss" for each in compared.differences["settings"]),
        title=title,
        changes_title=changes_title,
        curves=[(name, uri, round(drawn.get_figwidth() * style.PIXELS_PER_INCH)) for name, uri, drawn in curves],
    )

"""`plumbline runs`: what training jobs have left in the reports folder."""

import json
import re
from pathlib import Path

import click

from training.jobs.exits import reporting_errors

EXAMPLES = """\b
Examples:
  plumbline runs list
  plumbline runs list house_price
  plumbline runs show house_price@latest
  plumbline runs compare house_price@3 latest
  plumbline runs compare 20260201T12 20260203 --html comparison.html
"""

reports_dir_option = click.option(
    "--reports-dir",
    type=click.Path(file_okay=False, path_type=Path),
    default="reports",
    show_default=True,
    envvar="PLUMBLINE_REPORTS",
    help="Folder that training jobs write their reports to.",
)


@click.group(epilog=EXAMPLES)
def runs() -> None:
    """List, show and compare what training jobs have left in the reports folder."""


@runs.command("list")
@click.argument("model", required=False)
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="Most runs to show.")
@click.option("--json", "as_json", is_flag=True, help="A JSON list.")
@reports_dir_option
def list_(model: str | None, limit: int, as_json: bool, reports_dir: Path) -> None:
    """List the runs of all models, or of MODEL: what became of them, and how good they were."""
    with reporting_errors():
        from training.runs import listing
        from training.runs.finding import folders

        found = folders(reports_dir, model)
        listed = listing.read_all(found[:limit])
        if as_json:
            found_json = json.dumps([listing.as_json(run) for run in listed], indent=2, ensure_ascii=False)
            click.echo(_printable(found_json))
            return
        click.echo(_printable(listing.as_table(listed)))
        if not found:
            click.echo(f"no runs in {reports_dir} yet: `plumbline train` writes them", err=True)
        if len(found) > limit:
            click.echo(f"{len(found) - limit:,} older ones are not shown: --limit {len(found)}", err=True)


@runs.command()
@click.argument("run")
@reports_dir_option
def show(run: str, reports_dir: Path) -> None:
    """Tell everything of RUN, a unique beginning of its time, `latest`, MODEL@latest, MODEL@VERSION, or its folder."""
    with reporting_errors():
        from training.runs.finding import find
        from training.runs.telling import told

        click.echo(_printable(told(find(reports_dir, run))))


@runs.command()
@click.argument("first", metavar="A")
@click.argument("second", metavar="B")
@click.option("--rows", type=click.IntRange(0, 200), default=10, show_default=True, help="Most changed rows of a kind.")
@click.option("--html", type=click.Path(dir_okay=False, path_type=Path), help="Also write it as a page to this file.")
@reports_dir_option
def compare(first: str, second: str, rows: int, html: Path | None, reports_dir: Path) -> None:
    """Compare runs A and B of a model on the same test rows: which is better, or that the data can't tell.

    Each is named as in `show`.
    """
    with reporting_errors():
        from training.runs.comparison import compare as compared_runs
        from training.runs.comparison_text import as_text
        from training.runs.finding import find

        compared = compared_runs(find(reports_dir, first), find(reports_dir, second), rows)
        if html:
            from training.runs.page import write_page  # draws, which takes seconds to be imported

            write_page(compared, html)
        click.echo(_printable(as_text(compared)))


def _printable(text: str) -> str:
    """Return *text* without what steers a terminal or has no encoding: texts, labels and names may be anybody's."""
    return re.sub(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\ud800-\udfff]", "\N{REPLACEMENT CHARACTER}", text)

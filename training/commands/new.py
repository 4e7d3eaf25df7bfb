"""`plumbline new`: from a file of data to a file that `plumbline train` takes."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from training.jobs.exits import reporting_errors

if TYPE_CHECKING:
    from training.declarations.overview import Overview
    from training.declarations.series_overview import SeriesFound, Wanted

EXAMPLES = """\b
Examples:
  plumbline new penguins.csv --target species
  plumbline new sales.parquet --target price --name house_price
  plumbline new co2.csv --target co2 --window 26
  plumbline new movies.jsonl --target comedy,drama,horror
  plumbline new photos --output models/zoo.toml
  plumbline train penguins.toml
"""


@click.command(epilog=EXAMPLES)
@click.argument("data", type=click.Path(path_type=Path))
@click.option("--target", metavar="COLUMN", help="Column to answer, or several with commas.  [default: the last]")
@click.option("--window", type=int, metavar="ROWS", help="Make windows of a series: so many rows in order.")
@click.option("--horizon", type=int, metavar="ROWS", help="Answer so many rows after the window.  [default: 1]")
@click.option("--order", metavar="COLUMN", help="Column that orders the rows.  [default: dates, or as they stand]")
@click.option("--group", metavar="COLUMN", help="Column that tells several series apart.")
@click.option("--name", help="The model's name.  [default: that of the file]")
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File to write.  [default: NAME.toml]",
)
@click.option("--force", is_flag=True, help="Replace the file if there is one.")
def new(
    data: Path,
    target: str | None,
    window: int | None,
    horizon: int | None,
    order: str | None,
    group: str | None,
    name: str | None,
    output: Path | None,
    force: bool,
) -> None:
    """Look at DATA, and write a file that declares a model of it, for you to read, change, and train.

    DATA is a table (CSV, Parquet, JSON lines) or a folder with a sub-folder of photos for each class. Nothing is
    trained. What is found is told here and stands in the file.
    """
    with reporting_errors():
        from training.declarations.toml_reading import slug
        from training.errors import BadRequest

        name = _checked_name(name) if name else slug(data.resolve().name.partition(".")[0])
        output = output or Path(f"{name}.toml")
        if output.suffix != ".toml":
            raise BadRequest(f"--output {output}: expected a name that ends in .toml")
        if output.exists() and not force:
            raise BadRequest(f"{output} exists: replace it with --force, or choose another --output")
        wanted = _wanted(data, window, horizon=horizon, order=order, group=group)
        if data.is_dir():
            text, told = _of_folder(data, target, name, output)
        else:
            text, told = _of_table(data, target, wanted, name, output)
        _write(output, text)  # first: whoever reads what is told may stop, as `head` does
        for line in told:
            click.echo(line)
        click.echo(f"\nwrote {output}: read it, change what is wrong, then: plumbline train {output}")


def _wanted(data: Path, window: int | None, **options: int | str | None) -> "Wanted | None":
    """Return what windows are wanted, or None. Raises BadRequest."""
    from training.errors import BadRequest

    given: dict[str, Any] = {name: value for name, value in options.items() if value is not None}
    if window is None:
        if given:
            raise BadRequest(f"--{next(iter(given))} needs --window, the number of rows that the model sees")
        return None
    if data.is_dir():
        raise BadRequest("--window is for tables, with a row for each time")
    from training.declarations.series_overview import Wanted, check_steps

    check_steps(window, given.get("horizon", 1))
    return Wanted(window=window, **given)


def _checked_name(name: str) -> str:
    from serving.registry.versions import MODEL_NAME
    from training.declarations.toml_reading import slug
    from training.errors import BadRequest

    if not MODEL_NAME.fullmatch(name):
        raise BadRequest(f"--name {name!r}: expected at most 100 small letters, digits, _ and -, such as {slug(name)}")
    return name


def _write(output: Path, text: str) -> None:
    from training.errors import BadRequest

    aside = output.with_name(output.name + ".tmp")
    try:
        aside.write_text(text, "utf-8")
        aside.replace(output)
    except OSError as error:
        raise BadRequest(f"{output}: can't be written: {error.strerror}") from error


def _relative(data: Path, output: Path) -> str:
    """Return the path of the data from the folder of the file that is written."""
    return Path(os.path.relpath(data.resolve(), output.resolve().parent)).as_posix()


def _told(data: Path, target: str | None, wanted: "Wanted | None" = None) -> str:
    told = f"plumbline new {data}" + (f" --target {target}" if target else "")
    return told + (f" --window {wanted.window} --horizon {wanted.horizon}" if wanted else "")


def _of_table(
    data: Path, target: str | None, wanted: "Wanted | None", name: str, output: Path
) -> tuple[str, list[str]]:
    from training.declarations.overview import look_at
    from training.declarations.toml_writing import table_toml

    overview = look_at(data, target, wanted)
    return table_toml(overview, _relative(data, output), name, _told(data, target, wanted)), list(_lines(overview))


def _lines(overview: "Overview") -> Iterator[str]:
    from training.declarations.dialects import SEPARATORS
    from training.declarations.toml_writing import balance_lines, gaps_of
    from training.declarations.words import listed, quoted

    table, dialect = overview.table, overview.dialect
    yield f"{table.file}: {table.total:,} rows, {len(table.columns):,} columns"
    if table.every > 1:
        yield f"  looked at one row in {table.every}, {table.rows:,} in all: what follows is said of these"
    if table.texts:
        words = listed(quoted(word) for word in dialect.na)
        yield (
            f"  separator {SEPARATORS[dialect.separator]}, decimal {'comma' if dialect.decimal == ',' else 'point'}, "
            f"{dialect.encoding}, gaps {words}"
        )
    yield f"target {listed(quoted(it.name) for it in overview.targets)}: {overview.problem}" + (
        " (a guess: the last column; choose another with --target)" if overview.guessed else ""
    )
    if overview.problem in ("binary", "multiclass", "multilabel"):
        yield from (f"  {line}" for line in balance_lines(overview))
        if overview.is_unbalanced:
            yield "  unbalanced: rare classes count as much as frequent ones (class_weights, in [recipe])"
    if overview.without_target:
        yield f"  {overview.without_target:,} rows have no target, and are left out"
    if overview.series:
        yield from _series_lines(overview.series)
    yield "fields"
    for name, found in overview.fields.items():
        gaps = gaps_of(overview.columns[name].gaps)
        yield f"  {quoted(name)}: {found.kind}; {gaps}{found.remark}"
        if doubt := overview.suspicions.get(name):
            yield f"    CAUTION: {doubt}"
    if overview.left_out:
        yield "left out"
    for name, reason in overview.left_out.items():
        yield f"  {quoted(name)}: {reason}"


def _series_lines(found: "SeriesFound") -> Iterator[str]:
    wanted = found.wanted
    order = f"in the order of {_column(found, 'order')}" if wanted.order else "as the rows stand"
    yield f"windows of {wanted.window:,} rows, {order}, to answer the target {wanted.horizon:,} after the last"
    if wanted.group:
        yield f"  {found.series:,} series, by {_column(found, 'group')}"
    yield from (f"  {remark}" for remark in found.remarks)


def _column(found: "SeriesFound", option: str) -> str:
    from training.declarations.words import quoted

    hint = f" (a guess; choose another with --{option})" if option in found.guessed else ""
    return quoted(getattr(found.wanted, option)) + hint


def _of_folder(data: Path, target: str | None, name: str, output: Path) -> tuple[str, list[str]]:
    from training.commands.options import import_tensorflow
    from training.declarations.toml_writing import folder_toml
    from training.errors import BadRequest

    if target:
        raise BadRequest("--target is for tables: the classes of photos are their sub-folders")
    import_tensorflow()
    from training.data.photos import read_classes
    from training.declarations.words import listed

    photos = read_classes(data)
    counts = {label: len(files) for label, files in photos.classes.items()}
    named = listed(f"{label} {count:,}" for label, count in counts.items())
    told = [f"{data}: {sum(counts.values()):,} photos of {len(counts)} classes: {named}"]
    told += [f"  skipped {line}" for line in photos.skipped]
    if few := [f"{label} {count}" for label, count in counts.items() if count < 10]:
        told.append(f"  too few photos to learn from: {listed(few)}")
    return folder_toml(_relative(data, output), counts, name, _told(data, target)), told

"""`plumbline drift`: compares the rows of a file with a model's training data."""

import json
import math
from collections.abc import Iterable, Sequence
from pathlib import Path

import click

from serving.batch.readers.csv_dialect import DECIMALS, DETECTED, ENCODINGS, SEPARATORS, Dialect
from serving.batch.readers.text_encoding import printable
from serving.commands.contract_source import find_contract, saved_model_option
from serving.commands.drift_input import Chunk, UnreadableFile, answered, measure_answers, read_chunks
from serving.commands.gateway_client import GatewayClient, api_key_option, url_option
from serving.commands.tables import table
from serving.contract import Contract, Measures
from serving.contract.measuring import input_reference
from serving.monitoring.drift import FeatureDrift, Verdict, Window, report
from serving.process.exit_codes import ExitCode

_EXAMPLES = """\b
Examples:
  plumbline drift scored.csv --model sentiment
  plumbline drift reviews.jsonl --model sentiment --column text=review
  plumbline drift houses.csv --model house_price --saved-model models/house_price/3
"""

_PROBLEMS_SHOWN = 5
_HEADER = ("FEATURE", "PSI", "KS", "CHANCE", "OUTSIDE", "MISSING", "VERDICT")


@click.command(epilog=_EXAMPLES)
@click.argument("path", metavar="INPUT", type=click.Path(exists=True, path_type=Path))
@click.option("--model", required=True, help="Name of the model.")
@url_option
@api_key_option
@saved_model_option
@click.option("--column", "columns", multiple=True, metavar="FIELD=NAME", help="Column that holds a field.")
@click.option("--allow-missing", is_flag=True, help="Accept a file that lacks the columns of optional fields.")
@click.option("--separator", type=click.Choice([*SEPARATORS]), help="Separator of CSV cells.")
@click.option("--decimal", type=click.Choice([*DECIMALS]), help="Decimal mark of CSV numbers.")
@click.option("--encoding", type=click.Choice(ENCODINGS), help="Encoding of a CSV file.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def drift(
    path: Path,
    model: str,
    url: str,
    api_key: str | None,
    saved_model: Path | None,
    columns: tuple[str, ...],
    allow_missing: bool,
    separator: str | None,
    decimal: str | None,
    encoding: str | None,
    as_json: bool,
) -> None:
    """Compare the rows of INPUT, any file that `plumbline score` takes, with the training data of MODEL.

    Each field of the model is a column. The answers in a scored file are compared, too. The contract comes from a
    running gateway, or from a version's folder. The exit code is 3 if any feature has drifted, and 2 if the
    file can't be read.
    """
    contract = find_contract(model, GatewayClient(url, api_key), saved_model)
    try:
        dialect = Dialect(separator, decimal, encoding)
        window, problems = scan(path, contract, _mapped(columns, contract), allow_missing, dialect)
    except UnreadableFile as error:
        click.echo(f"Error: {printable(str(error))}", err=True)
        raise SystemExit(ExitCode.BAD_INPUT) from error
    features = report(window)
    read_as = f"trained: {contract.reading}" if contract.reading else ""
    _print(model, path, read_as, window, problems, features, as_json)
    if any(feature.verdict == Verdict.DRIFT for feature in features):
        raise SystemExit(ExitCode.DRIFTED)


def scan(
    path: Path, contract: Contract, columns: dict[str, str], allow_missing: bool = False, dialect: Dialect = DETECTED
) -> tuple[Window, list[str]]:
    """Count the rows of a file by the contract's reference; return the counts, and the problems of invalid rows.

    Raises UnreadableFile.
    """
    inputs = input_reference(contract)
    if inputs is None or contract.reference is None:
        raise UnreadableFile(f"{contract.model}: its contract has no reference statistics: train the model again")
    problems: list[str] = []
    window: Window | None = None
    for chunk in read_chunks(path, contract, columns, allow_missing, dialect):
        problems += chunk.problems
        if not chunk.numbers:
            continue
        if window is None:
            window = Window.empty(contract.reference if answered(contract, chunk.answers[0]) else inputs)
        window += _counted(path, contract, chunk, window)
    if window is None and problems:
        raise UnreadableFile(f"{path}: no row can be read: {problems[0]}")
    return window or Window.empty(inputs), problems


def _counted(path: Path, contract: Contract, chunk: Chunk, window: Window) -> Window:
    _, measures = contract.record.measured(chunk.decoded)
    if window.reference is contract.reference:
        measures = Measures.side_by_side([measures, measure_answers(path, contract, chunk)])
    return Window.of(window.reference, measures)


def _mapped(columns: Iterable[str], contract: Contract) -> dict[str, str]:
    mapped = {}
    for text in columns:
        field, equals, name = text.partition("=")
        if not (equals and name) or field not in contract.record.fields:
            fields = ", ".join(contract.record.fields)
            raise click.UsageError(f"--column {text}: expected FIELD=NAME, where FIELD is one of {fields}")
        mapped[field] = name
    return mapped


def _print(
    model: str,
    path: Path,
    read_as: str,
    window: Window,
    problems: Sequence[str],
    features: Sequence[FeatureDrift],
    as_json: bool,
) -> None:
    if as_json:
        listed = [{**vars(feature), "verdict": feature.verdict} for feature in features]
        for feature in listed:
            feature["chance"] = feature["chance"] if math.isfinite(feature["chance"]) else None  # without a row
        document = {"model": model, "rows": window.rows, "invalid_rows": len(problems), "features": listed}
        click.echo(json.dumps(document))
        return
    click.echo(f"{model}: {window.rows:g} rows of {path}" + (f", read as {read_as}" if read_as else ""))
    click.echo(table([_HEADER, *map(_row, features)]))
    for problem in problems[:_PROBLEMS_SHOWN]:
        click.echo(f"left out {problem}", err=True)
    if len(problems) > _PROBLEMS_SHOWN:
        click.echo(f"left out {len(problems) - _PROBLEMS_SHOWN} more rows", err=True)


def _row(feature: FeatureDrift) -> tuple[str, ...]:
    ks = "" if feature.ks is None else f"{feature.ks:.3f}"
    shares = (f"{feature.outside:.1%}", f"{feature.missing:.1%}")
    return (feature.feature, f"{feature.psi:.3f}", ks, f"{feature.chance:.3f}", *shares, str(feature.verdict))

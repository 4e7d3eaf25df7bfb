"""Writing a declaration for a person to read and change: what was found stands in comments beside what it led to."""

import tomllib
from collections.abc import Iterator, Mapping

from training.declarations.overview import FEW, Overview
from training.declarations.series_overview import SeriesFound
from training.declarations.toml_values import comment, key, value
from training.declarations.words import listed, quoted

MOST_LABELS = 200
"""So many labels are written out; of more the file's own are taken."""
_OPTIONS = {
    "number": 'scale = "standard", "minmax", "log", "quantile", "none"; missing = "mean", "median"; flag = true',
    "category": 'unknown = "error", "bucket"; missing = "error", "bucket"; least_count = 1; output = "onehot", "id"',
    "tags": 'unknown = "error", "bucket"; missing = "error", "bucket"; least_count = 1; output = "multihot", "count"',
    "date": 'parts = ["days", "day_of_year", "weekday", "month", "hour", ...]; zone = "UTC"; format = "%d.%m.%Y"',
    "text": 'tokenizer = "unicode", "characters", "hashed_ngrams", "keras"; num_words = 20000; length = 200',
    "image": 'height = 64; width = 64; framing = "squeeze", "crop", "pad"; colour = "RGB", "L"',
    "array": 'scale = "standard", "minmax", "none"; length = 24, if lengths differ',
}
"""What else each kind takes."""


def table_toml(overview: Overview, file: str, name: str, told: str) -> str:
    """Return the text of a file that declares a model of a table; *told* is how it was made."""
    sections = [
        _head(name, told),
        _data(overview, file),
        _target(overview),
        _left_out(overview),
        *(_field(overview, each) for each in overview.fields),
        _kinds(overview),
        _split(overview),
        _rest(overview),
    ]
    return checked("\n".join("\n".join(lines) + "\n" for lines in map(list, sections) if lines))


def folder_toml(folder: str, counts: Mapping[str, int], name: str, told: str) -> str:
    """Return the text of a file that declares a model of a folder of photos."""
    lines = [
        *_head(name, told),
        "",
        "[data]",
        f"folder = {value(folder)}",
        "",
        "[target]",
        f"labels = {value(list(counts))}",
        comment(f"photos: {listed(f'{label} {count:,}' for label, count in counts.items())}"),
        "",
        "[fields.image]",
        'kind = "image"',
        "height = 224",
        "width = 224",
        comment('framing = "squeeze", "crop", "pad"; filter = "bilinear", "bicubic", ...; colour = "RGB"'),
        "",
        "[split]",
        "test = 0.2",
        "",
        "[recipe]",
        'name = "transfer"',
        comment('a base pretrained on ImageNet; "convnet" learns from nothing, for many photos unlike those'),
        comment("first a head is trained, then the top_layers of the base at a low rate: 0 leaves it as it is"),
        comment('base = "MobileNet"; head_epochs = 20; top_layers = 9; weights = "imagenet" or a file'),
        comment("test_time_flip = true: each answer is the mean of a photo and its mirror image, in twice the time"),
    ]
    return checked("\n".join(lines) + "\n")


def checked(text: str) -> str:
    """Return *text*, which is TOML: a text that is not would be a fault of this module."""
    tomllib.loads(text)
    return text


def _head(name: str, told: str) -> Iterator[str]:
    yield comment(f"A model of one's own data, made by: {told}")
    yield comment("Change what you like, then: plumbline train FILE. A line that begins with # says nothing to it.")
    yield f"name = {value(name)}"


def _data(overview: Overview, file: str) -> Iterator[str]:
    table, dialect = overview.table, overview.dialect
    yield "[data]"
    yield f"file = {value(file)}"
    yield comment(f"{table.rows:,} rows, {len(table.columns):,} columns; the path is from this file's folder")
    if table.texts:
        yield f"separator = {value(dialect.separator)}"
        yield f"decimal = {value(dialect.decimal)}"
        if dialect.encoding != "utf-8":
            yield f"encoding = {value(dialect.encoding)}"
    yield f"na = {value(dialect.na)}"
    yield comment("cells that stand for a gap")
    if overview.series:
        yield from _windows(overview.series)


def _windows(found: SeriesFound) -> Iterator[str]:
    wanted = found.wanted
    yield f"window = {wanted.window}"
    yield comment("rows that the model sees; a request has them as a list, the oldest first")
    yield f"horizon = {wanted.horizon}"
    yield comment("it answers the target so many rows after the last of them")
    for option, what in (("order", "the column that orders the rows"), ("group", "no window goes from one to another")):
        name = getattr(wanted, option)
        if name:
            yield f"{option} = {value(name)}"
        yield comment(what + (", a guess" if option in found.guessed else "" if name else f': {option} = "..."'))
    yield from map(comment, found.remarks)


def _target(overview: Overview) -> Iterator[str]:
    yield "[target]"
    names = [column.name for column in overview.targets]
    yield f"column = {value(names[0])}" if len(names) == 1 else f"columns = {value(names)}"
    if overview.guessed:
        yield comment("a guess: it is the last column")
    yield f"problem = {value(overview.problem)}"
    yield from _answers(overview)
    if overview.without_target:
        yield comment(f"{overview.without_target:,} rows have no target, and are left out")


def _answers(overview: Overview) -> Iterator[str]:
    if overview.problem == "regression":
        yield 'unit = ""'
        yield comment('such as kg; with few different values: problem = "multiclass" makes classes of them')
        return
    if overview.problem == "values":
        yield f"units = {value([''] * len(overview.targets))}"
        return
    if overview.labels and len(overview.labels) <= MOST_LABELS:
        yield f"labels = {value(overview.labels)}"
    if overview.problem == "binary":
        yield comment("the score is that of the second label")
    yield from map(comment, balance_lines(overview))


def balance_lines(overview: Overview) -> Iterator[str]:
    """Yield what there is to say about the classes: how many rows, and too few of which."""
    counts = overview.counts
    total = sum(counts.values())
    ranked = sorted(counts.items(), key=lambda item: -item[1])
    yield "rows: " + listed(f"{label} {count:,} ({count / max(total, 1):.0%})" for label, count in ranked)
    if few := [f"{label} {count:,}" for label, count in ranked if count < FEW]:
        yield f"too few rows to learn from: {listed(few)}"


def _left_out(overview: Overview) -> Iterator[str]:
    if overview.left_out:
        yield comment("Left out; to take one, add its table [fields.NAME]:")
    for name, reason in overview.left_out.items():
        yield comment(f"  {quoted(name)}: {reason}")


def _field(overview: Overview, name: str) -> Iterator[str]:
    column, found = overview.columns[name], overview.fields[name]
    yield f"[{key('fields', name)}]"
    yield comment(f"{found.remark}; {gaps_of(column.gaps)}{len(column.counts):,} different")
    if doubt := overview.suspicions.get(name):
        yield comment(f"CAUTION: {doubt}")
    yield f"kind = {value(found.kind)}"
    for option, of in found.options.items():
        yield f"{option} = {value(of)}"


def gaps_of(gaps: int) -> str:
    """Return how many gaps there are, to stand before other facts."""
    return f"{gaps:,} gaps, " if gaps else ""


def _kinds(overview: Overview) -> Iterator[str]:
    yield comment("Kinds of fields, and what they take:")
    for kind, options in _OPTIONS.items():
        yield comment(f"  {kind}: {options}")


def _split(overview: Overview) -> Iterator[str]:
    yield "[split]"
    yield "test = 0.2"
    if overview.series:
        yield 'by = "time"'
        yield comment("the model is tested on the last values, and validated on those before")
        return
    yield 'by = "random"'
    yield comment('by = "group" with column = "..." keeps together rows of the same patient, shop, ...')
    yield comment('by = "time" with column = "..." tests on the last rows in time')
    yield "seed = 1"


def _rest(overview: Overview) -> Iterator[str]:
    if overview.series:
        yield comment("[gate]")
        yield comment("floor = 2.5           # a model whose metric is worse is not published")
        yield ""
        yield "[recipe]"
        yield 'name = "convolutions"'
        yield comment(
            'or "recurrent", "mixed"; relative = true sees each window relative to its last value, for trends'
        )
        yield comment("epochs = 40; rate = 0.003; units = []; convolutions = [16, 16]; kernel = 5; batch_size = 32")
        return
    yield comment("By default, validation and recipe suit the number of rows and the kinds of fields. Otherwise:")
    yield comment("[protocol]")
    yield comment('name = "kfold"        # or "holdout" with share = 0.2, "repeated-kfold", "time-ordered"')
    yield comment("folds = 5")
    yield comment("[gate]")
    yield comment("floor = 0.9           # a model whose metric is worse is not published")
    yield ""
    yield "[recipe]"
    yield comment('name = "mixed"; for texts and arrays also "recurrent", "convolutions"')
    yield comment("epochs = 100; units = [64, 64]; members = 8; wide = true; dropout = 0.1; rate = 0.003; decay = 0.01")
    if overview.problem in ("binary", "multiclass"):
        yield f"class_weights = {value('balanced' if overview.is_unbalanced else 'none')}"
        yield comment('"balanced": rare classes count as much as frequent ones; the metric is balanced accuracy')

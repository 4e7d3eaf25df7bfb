"""One call of `plumbline score`: from its options to an output, or to a clear error."""

import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from serving.batch.errors import BadInput, Changed, VersionGone
from serving.batch.files import files_of
from serving.batch.formats import all_passed_over, files_in, make_writer, open_source
from serving.batch.inputs.finding import find_inputs
from serving.batch.inputs.source import Inputs
from serving.batch.jobs import merging
from serving.batch.jobs.chunks import Pinned, contract_hash
from serving.batch.jobs.manifest import Manifest, Options, begin, manifest_path, read_manifest
from serving.batch.jobs.parts import Parts, rejects_path
from serving.batch.jobs.plan import WHOLE, Plan, Shard
from serving.batch.jobs.progress import Progress
from serving.batch.jobs.rejects import RejectLimit
from serving.batch.jobs.runner import Run
from serving.batch.jobs.summary import summarise
from serving.batch.jobs.version_choice import pin
from serving.batch.jobs.workers import Connect, Workers
from serving.batch.readers.csv_dialect import Dialect
from serving.batch.reasons import COLUMN
from serving.batch.rows import Columns, find_columns
from serving.batch.writers.parquet_output import kept_types
from serving.batch.writers.writer import Answer, Writer
from serving.catalog import LiveModel, ModelServer
from serving.contract import Contract
from serving.explanation import has_usual_target, least_budget
from serving.registry import server_config

_PART_ROWS, _PART_ROWS_OF_FILES, _PART_ROWS_EXPLAINED = 50_000, 1_000, 200
_EXPLAIN_BUDGET = 128
_EXPLAINED_ROWS = 32
"""Of a chunk: each takes as long as a hundred others, and several chunks are to share the work."""
_BATCH_BYTES = 2 * 1024 * 1024
_MIN_BATCH_ROWS = 16
_HASH_CHARACTERS = 16


@dataclass(frozen=True)
class Job:
    """What is to be scored; the fields are named like the options of `plumbline score`."""

    inputs: tuple[str, ...]
    model: str
    output: str
    version: int | None = None
    label: str | None = None
    format: str | None = None
    columns: Mapping[str, str] | None = None
    id_column: str | None = None
    keep: tuple[str, ...] = ()
    allow_missing: bool = False
    separator: str | None = None
    decimal: str | None = None
    encoding: str | None = None
    limit: int | None = None
    batch_rows: int | None = None
    part_rows: int | None = None
    shard: Shard = WHOLE
    max_rejects: str | None = None
    in_flight: int = 4
    processes: int | None = None
    deadline_seconds: float = 60.0
    patience_seconds: float = 300.0
    explain: bool = False
    explain_budget: int | None = None


@dataclass(frozen=True)
class Prepared:
    """A job with everything that was looked up for it."""

    job: Job
    live: LiveModel
    columns: Columns
    inputs: Inputs
    writer: Writer
    manifest: Manifest

    @property
    def pinned(self) -> Pinned:
        """The version that answers."""
        job, manifest = self.job, self.manifest
        return Pinned(
            job.model,
            manifest.version,
            manifest.contract,
            job.deadline_seconds,
            job.patience_seconds,
            manifest.options.explain_budget or 0,
        )

    @property
    def workers(self) -> Workers:
        """The threads or processes. A shard gets only the processes that it was given: several may share a machine."""
        job = self.job
        has_text = any(it.control == "text" for it in self.live.contract.record.fields.values())
        if job.processes:
            return Workers(job.in_flight, job.processes)
        return Workers.fitted(job.in_flight, has_text, self.inputs.size if job.shard.count == 1 else 0)

    @property
    def plan(self) -> Plan:
        """The work."""
        options = self.manifest.options
        return Plan(self.inputs.sources, self.job.shard, options.part_rows, options.batch_rows, options.limit)


def prepare(job: Job, server: ModelServer, begun: Manifest | None) -> Prepared:
    """Look up version, columns and inputs; raises BatchError."""
    version = begun.version if begun and job.version is None and job.label is None else job.version
    try:
        live = pin(server, job.model, version, job.label, job.patience_seconds)
    except BadInput as error:
        if begun and version == begun.version:
            raise VersionGone(job.model, begun.version) from error
        raise
    dialect = Dialect(job.separator, job.decimal, job.encoding)
    columns = find_columns(live.contract, job.columns or {}, job.id_column, job.keep, job.allow_missing, dialect)
    outputs = frozenset((job.output, rejects_path(job.output)))
    inputs = find_inputs(job.inputs, job.format, sys.stdin.buffer, outputs)
    digest = contract_hash(live.document)
    types = kept_types(columns.keep, inputs)
    reasons: Answer = ((COLUMN, "reasons"),) if job.explain else ()
    answer: Answer = (*live.contract.answers.columns.items(), *reasons)
    writer = make_writer(job.output, answer, columns.keep, types, _constants(job.model, live.version, digest))
    options = Options(
        columns.fields,
        job.id_column,
        columns.keep,
        job.format or "by name",
        job.limit,
        job.batch_rows or _chunk_rows(live.contract, job.explain),
        job.part_rows or _part_rows(columns, job.explain),
        writer.made_by,
        answer,
        types,
        job.separator,
        job.decimal,
        job.encoding,
        _explain_budget(job, live.contract),
    )
    reference = live.contract.reference.to_json() if live.contract.reference else None
    manifest = Manifest(
        job.model,
        live.version,
        digest,
        inputs.fingerprints,
        inputs.sources,
        options,
        reference,
        all_passed_over(inputs),
        live.engine,
    )
    return Prepared(job, live, columns, inputs, writer, manifest)


def start(job: Job, server: ModelServer) -> Prepared:
    """Look up what the job needs, and record its start unless it was started before; raises BatchError."""
    begun = read_manifest(job.output)
    if begun and begun.model != job.model:
        raise Changed(job.output, f"with model {begun.model}, and now it is {job.model}")
    prepared = prepare(job, server, begun)
    if begun is None:
        _check_columns(prepared)
    begin(job.output, prepared.manifest)
    return prepared


def score(prepared: Prepared, server: ModelServer, connect: Connect, stopping: threading.Event) -> dict[str, Any]:
    """Do a job that was started, or the rest of it, and return its summary; raises BatchError."""
    job, manifest = prepared.job, prepared.manifest
    if done := merging.finished(job.output, manifest):
        Parts(job.output, manifest).remove()
        return {**done, "finished_before": True}
    parts, workers = Parts(job.output, manifest), prepared.workers
    limit, stamps = RejectLimit.parse(job.max_rejects), _stamps(prepared.inputs)
    with Progress(job.model, prepared.inputs.size) as progress:
        run = Run(prepared.plan, prepared.columns, parts, prepared.writer, limit, progress, stopping, workers.count)
        with workers.running(server, connect, prepared.pinned, prepared.writer, stopping) as submit:
            run.run(submit)
    if changed := [path for path, stamp in _stamps(prepared.inputs).items() if stamp != stamps.get(path)]:
        raise BadInput(f"{changed[0]} changed while it was read: use --restart once it is complete")
    whole = run.done_before
    whole.add(progress.statistics)
    if job.shard.count == 1:
        whole = merging.merge(job.output, manifest, parts, prepared.writer, limit)
    summary = summarise(job.output, manifest, whole, progress.rows, progress.seconds, run.calls)
    if told := prepared.columns.told:
        summary["read_as"] = told
    if run.unused:
        summary["unused_columns"] = list(run.unused)
    if job.shard.count > 1:
        summary["shard"] = f"{job.shard.index}/{job.shard.count}"
    else:
        merging.finish(job.output, manifest, parts, summary)
    return summary


def _stamps(inputs: Inputs) -> dict[str, object]:
    """Return the stamp of each file that is read, by path."""
    paths = {path for source in inputs.sources for path in files_in(source)}
    return {path: files_of(path).stamp(path) for path in paths}


def _check_columns(prepared: Prepared) -> None:
    """Open the first source, so that a missing column is reported before a run is started that can't be finished."""
    for source in prepared.inputs.sources[:1]:
        open_source(source, prepared.columns).records.close()


def merge_shards(output: str, max_rejects: str | None) -> dict[str, Any]:
    """Merge the parts of all shards, from these and the manifest alone, and return the summary. Raises BatchError."""
    manifest = read_manifest(output)
    if manifest is None:
        raise BadInput(f"{manifest_path(output)} is not there: expected the --output of the shards")
    parts = Parts(output, manifest)
    if done := merging.finished(output, manifest):
        parts.remove()
        return {**done, "finished_before": True}
    options = manifest.options
    constants = _constants(manifest.model, manifest.version, manifest.contract)
    writer = make_writer(output, options.answer, options.keep, options.types, constants)
    if writer.made_by != options.writer:
        raise Changed(output, f"with {options.writer}, and here it is {writer.made_by}")
    started = time.monotonic()
    whole = merging.merge(output, manifest, parts, writer, RejectLimit.parse(max_rejects))
    summary = summarise(output, manifest, whole, 0, time.monotonic() - started, ())
    merging.finish(output, manifest, parts, summary)
    return summary


def _constants(model: str, version: int, digest: str) -> tuple[str, int, str]:
    return model, version, digest[:_HASH_CHARACTERS]


def _explain_budget(job: Job, contract: Contract) -> int | None:
    """Return how many answers more the reasons of a row may cost, None if they are not wanted; raises BadInput."""
    if not job.explain:
        return None
    least = least_budget(contract)
    if not has_usual_target(next(iter(contract.answers.heads.values()))):
        raise BadInput("--explain: expected a model that answers a label, tags or a value, got one of vectors")
    if job.explain_budget and job.explain_budget < least:
        raise BadInput(f"--explain-budget: expected at least {least}, 2 for each field and 2, got {job.explain_budget}")
    return job.explain_budget or max(_EXPLAIN_BUDGET, least)


def _chunk_rows(contract: Contract, explain: bool) -> int:
    return min(_EXPLAINED_ROWS, fitting_rows(contract)) if explain else fitting_rows(contract)


def _part_rows(columns: Columns, explain: bool) -> int:
    if explain:
        return _PART_ROWS_EXPLAINED
    return _PART_ROWS_OF_FILES if columns.files else _PART_ROWS


def fitting_rows(contract: Contract) -> int:
    """Return how many rows fit a call: a power of two, by the size of the model's features."""
    specs = contract.record.specs.values()
    return max(server_config.fitting_rows(_BATCH_BYTES, sum(spec.row_bytes for spec in specs)), _MIN_BATCH_ROWS)

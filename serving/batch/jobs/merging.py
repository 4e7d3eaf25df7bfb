"""The end of a run: all parts, in order, become the output, its rejects and its summary."""

import json
from collections.abc import Iterator
from typing import Any, BinaryIO

import orjson

from serving.batch.errors import Unfinished
from serving.batch.files import files_of
from serving.batch.jobs.manifest import Manifest
from serving.batch.jobs.parts import Part, Parts, done_path, rejects_path
from serving.batch.jobs.rejects import RejectLimit
from serving.batch.jobs.row_counts import Statistics
from serving.batch.writers.writer import Writer

_MISSING_SHOWN = 3


def finished(output: str, manifest: Manifest) -> dict[str, Any] | None:
    """Return the summary of *manifest*'s run if it is finished and its output is unchanged."""
    path, files = done_path(output), files_of(output)
    if not files.exists(path):
        return None
    with files.open(path) as file:
        summary: dict[str, Any] = json.loads(file.read())
    whole = files.exists(output) and files.size(output) == summary["output_bytes"]
    return summary if whole and summary["run"] == manifest.run else None


def merge(output: str, manifest: Manifest, parts: Parts, writer: Writer, limit: RejectLimit) -> Statistics:
    """Concatenate the parts and return their statistics; raises Unfinished if some are missing, or TooManyRejects."""
    parts.refresh()
    there = list(_all_parts(output, manifest, parts))
    statistics = Statistics()
    files = files_of(output)

    def rejects(file: BinaryIO) -> None:
        for part in there:
            counted, rejected = parts.read(part)
            statistics.add(counted)
            for reject in rejected:
                file.write(orjson.dumps(reject, option=orjson.OPT_APPEND_NEWLINE))

    files.put(rejects_path(output), rejects)
    limit.check(statistics.rows, statistics.rejected)
    files.put(output, lambda file: writer.write_output(parts.opened(there), file))
    return statistics


def finish(output: str, manifest: Manifest, parts: Parts, summary: dict[str, Any]) -> None:
    """Record that the run is finished, with its *summary*, and delete the parts."""
    document = {**summary, "run": manifest.run, "output_bytes": files_of(output).size(output)}
    files_of(output).put(done_path(output), lambda file: _write_json(file, document))
    parts.remove()


def _all_parts(output: str, manifest: Manifest, parts: Parts) -> Iterator[Part]:
    missing: list[str] = []
    for source in manifest.sources:
        end = parts.end(source.number)
        if end is None:
            missing.append(f"the end of {source.name}")
            continue
        for number in range(end.parts):
            part = Part(source.number, number)
            if parts.is_done(part):
                yield part
            else:
                missing.append(f"part {number} of {source.name}")
    if missing:
        shown = ", ".join(missing[:_MISSING_SHOWN]) + (", ..." if len(missing) > _MISSING_SHOWN else "")
        raise Unfinished(
            f"{output} can't be merged yet: {len(missing)} pieces are missing ({shown}); run the shards first"
        )


def _write_json(file: BinaryIO, document: dict[str, Any]) -> None:
    file.write(json.dumps(document, ensure_ascii=False, indent=1).encode() + b"\n")

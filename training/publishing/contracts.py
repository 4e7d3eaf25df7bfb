"""The contract of a newly trained model: its input and output, its evaluation, and its provenance."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from serving.contract import Answers, Contract, ParityExample, Reading, Record
from serving.contract.measuring import fit_reference
from training.data.datasets import Instance, as_json
from training.data.features import Sent, read
from training.experiments.evaluation import Experiment, Fitted, as_evaluation
from training.experiments.record import RunRecord
from training.experiments.served_graph import outputs_of
from training.problem_types import MultiOutput
from training.publishing.provenance import Code, weights_sha256

PARITY_EXAMPLES = 3


def make_contract(
    experiment: Experiment,
    record: RunRecord,
    fitted: Fitted,
    identity: str,
    code: Code,
    measures: Mapping[str, Mapping[str, float]],
) -> Contract:
    """Return the contract of what was fitted and measured; *identity* and *code* are those of the job.

    *measures* has what was measured besides the metric, by the name of the head.
    """
    records = dict(zip(experiment.answers.heads, (record, *record.others.values()), strict=True))
    answers = replace(experiment.answers, heads={name: of_head.head for name, of_head in records.items()})
    return Contract(
        model=record.model,
        problem=MultiOutput.name if record.others else record.problem.name,
        record=fitted.record,
        answers=answers,
        examples=parity_examples(fitted.record, answers, fitted.graph, record.test_instances[:PARITY_EXAMPLES]),
        tolerance=experiment.task.tolerance,
        evaluation=as_evaluation(record, measures),
        provenance={
            "data": record.data,
            "data_sha256": record.data_sha256,
            "recipe": record.recipe,
            "settings": record.settings,
            "seed": record.seed,
            "seconds": record.seconds,
            "versions": record.versions,
            "job": identity,
            "weights_sha256": weights_sha256(fitted.trained.model),
            "notes": record.notes,
            "trained_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "code_sha256": code.sha256,
            "git_revision": code.git_revision,
            "git_dirty": code.git_dirty,
            "plumbline_revision": code.plumbline_revision,
        },
        # Inputs of the training rows, but scores of the test rows: on training rows the model is more confident.
        reference=fit_reference(
            fitted.record,
            answers,
            Sent(fitted.record, experiment.data.train.instances),
            {answers.outputs[name]: of_head.test_scores for name, of_head in records.items()},
        ),
        reading=_reading(experiment, fitted.record),
        capture={name: of for name, of in experiment.task.capture.items() if name in fitted.record.fields},
    )


def _reading(experiment: Experiment, record: Record) -> Reading | None:
    """Return how files of the rows are written, of the fields that the recipe takes."""
    reading = experiment.task.reading
    if reading is None:
        return None
    dates, delimiters = (
        {name: of for name, of in each.items() if name in record.fields} for each in (reading.dates, reading.delimiters)
    )
    return replace(reading, dates=dates, delimiters=delimiters)


def parity_examples(
    record: Record, answers: Answers, graph: Any, instances: Sequence[Instance]
) -> tuple[ParityExample, ...]:
    """Return *instances* with the features that *record* makes of them, the outputs of *graph*, and the *answers*.

    Raises UnusableData.
    """

    def as_request(instance: Instance) -> dict[str, Any]:
        return as_json({name: instance[name] for name in record.fields if name in instance})  # a recipe may omit fields

    features = record.encode(read(record, instances))
    outputs = outputs_of(graph, features)
    # Of outputs that can't be answered, the export says what is wrong.
    made = [None] * len(instances) if answers.problem(outputs, len(instances)) else answers.make(outputs)
    return tuple(
        ParityExample(
            as_request(instance),
            {name: array[row, ...] for name, array in features.items()},
            {name: array[row] for name, array in outputs.items()},
            made[row],
        )
        for row, instance in enumerate(instances)
    )

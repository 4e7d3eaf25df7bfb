"""One training job, from raw data to a published version: validate, train on all rows, test once, report, publish."""

import dataclasses
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from serving.contract import Contract
from serving.contract.arrays import Array
from serving.registry import SAMPLE, Version
from serving.registry.progress import TRAINING
from training.data.datasets import Dataset
from training.errors import BadRequest, TrainingError
from training.execution.checkpoints import Checkpoints
from training.execution.distribution import detecting_lost_workers, is_chief
from training.execution.execution import Execution
from training.experiments.evaluation import Experiment, Stopwatch, Validation
from training.experiments.overrides import override
from training.experiments.record import FoldRecord, RunRecord
from training.insight.insight import Insight, look
from training.jobs.lite_form import lite_form
from training.jobs.planned_epochs import EpochCounter, planned_epochs, validation_fits
from training.jobs.reporting import CannotReport, Reporting, told_of
from training.publishing import gate
from training.publishing.contracts import make_contract
from training.publishing.export import export
from training.publishing.lite import Weights
from training.publishing.provenance import Code, code_of, code_of_declaration, fingerprint, package_versions
from training.publishing.publish import live_contract, live_version, publish, version_of_job
from training.publishing.replacement import Admission, check_before_training
from training.report.further import further_measures
from training.task import TASKS, Recipe, Say, Task
from training.validation import NoValidation, ValidationStrategy

DECLARATIONS = "training.declarations.task"
"""The module that makes tasks of files."""
_LOOKED_AT = 1000
"""So many rows tell which fields there are."""


@dataclasses.dataclass(frozen=True)
class Job:
    """What to train, how, and where to publish it.

    *overrides* change the recipe, and *protocol* replaces the task's validation strategy. With *compares*, the recipes
    that the task lists before this one are validated too, for the report. With *replace_incomparable*, the model may
    replace a live version that can't be evaluated on the same test rows. *lite_weights* is the type of the weights in
    the lite form. *tasks* is the package of the task.
    *on_trained* is called with the contract of the trained model, before the gate decides about it, and *on_progress*
    with the share of the epochs that are done.
    """

    name: str
    task: Task
    recipe_name: str
    models_dir: Path
    data_dir: Path | None
    sample: bool
    seed: int
    say: Say
    overrides: Sequence[str] = ()
    protocol: ValidationStrategy | None = None
    reports_dir: Path | None = None
    jit_compile: bool = False
    strategy: tf.distribute.Strategy = dataclasses.field(default_factory=tf.distribute.get_strategy)
    compares: bool = True
    replace_incomparable: bool = False
    lite_weights: Weights = "float32"
    tasks: str = TASKS
    on_trained: Callable[[Contract], object] = lambda contract: None
    on_progress: Callable[[float], object] = lambda share: None

    def recipe(self) -> Recipe:
        """Return the recipe (its small variant for the sample) with the overrides applied. Raises BadRequest."""
        recipes = self._recipes()
        if self.recipe_name not in recipes:
            raise BadRequest(f"{self.name} has no recipe '{self.recipe_name}'; available: {', '.join(recipes)}")
        recipe: Recipe = override(recipes[self.recipe_name], self.overrides)
        if isinstance(self.validation, NoValidation) and getattr(recipe, "patience", False):
            raise BadRequest(
                f"{self.name}: patience stops by the loss on validation rows, which --protocol none has not"
            )
        return recipe

    @property
    def validation(self) -> ValidationStrategy:
        """The validation strategy."""
        return self.protocol or self.task.protocol

    def plainer_recipes(self) -> dict[str, Recipe]:
        """Return the recipes to compare with, by name; none without validation, by which they are compared."""
        before = itertools.takewhile(lambda item: item[0] != self.recipe_name, self._recipes().items())
        return dict(before) if self.compares and not isinstance(self.validation, NoValidation) else {}

    @cached_property
    def code(self) -> Code:
        """The code that the job runs, as it was at the first access: files may be edited while it trains."""
        if declared := self.task.declared:
            return code_of_declaration(declared.path, declared.sha256, DECLARATIONS)
        return code_of(f"{self.tasks}.{self.name}")

    def load(self) -> Dataset:
        """Load the data. Raises DataUnavailable or BadRequest."""
        if self.sample:  # by whatever name its author has it: the gate and `data: sample` go by this one
            data = dataclasses.replace(self.task.load_sample(), name=SAMPLE)
        else:
            data = self.task.load(self.data_dir)
        if self.task.capture:
            self._check_capture(data)
        return data

    def _check_capture(self, data: Dataset) -> None:
        known = {name for instance in itertools.islice(data.train.instances, _LOOKED_AT) for name in instance}
        if unknown := sorted(self.task.capture.keys() - known):  # the field that was meant would be captured
            raise BadRequest(f"{self.name}: capture names {unknown[0]!r}; expected fields of the data")

    def identity(self, data: Dataset) -> str:
        """Return a hash of everything that determines the model: the same job would train the same model again."""
        facts = {
            "model": self.name,
            "recipe": repr(self.recipe()),
            "protocol": repr(self.validation),
            "data": data.sha256(),
            "labels": data.labels,
            "words": fingerprint(data.word_ranks),
            "seed": self.seed,
            "jit_compile": self.jit_compile,
            "precision": keras.config.dtype_policy().name,
            "replicas": self.strategy.num_replicas_in_sync,
            "versions": package_versions(),
            "code": self.code.sha256,
            **({} if self.lite_weights == "float32" else {"lite_weights": self.lite_weights}),
        }
        return fingerprint(facts)

    def _recipes(self) -> Mapping[str, Recipe]:
        return self.task.sample_recipes if self.sample else self.task.recipes


@dataclasses.dataclass(frozen=True)
class Result:
    """A trained model, its contract, the record of its training, and the content of its lite form if it has one.

    *looked* looks at the rows for the report, which takes a moment.
    """

    model: keras.Model
    contract: Contract
    record: RunRecord
    lite: bytes | None
    looked: Callable[[], Insight]


def run(job: Job) -> Path | None:
    """Train and publish. Return the folder of the new version, or None if there is nothing to publish.

    An interrupted job resumes where it stopped; one that has already published does nothing. Of several workers, only
    the chief publishes. The report is written even if the gate refuses the model.
    Raises TrainingError or ParityError.
    """
    reporting = Reporting(job.reports_dir, datetime.now(UTC), job.say)
    job.recipe()  # raises before anything is loaded
    code = job.code  # as it was just imported: later edits do not count
    live = live_contract(job.models_dir, job.name)
    gate.check_data(job.name, job.sample, live)
    data = job.load()
    for note in data.notes:
        job.say(f"{job.name}: {note}")
    identity, chief = job.identity(data), is_chief(job.strategy)
    if done := version_of_job(job.models_dir, job.name, identity):
        job.say(f"{job.name}: nothing to do: this job has already published version {done}")
        return None
    job.say(f"{job.name}: {code}")
    if not job.replace_incomparable:
        check_before_training(job.name, job.task, data, job.sample, live)
    checkpoints = Checkpoints(job.models_dir / TRAINING / f"{job.name}-{identity}", chief, _counter(job, data).count)
    with detecting_lost_workers():
        result = train(job, data, checkpoints)
    job.on_trained(result.contract)
    if not chief:
        job.say(f"{job.name}: trained weights {result.contract.provenance['weights_sha256']}; the chief publishes")
        return None
    admission = Admission(job.task, result.contract, result.record, job.replace_incomparable, job.say)
    try:
        published = _admitted(job, result, admission, reporting)
    except gate.GateRefused:
        checkpoints.clear()
        raise
    checkpoints.clear()
    return published


def _admitted(job: Job, result: Result, admission: Admission, reporting: Reporting) -> Path:
    """Publish the model if it passes the gate, and report the decision. Raises GateRefused.

    The report takes seconds, so it comes after: by then the model may have answered.
    """

    def admit(live: Version | None) -> None:
        job.say(f"{job.name}: {admission.decide(live)}")

    def write(path: Path) -> None:
        export(result.model, admission.documented(), path, result.lite)

    try:
        decision = admission.decide(live_version(job.models_dir, job.name))  # before it takes the time of an export
        published = publish(job.models_dir, job.name, write, admit)
    except gate.GateRefused as error:
        try:
            reporting.report(result.record, result.looked, str(error), None, told_of(*admission.looked_at))
        except CannotReport as lost:
            job.say(str(lost))
        raise
    reporting.report(result.record, result.looked, decision, int(published.name), told_of(*admission.looked_at))
    return published


def _counter(job: Job, data: Dataset) -> EpochCounter:
    plainer = [*job.plainer_recipes().values()]
    planned = planned_epochs(job.recipe(), plainer, job.validation, len(data.train), job.seed)
    return EpochCounter(planned, job.on_progress)


def train(job: Job, data: Dataset, checkpoints: Checkpoints | None = None) -> Result:
    """Validate the recipe, train on all rows, evaluate once on the test rows. Raises TrainingError."""
    clock, recipe, identity = Stopwatch(), job.recipe(), job.identity(data)
    checkpoints = checkpoints or Checkpoints()
    if isinstance(job.validation, NoValidation):  # by its number a fit orders its rows, so as if it had been validated
        checkpoints.skip(validation_fits(recipe, job.task.protocol, len(data.train), job.seed))
    execution = Execution(job.seed, job.jit_compile, job.strategy, checkpoints)
    experiment = Experiment(job.name, job.task, data, execution, job.say)
    experiment.check_targets()
    job.say(f"{job.name}: {len(data.train)} training rows, {len(data.test)} test rows")
    strategy = job.validation
    validation = experiment.validate(recipe, strategy)
    clock.lap("validation")

    job.say(f"{job.name}: training on all {len(data.train)} rows")
    recipe = recipe.settled([fold.stages for fold in validation.folds])
    fitted = experiment.fit(recipe, data.train, validation.prepared)
    clock.lap("training")
    scores = experiment.by_head(fitted.outputs(data.test.instances))
    clock.lap("test")
    compared = _compared(job, experiment, strategy)
    clock.lap("comparison")
    first, *others = _records(
        experiment,
        validation,
        scores,
        data_sha256=data.sha256(),
        recipe=job.recipe_name,
        settings=dataclasses.asdict(recipe),
        seed=job.seed,
        protocol={"name": strategy.name, **dataclasses.asdict(strategy)},
        seconds=clock.seconds,
        versions=package_versions(),
        code=dataclasses.asdict(job.code),
        sample=job.sample,
    )
    record = dataclasses.replace(
        first,
        folds=validation.folds,
        final=fitted.trained.curves,
        compared=compared,
        others={other.head_name: other for other in others},
    )
    measures = {of_head.head_name: further_measures(of_head) for of_head in (record, *others)}
    contract = make_contract(experiment, record, fitted, identity, job.code, measures)
    job.say(f"{job.name}: {_summary(contract.evaluation)}")
    lite = lite_form(experiment, fitted, contract, job.lite_weights)
    job.say(f"{job.name}: {lite.told}")
    record = dataclasses.replace(record, lite=lite.told)
    kinds = {name: encoder.kind for name, encoder in fitted.record.fields.items()}
    looked = partial(look, data, record, kinds, lambda instances: experiment.by_head(fitted.outputs(instances)))
    return Result(fitted.trained.model, lite.contract, record, lite.document, looked)


def _compared(job: Job, experiment: Experiment, strategy: ValidationStrategy) -> dict[str, Sequence[FoldRecord]]:
    """Return the folds of each plainer recipe."""
    folds = {}
    for name, plainer in job.plainer_recipes().items():
        job.say(f"{job.name}: validating recipe {name}, for comparison")
        folds[name] = experiment.validate(plainer, strategy).folds
    return folds


def _records(
    experiment: Experiment, validation: Validation, scores: Mapping[str, Array], **run: Any
) -> Iterator[RunRecord]:
    """Yield a record for each head, with what was chosen for it on validation rows; *run* is the same in all."""
    data = experiment.data
    rivals = {name: experiment.rivals(name) for name in experiment.answers.heads}
    for of_head in rivals.values():
        for rival, value in of_head.items():
            experiment.say(f"{experiment.name}: beside it, {rival}: {value:.4f}")
    for name, head in experiment.answers.heads.items():
        if not np.isfinite(scores[name]).all():
            raise TrainingError(f"{experiment.name}: training has diverged, its scores are not finite: lower the rate")
        targets = data.test.targets_of(name)
        problem = experiment.problems[name]
        if name in validation.targets:
            problem = problem.settled(validation.targets[name], validation.scores[name])
        yield RunRecord(
            model=experiment.name,
            problem=problem,
            head=problem.finished(head, targets, scores[name]),
            head_name="" if experiment.answers.only else name,
            data=data.name,
            folds=(),
            final={},
            train_rows=len(data.train),
            test_instances=data.test.instances,
            test_targets=targets,
            test_scores=scores[name],
            baselines={**experiment.naive(name), **rivals[name]},
            notes=data.notes,
            **run,
        )


def _summary(evaluation: Any) -> str:
    metric = evaluation["metric"]
    parts = {
        name: evaluation[name][metric]
        for name in ("test", "validation", "baseline")
        if metric in evaluation.get(name, ())
    }
    summary = f"{metric} " + ", ".join(f"{name} {value:.4f}" for name, value in parts.items())
    more = {name: value for name, value in evaluation["test"].items() if name not in (metric, "rows")}
    summary += "".join(f", {name} {value:.4f}" for name, value in more.items())
    return "; ".join([summary, *(f"{head}: {_summary(of)}" for head, of in evaluation.get("heads", {}).items())])

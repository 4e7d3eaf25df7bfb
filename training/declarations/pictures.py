"""A declared folder of photos, with a sub-folder for each class."""

from collections.abc import Mapping

import numpy as np

from serving.contract.heads import Labels
from training.data.datasets import Dataset, Part
from training.data.instances import Selected
from training.data.photos import Photos, notes_on, read_classes
from training.declarations.asking import MOST_SCORES, PROBLEMS, Asked
from training.declarations.declaration import Declaration, FieldPart
from training.declarations.fields import IMAGE
from training.declarations.places import Source
from training.declarations.splitting import split_randomly
from training.declarations.words import listed, meant


def picture_data(source: Source, declaration: Declaration, fields: Mapping[str, FieldPart]) -> tuple[Dataset, Asked]:
    """Read the photos, and return them with what is asked of them. Raises BadRequest."""
    _check(source, declaration, fields)
    folder = declaration.path.parent / declaration.data.folder
    photos = read_classes(folder)
    labels = declaration.target.labels or tuple(photos.classes)
    for label in photos.classes:
        if label not in labels:
            source.refuse(["target", "labels"], f"{folder} has a sub-folder {label}; {meant(label, labels)}")
    for label in labels:
        if label not in photos.classes:
            source.refuse(["target", "labels"], f"{folder} has no sub-folder {label}; {meant(label, photos.classes)}")
    files = Photos([file for label in labels for file in photos.classes[label]])
    targets = np.repeat(np.arange(len(labels)), [len(photos.classes[label]) for label in labels])
    train, test = (Part(Selected(files, rows), targets[rows]) for rows in split_randomly(targets, declaration.split))
    counts = listed(f"{label} {len(photos.classes[label]):,}" for label in labels)
    notes = (
        f"{folder.name}/: {len(files):,} photos: {len(train):,} to train, {len(test):,} to test",
        f"{len(labels)} classes: {counts}",
        *notes_on(photos.skipped),
    )
    problem = PROBLEMS["binary" if len(labels) == 2 else "multiclass"]
    head = Labels(labels, min(len(labels), MOST_SCORES))
    data = Dataset(f"{folder.name}/", train, test, labels, notes=notes)
    return data, Asked(problem, head, labels, targets, np.arange(len(files)))


def _check(source: Source, declaration: Declaration, fields: Mapping[str, FieldPart]) -> None:
    for name, part in fields.items():
        if (name, part.kind) != (IMAGE, IMAGE):
            source.refuse(["fields", name], f'a folder of photos has one field: [fields.{IMAGE}] with kind = "{IMAGE}"')
    if declaration.split.by != "random":
        source.refuse(["split", "by"], "photos are split at random")
    target = declaration.target
    if target.names or target.problem:
        key = next(key for key in ("column", "columns", "problem") if getattr(target, key))
        source.refuse(["target", key], "is for tables: the classes of photos are their sub-folders")

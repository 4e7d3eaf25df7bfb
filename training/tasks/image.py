"""Is it a cat or a dog? Photos, with a small base pretrained on ImageNet."""

from serving.contract import Labels
from training.datasets import cats_and_dogs
from training.preprocessing import photo_resizer
from training.problems import BINARY
from training.protocols import HoldOut
from training.samples import photos
from training.task import Task
from training.transfer import Transfer, train_transfer

TASK = Task(
    problem=BINARY,
    output=lambda data: Labels(data.labels, top=2),
    load=cats_and_dogs,
    load_sample=photos,
    fit=photo_resizer,
    train=train_transfer,
    protocol=HoldOut(0.2),
    recipes={"baseline": Transfer()},
    sample={"base_options": {"alpha": 0.25, "weights": None}, "height": 32, "width": 32, "head_epochs": 1},
)

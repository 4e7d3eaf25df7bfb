"""Is it a cat or a dog? Photos, with a small base pretrained on ImageNet."""

from serving.contract import Labels
from training.networks import ConvNet
from training.photos import cats_and_dogs
from training.preprocessing import photo_resizer
from training.problems import BINARY
from training.protocols import HoldOut
from training.samples import photos
from training.task import Task
from training.transfer import Transfer

TASK = Task(
    problem=BINARY,
    output=lambda data: Labels(data.labels, top=2),
    load=cats_and_dogs,
    load_sample=photos,
    fit=photo_resizer,
    protocol=HoldOut(0.2),
    recipes={"baseline": Transfer()},
    floor=0.92,
    regression_tolerance=0.015,
    sample_recipes={"baseline": ConvNet(height=32, width=32, filters=(8, 16), units=16, epochs=10, batch_size=8)},
)

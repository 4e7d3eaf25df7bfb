"""Which digit is it? MNIST."""

from serving.contract.heads import Labels
from training.data.datasets import mnist
from training.data.preprocessing import glyph_resizer
from training.data.samples import digits
from training.networks.augmentation import Augmentation
from training.networks.convolutions import ConvNet
from training.problem_types import MULTICLASS
from training.task import Task
from training.validation import HoldOut

CHANGES = Augmentation(turn=0.03, shift=0.08, shear=0.1, zoom=0.1)

TASK = Task(
    problem=MULTICLASS,
    output=lambda data: Labels(data.labels, top=10),
    load=mnist,
    load_sample=digits,
    fit=glyph_resizer,
    protocol=HoldOut(1 / 6),
    recipes={
        "baseline": ConvNet(height=28, width=28, epochs=4, batch_size=128),
        "best": ConvNet(
            height=28,
            width=28,
            filters=(16, 32, 64),
            depth=2,
            units=128,
            batch_normalisation=True,
            dropout=0.3,
            rate=3e-3,
            augmentation=CHANGES,
            epochs=8,
            batch_size=128,
        ),
    },
    floor=0.98,
    regression_tolerance=0.003,
    sample_recipes={
        "baseline": ConvNet(height=28, width=28, filters=(16, 32), epochs=12, batch_size=16),
        "best": ConvNet(
            height=28,
            width=28,
            filters=(8, 16),
            depth=2,
            batch_normalisation=True,
            rate=3e-3,
            augmentation=CHANGES,
            epochs=2,
            batch_size=16,
        ),
    },
)

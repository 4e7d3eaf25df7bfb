"""Which digit is it? MNIST."""

from serving.contract import Labels
from training.datasets import mnist
from training.networks import ConvNet
from training.preprocessing import glyph_resizer
from training.problems import MULTICLASS
from training.protocols import HoldOut
from training.samples import digits
from training.task import Task

TASK = Task(
    problem=MULTICLASS,
    output=lambda data: Labels(data.labels, top=10),
    load=mnist,
    load_sample=digits,
    fit=glyph_resizer,
    protocol=HoldOut(1 / 6),
    recipes={"baseline": ConvNet(height=28, width=28, epochs=4, batch_size=128)},
    floor=0.98,
    regression_tolerance=0.003,
    sample_recipes={"baseline": ConvNet(height=28, width=28, filters=(16, 32), epochs=12, batch_size=16)},
)

"""The contract: raw instances -> features, scores -> answers, and all that a served model says of itself.

Training fits it, the exported model carries it, the gateway and batch scoring obey it. numpy and Pillow only.
"""

from serving.contract.arrays import Features, TensorSpec
from serving.contract.contract import Contract, ParityExample
from serving.contract.image import ImageResizer
from serving.contract.instance_limits import InstanceLimits
from serving.contract.outputs import Labels, Value
from serving.contract.parity import check_parity
from serving.contract.reference import Measures, Reference
from serving.contract.tabular import TabularScaler
from serving.contract.text import TextVectorizer

__all__ = [
    "Contract",
    "Features",
    "ImageResizer",
    "InstanceLimits",
    "Labels",
    "Measures",
    "ParityExample",
    "Reference",
    "TabularScaler",
    "TensorSpec",
    "TextVectorizer",
    "Value",
    "check_parity",
]

"""The contract: raw instances -> features, outputs -> answers, and all that a served model says of itself.

Training fits it, the exported model carries it, the gateway and batch scoring obey it. numpy and Pillow only.
"""

from serving.contract.answers import Answers
from serving.contract.arrays import Features, TensorSpec
from serving.contract.contract import Contract, ParityExample
from serving.contract.decoding_budget import DecodingBudget
from serving.contract.instance_limits import InstanceLimits
from serving.contract.parity import check_parity
from serving.contract.reading import Reading
from serving.contract.record import Input, Record, Rows
from serving.contract.reference import Measures, Reference

__all__ = [
    "Answers",
    "Contract",
    "DecodingBudget",
    "Features",
    "Input",
    "InstanceLimits",
    "Measures",
    "ParityExample",
    "Reading",
    "Record",
    "Reference",
    "Rows",
    "TensorSpec",
    "check_parity",
]

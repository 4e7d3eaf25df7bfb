"""The errors of capacity planning; the command prints the message.

CapacityError
├── NotPossible      no number of replicas reaches the target
├── NotMeasured      a gateway did not answer as a measurement needs
└── NoAutoscaler     a document is not an autoscaler that can be checked
"""

from serving.errors import PlumblineError


class CapacityError(PlumblineError):
    """The base class: catch this to catch all of them."""


class NotPossible(CapacityError):
    """A request takes longer than the target, even if no other is there."""

    def __init__(self, asked_seconds: float, least_seconds: float) -> None:
        super().__init__(
            f"a p99 of {1000 * asked_seconds:g} ms can't be had with any number of replicas: with no other request "
            f"there, the slowest hundredth takes {1000 * least_seconds:.3g} ms. Ask for more than that, or for faster "
            "processors"
        )


class NotMeasured(CapacityError):
    """A gateway or a version did not answer as a measurement needs."""


class NoAutoscaler(CapacityError):
    """A document does not describe an autoscaler that can be checked."""

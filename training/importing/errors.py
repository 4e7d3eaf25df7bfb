"""Why a model can't be imported."""

from training.errors import TrainingError


class CannotImport(TrainingError):
    """The file, its examples or the options don't fit; the message says what was expected, what came, what to do."""


_EMPTY = (
    "Graph execution error",
    "Detected at node",
    "File ",
    "<stack traces unavailable>",
    "Traceback ",
    "Exception ",
)
"""What lines begin with that say where in a library something failed, not what."""


def first_line(error: BaseException) -> str:
    """Return the first line of what a library says that tells anything, or the error's name if none does."""
    lines = [line.strip() for line in str(error).splitlines()]
    return next((line for line in lines if line and not line.startswith(_EMPTY)), type(error).__name__)[:300]

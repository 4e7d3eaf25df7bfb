"""The errors of the join; commands print their messages. None is ever sent over the network."""

from serving.errors import PlumblineError


class TruthError(PlumblineError):
    """The base class: catch this to catch all of them."""


class TooManyAnswers(TruthError):
    """The answers and truths of the window need more room on the disk than they may have."""

    def __init__(self, most_bytes: int) -> None:
        super().__init__(
            f"the answers and truths of this window take more than {most_bytes / 1e9:.3g} GB of temporary space: "
            "choose a shorter --window, or capture a smaller share"
        )

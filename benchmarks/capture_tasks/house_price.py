"""Houses, whose numbers may be captured as those of any table."""

from training.tasks.house_price import TASK

__all__ = ["TASK"]

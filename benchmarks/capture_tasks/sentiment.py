"""Reviews that may be captured."""

from dataclasses import replace

from training.tasks.sentiment import TASK as USUAL

TASK = replace(USUAL, capture={"text": "keep"})

"""Limits on the size of an instance. The server sets them; the rest of the contract comes from training."""

from dataclasses import dataclass

from serving.contract.decoding_budget import DecodingBudget


@dataclass(frozen=True)
class InstanceLimits:
    """The largest text and image that are read at all; *image_bytes* is the encoded file's size.

    Images are decoded within *decoding*, if it is given.
    """

    text_characters: int
    image_pixels: int
    image_bytes: int
    decoding: DecodingBudget | None = None

"""Limits on the size of an instance. The server sets them; the rest of the contract comes from training."""

from dataclasses import dataclass


@dataclass(frozen=True)
class InstanceLimits:
    """The largest text and image that are read at all; *image_bytes* is the encoded file's size."""

    text_characters: int
    image_pixels: int
    image_bytes: int

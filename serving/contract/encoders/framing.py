"""How a picture of any shape gets into a frame: which part of it is taken, how large it becomes, and where it goes.

All is said in pixels of the whole picture, upright: however it was decoded, it is framed in the same way.
"""

from collections.abc import Callable
from typing import NamedTuple

Size = tuple[int, int]
"""Width and height."""


class Frame(NamedTuple):
    """The part *box* (left, top, right, bottom) of the picture becomes *size* and goes to *place* (left, top)."""

    box: tuple[int, int, int, int]
    size: Size
    place: tuple[int, int] = (0, 0)

    def least(self, picture: Size, margin: int) -> Size:
        """Return the least size of the whole *picture* at which the part has *margin* times its size."""
        left, top, right, bottom = self.box
        (width, height), (framed_width, framed_height) = picture, self.size
        return -(-margin * framed_width * width // (right - left)), -(
            -margin * framed_height * height // (bottom - top)
        )


def squeeze(picture: Size, frame: Size) -> Frame:
    """Take the whole picture, whatever becomes of its proportions."""
    return Frame((0, 0, *picture), frame)


def crop(picture: Size, frame: Size) -> Frame:
    """Take the largest part in the middle that has the frame's proportions, as `keras.utils.load_img` does."""
    (width, height), (frame_width, frame_height) = picture, frame
    taken_width = max(1, min(width, height * frame_width // frame_height))
    taken_height = max(1, min(height, width * frame_height // frame_width))
    left, top = (width - taken_width) // 2, (height - taken_height) // 2
    return Frame((left, top, left + taken_width, top + taken_height), frame)


def pad(picture: Size, frame: Size) -> Frame:
    """Take the whole picture as large as it fits, in the middle, as `tf.image.resize_with_pad` does."""
    (width, height), (frame_width, frame_height) = picture, frame
    if width * frame_height >= height * frame_width:
        size = frame_width, max(1, height * frame_width // width)
        place = 0, (frame_height * width - height * frame_width) // (2 * width)
    else:
        size = max(1, width * frame_height // height), frame_height
        place = (frame_width * height - width * frame_height) // (2 * height), 0
    return Frame((0, 0, *picture), size, place)


FRAMINGS: dict[str, Callable[[Size, Size], Frame]] = {it.__name__: it for it in (squeeze, crop, pad)}

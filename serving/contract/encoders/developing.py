"""An opened picture -> a picture of a given size and colour: upright, without transparency, framed and resized."""

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass
from typing import NamedTuple

from PIL import Image

from serving.contract import deadline
from serving.contract.decoding_budget import DecodingBudget
from serving.contract.encoders.framing import Frame, Size, squeeze
from serving.contract.encoders.pixels import DEEP_GREY, QUARTER_TURNS, TURNS, eight_bits, turn_of
from serving.contract.encoders.png import keyed


class Filter(NamedTuple):
    """How a picture is resized. A JPEG is decoded no smaller than *margin* times the size that it gets.

    Twice as large, it looks as if it had been decoded whole.
    """

    resampling: Image.Resampling
    margin: int = 2


FILTERS = {
    "bilinear": Filter(Image.Resampling.BILINEAR),
    "bicubic": Filter(Image.Resampling.BICUBIC),
    "lanczos": Filter(Image.Resampling.LANCZOS),
    "nearest": Filter(Image.Resampling.NEAREST),
    "drafted": Filter(Image.Resampling.BILINEAR, margin=1),
}
"""All but "nearest" are antialiased."""

_BAND_PIXELS = 1 << 18
"""Pixels of a large picture that are turned and converted at a time."""

Box = tuple[float, float, float, float]
"""A part of a picture: left, top, right, bottom."""

_PIXEL_BYTES = {"1": 1, "L": 1, "P": 1, "I;16": 2, "I;16B": 2, "I;16L": 2}
"""Of a picture in memory; in other modes a pixel has 4 bytes."""
_READER_BYTES = {("WEBP", "RGB"): 15, ("WEBP", "RGBA"): 18}
"""What the reader of a format holds for each pixel beside that, by mode; see docs/operations.md."""
_PROGRESSIVE_BYTES = 6
"""What a progressive JPEG takes for each pixel of the file, however small it is decoded."""
_WEBP_PIXELS_A_SECOND = 20_000_000
"""A WebP is decoded in one piece, so it has to be known before whether there is time for it."""

_MIRRORED_TAGS = {2: (1, 0), 3: (1, 1), 4: (0, 1), 6: (1, 0), 7: (1, 1), 8: (0, 1)}
_MIRRORED = {TURNS[tag]: axes for tag, axes in _MIRRORED_TAGS.items()}
"""Whether a turn brings the end of a row, or of a column, to its beginning."""


@dataclass(frozen=True)
class Developing:
    """Makes pictures of *size* and *colour* by a way of *framing* and a filter; *background* is a shade of grey.

    With a *budget*, pictures are decoded within it.
    """

    size: Size
    colour: str
    framing: Callable[[Size, Size], Frame]
    filter: Filter
    background: int
    budget: DecodingBudget | None = None

    def develop(self, image: Image.Image, data: bytes) -> tuple[Image.Image, Size]:
        """Decode *image*, read from *data*; return it in the size, with the size that it had, upright.

        Raises DeadlinePassed, TooManyPictures, and whatever Pillow does for a file that is broken.
        """
        if image.format == "WEBP":
            deadline.check(image.width * image.height / _WEBP_PIXELS_A_SECOND)
        with ExitStack() as holding:
            if image.format != "JPEG":  # the orientation of a PNG may come after its pixels
                holding.enter_context(self._held(self.needed(image)))
            turn = turn_of(image)
            quarter = turn in QUARTER_TURNS
            whole = image.size[::-1] if quarter else image.size
            frame = self.framing(whole, self.size)
            scale = self._drafted(image, frame, whole, quarter)
            if image.format == "JPEG":
                holding.enter_context(self._held(self.needed(image, scale)))
            decoded = image.size[::-1] if quarter else image.size
            box: Box = (0, 0, *decoded)  # all there is, as ever
            if self.framing is not squeeze:
                box = _scaled(frame.box, scale, _begin(turn, decoded, whole, scale))
            if image.format == "PNG":
                image = keyed(image, data)
            return self._placed(self._resized(image, turn, frame.size, box), frame), whole

    def _held(self, count: int) -> AbstractContextManager[None]:
        return nullcontext() if self.budget is None else self.budget.held(count)

    def needed(self, image: Image.Image, scale: int = 1) -> int:
        """Return the bytes that it takes to decode *image* at 1/*scale*, which its size says already, and resize it."""
        pixels = image.width * image.height
        each = _PIXEL_BYTES.get(image.mode, 4) + _READER_BYTES.get((image.format or "", image.mode), 0)
        if image.info.get("progressive"):
            each += _PROGRESSIVE_BYTES * scale**2
        is_filtered = self.filter.resampling != Image.Resampling.NEAREST
        tall = min(pixels, max(image.size) * max(self.size)) if is_filtered else pixels
        return each * pixels + 4 * tall

    def _drafted(self, image: Image.Image, frame: Frame, whole: Size, quarter: bool) -> int:
        """Have a JPEG decoded at 1/2, 1/4 or 1/8 for less work; return 2, 4, 8 or 1.

        Of what is not filtered, every pixel matters.
        """
        if image.format != "JPEG":
            return 1
        is_filtered = self.filter.resampling != Image.Resampling.NEAREST
        least = frame.least(whole, self.filter.margin) if is_filtered else whole
        width = image.width
        drafted = image.draft(self.colour, least[::-1] if quarter else least)
        return 1 if drafted is None else round(width / drafted[1][2])

    def _resized(self, image: Image.Image, turn: Image.Transpose | None, size: Size, box: Box) -> Image.Image:
        """Return the part *box* of the upright picture in *size*, and in the colour.

        What has to be turned or converted is so band by band, which computes the same as the whole at once and takes a
        fraction of the memory. Where rows get shorter, Pillow resizes them before columns: so does each band its own.
        """
        resampling = self.filter.resampling
        width, height = image.size[::-1] if turn in QUARTER_TURNS else image.size
        rows = max(1, _BAND_PIXELS // width)
        if rows >= height or (turn is None and self._is_flat(image)):
            return self._flat(image if turn is None else image.transpose(turn)).resize(size, resampling, box)
        is_narrowed = resampling != Image.Resampling.NEAREST and size[0] <= box[2] - box[0]
        tall = Image.new(self.colour, (size[0] if is_narrowed else width, height))
        for top in range(0, height, rows):
            deadline.check()
            band = self._flat(band_of(image, turn, top, min(top + rows, height)))
            if is_narrowed:
                band = band.resize((size[0], band.height), resampling, (box[0], 0, box[2], band.height))
            tall.paste(band, (0, top))
        return tall.resize(size, resampling, (0, box[1], tall.width, box[3]) if is_narrowed else box)

    def _is_flat(self, image: Image.Image) -> bool:
        return image.mode == self.colour and not image.has_transparency_data

    def _flat(self, image: Image.Image) -> Image.Image:
        if image.mode in DEEP_GREY:
            image = eight_bits(image)
        if image.has_transparency_data:
            image = image.convert("RGBA")
            backdrop = Image.new("RGBA", image.size, (self.background,) * 3 + (255,))
            image = Image.alpha_composite(backdrop, image)
        return image if image.mode == self.colour else image.convert(self.colour)  # which would copy even so

    def _placed(self, image: Image.Image, frame: Frame) -> Image.Image:
        if image.size == self.size:
            return image
        padded = Image.new(self.colour, self.size, (self.background,) * len(self.colour))
        padded.paste(image, frame.place)
        return padded


def _begin(turn: Image.Transpose | None, decoded: Size, whole: Size, scale: int) -> tuple[float, float]:
    """Return where the picture begins in the *decoded* one: a fraction's last pixels reach over its end.

    Where a turn has mirrored it, that end is the beginning.
    """
    across, down = _MIRRORED.get(turn, (0, 0)) if turn is not None else (0, 0)
    return across * (decoded[0] - whole[0] / scale), down * (decoded[1] - whole[1] / scale)


def band_of(image: Image.Image, turn: Image.Transpose | None, top: int, bottom: int) -> Image.Image:
    """Return the rows from *top* to *bottom* of the picture that the *turn* of *image* would be."""
    quarter = turn in QUARTER_TURNS
    if turn is not None and _MIRRORED.get(turn, (0, 0))[1]:
        length = image.width if quarter else image.height
        top, bottom = length - bottom, length - top
    band = image.crop((top, 0, bottom, image.height) if quarter else (0, top, image.width, bottom))
    return band if turn is None else band.transpose(turn)


def _scaled(box: tuple[int, int, int, int], scale: int, begin: tuple[float, float]) -> Box:
    left, top, right, bottom = (side / scale for side in box)
    return left + begin[0], top + begin[1], right + begin[0], bottom + begin[1]

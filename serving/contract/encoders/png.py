"""The parts of a PNG that determine how it looks. All others, such as profiles, are skipped: they may have any size."""

import io
import struct
import zlib

import numpy as np
from PIL import Image

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_KEPT = frozenset((b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"eXIf", b"acTL", b"fcTL", b"fdAT"))
"""Others whose names start with a capital letter are kept too: a reader must know them, or refuse the file."""
_TURNED = {b"tEXt": (b"Raw profile type exif",), b"zTXt": (b"Raw profile type exif",), b"iTXt": (b"XML:com.adobe.xmp",)}
"""The texts that may say which side is up."""
_MOST_TEXT = 1_000_000
"""Bytes of such a text: what a reader takes by default is a little more."""
_DEPTH = 24
"""Where the header says the bits of a sample."""
_BAND_PIXELS = 1 << 18
"""Pixels that are compared with the transparent colour at a time."""
_HEAD, _SUM = struct.Struct(">I4s"), 4
"""What precedes a chunk's content, and the size of what follows it."""


def pixels_only(data: bytes) -> bytes:
    """Return the file without the chunks that say nothing of its pixels or their orientation; what is no PNG as it is.

    Nothing is unpacked but a text that may say the orientation, and of that no more than a megabyte.
    """
    if not data.startswith(_SIGNATURE):
        return data
    kept, start, place, last = bytearray(), 0, len(_SIGNATURE), len(data) - _HEAD.size - _SUM
    texts: set[bytes] = set()
    while place <= last:
        length, name = _HEAD.unpack_from(data, place)
        end = place + _HEAD.size + length + _SUM
        if end > len(data):
            break  # cut: the reader says so
        if name not in _KEPT and not name[:1].isupper():
            content = data[place + _HEAD.size : min(end - _SUM, place + _HEAD.size + _MOST_TEXT + 1)]
            if name not in texts and _may_say_what_is_up(name, content):
                texts.add(name)  # one of a kind: many small ones would take much memory
            else:
                kept += data[start:place]
                start = end
        place = end
    return bytes(kept + data[start:]) if start else data


def keyed(image: Image.Image, data: bytes) -> Image.Image:
    """Return the PNG *image*, read from *data*, with the transparent value or colour as its pixels have it.

    The file says it in samples of its own depth; grey of 2 and 4 bits is read as 8 bits, colours of 16 bits too.
    """
    key = image.info.get("transparency")
    depth = data[_DEPTH]
    if image.mode == "L" and isinstance(key, int):
        most = 2**depth - 1
        image.info["transparency"] = (key & most) * 255 // most
    elif image.mode == "RGB" and isinstance(key, tuple):
        if depth == 16:
            return _keyed_by_16_bits(image, data, key)
        image.info["transparency"] = tuple(sample & 255 for sample in key)
    return image


def _keyed_by_16_bits(image: Image.Image, data: bytes, key: tuple[int, ...]) -> Image.Image:
    low = Image.open(io.BytesIO(data), formats=("PNG",))
    # The other byte of each sample, which the reader leaves out.
    low.tile = [tile._replace(args="RGB;16L") for tile in low.tile]
    alpha = Image.new("L", image.size)
    rows = max(1, _BAND_PIXELS // image.width)
    for top in range(0, image.height, rows):
        band = (0, top, image.width, min(top + rows, image.height))
        there = np.zeros((band[3] - top, image.width), np.bool_)
        for half, shift in ((image, 8), (low, 0)):
            there |= (np.asarray(half.crop(band)) != [sample >> shift & 255 for sample in key]).any(axis=2)
        alpha.paste(Image.fromarray(there.astype(np.uint8) * 255), band)
    del image.info["transparency"]
    image.putalpha(alpha)
    return image


def _may_say_what_is_up(name: bytes, chunk: bytes) -> bool:
    keyword, _, content = chunk.partition(b"\0")
    if keyword not in _TURNED.get(name, ()) or len(chunk) > _MOST_TEXT:
        return False
    if name == b"iTXt":  # whether it is packed, how, language, the keyword in that language, text
        return content[:1] == b"\0" or _is_short(content[2:].split(b"\0", 2)[-1])
    return name == b"tEXt" or _is_short(content[1:])


def _is_short(packed: bytes) -> bool:
    unpacking = zlib.decompressobj()
    try:
        unpacking.decompress(packed, _MOST_TEXT)
    except zlib.error:
        return False
    return not unpacking.unconsumed_tail

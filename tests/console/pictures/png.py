"""Small PNG files: a screenshot of a page has few colours, and a palette of them takes a fraction of its size."""

import struct
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
CHANNELS: Final = {2: 3, 6: 4}
"""Bytes of a pixel, by colour type: RGB, and RGB with transparency, which screenshots do not use."""
MAX_COLOURS: Final = 256

Colour = tuple[int, int, int]


def with_palette(data: bytes) -> bytes:
    """The picture with at most 256 colours: the most frequent ones, and for each other one the nearest of these.

    Args:
        data: a PNG file as browsers write it: 8 bits a channel, not interlaced.
    """
    width, height, rows = pixels_of(data)
    lines = [list(zip(row[0::3], row[1::3], row[2::3], strict=True)) for row in rows]
    counts = Counter(colour for line in lines for colour in line)
    palette = [colour for colour, _ in counts.most_common(MAX_COLOURS)]
    indexes = {colour: _nearest(colour, palette) for colour in counts}
    packed = b"".join(b"\0" + bytes(map(indexes.__getitem__, line)) for line in lines)
    return SIGNATURE + b"".join(
        (
            chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)),
            chunk(b"PLTE", bytes(channel for colour in palette for channel in colour)),
            chunk(b"IDAT", zlib.compress(packed, 9)),
            chunk(b"IEND", b""),
        )
    )


def size_of(data: bytes) -> tuple[int, int]:
    """Width and height in pixels."""
    width, height = struct.unpack_from(">II", data, len(SIGNATURE) + 8)
    return width, height


def _nearest(colour: Colour, palette: list[Colour]) -> int:
    return min(range(len(palette)), key=lambda index: _distance(colour, palette[index]))


def _distance(one: Colour, other: Colour) -> int:
    return sum((a - b) ** 2 for a, b in zip(one, other, strict=True))


def pixels_of(data: bytes) -> tuple[int, int, list[bytes]]:
    """Width, height and the rows as RGB."""
    chunks = list(_chunks(data))
    width, height, depth, kind, _, _, interlaced = struct.unpack(">IIBBBBB", chunks[0][1])
    if depth != 8 or kind not in CHANNELS or interlaced:
        raise ValueError(f"a PNG file of another form: {depth} bits, colour type {kind}")
    raw = zlib.decompress(b"".join(content for name, content in chunks if name == b"IDAT"))
    rows = _unfiltered(raw, width * CHANNELS[kind], CHANNELS[kind])
    return width, height, [_without_transparency(row) if kind == 6 else bytes(row) for row in rows]


def _without_transparency(row: bytearray) -> bytes:
    del row[3::4]
    return bytes(row)


def _unfiltered(raw: bytes, length: int, step: int) -> Iterator[bytearray]:
    """The rows without their filters (PNG specification, 9.2). A byte is the difference to what a filter predicts."""
    previous = bytearray(length)
    for start in range(0, len(raw), length + 1):
        row = bytearray(raw[start + 1 : start + 1 + length])
        if predict := PREDICTIONS.get(raw[start]):
            for index, above in enumerate(previous):
                left, corner = (row[index - step], previous[index - step]) if index >= step else (0, 0)
                row[index] = (row[index] + predict(left, above, corner)) & 255
        yield bytearray(row)
        previous = row


def _nearest_of_three(left: int, above: int, corner: int) -> int:
    guess = left + above - corner
    return min((left, above, corner), key=lambda value: abs(guess - value))


PREDICTIONS: Final[Mapping[int, Callable[[int, int, int], int]]] = {
    1: lambda left, _above, _corner: left,
    2: lambda _left, above, _corner: above,
    3: lambda left, above, _corner: (left + above) // 2,
    4: _nearest_of_three,
}
"""What each filter predicts from the bytes of the pixels to the left, above, and above to the left."""


def _chunks(data: bytes) -> Iterable[tuple[bytes, bytes]]:
    place = len(SIGNATURE)
    while place < len(data):
        (length,) = struct.unpack_from(">I", data, place)
        yield data[place + 4 : place + 8], data[place + 8 : place + 8 + length]
        place += length + 12


def chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

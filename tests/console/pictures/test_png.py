"""PNG files with a palette show the same pixels, whatever filters the file had."""

import struct
import zlib

import pytest

from tests.console.pictures.png import SIGNATURE, chunk, pixels_of, size_of, with_palette

ROWS = [bytes([10, 20, 30, 200, 100, 50, 7, 7, 7]), bytes([11, 22, 33, 1, 2, 3, 255, 0, 128])]
"""Two rows of three pixels."""


def filtered(kind: int, row: bytes, previous: bytes) -> bytes:
    """The row with a filter of the PNG specification, 9.2."""
    out = bytearray()
    for index, value in enumerate(row):
        left, corner = (row[index - 3], previous[index - 3]) if index >= 3 else (0, 0)
        above = previous[index]
        nearest = min((left, above, corner), key=lambda each: abs(left + above - corner - each))
        out.append((value - (0, left, above, (left + above) // 2, nearest)[kind]) % 256)
    return bytes([kind]) + bytes(out)


def picture(kind: int) -> bytes:
    raw = filtered(kind, ROWS[0], bytes(9)) + filtered(kind, ROWS[1], ROWS[0])
    head = struct.pack(">IIBBBBB", 3, 2, 8, 2, 0, 0, 0)
    return SIGNATURE + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(raw)) + chunk(b"IEND", b"")


@pytest.mark.parametrize("kind", range(5))
def test_filters_are_taken_off(kind: int) -> None:
    assert pixels_of(picture(kind)) == (3, 2, ROWS)


def test_palette_has_the_colours_of_the_pixels() -> None:
    made = with_palette(picture(4))

    assert size_of(made) == (3, 2)
    palette, data = made.partition(b"PLTE")[2], made.partition(b"IDAT")[2]
    indexes = zlib.decompressobj().decompress(data)
    colours = [palette[3 * index : 3 * index + 3] for index in (*indexes[1:4], *indexes[5:8])]
    assert b"".join(colours) == b"".join(ROWS)


def test_other_forms_are_refused() -> None:
    head = struct.pack(">IIBBBBB", 3, 2, 16, 2, 0, 0, 0)

    with pytest.raises(ValueError, match="16 bits"):
        with_palette(SIGNATURE + chunk(b"IHDR", head) + chunk(b"IEND", b""))

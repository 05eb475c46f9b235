"""The PNG writer against a decoder written from the specification, which is itself held against a file of others."""

import struct
import zlib
from base64 import b64decode

import numpy as np

from salm.pictures.png import png_bytes, png_data_uri

# One pixel, as many web pages embed it: green is 255, opacity 127.
FOREIGN = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


def chunks(png: bytes) -> list[tuple[bytes, bytes]]:
    assert png[:8] == bytes([137, 80, 78, 71, 13, 10, 26, 10])
    found, at = [], 8
    while at < len(png):
        (length,) = struct.unpack(">I", png[at : at + 4])
        body, (check,) = png[at + 4 : at + 8 + length], struct.unpack(">I", png[at + 8 + length : at + 12 + length])
        assert zlib.crc32(body) == check
        found.append((body[:4], body[4:]))
        at += 12 + length
    return found


def decoded(png: bytes) -> np.ndarray:
    """Pixels of an eight-bit RGBA file without interlacing, filters None and Sub."""
    parts = chunks(png)
    assert [parts[0][0], parts[-1]] == [b"IHDR", (b"IEND", b"")]
    width, height, *kind = struct.unpack(">II5B", parts[0][1])
    assert kind == [8, 6, 0, 0, 0]
    lines = np.frombuffer(zlib.decompress(b"".join(data for name, data in parts if name == b"IDAT")), np.uint8)
    lines = lines.reshape(height, 1 + 4 * width)
    assert set(lines[:, 0]) <= {0, 1}
    pixels = lines[:, 1:].reshape(height, width, 4)
    summed = np.cumsum(pixels, axis=1, dtype=np.uint8)
    return np.where(lines[:, 0, None, None] == 1, summed, pixels)


def test_the_decoder_reads_a_file_of_others() -> None:
    np.testing.assert_array_equal(decoded(b64decode(FOREIGN)), [[[0, 255, 0, 127]]])


def test_every_pixel_comes_back(rng: np.random.Generator) -> None:
    pixels = rng.integers(0, 256, (5, 7, 4), dtype=np.uint8)
    np.testing.assert_array_equal(decoded(png_bytes(pixels)), pixels)


def test_a_picture_as_an_address() -> None:
    pixels = np.full((2, 3, 4), 200, np.uint8)
    scheme, _, content = png_data_uri(pixels).partition(",")
    assert scheme == "data:image/png;base64"
    np.testing.assert_array_equal(decoded(b64decode(content, validate=True)), pixels)

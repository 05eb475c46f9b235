"""The smallest writer of PNG images that the pages need: eight bits a channel, with transparency."""

import struct
import zlib
from base64 import b64encode

import numpy as np
from jaxtyping import UInt8

__all__ = ["png_bytes", "png_data_uri"]

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_EIGHT_BIT_RGBA = (8, 6, 0, 0, 0)


def png_bytes(pixels: UInt8[np.ndarray, "height width 4"]) -> bytes:
    """A PNG file of red, green, blue and opacity; the first row is the top."""
    height, width, _ = pixels.shape
    unfiltered = np.concatenate([np.zeros((height, 1), np.uint8), pixels.reshape(height, -1)], axis=1)
    header = struct.pack(">II5B", width, height, *_EIGHT_BIT_RGBA)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(unfiltered.tobytes(), 9)), (b"IEND", b""))
    return _SIGNATURE + b"".join(_chunk(kind, data) for kind, data in chunks)


def png_data_uri(pixels: UInt8[np.ndarray, "height width 4"]) -> str:
    """The same as an address that holds the whole image."""
    return "data:image/png;base64," + b64encode(png_bytes(pixels)).decode("ascii")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

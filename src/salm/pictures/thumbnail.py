"""Thumbnails of recordings: loudness over time and pitch, as a small picture that fits light and dark pages."""

from itertools import pairwise

import numpy as np
from jaxtyping import Float, Float32, UInt8

from salm.pictures.png import png_data_uri
from salm.pictures.svg import element

__all__ = ["spectrogram_pixels", "thumbnail"]

RANGE_DB = 60.0
LOWEST_HZ = 60.0
COLOUR = (11, 122, 117)


def thumbnail(samples: Float32[np.ndarray, " time"], rate_hz: int, *, description: str) -> str:
    """Spectrogram of a mono signal as an HTML image without a file."""
    return element(
        "img",
        src=png_data_uri(spectrogram_pixels(samples, rate_hz)),
        alt=description,
        class_="thumbnail",
        width=144,
        height=36,
    )


def spectrogram_pixels(
    samples: Float32[np.ndarray, " time"], rate_hz: int, *, width: int = 144, height: int = 36
) -> UInt8[np.ndarray, "height width 4"]:
    """Spectrogram with a logarithmic pitch axis, low below; louder is more opaque, over 60 dB.

    Silence is fully transparent. Signals shorter than one column a sample are repeated to fill the width.
    """
    n_fft = 1024
    padded = np.pad(samples, (n_fft // 2, n_fft // 2))
    starts = np.linspace(0, len(padded) - n_fft, width).astype(int)
    frames = padded[starts[:, None] + np.arange(n_fft)] * np.hanning(n_fft)
    power = np.abs(np.fft.rfft(frames)) ** 2
    edges_hz = np.geomspace(LOWEST_HZ, rate_hz / 2, height + 1)
    edges = np.clip((edges_hz / rate_hz * n_fft).astype(int), 0, n_fft // 2)
    # Low bands are narrower than one bin of the transform; each still needs a bin of its own to sum.
    bands = np.stack([power[:, a : max(a + 1, b)].mean(axis=1) for a, b in pairwise(edges)])
    return _coloured(bands[::-1])


def _coloured(bands: Float[np.ndarray, "height width"]) -> UInt8[np.ndarray, "height width 4"]:
    peak = bands.max()
    pixels = np.zeros((*bands.shape, 4), np.uint8)
    pixels[..., :3] = COLOUR
    if peak > 0:
        level_db = 10 * np.log10(np.maximum(bands / peak, 1e-12))
        pixels[..., 3] = np.round(255 * np.clip(1 + level_db / RANGE_DB, 0, 1) ** 1.5)
    return pixels

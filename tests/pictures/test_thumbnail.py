"""Thumbnails: pitch and time are where they should be."""

import struct
from base64 import b64decode
from xml.etree import ElementTree

import numpy as np
import pytest

from salm.pictures.thumbnail import spectrogram_pixels, thumbnail

RATE_HZ = 24_000


def tone(pitch_hz: float, seconds: float = 1.0) -> np.ndarray:
    return np.sin(2 * np.pi * pitch_hz * np.arange(round(seconds * RATE_HZ)) / RATE_HZ).astype(np.float32)


@pytest.mark.parametrize("pitch_hz", [150, 500, 1500, 5000, 10_000])
def test_a_tone_is_a_line_at_its_height(pitch_hz: float) -> None:
    """The axis runs evenly in the logarithm from 60 Hz, at the bottom, to 12 kHz, at the top."""
    opacity = spectrogram_pixels(tone(pitch_hz), RATE_HZ)[..., 3]
    row = 36 * (1 - np.log(pitch_hz / 60) / np.log(12_000 / 60))
    # One bin of the transform, 23 Hz, is more than a row at the bottom.
    slack = 1 + 36 * np.log1p(23.4 / pitch_hz) / np.log(200)
    assert abs(opacity[:, 72].argmax() + 0.5 - row) < slack
    assert opacity.max() == 255


def test_time_runs_to_the_right() -> None:
    samples = np.concatenate([np.zeros(RATE_HZ, np.float32), tone(1000)])
    opacity = spectrogram_pixels(samples, RATE_HZ)[..., 3]
    assert opacity[:, :68].max() == 0
    assert opacity[:, 76:].max(axis=0).min() > 200


def test_silence_is_transparent() -> None:
    assert not spectrogram_pixels(np.zeros(5000, np.float32), RATE_HZ)[..., 3].any()


def test_60_db_below_the_loudest_is_transparent() -> None:
    both = np.concatenate([tone(1000), 0.9e-3 * tone(1000), 1e-2 * tone(1000)]).astype(np.float32)
    opacity = spectrogram_pixels(both, RATE_HZ)[..., 3].max(axis=0)
    assert opacity[24] == 255
    assert opacity[72] == 0
    # 20 dB of 60 are left: (1 / 3) ** 1.5 of 255.
    assert opacity[120] == pytest.approx(255 / 3**1.5, abs=2)


@pytest.mark.parametrize("samples", [1, 5, 100])
def test_signals_of_a_few_samples_fill_the_width_too(samples: int) -> None:
    pixels = spectrogram_pixels(np.ones(samples, np.float32), RATE_HZ, width=20, height=6)
    assert pixels.shape == (6, 20, 4)
    assert pixels[..., 3].max(axis=0).all()


def test_it_is_an_image_with_a_description_and_its_size() -> None:
    markup = thumbnail(tone(440), RATE_HZ, description='a "dog" & <cat>')
    image = ElementTree.fromstring(markup.removesuffix(">") + "/>")
    png = b64decode(image.get("src").removeprefix("data:image/png;base64,"), validate=True)
    assert image.get("alt") == 'a "dog" & <cat>'
    assert struct.unpack(">II", png[16:24]) == (int(image.get("width")), int(image.get("height")))

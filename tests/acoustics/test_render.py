import numpy as np
import pytest

from salm.acoustics.render import convolve
from salm.errors import InputError


@pytest.mark.parametrize(
    ("dry", "response"),
    [(1, 1), (1, 50), (50, 1), (300, 300), (301, 7), (5000, 40), (4099, 640), (200, 900)],
)
def test_every_channel_equals_the_plain_convolution(rng: np.random.Generator, dry: int, response: int):
    sound = rng.standard_normal(dry).astype(np.float32)
    srirs = rng.standard_normal((2, 4, response)).astype(np.float32)
    wet = convolve(sound, srirs)
    assert wet.dtype == np.float32
    assert wet.shape == (2, 4, dry)
    wanted = np.array([[np.convolve(sound, channel)[:dry] for channel in source] for source in srirs])
    np.testing.assert_allclose(wet, wanted, atol=2e-6 * np.abs(wanted).max() + 1e-6)


@pytest.mark.parametrize("response", [300, 24_000, 47_999, 130_000])
def test_sounds_of_several_blocks_equal_the_plain_convolution(rng: np.random.Generator, response: int):
    sound = rng.standard_normal(120_000).astype(np.float32)
    sparse = np.zeros((1, 4, response), np.float32)
    taps = rng.choice(response, 50, replace=False)
    sparse[..., taps] = rng.standard_normal((1, 4, 50))
    wanted = np.zeros((4, 120_000))
    for tap in taps[taps < 120_000].tolist():
        wanted[:, tap:] += sparse[0, :, tap, None] * sound[: 120_000 - tap]
    np.testing.assert_allclose(convolve(sound, sparse)[0], wanted, atol=2e-6 * np.abs(wanted).max())


def test_delays_are_kept():
    delayed = np.zeros((1, 4, 30), np.float32)
    delayed[0, :, 12] = 1
    sound = np.arange(1, 101, dtype=np.float32)
    wet = convolve(sound, delayed)[0, 0]
    np.testing.assert_allclose(wet, np.concatenate([np.zeros(12), sound[:-12]]), atol=1e-4)


@pytest.mark.parametrize(("dry", "srirs"), [((2, 5), (1, 4, 3)), ((5,), (4, 3)), ((0,), (1, 4, 3)), ((5,), (1, 4, 0))])
def test_other_shapes_are_refused(dry: tuple[int, ...], srirs: tuple[int, ...]):
    with pytest.raises(InputError, match="convolve needs shapes"):
        convolve(np.zeros(dry, np.float32), np.zeros(srirs, np.float32))

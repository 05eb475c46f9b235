"""The tagger against the published network's own outputs, and its front end against torch.stft."""

import math
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import soundfile
import soxr
import torch
from safetensors.torch import load_file

from salm.errors import InputError
from salm.model.tagger import Tagger, TaggerMel, fused

SOUNDS = 12


class Golden(NamedTuple):
    """One corpus sound and what the published network says of it, stored in float16."""

    name: str
    at_24_khz: torch.Tensor
    embedding: torch.Tensor
    logits: torch.Tensor

    @property
    def at_32_khz(self) -> torch.Tensor:
        return torch.from_numpy(soxr.resample(self.at_24_khz.numpy(), 24_000, 32_000))


@pytest.fixture(scope="module")
def tagger(shared_dir: Path) -> Tagger:
    network = Tagger()
    network.load_state_dict(load_file(shared_dir / "models" / "mn04_as_mAP_432.safetensors"), strict=True)
    return network.eval().requires_grad_(False)


@pytest.fixture(scope="module")
def golden(shared_dir: Path) -> list[Golden]:
    teacher = np.load(shared_dir / "corpus" / "teacher.npz")
    names, embeddings, logits = teacher["id"], teacher["embedding"], teacher["logits"]
    cases = []
    for row in range(20, len(names), len(names) // SOUNDS)[:SOUNDS]:
        samples, rate_hz = soundfile.read(shared_dir / "corpus" / "audio" / f"{names[row]}.ogg", dtype="float32")
        assert rate_hz == 24_000
        samples = np.tile(samples, max(1, math.ceil(rate_hz / len(samples))))
        samples *= 0.5 / np.abs(samples).max()
        stored = (torch.from_numpy(array[row].astype(np.float32)) for array in (embeddings, logits))
        cases.append(Golden(names[row], torch.from_numpy(samples), *stored))
    return cases


def test_it_has_the_published_size() -> None:
    assert sum(parameter.numel() for parameter in Tagger().parameters()) == 983_599


def test_whole_clips_give_the_published_outputs(tagger: Tagger, golden: list[Golden]) -> None:
    mel = TaggerMel(rate_hz=32_000)
    for case in golden:
        embedding, logits = tagger(mel(case.at_32_khz[None]))
        # Half a unit in the last place of the stored float16 values, and as little again as float32 itself costs.
        torch.testing.assert_close(embedding[0], case.embedding, rtol=2**-11, atol=5e-5, msg=case.name)
        torch.testing.assert_close(logits[0], case.logits, rtol=2**-11, atol=2e-4, msg=case.name)


def test_24_khz_input_needs_no_resampling(tagger: Tagger, golden: list[Golden]) -> None:
    mel = TaggerMel(rate_hz=24_000)
    embeddings = torch.cat([tagger(mel(case.at_24_khz[None]))[0] for case in golden])
    cosines = torch.cosine_similarity(embeddings, torch.stack([case.embedding for case in golden]))
    assert cosines.min() > 0.995
    assert cosines.median() > 0.999


def test_items_of_a_batch_do_not_touch_each_other(tagger: Tagger, rng: np.random.Generator) -> None:
    mel = torch.tensor(rng.standard_normal((3, 1, 128, 60)), dtype=torch.float32)
    together, alone = tagger(mel)[1], torch.cat([tagger(item[None])[1] for item in mel])
    torch.testing.assert_close(together, alone, atol=1e-4, rtol=1e-5)


def test_folding_the_normalisation_changes_nothing(tagger: Tagger, rng: np.random.Generator) -> None:
    mel = torch.tensor(rng.standard_normal((2, 1, 128, 60)), dtype=torch.float32)
    folded = fused(tagger)
    assert not [part for part in folded.modules() if isinstance(part, torch.nn.BatchNorm2d)]
    assert [part for part in tagger.modules() if isinstance(part, torch.nn.BatchNorm2d)]
    for of_folded, of_original in zip(folded(mel), tagger(mel), strict=True):
        torch.testing.assert_close(of_folded, of_original, atol=1e-4, rtol=1e-4)


def kaldi_triangle(band: int, hz: float) -> float:
    def mel(frequency: float) -> float:
        return 1127 * math.log(1 + frequency / 700)

    left, centre, right = (mel(15_000) * (band + offset) / 129 for offset in (0, 1, 2))
    return max(0.0, min((mel(hz) - left) / (centre - left), (right - mel(hz)) / (right - centre)))


def test_the_32_khz_front_end_agrees_with_torch_stft(rng: np.random.Generator) -> None:
    waveform = torch.tensor(0.1 * rng.standard_normal((2, 8000)), dtype=torch.float32)
    emphasised = waveform[:, 1:] - 0.97 * waveform[:, :-1]
    window = torch.hann_window(800, periodic=False)
    spectrum = torch.stft(emphasised, 1024, 320, win_length=800, window=window, return_complex=True, center=True)
    bank = torch.tensor([[kaldi_triangle(band, 31.25 * line) for line in range(513)] for band in range(128)])
    expected = (torch.log(bank @ spectrum.abs().square() + 1e-5) + 4.5) / 5
    torch.testing.assert_close(TaggerMel(rate_hz=32_000)(waveform)[:, 0], expected, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("tone_hz", [300, 1000, 4000, 9000])
def test_both_rates_hear_a_tone_alike(tone_hz: float) -> None:
    at_32, at_24 = (
        TaggerMel(rate_hz=rate_hz)(torch.sin(2 * torch.pi * tone_hz * torch.arange(rate_hz) / rate_hz)[None])[0, 0]
        for rate_hz in (32_000, 24_000)
    )
    assert at_32.shape == at_24.shape == (128, 100)
    band = int(at_32[:, 50].argmax())
    assert int(at_24[:, 50].argmax()) == band
    difference_db = 10 / math.log(10) * 5 * (at_24[band, 50] - at_32[band, 50]).item()
    # Below 500 Hz the pre-emphasis is steep within a bin: weighting bins is not quite filtering before the window.
    assert abs(difference_db) < (0.5 if tone_hz < 500 else 0.05)


def test_silence_is_the_floor_at_both_rates() -> None:
    for rate_hz in (32_000, 24_000):
        floor = TaggerMel(rate_hz=rate_hz)(torch.zeros(1, rate_hz))
        torch.testing.assert_close(floor, torch.full_like(floor, (math.log(1e-5) + 4.5) / 5))


def test_the_front_end_is_no_part_of_a_checkpoint() -> None:
    assert TaggerMel(rate_hz=24_000).state_dict() == {}


def test_other_rates_are_refused() -> None:
    with pytest.raises(InputError, match="rate_hz is 48000 but must be 32000 or 24000"):
        TaggerMel(rate_hz=48_000)


def test_too_short_a_signal_is_refused() -> None:
    with pytest.raises(ValueError, match="385 samples but needs over 385"):
        TaggerMel(rate_hz=24_000)(torch.zeros(1, 385))
    assert TaggerMel(rate_hz=24_000)(torch.zeros(1, 386)).shape == (1, 1, 128, 2)

"""Scenes to training batches, on the fly: batch number in, the same batch out.

A batch is a pure function of (seed, batch number). Training can therefore stop anywhere and go on with the same data,
and any number of loader processes gives the same run.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

import numpy as np
import torch
from jaxtyping import Bool, Float, Float32, Int
from torch import Tensor

from salm.audio.window import fit_to_window
from salm.frame import elevation_band, unit_vector
from salm.scenes.captions import Phrasing, draw_phrasing, spatial_caption
from salm.scenes.corpora.base import Corpus, Sound
from salm.scenes.sample import SceneRanges, draw_scene
from salm.scenes.scene import Scene, render_scene

__all__ = ["Batch", "SceneBatches", "WindowRanges"]

Observed = TypeVar("Observed", bound=tuple[Tensor, ...])

_PIECE = 4


class Batch(NamedTuple, Generic[Observed]):
    """One training batch."""

    observation: Observed
    """What the model's un-learned part made of the windows."""
    direction: Float[Tensor, "batch 3"]
    """True directions, unit vectors x, y, z."""
    sector: Int[Tensor, " batch"]
    """Index of the 45 degree sector."""
    captions: list[str]
    """One caption an item, without place words."""
    spatial_captions: list[str]
    """The same caption with its place."""
    rivals: list[list[str]]
    """The spatial caption of each item with each of the seven wrong sectors, in random order."""
    same_sound: Bool[Tensor, "audio text"]
    """Whether the caption describes the sound."""
    same_scene: Bool[Tensor, "audio text"]
    """Whether the spatial caption describes sound and place."""


@dataclass(frozen=True, kw_only=True)
class WindowRanges:
    """How a scene becomes a window, and what it is varied by."""

    looped: float = 0.5
    """Share of windows in which the dry sound repeats in the room; the others repeat the recording, as the paper."""
    level_db: tuple[float, float] = (-25.0, 5.0)
    """Gain of the window."""
    low_pass: float = 0.15
    """Share of windows that are low-passed, by a filter between 3 and 11 kHz."""
    elevation_words: float = 0.2
    """Share of spatial captions that say above or below where it applies."""
    identity_targets: bool = False
    """Only the item's own text is a positive, as in the paper, even where captions are equal."""


class SceneBatches(Generic[Observed]):
    """Batches of freshly simulated scenes, by number.

    Parameters
    ----------
    corpora
        Corpora with the share of items drawn from each.
    observe
        Maps windows (batch, 4, time) to what the model takes: a named tuple of tensors.
    window_samples, rate_hz
        Length and sampling rate of a window.
    batch_size, batches
        Items in a batch; number of batches.
    seed
        Of everything.
    scene_ranges, window_ranges
        What scenes and windows are drawn from.
    facing
        Where the front is on the compass.
    """

    def __init__(
        self,
        *,
        corpora: Sequence[tuple[Corpus, float]],
        observe: Callable[[Float[Tensor, "batch 4 time"]], Observed],
        window_samples: int,
        rate_hz: int,
        batch_size: int,
        batches: int,
        seed: int,
        scene_ranges: SceneRanges | None = None,
        window_ranges: WindowRanges | None = None,
        facing: str = "north",
    ) -> None:
        self.corpora = [corpus for corpus, _ in corpora]
        self.shares = np.array([share for _, share in corpora]) / sum(share for _, share in corpora)
        self.weights = [_caption_weights(corpus.sounds) for corpus in self.corpora]
        self.observe = observe
        self.window_samples, self.rate_hz = window_samples, rate_hz
        self.batch_size, self.batches, self.seed = batch_size, batches, seed
        self.scene_ranges = scene_ranges or SceneRanges()
        self.window_ranges = window_ranges or WindowRanges()
        self.facing = facing

    def __len__(self) -> int:
        return self.batches

    def __getitem__(self, number: int) -> Batch[Observed]:
        """Batch of the given number; numbers that are none end an iteration."""
        if not 0 <= number < self.batches:
            raise IndexError(f"there is no batch {number} of {self.batches}")
        rng = np.random.default_rng([self.seed, number])
        drawn = [self._draw(rng) for _ in range(self.batch_size)]
        windows = np.stack([window for _, _, window in drawn])
        return self._batch(rng, [s for s, _, _ in drawn], [s for _, s, _ in drawn], torch.from_numpy(windows))

    def _draw(self, rng: np.random.Generator) -> tuple[Sound, Scene, Float32[np.ndarray, "4 time"]]:
        which = int(rng.choice(len(self.corpora), p=self.shares))
        corpus = self.corpora[which]
        sound = corpus.sounds[int(rng.choice(len(corpus.sounds), p=self.weights[which]))]
        scene = draw_scene(rng, sound, ranges=self.scene_ranges)
        return sound, scene, self._window(rng, scene, corpus)

    def _window(self, rng: np.random.Generator, scene: Scene, corpus: Corpus) -> Float32[np.ndarray, "4 time"]:
        ranges = self.window_ranges
        looped = rng.random() < ranges.looped
        corpus = _Varied(corpus, rng, low_pass=ranges.low_pass, samples=self.window_samples, loop=looped)
        window = fit_to_window(render_scene(scene, corpus, rate_hz=self.rate_hz), self.window_samples, rng=rng)
        return window * np.float32(10 ** (rng.uniform(*ranges.level_db) / 20))

    def _batch(
        self, rng: np.random.Generator, sounds: list[Sound], scenes: list[Scene], windows: Float[Tensor, "batch 4 time"]
    ) -> Batch[Observed]:
        sources = [scene.sources[0] for scene in scenes]
        captions = [sound.captions[int(rng.integers(len(sound.captions)))] for sound in sounds]
        phrasings = [draw_phrasing(rng) for _ in sounds]
        bands = [elevation_band(source.elevation_deg) for source in sources]
        told = [
            band if band != "level" and rng.random() < self.window_ranges.elevation_words else None for band in bands
        ]
        sectors = np.array([source.sector for source in sources])
        said = [
            [self._say(caption, sector, phrasing, elevation) for sector in range(8)]
            for caption, phrasing, elevation in zip(captions, phrasings, told, strict=True)
        ]
        same_sound = np.array([[caption in sound.captions for caption in captions] for sound in sounds])
        same_place = sectors[:, None] == sectors[None]
        same_height = np.array([[word is None or word == band for word in told] for band in bands])
        if self.window_ranges.identity_targets:
            same_sound = np.eye(len(sounds), dtype=bool)
        directions = np.stack([unit_vector(source.azimuth_deg, source.elevation_deg) for source in sources])
        return Batch(
            observation=self._observed(windows),
            direction=torch.from_numpy(directions.astype(np.float32)),
            sector=torch.from_numpy(sectors),
            captions=captions,
            spatial_captions=[sentences[sector] for sentences, sector in zip(said, sectors, strict=True)],
            rivals=[
                [sentences[(sector + turn) % 8] for turn in rng.permutation(7) + 1]
                for sentences, sector in zip(said, sectors, strict=True)
            ],
            same_sound=torch.from_numpy(same_sound),
            same_scene=torch.from_numpy(same_sound & same_place & same_height),
        )

    def _observed(self, windows: Float[Tensor, "batch 4 time"]) -> Observed:
        # A whole batch of spectra does not fit into any cache: by pieces it takes two thirds of the time.
        pieces = [self.observe(piece) for piece in torch.split(windows, _PIECE)]
        return type(pieces[0])(*map(torch.cat, zip(*pieces, strict=True)))

    def _say(self, caption: str, sector: int, phrasing: Phrasing, elevation: str | None) -> str:
        return spatial_caption(caption, sector, phrasing=phrasing, facing=self.facing, elevation=elevation)


class _Varied:
    """A corpus whose sounds are varied once more: low-passed, cut to the window at random, repeated to fill it."""

    def __init__(self, corpus: Corpus, rng: np.random.Generator, *, low_pass: float, samples: int, loop: bool) -> None:
        self.name, self.sounds = corpus.name, corpus.sounds
        self.corpus, self.rng, self.low_pass, self.samples, self.loop = corpus, rng, low_pass, samples, loop

    def audio(self, sound_id: str, *, rate_hz: int = 24_000) -> Float32[np.ndarray, " time"]:
        """The varied sound; every call draws anew."""
        sound = self.corpus.audio(sound_id, rate_hz=rate_hz)
        if len(sound) > self.samples:
            start = int(self.rng.integers(len(sound) - self.samples + 1))
            sound = sound[start : start + self.samples]
        if self.rng.random() < self.low_pass:
            sound = _low_passed(sound, self.rng.uniform(3000, 11_000), rate_hz=rate_hz)
        if self.loop:
            # From a random phase, and with a random pause between repetitions.
            pause = int(self.rng.integers(rate_hz // 2))
            period = np.pad(sound, (0, pause))
            repeated = np.tile(period, -(-self.samples // len(period)) + 1)
            start = int(self.rng.integers(len(period)))
            sound = repeated[start : start + self.samples]
        return sound


def _low_passed(sound: Float32[np.ndarray, " time"], cutoff_hz: float, *, rate_hz: int) -> Float32[np.ndarray, " time"]:
    from scipy.signal import firwin, oaconvolve

    taps = firwin(63, cutoff_hz, fs=rate_hz).astype(np.float32)
    return oaconvolve(sound, taps, mode="same").astype(np.float32)


def _caption_weights(sounds: Sequence[Sound]) -> Float[np.ndarray, " sound"]:
    """Chance of each sound: captions that many sounds share count by the square root of their number."""
    counts: dict[str, int] = {}
    for sound in sounds:
        counts[sound.captions[0]] = counts.get(sound.captions[0], 0) + 1
    weights = np.array([counts[sound.captions[0]] ** -0.5 for sound in sounds])
    return np.asarray(weights / weights.sum())

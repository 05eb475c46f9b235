"""Scenes to training batches, on the fly: batch number in, the same batch out.

An item is a pure function of (seed, batch number, place in the batch). Training can therefore stop anywhere and go on
with the same data, any number of loader processes gives the same run, and a batch can be shared out: every rank draws
all of its scenes and sentences, which is cheap, and renders only its own.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, NamedTuple, TypeVar

import numpy as np
import torch
from jaxtyping import Bool, Float, Float32, Int
from torch import Tensor

from salm.acoustics.measured.base import ResponseSet
from salm.audio.window import fit_to_window
from salm.errors import InputError
from salm.frame import unit_vector
from salm.scenes.attributes import ATTRIBUTES, attributes_of
from salm.scenes.captions import VOCABULARY_SHARES, Phrasing, draw_phrasing, holds_place_words
from salm.scenes.corpora.base import Corpus, Sound
from salm.scenes.descriptions import Part, describe, exchanged, joined, part_of
from salm.scenes.heard import UNTURNED, Turn, within
from salm.scenes.rendering import render_piece, render_scene
from salm.scenes.scene import Scene, Source
from salm.scenes.source import SceneSource

__all__ = ["Batch", "SceneBatches", "WindowRanges"]

Observed = TypeVar("Observed", bound=tuple[Tensor, ...])

_PIECE = 4


class Batch(NamedTuple, Generic[Observed]):
    """One training batch, or one part of it: what is heard and said is of the part's own items."""

    observation: Observed
    """What the model's un-learned part made of the windows."""
    direction: Float[Tensor, "item 3"]
    """True directions, unit vectors x, y, z."""
    sector: Int[Tensor, " item"]
    """Index of the 45 degree sector."""
    located: Bool[Tensor, " item"]
    """Whether the two are of the whole scene: it has one source, and that stands still. Otherwise they are the first
    source's, the mean over its path."""
    captions: list[str]
    """One caption an item, without place words."""
    spatial_captions: list[str]
    """The same caption with its place."""
    rivals: list[list[str]]
    """The spatial caption of each item with each of the seven wrong sectors, in random order. Of several sounds all are
    turned together, and the first rival has them exchanged instead."""
    same_sound: Bool[Tensor, "item batch"]
    """Whether the caption of each item of the whole batch describes the sound of the own item."""
    same_scene: Bool[Tensor, "item batch"]
    """Whether the spatial caption of each item of the whole batch describes sound and place of the own item."""


@dataclass(frozen=True, kw_only=True)
class WindowRanges:
    """How a scene becomes a window, and what it is varied by.

    Raises
    ------
    InputError
        If a vocabulary or an attribute is unknown, or the shares of the vocabularies are none.
    """

    looped: float = 0.5
    """Share of windows in which the dry sound repeats in the room; the others repeat the recording, as the paper."""
    level_db: tuple[float, float] = (-25.0, 5.0)
    """Gain of the window."""
    low_pass: float = 0.15
    """Share of windows that are low-passed, by a filter between 3 and 11 kHz. Where neither this nor looping varies the
    sound, a window is a piece of the recording of the whole sound, as in the paper; otherwise longer sounds are cut to
    the window before they sound in the room."""
    attribute_words: dict[str, float] = field(default_factory=lambda: {"elevation": 0.2})
    """Share of spatial captions that say an attribute (`salm.scenes.attributes`) where it applies, by attribute; of
    scenes with one source only."""
    identity_targets: bool = False
    """Only the item's own text is a positive, as in the paper, even where captions are equal."""
    vocabularies: dict[str, float] = field(default_factory=lambda: dict(VOCABULARY_SHARES))
    """Share of each vocabulary among the phrasings, relative to the others; the paper's is the compass alone."""
    phrasings: int = 0
    """How many phrasings of a vocabulary each caption comes in, chosen by the caption; 0 is all. All of them come with
    some captions, and a frozen text tower reads fewer sentences."""
    turned: float = 0.0
    """Share of windows whose sound field is turned by any angle around the vertical axis, with labels and sentences."""
    mirrored: float = 0.0
    """Share of windows whose left and right are exchanged, with labels and sentences. Neither befalls a scene whose
    captions say a place themselves, or were written for its own."""
    fixed_crop: bool = False
    """The piece of a longer sound is the same whenever a scene is shown, as in the paper's code line, and not drawn
    anew each time."""

    def __post_init__(self) -> None:
        if unknown := [name for name in self.vocabularies if name not in VOCABULARY_SHARES]:
            raise InputError(f"vocabularies has {unknown[0]!r} but may have {', '.join(VOCABULARY_SHARES)}.")
        if unknown := [name for name in self.attribute_words if name not in ATTRIBUTES]:
            raise InputError(f"attribute_words has {unknown[0]!r} but may have {', '.join(ATTRIBUTES)}.")
        shares = list(self.vocabularies.values())
        if not all(0 <= share < np.inf for share in shares) or not sum(shares):
            raise InputError(f"the shares of vocabularies are {shares} but must not be negative, nor all zero.")
        if self.phrasings < 0:
            raise InputError(f"phrasings is {self.phrasings} but must be 0, for all, or more.")
        for name in ("turned", "mirrored"):
            if not 0 <= getattr(self, name) <= 1:
                raise InputError(f"{name} is {getattr(self, name)} but must be a share from 0 to 1.")


@dataclass(frozen=True, kw_only=True)
class _Item:
    """All of an item but its sound's samples, and the generator that the rendering goes on with."""

    rng: np.random.Generator
    corpus: Corpus
    sound: Sound
    scene: Scene
    responses: ResponseSet | None
    turn: Turn
    source: Source
    """The first source, as it is heard in the turned field."""
    caption: str
    parts: tuple[Part, ...]
    """What its spatial caption is made of."""
    phrasing: Phrasing
    spatial_caption: str | None
    """If it does not come from a template."""
    turns: tuple[int, ...]
    """By how many sectors each rival is off."""

    @property
    def located(self) -> bool:
        """Whether one direction says where all of the scene is."""
        return len(self.parts) == 1 and not self.source.path

    def fits_sound(self, other: "_Item") -> bool:
        """Whether the caption of another item describes this sound."""
        if len(self.parts) > 1:
            return other.caption == self.caption
        return other.caption in self.sound.captions

    def fits_place(self, other: "_Item") -> bool:
        """Whether what another item's spatial caption says of the place is true of this one."""
        if [(p.sector, p.end_sector) for p in other.parts] != [(p.sector, p.end_sector) for p in self.parts]:
            return False
        said = other.parts[0].attributes
        return not said or said.items() <= attributes_of(self.scene).items()


class SceneBatches(Generic[Observed]):
    """Batches of simulated scenes, by number.

    Parameters
    ----------
    source
        Where the scenes come from. An epoch of it gives whole batches; the scenes that are left over are not shown in
        that epoch. Where an epoch has fewer scenes than a batch, batches run on into the next.
    observe
        Maps windows (batch, 4, time) to what the model takes: a named tuple of tensors.
    window_samples, rate_hz
        Length and sampling rate of a window.
    batch_size, batches
        Items in a batch, over all parts; number of batches.
    seed
        Of everything but the order of fixed scenes.
    window_ranges
        What windows and sentences are drawn from.
    facing
        Where the front is on the compass.
    part
        Which part this is, and of how many: a contiguous share of the items of every batch. The parts, one after the
        other, are the whole batch.

    Raises
    ------
    ValueError
        If a batch cannot be divided into so many parts, or there is no such part.
    """

    def __init__(
        self,
        *,
        source: SceneSource,
        observe: Callable[[Float[Tensor, "batch 4 time"]], Observed],
        window_samples: int,
        rate_hz: int,
        batch_size: int,
        batches: int,
        seed: int,
        window_ranges: WindowRanges | None = None,
        facing: str = "north",
        part: tuple[int, int] = (0, 1),
    ) -> None:
        rank, parts = part
        if not 0 <= rank < parts or batch_size % parts:
            raise ValueError(f"part {rank} of {parts} is none of a batch of {batch_size} items in equal parts")
        self.source = source
        self.epoch_batches = len(source) // batch_size
        self.observe = observe
        self.window_samples, self.rate_hz = window_samples, rate_hz
        self.batch_size, self.batches, self.seed = batch_size, batches, seed
        self.window_ranges = window_ranges or WindowRanges()
        self.facing = facing
        self.own = slice(rank * batch_size // parts, (rank + 1) * batch_size // parts)

    def __len__(self) -> int:
        return self.batches

    def __getitem__(self, number: int) -> Batch[Observed]:
        """Batch of the given number; numbers that are none end an iteration."""
        if not 0 <= number < self.batches:
            raise IndexError(f"there is no batch {number} of {self.batches}")
        items = [self._item(number, place) for place in range(self.batch_size)]
        own = items[self.own]
        sectors = np.array([item.source.sector for item in own])
        directions = np.stack([unit_vector(item.source.azimuth_deg, item.source.elevation_deg) for item in own])
        same_sound, same_scene = self._positives(items)
        return Batch(
            observation=self._observed(torch.from_numpy(np.stack([self._window(item) for item in own]))),
            direction=torch.from_numpy(directions.astype(np.float32)),
            sector=torch.from_numpy(sectors),
            captions=[item.caption for item in own],
            located=torch.tensor([item.located for item in own]),
            spatial_captions=[item.spatial_caption or self._described(item, item.parts) for item in own],
            rivals=[self._rivals(item) for item in own],
            same_sound=torch.from_numpy(same_sound),
            same_scene=torch.from_numpy(same_scene),
        )

    def _item(self, batch: int, place: int) -> _Item:
        rng = np.random.default_rng([self.seed, batch, place])
        corpus, sound, drawn, responses, fixed = self.source.draw(self._scene_number(batch, place), rng)
        ranges = self.window_ranges
        scene = within(drawn, self.window_samples / self.rate_hz)
        true = attributes_of(scene) if len(scene.sources) == 1 and not fixed else {}
        said = {name: word for name, word in true.items() if rng.random() < ranges.attribute_words.get(name, 0.0)}
        captions = tuple(fixed) if fixed else sound.captions
        caption = captions[int(rng.integers(len(captions)))]
        said_of = [caption, *(source.caption for source in scene.sources[1:])]
        turn = self._turn(rng)
        if turn != UNTURNED and (fixed or any(map(holds_place_words, said_of))):
            turn = UNTURNED
        first, *others = map(turn.source, scene.sources)
        parts = (part_of(first, caption=caption, attributes=said), *map(part_of, others))
        return _Item(
            rng=rng,
            corpus=corpus,
            sound=sound,
            scene=scene,
            responses=responses,
            turn=turn,
            source=first,
            caption=joined([part.caption for part in parts]),
            parts=parts,
            phrasing=draw_phrasing(rng, ranges.vocabularies, caption=caption, most=ranges.phrasings),
            spatial_caption=fixed[caption] if fixed else None,
            turns=tuple((rng.permutation(7) + 1).tolist()),
        )

    def _turn(self, rng: np.random.Generator) -> Turn:
        ranges = self.window_ranges
        turned = ranges.turned and rng.random() < ranges.turned
        mirrored = ranges.mirrored and rng.random() < ranges.mirrored
        return Turn(counterclockwise_deg=float(rng.uniform(-180, 180)) if turned else 0.0, mirrored=bool(mirrored))

    def _scene_number(self, batch: int, place: int) -> int:
        epoch, batch = divmod(batch, self.epoch_batches) if self.epoch_batches else (0, batch)
        return epoch * len(self.source) + batch * self.batch_size + place

    def _window(self, item: _Item) -> Float32[np.ndarray, "4 time"]:
        ranges, rng = self.window_ranges, item.rng
        crop = np.random.default_rng(item.scene.seed) if ranges.fixed_crop else rng
        if ranges.looped or ranges.low_pass:
            corpus = _Varied(item.corpus, rng, crop, ranges=ranges, samples=self.window_samples)
            recording = render_scene(item.scene, corpus, rate_hz=self.rate_hz, responses=item.responses)
        else:
            recording = render_piece(
                item.scene,
                item.corpus,
                self.window_samples,
                rng=crop,
                rate_hz=self.rate_hz,
                responses=item.responses,
            )
        window = item.turn.field(fit_to_window(recording, self.window_samples, rng=crop))
        return window * np.float32(10 ** (rng.uniform(*ranges.level_db) / 20))

    def _described(self, item: _Item, parts: Sequence[Part]) -> str:
        return describe(parts, phrasing=item.phrasing, facing=self.facing)

    def _rivals(self, item: _Item) -> list[str]:
        """What the spatial caption of an item would be elsewhere."""
        turned = [self._described(item, [part.turned(turn) for part in item.parts]) for turn in item.turns]
        if len(item.parts) > 1:
            turned[0] = self._described(item, exchanged(item.parts))
        return turned

    def _positives(self, items: list[_Item]) -> tuple[Bool[np.ndarray, "item batch"], Bool[np.ndarray, "item batch"]]:
        if self.window_ranges.identity_targets:
            own = np.eye(len(items), dtype=bool)[self.own]
            return own, own.copy()
        same_sound = np.array([[item.fits_sound(other) for other in items] for item in items[self.own]])
        same_scene = np.array(
            [
                [fits and item.fits_place(other) for fits, other in zip(row, items, strict=True)]
                for item, row in zip(items[self.own], same_sound, strict=True)
            ]
        )
        return same_sound, same_scene

    def _observed(self, windows: Float[Tensor, "batch 4 time"]) -> Observed:
        # A whole batch of spectra does not fit into any cache: by pieces it takes two thirds of the time.
        pieces = [self.observe(piece) for piece in torch.split(windows, _PIECE)]
        return type(pieces[0])(*map(torch.cat, zip(*pieces, strict=True)))


class _Varied:
    """A corpus whose sounds are varied once more: cut to the window at random, low-passed, repeated to fill it."""

    def __init__(
        self,
        corpus: Corpus,
        rng: np.random.Generator,
        crop: np.random.Generator,
        *,
        ranges: WindowRanges,
        samples: int,
    ) -> None:
        self.name, self.sounds = corpus.name, corpus.sounds
        self.corpus, self.rng, self.crop, self.samples = corpus, rng, crop, samples
        self.low_pass = ranges.low_pass
        self.loop = rng.random() < ranges.looped

    def audio(self, sound_id: str, *, rate_hz: int = 24_000) -> Float32[np.ndarray, " time"]:
        """The varied sound; every call draws anew."""
        sound = self.corpus.audio(sound_id, rate_hz=rate_hz)
        if len(sound) > self.samples:
            start = int(self.crop.integers(len(sound) - self.samples + 1))
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

"""A corpus in two parts: what is trained on, and what is held out."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float32

from salm.errors import InputError
from salm.scenes.corpora.base import Corpus, Sound

__all__ = ["Part", "in_two"]


@dataclass(frozen=True, kw_only=True)
class Part:
    """Some of the sounds of a corpus."""

    corpus: Corpus
    sounds: tuple[Sound, ...]

    @property
    def name(self) -> str:
        """That of the corpus."""
        return self.corpus.name

    def audio(self, sound_id: str, *, rate_hz: int = 24_000) -> Float32[np.ndarray, " time"]:
        """Samples of a sound of the corpus."""
        return self.corpus.audio(sound_id, rate_hz=rate_hz)


def in_two(corpus: Corpus, *, share: float, seed: int) -> tuple[Part, Part]:
    """The part to train on, and the one that is held out.

    What the corpus itself has in another split than ``train`` is held out. Where there is nothing, a share of the
    groups is drawn, at least one; the same seed draws the same.

    Raises
    ------
    InputError
        If one of the parts would be empty.
    """
    own = {sound.group for sound in corpus.sounds if sound.split != "train"}
    groups = sorted({sound.group for sound in corpus.sounds})
    chosen = np.random.default_rng([seed, 5]).permutation(len(groups))[: max(1, round(share * len(groups)))]
    held = own or {groups[int(index)] for index in chosen}
    kept = tuple(sound for sound in corpus.sounds if sound.group not in held)
    if not kept:
        raise InputError(
            f"{corpus.name} has {len(groups)} recordings, of which {len(held)} are held out; there is nothing to train "
            "on: add more."
        )
    tested = tuple(replace(sound, split="test") for sound in corpus.sounds if sound.group in held)
    return Part(corpus=corpus, sounds=kept), Part(corpus=corpus, sounds=tested)

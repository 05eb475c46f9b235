"""One caption and one direction to one spatial caption, by asking until an answer is right, or by a template."""

import hashlib
import json
from dataclasses import asdict, dataclass, field

import numpy as np

from salm.errors import InputError
from salm.frame import direction_word
from salm.scenes.captions import PLAIN_PHRASINGS, VOCABULARY_SHARES, holds_place_words, spatial_caption
from salm.scenes.rephrase.backends import Backend
from salm.scenes.rephrase.prompts import PROMPTS, messages
from salm.scenes.rephrase.validate import failed_check, tidied

__all__ = ["ACCEPTED", "NAMES_PLACE", "TEMPLATE", "AskSettings", "Asker", "Rephrased"]

ACCEPTED, TEMPLATE, NAMES_PLACE = "accepted", "template", "names a place"
"""Verdicts besides the checks: the model's answer was taken; no model was asked because there is none; or because the
caption has an azimuth of its own, so that no answer could be checked."""


@dataclass(frozen=True, kw_only=True)
class AskSettings:
    """How captions are asked for; all of it, with the model, decides what comes out.

    Raises
    ------
    InputError
        If one of them is unknown or out of range.
    """

    prompt: str = "paper"
    """One of `salm.scenes.rephrase.prompts.PROMPTS`."""
    vocabulary: str = "compass"
    """How directions are said."""
    facing: str = "south"
    """Where the front is on the compass; south is the paper's code line."""
    temperature: float = 0.2
    """Of sampling; the paper's."""
    tries: int = 3
    """How often the model is asked for one caption, each time with another seed."""
    max_tokens: int = 128
    """Longest answer, with what a model thinks before it."""
    seed: int = 0
    """Of everything."""

    def __post_init__(self) -> None:
        for name, known in (("prompt", PROMPTS), ("vocabulary", VOCABULARY_SHARES)):
            if getattr(self, name) not in known:
                raise InputError(f"the {name} is {getattr(self, name)!r} but must be one of {', '.join(known)}.")
        direction_word(0, vocabulary="compass", facing=self.facing)
        if not 0 <= self.temperature <= 2:
            raise InputError(f"the temperature is {self.temperature} but must lie between 0 and 2.")
        for name, least in (("tries", 1), ("max_tokens", 1), ("seed", 0)):
            if getattr(self, name) < least:
                raise InputError(f"{name} is {getattr(self, name)} but must be at least {least}.")


@dataclass(frozen=True, kw_only=True)
class Rephrased:
    """A spatial caption, and how it came about."""

    spatial_caption: str
    verdict: str
    """`ACCEPTED`, `TEMPLATE`, `NAMES_PLACE`, or the check that the last answer failed, in place of which a template
    stands."""
    tries: int
    """How often the model was asked."""
    seed: int | None = None
    """Of the answer that was accepted."""
    refused: tuple[tuple[str, str], ...] = field(default=())
    """Every answer that failed, with the check that it failed."""


@dataclass(frozen=True, kw_only=True)
class Asker:
    """Asks for spatial captions; equal requests get equal seeds, so that their order is of no matter."""

    backend: Backend | None
    """None asks nobody: templates."""
    settings: AskSettings = field(default_factory=AskSettings)

    @property
    def model(self) -> str | None:
        """Name of the model, if there is one."""
        return self.backend.model if self.backend else None

    def key(self, caption: str, sector: int) -> str:
        """Digest of all that the answer follows from: model, settings, conversation, caption and direction."""
        settings = self.settings
        said = messages(caption, sector, prompt=settings.prompt, vocabulary=settings.vocabulary, facing=settings.facing)
        request = [self.model, asdict(settings), said, caption, sector]
        return hashlib.sha256(json.dumps(request).encode()).hexdigest()[:24]

    def __call__(self, caption: str, sector: int) -> Rephrased:
        """The spatial caption of a caption in a sector.

        Raises
        ------
        InputError
            If the caption is empty, or the backend cannot answer.
        """
        settings = self.settings
        if self.backend is None:
            return self._from_template(caption, sector, TEMPLATE)
        if holds_place_words(caption):
            return self._from_template(caption, sector, NAMES_PLACE)
        said = messages(caption, sector, prompt=settings.prompt, vocabulary=settings.vocabulary, facing=settings.facing)
        refused: list[tuple[str, str]] = []
        for turn in range(settings.tries):
            seed = self._seed(caption, sector, turn)
            answer = tidied(
                self.backend.complete(said, seed=seed, temperature=settings.temperature, max_tokens=settings.max_tokens)
            )
            failed = failed_check(
                answer, caption=caption, sector=sector, vocabulary=settings.vocabulary, facing=settings.facing
            )
            if failed is None:
                return Rephrased(
                    spatial_caption=answer, verdict=ACCEPTED, tries=turn + 1, seed=seed, refused=tuple(refused)
                )
            refused.append((answer, failed))
        return self._from_template(caption, sector, refused[-1][1], refused=tuple(refused))

    def _from_template(
        self, caption: str, sector: int, verdict: str, *, refused: tuple[tuple[str, str], ...] = ()
    ) -> Rephrased:
        vocabulary, facing = self.settings.vocabulary, self.settings.facing
        sentences = [phrasing for phrasing in PLAIN_PHRASINGS if phrasing.vocabulary == vocabulary]
        rng = np.random.default_rng(self._seed(caption, sector, -1))
        text = spatial_caption(caption, sector, phrasing=sentences[int(rng.integers(len(sentences)))], facing=facing)
        return Rephrased(spatial_caption=text, verdict=verdict, tries=len(refused), refused=refused)

    def _seed(self, caption: str, sector: int, turn: int) -> int:
        # 31 bits: what every server takes.
        digest = hashlib.sha256(f"{self.key(caption, sector)}:{turn}".encode()).digest()
        return int.from_bytes(digest[:4]) >> 1

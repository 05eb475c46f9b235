"""What one event is and where: the model hears it once, by itself."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Float

from salm.audio.formats import from_mono
from salm.audio.intensity import locate_by_intensity
from salm.audio.recording import Recording
from salm.errors import InputError
from salm.frame import angle_between_deg, azimuth_elevation
from salm.model.inference import Heard, Location, Model, merged
from salm.scanning.event import Fit
from salm.scanning.sightings import CAP_DEG
from salm.scanning.tracks import Stretch

__all__ = ["Listener"]

# An event that has company for so much of its time is named through a beam, and its direction is the track's.
_CROWDED = 0.3
# Of a supercardioid, which of all such beams hears least from behind.
_OMNI = 0.37


class Listener:
    """A model, or none, that hears one event after the other.

    Parameters
    ----------
    model, sentences, top
        As for :class:`salm.scanning.timeline.Scanner`.

    Raises
    ------
    InputError
        If there are sentences but no model, one of them is empty or there twice, or ``top`` is less than 1.
    """

    def __init__(self, model: Model | None, sentences: Sequence[str], *, top: int) -> None:
        if sentences and model is None:
            raise InputError("sentences need a model; leave them out to scan without one.")
        if any(not sentence.strip() for sentence in sentences):
            raise InputError("one of the sentences is empty; leave it out.")
        twice = next((sentence for sentence in sentences if list(sentences).count(sentence) > 1), None)
        if twice is not None:
            raise InputError(f"the sentence {twice!r} is there twice; leave one out.")
        if top < 1:
            raise InputError(f"top is {top} but must be at least 1.")
        self._model, self._sentences, self._top = model, tuple(sentences), top
        self._text = model.embed_text(sentences) if model is not None and sentences else None

    def hear(self, stretch: Stretch, recording: Recording) -> tuple[Location, tuple[Fit, ...]]:
        """Where an event is, and the sentences that fit best.

        Where the model's direction and the track's mean the same source it is the model's, with its cone. Where they do
        not, or other sounds are there at the same time, it is the track's, without a cone.

        Parameters
        ----------
        recording
            The samples of the event.
        """
        if self._model is None:
            return _seen(stretch, recording), ()
        heard = self._model.hear(recording)
        if recording.ambiguity is None and stretch.company >= _CROWDED:
            named = heard if self._text is None else self._model.hear(_towards(stretch.mean, recording))
            return self._doubted(self._model, heard, _seen(stretch, recording)), self._fits(named)
        return self._located(self._model, heard, _seen(stretch, recording)), self._fits(heard)

    @classmethod
    def _located(cls, model: Model, heard: Heard, seen: Location) -> Location:
        if seen.ambiguity is not None:
            return seen
        found = merged(model.places(heard, widest_deg=180.0))
        there, track = found.vector, seen.vector
        if there is None or track is None or float(angle_between_deg(there, track)) > CAP_DEG:
            return cls._doubted(model, heard, seen)
        return found

    @staticmethod
    def _doubted(model: Model, heard: Heard, seen: Location) -> Location:
        """What was seen, with the confidence that the model's evidence gives it."""
        direction = np.tile(np.asarray(seen.vector, np.float32), (len(heard.direction), 1))
        there = merged(model.places(replace(heard, direction=direction), widest_deg=180.0))
        return replace(seen, confidence=there.confidence)

    def _fits(self, heard: Heard) -> tuple[Fit, ...]:
        if self._text is None or self._model is None:
            return ()
        mean = heard.embeddings.normalised().semantic.mean(axis=0)
        cosines = (self._text @ (mean / max(float(np.linalg.norm(mean)), 1e-12))).astype(np.float64)
        shares = np.exp(self._model.scale * (cosines - cosines.max()))
        shares /= shares.sum()
        best = np.argsort(-cosines, kind="stable")[: self._top]
        return tuple(Fit(self._sentences[i], int(i), float(cosines[i]), float(shares[i])) for i in best)


def _seen(stretch: Stretch, recording: Recording) -> Location:
    """Where an event is by its track, or of stereo and mono as `salm.audio.intensity` has it."""
    times = {"start_s": 0.0, "end_s": recording.duration_s}
    if recording.ambiguity is not None:
        return Location.from_intensity(locate_by_intensity(recording), **times)
    azimuth_deg, elevation_deg = (float(angle) for angle in azimuth_elevation(stretch.mean))
    return Location(
        **times,
        azimuth_deg=azimuth_deg,
        elevation_deg=elevation_deg,
        sector=None,
        confidence=float(stretch.weights[stretch.weights > 0].mean()),
        ambiguity=None,
        reason=None,
    )


def _towards(direction: Float[np.ndarray, " 3"], recording: Recording) -> Recording:
    """What a supercardioid hears that is turned to a direction."""
    x, y, z = ((1 - _OMNI) * direction).tolist()
    beam = np.array([_OMNI, y, z, x], np.float32) @ recording.samples
    return Recording(samples=from_mono(beam[None]), rate_hz=recording.rate_hz, layout="mono")

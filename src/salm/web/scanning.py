"""A recording as a timeline, in steps that are short enough to let others in between and to be stopped."""

from collections.abc import Generator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float32

from salm.model.inference import BATCH, Location, Model
from salm.web.limits import Limits
from salm.web.uploads import Upload

__all__ = ["Progress", "scanned"]

TOP = 3


class Progress(NamedTuple):
    """How far a scan is."""

    done_s: float
    total_s: float


def scanned(
    upload: Upload, limits: Limits, model: Model, sentences: Sequence[str], *, layout: str | None
) -> Generator[Progress, None, dict[str, Any]]:
    """Scan a recording window by window: yields its progress, returns the timeline in plain form.

    Sentences are compared with what is heard in each window; their place words do not count.

    Raises
    ------
    InputError
        If the recording cannot be read, or is too long.
    """
    recording = upload.read(limits, layout=layout)
    text = model.embed_text(sentences) if sentences else None
    piece = round(BATCH * model.config.features.window_s * recording.rate_hz)
    total_s, scale = recording.duration_s, float(model.network.scale.detach())
    events: list[dict[str, Any]] = []
    for start in range(0, recording.samples.shape[1], piece):
        part = replace(recording, samples=recording.samples[:, start : start + piece])
        heard = model.hear(part)
        semantic = heard.embeddings.normalised().semantic
        for place, what in zip(model.places(heard), semantic, strict=True):
            fits = [] if text is None else _fits(text @ what, sentences, scale)
            events.append(_event(place, start / recording.rate_hz, fits))
        yield Progress(start / recording.rate_hz + part.duration_s, total_s)
    return {
        "file": upload.name,
        "duration_s": total_s,
        "layout": recording.layout,
        "sentences": list(sentences),
        "model": model.digest,
        "notes": list(recording.notes),
        "events": events,
    }


def _event(place: Location, start_s: float, fits: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "onset_s": start_s + place.start_s,
        "offset_s": start_s + place.end_s,
        "azimuth_deg": place.azimuth_deg,
        "elevation_deg": place.elevation_deg,
        "sector": place.sector,
        "confidence": place.confidence,
        "cone_deg": place.cone_deg,
        "ambiguity": place.ambiguity,
        "name": fits[0]["sentence"] if fits else None,
        "fits": fits,
    }


def _fits(cosines: Float32[np.ndarray, " sentence"], sentences: Sequence[str], scale: float) -> list[dict[str, Any]]:
    shares = np.exp(scale * (cosines - cosines.max()))
    shares /= shares.sum()
    best = np.argsort(-cosines, kind="stable")[:TOP]
    return [
        {"sentence": sentences[i], "label": int(i), "cosine": float(cosines[i]), "share": float(shares[i])}
        for i in best
    ]

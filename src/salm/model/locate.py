"""Locating the sounds of a file: with a model, or by intensity alone."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from salm.audio.intensity import locate_by_intensity
from salm.audio.recording import Recording, read
from salm.frame import SECTORS, relative_to_front, sector_index
from salm.model.inference import Location, Model

__all__ = ["locate_by_intensity_only", "locate_file"]


def locate_file(
    path: str | Path,
    model: Model | None,
    *,
    windows: bool = False,
    what: str | None = None,
    front_deg: float = 0.0,
    layout: str | None = None,
) -> dict[str, Any]:
    """Where the sound of a file is, in plain form.

    Parameters
    ----------
    model
        None locates by intensity, without weights.
    windows
        One location for every window of the model, not one for the file.
    what
        Words; each window is also scored by how well its semantic embedding fits them.
    front_deg
        Azimuth of the microphone that the listener calls front; answers are relative to it.
    layout
        Channel layout of the file, if it is not what its channels suggest.

    Returns
    -------
    dict
        ``windows`` (see :class:`salm.model.inference.Location`) and ``notes`` (what was converted).

    Raises
    ------
    InputError
        If the file cannot be read.
    """
    recording = read(path, layout=layout)
    if model is None:
        places = [locate_by_intensity_only(recording)]
    elif windows:
        places = model.locate_windows(recording)
    else:
        places = [model.locate(recording)]
    plain = [_turned(place, front_deg).to_dict() for place in places]
    if what is not None and model is not None:
        fits = model.fit(recording, what)
        fits = fits if windows else [max(fits)]
        plain = [row | {"what": fit} for row, fit in zip(plain, fits, strict=True)]
    return {"windows": plain, "notes": list(recording.notes)}


def locate_by_intensity_only(recording: Recording) -> Location:
    """Where the sound of a recording is by its onset-weighted intensity; confidence is its concentration."""
    found = locate_by_intensity(recording)
    azimuth_deg = found.azimuth_deg
    return Location(
        start_s=0.0,
        end_s=recording.duration_s,
        azimuth_deg=azimuth_deg,
        elevation_deg=found.elevation_deg,
        sector=None if azimuth_deg is None else SECTORS[int(sector_index(azimuth_deg))],
        confidence=found.confidence if azimuth_deg is not None else 0.0,
        ambiguity=found.ambiguity,
        reason=found.reason,
    )


def _turned(place: Location, front_deg: float) -> Location:
    if place.azimuth_deg is None or front_deg == 0.0:
        return place
    azimuth_deg = float(relative_to_front(place.azimuth_deg, front_deg))
    return replace(place, azimuth_deg=azimuth_deg, sector=SECTORS[int(sector_index(azimuth_deg))])

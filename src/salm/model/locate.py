"""Locating the sounds of a file: with a model, or by intensity alone."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from salm.audio.intensity import locate_by_intensity
from salm.audio.recording import read
from salm.frame import SECTORS, relative_to_front, sector_index
from salm.model.cone import WIDEST_DEG
from salm.model.inference import Location, Model, merged

__all__ = ["locate_file"]


def locate_file(
    path: str | Path,
    model: Model | None,
    *,
    windows: bool = False,
    what: str | None = None,
    front_deg: float = 0.0,
    layout: str | None = None,
    widest_deg: float = WIDEST_DEG,
) -> dict[str, Any]:
    """Where the sound of a file is, in plain form.

    Parameters
    ----------
    model
        None locates by intensity, without weights.
    windows
        One location for every window of the model, not one for the file.
    what
        Words; each window is also scored by how well its semantic embedding fits them, and the one location of a file
        is that of the window that fits best.
    front_deg
        Azimuth of the microphone that the listener calls front; answers are relative to it.
    layout
        Channel layout of the file, if it is not what its channels suggest.
    widest_deg
        Half angle of the widest 90 % cone that a direction is named with, 0 to 180; a model that was never calibrated
        always names one, and so does intensity.

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
        by_intensity = Location.from_intensity(locate_by_intensity(recording), start_s=0.0, end_s=recording.duration_s)
        plain = [_turned(by_intensity, front_deg).to_dict()]
        return {"windows": plain, "notes": list(recording.notes)}
    heard = model.hear(recording)
    places = model.places(heard, widest_deg=180.0)
    rows = [_said(place, front_deg, widest_deg) for place in places]
    if what is not None:
        rows = [row | {"what": fit} for row, fit in zip(rows, model.fit(heard, what), strict=True)]
    if not windows:
        whole = _said(merged(places), front_deg, widest_deg)
        rows = [whole if what is None else max(rows, key=lambda row: row["what"])]
    return {"windows": rows, "notes": list(heard.recording.notes)}


def _said(place: Location, front_deg: float, widest_deg: float) -> dict[str, Any]:
    return _turned(place.unless_wider(widest_deg), front_deg).to_dict()


def _turned(place: Location, front_deg: float) -> Location:
    if place.azimuth_deg is None or front_deg == 0.0:
        return place
    azimuth_deg = float(relative_to_front(place.azimuth_deg, front_deg))
    return replace(place, azimuth_deg=azimuth_deg, sector=SECTORS[int(sector_index(azimuth_deg))])

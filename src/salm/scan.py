"""Long recordings as timelines of what is heard and where, a window at a time.

A recording is cut into hops. Each is heard in the model's window around it, so that a time is known to about a hop
where sounds differ in direction. A hop below the gate is silence; one whose direction the model cannot tell belongs to
no event. An event goes on while the next hop is within an angle of its last direction: one direction at a time.
"""

import csv
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import soundfile
from jaxtyping import Float32

from salm.audio.formats import from_mono, from_stereo, to_ambix
from salm.audio.recording import Layout, Recording
from salm.errors import InputError
from salm.frame import angle_between_deg
from salm.model.inference import Location, Model, merged
from salm.whole import written_whole

__all__ = ["FORMATS", "Event", "Format", "scan", "write_events"]

Format = Literal["dcase", "audacity", "reaper", "json"]
FORMATS: tuple[Format, ...] = get_args(Format)

_FRAME_S = 0.1


@dataclass(frozen=True, kw_only=True)
class Event:
    """One sound that stays, or moves slowly, for one or more hops."""

    onset_s: float
    offset_s: float
    azimuth_deg: float
    elevation_deg: float | None
    cone_deg: float | None
    confidence: float
    track: int
    label: int
    """Which of the sentences fits best; 0 without sentences."""
    sentence: str
    """That sentence, or `sound`."""


def scan(
    path: str | Path,
    model: Model,
    sentences: Sequence[str] = (),
    *,
    hop_s: float = 1.0,
    gate_db: float = -60.0,
    within_deg: float = 25.0,
    progress: Callable[[int, int], None] | None = None,
) -> list[Event]:
    """Events of a file of any length; no more of it than one window is held.

    Parameters
    ----------
    hop_s
        Seconds between answers, at most the model's window.
    gate_db
        Level of W in dB of full scale, over a hop, below which it is silence.
    within_deg
        An event goes on while the direction of the next hop is within this angle of the last one's.

    Raises
    ------
    InputError
        If the file cannot be read, or the hop is out of range.
    """
    features = model.config.features
    window_s = features.window_samples / features.rate_hz
    if not 0.1 <= hop_s <= window_s:
        raise InputError(f"the hop is {hop_s} s but must be from 0.1 to {window_s:g} s, the model's window.")
    text = model.embed_text(sentences) if sentences else None
    events: list[Event] = []
    places: list[Location] = []
    fits: list[Float32[np.ndarray, " sentence"]] = []

    def finish() -> None:
        if places:
            events.append(_event(places, fits, sentences, track=len(events)))
        places.clear()
        fits.clear()

    for start_s, end_s, recording, level_db in _hops(Path(path), hop_s, window_s, progress):
        if level_db < gate_db:
            finish()
            continue
        heard = model.hear(recording)
        place = merged(model.places(heard))
        vector = place.vector
        if vector is None:
            finish()
            continue
        last = places[-1].vector if places else None
        if last is not None and float(angle_between_deg(vector, last)) > within_deg:
            finish()
        places.append(Location(**place.to_dict() | {"start_s": start_s, "end_s": end_s}))
        if text is not None:
            fits.append(text @ heard.embeddings.normalised().semantic.mean(axis=0))
    finish()
    return events


def write_events(path: str | Path, events: Sequence[Event], form: Format) -> None:
    """Write events, the whole file or nothing.

    DCASE rows are frame (100 ms), class, track, azimuth, elevation; the class is the place in the list of sentences.
    """
    with written_whole(path) as part, part.open("w", encoding="utf-8", newline="") as file:
        if form == "json":
            json.dump({"events": [asdict(event) for event in events]}, file, ensure_ascii=False, indent=1)
            return
        rows = csv.writer(file, delimiter="\t" if form == "audacity" else ",", lineterminator="\n")
        if form == "reaper":
            rows.writerow(["#", "Name", "Start", "End", "Length"])
        for number, event in enumerate(events, 1):
            start, end = f"{event.onset_s:.3f}", f"{event.offset_s:.3f}"
            if form == "audacity":
                rows.writerow([start, end, _name(event)])
            elif form == "reaper":
                rows.writerow([f"R{number}", _name(event), start, end, f"{event.offset_s - event.onset_s:.3f}"])
            else:
                angles = round(event.azimuth_deg), round(event.elevation_deg or 0)
                frames = range(round(event.onset_s / _FRAME_S), round(event.offset_s / _FRAME_S))
                rows.writerows([frame, event.label, event.track, *angles] for frame in frames)


def _event(
    places: Sequence[Location],
    fits: Sequence[Float32[np.ndarray, " sentence"]],
    sentences: Sequence[str],
    *,
    track: int,
) -> Event:
    whole = merged(list(places))
    assert whole.azimuth_deg is not None
    label = int(np.mean(fits, axis=0).argmax()) if fits else 0
    return Event(
        onset_s=places[0].start_s,
        offset_s=places[-1].end_s,
        azimuth_deg=whole.azimuth_deg,
        elevation_deg=whole.elevation_deg,
        cone_deg=whole.cone_deg,
        confidence=whole.confidence,
        track=track,
        label=label,
        sentence=sentences[label] if sentences else "sound",
    )


def _name(event: Event) -> str:
    height = "" if event.elevation_deg is None else f" el {event.elevation_deg:+.0f}"
    return f"{' '.join(event.sentence.split())} az {event.azimuth_deg:+.0f}{height}"


def _hops(
    path: Path, hop_s: float, window_s: float, progress: Callable[[int, int], None] | None
) -> Iterator[tuple[float, float, Recording, float]]:
    """Start, end, the window around it and the level of each hop."""
    if not path.is_file():
        raise InputError(f"{path} is no file; give a recording.")
    try:
        with soundfile.SoundFile(path) as file:
            rate_hz, frames = file.samplerate, file.frames
            hop, window = round(hop_s * rate_hz), round(window_s * rate_hz)
            count = -(-frames // hop)
            if not count:
                raise InputError(f"{path} holds no samples.")
            for index in range(count):
                start, stop = index * hop, min((index + 1) * hop, frames)
                first = max(0, min(start + hop // 2 - window // 2, frames - window))
                file.seek(first)
                recording = _ambix(file.read(window, dtype="float32", always_2d=True).T, rate_hz, path)
                power = float(np.mean(np.square(recording.samples[0, start - first : stop - first], dtype=np.float64)))
                yield start / rate_hz, stop / rate_hz, recording, 10 * float(np.log10(power + 1e-20))
                if progress is not None:
                    progress(index + 1, count)
    except soundfile.LibsndfileError as error:
        raise InputError(f"{path} is no audio file that can be read, or is damaged.") from error


def _ambix(channels: Float32[np.ndarray, "channel time"], rate_hz: int, path: Path) -> Recording:
    layout: Layout = "foa"
    if len(channels) == 1:
        samples, layout = from_mono(channels), "mono"
    elif len(channels) == 2:
        samples, layout = from_stereo(channels), "stereo"
    else:
        samples = to_ambix(channels, "fuma" if path.suffix.lower() == ".amb" else "ambix")
    return Recording(samples=samples, rate_hz=rate_hz, layout=layout, path=str(path))

"""Edits that can be heard: a sound field turned by a sentence, exactly and without touching the input.

A first-order sound field can be rotated and mirrored without any loss, and everything in it keeps its place relative to
everything else: that is what all edits here do. To move "it" somewhere, the direction that dominates the recording is
located and the whole field is turned so that this direction lands where the sentence says.

What has fewer than four channels:

- *Stereo* cannot tell front from back and knows no height. Its sound is taken to be in front: X is completed as
  cos(lateral angle) W, so that the field has a direction that can be turned; the width of the stereo picture, which is
  in Y, turns along.
- *Mono* has no direction at all. It can be placed as a plane wave, but neither turned nor mirrored.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Float32

from salm.audio.binaural import to_binaural
from salm.audio.formats import encode_plane_wave
from salm.audio.intensity import locate_by_intensity
from salm.audio.recording import Recording, read, write
from salm.audio.rotate import mirror_left_right, rotate, rotation_matrix, yaw
from salm.editing.sentence import EditOperation, Mirror, MoveTo, TurnBy, parse_edit
from salm.errors import InputError
from salm.frame import Direction, wrap_deg
from salm.model.inference import Model

__all__ = ["Edited", "edit", "edit_file"]

POLE_DEG = 89.0
"""Beyond this elevation, up or down, a sound has no azimuth that anyone could hear."""

MONO_NOTE = "A mono recording has no direction of its own: it was placed as a plane wave."
STEREO_NOTE = "Stereo cannot tell front from back: the sound was taken to be in front before it was turned."


@dataclass(frozen=True, kw_only=True)
class Edited:
    """What an edit made."""

    recording: Recording
    """AmbiX, at the rate and length of the input; its notes say what had to be assumed."""
    operation: EditOperation
    moved_from: Direction | None
    """Where the sound was; None for mono."""
    moved_to: Direction
    """Where it is now."""
    description: str
    """What was done, in a sentence."""


def edit(
    recording: Recording, sentence: str | EditOperation, *, facing: str = "north", model: Model | None = None
) -> Edited:
    """Turn a sound field as a sentence says.

    A direction that is said without its elevation keeps the elevation, and the other way around. What is straight above
    or below has no azimuth: moved to a side, it comes down, or up, to the horizon.

    Parameters
    ----------
    sentence
        Such as "move it to the left", "turn it by 30 degrees", "swap left and right", or an operation.
    facing
        Where the front is on the compass.
    model
        What locates the sound; None locates by onset-weighted intensity, which is exact for a plane wave.

    Raises
    ------
    InputError
        If the sentence is not understood, the recording is silent, or a mono recording is to be turned or mirrored.
    """
    operation = parse_edit(sentence, facing=facing) if isinstance(sentence, str) else sentence
    if not recording.samples.any():
        raise InputError(f"{recording.path or 'the recording'} is silent, so there is nothing to move.")
    if recording.ambiguity == "all":
        return _place(recording, operation)
    start = _located(recording, model)
    field, notes = _field(recording, start)
    samples, goal = _applied(field, operation, start)
    return _edited(recording, samples, operation, start, goal, notes)


def edit_file(
    path: str | Path, sentence: str, out: str | Path, *, binaural: str | Path | None = None, facing: str = "north"
) -> dict[str, Any]:
    """Edit a file by a sentence and write the result as AmbiX; the input is left alone.

    Parameters
    ----------
    binaural
        Where to write a preview for headphones as well.

    Returns
    -------
    dict
        ``file``, ``out``, ``binaural``, ``description``, ``notes``, and ``moved_from`` and ``moved_to`` as azimuth and
        elevation in degrees.

    Raises
    ------
    InputError
        If the file cannot be read, the edit cannot be done, or an output would overwrite the input or the other output.
    """
    targets = [Path(target).resolve() for target in (out, binaural) if target is not None]
    if Path(path).resolve() in targets:
        raise InputError(f"{path} is the input, which is never altered; give the output another name.")
    if len(set(targets)) < len(targets):
        raise InputError(f"{out} cannot be both the edit and its preview for headphones; give two names.")
    done = edit(read(path), sentence, facing=facing)
    made = done.recording
    gain_db = write(out, made.samples, made.rate_hz)
    lowered = () if gain_db == 0.0 else (f"Written {-gain_db:.3g} dB lower, because FLAC would clip.",)
    if binaural is not None:
        write(binaural, to_binaural(made.samples, made.rate_hz), made.rate_hz)
    return {
        "file": str(path),
        "out": str(out),
        "binaural": None if binaural is None else str(binaural),
        "description": done.description,
        "notes": [*made.notes, *lowered],
        "moved_from": _plain(done.moved_from),
        "moved_to": _plain(done.moved_to),
    }


def _located(recording: Recording, model: Model | None) -> Direction:
    found = locate_by_intensity(recording) if model is None else model.locate(recording)
    if found.azimuth_deg is None:
        raise InputError(f"{recording.path or 'the recording'} has no direction to move from: {found.reason}.")
    return Direction(found.azimuth_deg, found.elevation_deg or 0.0)


def _field(recording: Recording, start: Direction) -> tuple[Float32[np.ndarray, "4 time"], tuple[str, ...]]:
    """The sound field to turn, and what had to be assumed."""
    if recording.ambiguity is None:
        return recording.samples, ()
    ahead = recording.samples[0] * np.float32(np.cos(np.deg2rad(start.azimuth_deg)))
    return np.stack([*recording.samples[:3], ahead]), (STEREO_NOTE,)


def _applied(
    field: Float32[np.ndarray, "4 time"], operation: EditOperation, start: Direction
) -> tuple[Float32[np.ndarray, "4 time"], Direction]:
    if isinstance(operation, Mirror):
        return mirror_left_right(field), Direction(-start.azimuth_deg, start.elevation_deg)
    if isinstance(operation, TurnBy):
        turn_deg = operation.counterclockwise_deg
        return yaw(field, turn_deg), Direction(start.azimuth_deg + turn_deg, start.elevation_deg)
    goal = _goal(operation, start)
    return rotate(field, _turn(start, goal)), goal


def _goal(operation: MoveTo, start: Direction) -> Direction:
    elevation_deg = start.elevation_deg if operation.elevation_deg is None else operation.elevation_deg
    azimuth_deg = start.azimuth_deg if operation.azimuth_deg is None else operation.azimuth_deg
    if operation.azimuth_deg is not None and operation.elevation_deg is None and abs(elevation_deg) > POLE_DEG:
        elevation_deg = 0.0
    return Direction(azimuth_deg, elevation_deg)


def _turn(start: Direction, goal: Direction) -> Float[np.ndarray, "3 3"]:
    """The rotation from one direction to another that keeps the horizon as level as it can.

    The start is turned to the front, raised in the vertical plane there, and turned to the goal's azimuth: with equal
    elevations that is a turn around the vertical axis alone.
    """
    rise_deg = goal.elevation_deg - start.elevation_deg
    to_front = rotation_matrix(-start.azimuth_deg, 0.0, 0.0)
    return np.asarray(rotation_matrix(goal.azimuth_deg, rise_deg, 0.0) @ to_front)


def _place(recording: Recording, operation: EditOperation) -> Edited:
    if not isinstance(operation, MoveTo):
        raise InputError(
            f"{recording.path or 'the recording'} is mono and has no direction to turn or mirror; "
            "say where to put it, such as 'move it to the left'."
        )
    goal = Direction(operation.azimuth_deg or 0.0, operation.elevation_deg or 0.0)
    samples = encode_plane_wave(recording.samples[0], goal.azimuth_deg, goal.elevation_deg)
    return _edited(recording, samples, operation, None, goal, (MONO_NOTE,))


def _edited(
    recording: Recording,
    samples: Float32[np.ndarray, "4 time"],
    operation: EditOperation,
    start: Direction | None,
    goal: Direction,
    notes: tuple[str, ...],
) -> Edited:
    made = replace(recording, samples=samples, layout="foa", notes=(*recording.notes, *notes), path=None)
    said = _said(operation, start, goal)
    return Edited(recording=made, operation=operation, moved_from=start, moved_to=goal, description=said)


def _said(operation: EditOperation, start: Direction | None, goal: Direction) -> str:
    if start is None:
        return f"Placed at {_where(goal)}."
    if isinstance(operation, Mirror):
        did = "Exchanged left and right"
    elif isinstance(operation, TurnBy):
        side = "left" if operation.counterclockwise_deg >= 0 else "right"
        did = f"Turned everything by {abs(operation.counterclockwise_deg):g} degrees to the {side}"
    else:
        did = "Turned everything to move the sound"
    return f"{did}: from {_where(start)} to {_where(goal)}."


def _where(direction: Direction) -> str:
    # Whole degrees: wrapped after rounding, so that what is behind is +180 and never -180, and nothing is -0.
    azimuth_deg, elevation_deg = wrap_deg(round(direction.azimuth_deg)), round(direction.elevation_deg)
    return f"{direction.spoken()} (azimuth {azimuth_deg:+.0f}, elevation {elevation_deg:+d})"


def _plain(direction: Direction | None) -> dict[str, float] | None:
    if direction is None:
        return None
    return {"azimuth_deg": direction.azimuth_deg, "elevation_deg": direction.elevation_deg}

"""Edits that can be heard: a sound field changed as a sentence says, without touching the input.

Every edit is one matrix for W, Y, Z, X. A first-order sound field can be rotated and mirrored without any loss, and
everything in it keeps its place relative to everything else. To move "it" somewhere, the direction that dominates the
recording is located and the whole field is turned so that this direction lands where the sentence says. One direction
is made louder or quieter by a first-order beam, which is wide: `salm.editing.beam` says what else it changes.

What has fewer than four channels:

- *Stereo* cannot tell front from back and knows no height. Its sound is taken to be in front: X is completed as
  cos(lateral angle) W, so that the field has a direction that can be turned; the width of the stereo picture, which is
  in Y, turns along.
- *Mono* has no direction at all. It can be placed as a plane wave, but neither turned nor mirrored.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Float32, Float64

from salm.audio.intensity import intensity_spread, locate_by_intensity
from salm.audio.peak import true_peak_db
from salm.audio.recording import Recording
from salm.audio.rotate import MIRRORS, field_matrix, rotation_matrix
from salm.editing.beam import Leak, beam_matrix, leakage
from salm.editing.operations import EditOperation, Louder, Mirror, MoveTo, RaiseBy, Tilt, TurnBy, plain_operation
from salm.editing.sentence import parse_edit
from salm.errors import InputError
from salm.frame import Direction, wrap_deg
from salm.model.inference import Model

__all__ = ["CEILING_DB", "Edited", "edit"]

CEILING_DB = -1.0
"""True peak, in dB of full scale, that no edit exceeds unless the recording did before it."""
POLE_DEG = 89.0
"""Beyond this elevation, up or down, a sound has no azimuth that anyone could hear."""

MONO_NOTE = "A mono recording has no direction of its own: it was placed as a plane wave."
STEREO_NOTE = "Stereo cannot tell front from back: the sound was taken to be in front before it was turned."

_NEAR_DEG, _LEAST_NEAR = 30.0, 0.9
# Of the true peak, which is an estimate itself.
_LEAST_GAIN_DB = 0.005

Matrix = Float64[np.ndarray, "4 4"]


@dataclass(frozen=True, kw_only=True)
class Edited:
    """What an edit made."""

    recording: Recording
    """AmbiX, at the rate and length of the input; its notes say what had to be assumed."""
    operation: EditOperation
    moved_from: Direction | None
    """Where the sound was; None for mono, and where no direction was needed and none is known."""
    moved_to: Direction | None
    """Where it is now."""
    description: str
    """What was done, in a sentence."""
    matrix: Matrix
    """What W, Y, Z, X of the input were multiplied by, the guard's gain aside."""
    gain_db: float
    """What the guard of the true peak lowered everything by: 0 or less."""
    true_peak_db: float
    """Of the result, in dB of full scale."""
    leakage: tuple[Leak, ...] = ()
    """What sounds from elsewhere gained, where a direction was made louder or quieter."""

    def to_dict(self) -> dict[str, Any]:
        """All but the samples, as it goes into JSON; ``matrix`` is for W, Y, Z, X."""
        return {
            "operation": plain_operation(self.operation),
            "description": self.description,
            "moved_from": _plain(self.moved_from),
            "moved_to": _plain(self.moved_to),
            "matrix": (self.matrix.round(12) + 0.0).tolist(),
            "gain_db": self.gain_db,
            "true_peak_db": self.true_peak_db,
            "leakage": [leak._asdict() for leak in self.leakage],
            "notes": list(self.recording.notes),
        }


def edit(
    recording: Recording,
    sentence: str | EditOperation,
    *,
    facing: str = "north",
    model: Model | None = None,
    guard: bool = True,
) -> Edited:
    """Change a sound field as a sentence says.

    A direction that is said without its elevation keeps the elevation, and the other way around. What is straight above
    or below has no azimuth: moved to a side, it comes down, or up, to the horizon.

    Parameters
    ----------
    sentence
        Such as "move it to the left", "turn it by 30 degrees", "raise it by 20 degrees", "swap left and right", "make
        the left louder by 6 dB" (:mod:`salm.editing.sentence`), or an operation.
    facing
        Where the front is on the compass.
    model
        What locates the sound; None locates by onset-weighted intensity, which is exact for a plane wave.
    guard
        Lower everything if the true peak would otherwise pass both `CEILING_DB` and what it was before.

    Raises
    ------
    InputError
        If the sentence is not understood, the recording is silent, a sound is to be moved that has no direction, or a
        mono recording is to be changed other than by placing it.
    """
    operation = parse_edit(sentence, facing=facing) if isinstance(sentence, str) else sentence
    if not recording.samples.any():
        raise InputError(f"{recording.path or 'the recording'} is silent, so there is nothing to move.")
    start, notes = _start(recording, operation, model)
    matrix = _matrix(operation, start) @ _completed(recording, start)
    samples = np.asarray(matrix.astype(np.float32) @ recording.samples)
    samples, gain_db, peak_db = _guarded(recording, samples) if guard else (samples, 0.0, _peak_db(recording, samples))
    if gain_db:
        notes = (*notes, f"Lowered by {-gain_db:.2f} dB, so that the true peak stays at {peak_db:.2f} dB.")
    made = replace(recording, samples=samples, layout="foa", notes=(*recording.notes, *notes), path=None)
    goal = _goal(operation, start)
    return Edited(
        recording=made,
        operation=operation,
        moved_from=start,
        moved_to=goal,
        description=_said(operation, start, goal),
        matrix=matrix,
        gain_db=gain_db,
        true_peak_db=peak_db,
        leakage=leakage(operation.gain_db) if isinstance(operation, Louder) and _looks_somewhere(operation) else (),
    )


def _start(
    recording: Recording, operation: EditOperation, model: Model | None
) -> tuple[Direction | None, tuple[str, ...]]:
    """Where the sound is, None if that need not be known and is not; and what has to be said of it."""
    name = recording.path or "the recording"
    if recording.ambiguity == "all":
        if isinstance(operation, MoveTo):
            return None, (MONO_NOTE,)
        what = "make louder" if isinstance(operation, Louder) else "turn or mirror"
        raise InputError(
            f"{name} is mono and has no direction to {what}; say where to put it, such as 'move it to the left'."
        )
    if isinstance(operation, Louder) and recording.ambiguity is None:
        return None, ()
    found = locate_by_intensity(recording) if model is None else model.locate(recording)
    if found.azimuth_deg is None:
        if isinstance(operation, MoveTo | RaiseBy) or recording.ambiguity is not None:
            raise InputError(f"{name} has no direction to move from: {found.reason}.")
        return None, ()
    start = Direction(found.azimuth_deg, found.elevation_deg or 0.0)
    if recording.ambiguity is not None:
        return start, (STEREO_NOTE,)
    return start, _elsewhere(recording, start) if isinstance(operation, MoveTo | RaiseBy) else ()


def _elsewhere(recording: Recording, start: Direction) -> tuple[str, ...]:
    """That the rest turns along, where much of the sound comes from elsewhere."""
    spread = intensity_spread(recording.samples, recording.rate_hz, start.vector, within_deg=_NEAR_DEG)
    if spread.near >= _LEAST_NEAR:
        return ()
    return (
        f"Only {spread.near:.0%} of what is heard comes from within {_NEAR_DEG:g} degrees of there, the rest is other "
        "sounds or echoes: the whole field turns, so that all of it moves along.",
    )


def _completed(recording: Recording, start: Direction | None) -> Matrix:
    """What makes a sound field of a recording: of stereo with X in front; anything else is one."""
    whole = np.eye(4)
    if recording.layout == "stereo" and start is not None:
        whole[3, 0] = np.cos(np.deg2rad(start.azimuth_deg))
    return whole


def _matrix(operation: EditOperation, start: Direction | None) -> Matrix:
    """What the operation multiplies W, Y, Z, X by; a sound that starts nowhere is placed as a plane wave."""
    if isinstance(operation, Louder):
        if not _looks_somewhere(operation):
            return np.eye(4) * 10 ** (operation.gain_db / 20)
        return beam_matrix(Direction(operation.azimuth_deg or 0.0, operation.elevation_deg or 0.0), operation.gain_db)
    if isinstance(operation, MoveTo) and start is None:
        x, y, z = _placed(operation).vector
        return np.outer([1.0, y, z, x], [1.0, 0.0, 0.0, 0.0])
    return field_matrix(_turned(operation, start))


def _turned(operation: EditOperation, start: Direction | None) -> Float64[np.ndarray, "3 3"]:
    """What the operation does to directions x, y, z.

    To move a sound, it is turned to the front, raised in the vertical plane there, and turned to the goal's azimuth:
    with equal elevations that is a turn around the vertical axis alone, and else the horizon stays as level as it can.
    """
    if isinstance(operation, Mirror):
        return MIRRORS[operation.sides]
    if isinstance(operation, TurnBy):
        return rotation_matrix(operation.counterclockwise_deg, 0.0, 0.0)
    if isinstance(operation, Tilt):
        return rotation_matrix(0.0, operation.pitch_deg, operation.roll_deg)
    assert start is not None
    to_front = rotation_matrix(-start.azimuth_deg, 0.0, 0.0)
    if isinstance(operation, RaiseBy):
        return np.asarray(rotation_matrix(start.azimuth_deg, operation.up_deg, 0.0) @ to_front)
    assert isinstance(operation, MoveTo)
    goal = _moved(operation, start)
    return np.asarray(rotation_matrix(goal.azimuth_deg, goal.elevation_deg - start.elevation_deg, 0.0) @ to_front)


def _goal(operation: EditOperation, start: Direction | None) -> Direction | None:
    if isinstance(operation, MoveTo):
        return _placed(operation) if start is None else _moved(operation, start)
    if start is None or isinstance(operation, Louder):
        return start
    return Direction.from_vector(_turned(operation, start) @ start.vector)


def _placed(operation: MoveTo) -> Direction:
    return Direction(operation.azimuth_deg or 0.0, operation.elevation_deg or 0.0)


def _moved(operation: MoveTo, start: Direction) -> Direction:
    elevation_deg = start.elevation_deg if operation.elevation_deg is None else operation.elevation_deg
    azimuth_deg = start.azimuth_deg if operation.azimuth_deg is None else operation.azimuth_deg
    if operation.azimuth_deg is not None and operation.elevation_deg is None and abs(elevation_deg) > POLE_DEG:
        elevation_deg = 0.0
    return Direction(azimuth_deg, elevation_deg)


def _guarded(
    recording: Recording, samples: Float32[np.ndarray, "4 time"]
) -> tuple[Float32[np.ndarray, "4 time"], float, float]:
    """Samples whose true peak is at most `CEILING_DB` or what it was, the gain that takes, and the true peak then."""
    peak_db = _peak_db(recording, samples)
    if peak_db <= CEILING_DB:
        return samples, 0.0, peak_db
    gain_db = max(CEILING_DB, _peak_db(recording, recording.samples)) - peak_db
    if gain_db > -_LEAST_GAIN_DB:
        return samples, 0.0, peak_db
    return samples * np.float32(10 ** (gain_db / 20)), gain_db, peak_db + gain_db


def _peak_db(recording: Recording, samples: Float32[np.ndarray, "4 time"]) -> float:
    return true_peak_db(samples, recording.rate_hz)


def _looks_somewhere(operation: Louder) -> bool:
    return (operation.azimuth_deg, operation.elevation_deg) != (None, None)


def _said(operation: EditOperation, start: Direction | None, goal: Direction | None) -> str:
    if isinstance(operation, Louder):
        return _said_louder(operation)
    if isinstance(operation, MoveTo) and start is None and goal is not None:
        return f"Placed at {_where(goal)}."
    did = _did(operation)
    return f"{did}." if start is None or goal is None else f"{did}: from {_where(start)} to {_where(goal)}."


def _did(operation: EditOperation) -> str:
    if isinstance(operation, Mirror):
        return f"Exchanged {operation.sides.replace('-', ' and ')}"
    if isinstance(operation, TurnBy):
        side = "left" if operation.counterclockwise_deg >= 0 else "right"
        return f"Turned everything by {abs(operation.counterclockwise_deg):g} degrees to the {side}"
    if isinstance(operation, RaiseBy):
        way = "up" if operation.up_deg >= 0 else "down"
        return f"Turned everything to move the sound {abs(operation.up_deg):g} degrees {way}"
    if isinstance(operation, Tilt):
        ways = [("forward", -operation.pitch_deg), ("back", operation.pitch_deg)]
        ways += [("to the left", -operation.roll_deg), ("to the right", operation.roll_deg)]
        by = " and ".join(f"{degrees:g} degrees {way}" for way, degrees in ways if degrees > 0)
        return f"Tilted everything {by or 'by nothing'}"
    return "Turned everything to move the sound"


def _said_louder(operation: Louder) -> str:
    by = f"{abs(operation.gain_db):g} dB {'louder' if operation.gain_db >= 0 else 'quieter'}"
    if not _looks_somewhere(operation):
        return f"Made everything {by}."
    there = Direction(operation.azimuth_deg or 0.0, operation.elevation_deg or 0.0)
    side = leakage(operation.gain_db)[2]
    towards = "towards it" if side.moved_deg < 0 else "away from it"
    return (
        f"Made {_where(there)} {by}: what is 90 degrees from there gains {side.gain_db:+.1f} dB and moves "
        f"{abs(side.moved_deg):.0f} degrees {towards}, what is opposite stays."
    )


def _where(direction: Direction) -> str:
    # Whole degrees: wrapped after rounding, so that what is behind is +180 and never -180, and nothing is -0.
    azimuth_deg, elevation_deg = wrap_deg(round(direction.azimuth_deg)), round(direction.elevation_deg)
    return f"{direction.spoken()} (azimuth {azimuth_deg:+.0f}, elevation {elevation_deg:+d})"


def _plain(direction: Direction | None) -> dict[str, float] | None:
    if direction is None:
        return None
    return {"azimuth_deg": direction.azimuth_deg, "elevation_deg": direction.elevation_deg}

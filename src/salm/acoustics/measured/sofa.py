"""Measured responses in SOFA files (AES69), read a measurement at a time.

``Data.IR`` is (measurement, receiver, sample), or (measurement, receiver, emitter, sample) as in MultiSpeakerBRIR.
The receivers are what the file says in ``Data.IR``'s attributes ``ChannelOrdering`` and ``Normalization``, the em32's
capsules if there are 32, or what the caller says: four receivers are as often a tetrahedron as Ambisonics, and
normalisation is seldom written down.

Where a response is from is the way from ``ListenerPosition`` to ``SourcePosition``, turned into the listener's frame,
in which ``ListenerView`` is the front and ``ListenerUp`` is up. Emitters stand around their source in its own frame.
Positions are Cartesian, or spherical as azimuth, elevation and distance, and each may be one for all measurements.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from jaxtyping import Float, Float32, Float64

from salm.acoustics.measured.base import MeasuredResponse, ResponseSet
from salm.audio.arrays import ARRAYS, CHANNELS, to_foa
from salm.errors import InputError
from salm.extras import needed
from salm.frame import azimuth_elevation, unit_vector

__all__ = ["Positions", "open_sofa"]

Positions = Literal["room", "listener"]
"""Whether source positions are in the room, as the standard has it, or already relative to the listener's position."""

_NEAREST_M = 1e-3
_RAW = "give channels, one of " + ", ".join(CHANNELS)


def open_sofa(path: str | Path, *, channels: str | None = None, positions: Positions = "room") -> ResponseSet:
    """Responses of a SOFA file, or of all in a folder; each file is a room.

    An id is the file's name and the number of the measurement, from 0: ``hall/17``, and with several emitters
    ``hall/17/2``. Measurements whose source is in the listener's place, or nowhere, have no direction and are counted
    as missing.

    Parameters
    ----------
    path
        A file, or a folder with files that end in ``.sofa``.
    channels
        What the receivers are, one of `salm.audio.arrays.CHANNELS`; None is what the file says.
    positions
        ``listener`` for files that give sources relative to the microphone and its position in the room besides, as
        converters of TAU-SRIR DB have written.

    Raises
    ------
    InputError
        If a file cannot be read, does not say what its receivers are, or has another convention of positions.
    """
    path = Path(path)
    if channels is not None and channels not in CHANNELS:
        raise InputError(f"channels is {channels!r} but must be one of {', '.join(CHANNELS)}.")
    if positions not in ("room", "listener"):
        raise InputError(f"positions is {positions!r} but must be room or listener.")
    files = sorted(path.rglob("*.sofa")) if path.is_dir() else [path]
    if not files:
        raise InputError(f"{path} has no files that end in .sofa.")
    root = path if path.is_dir() else path.parent
    items: list[MeasuredResponse] = []
    places: dict[str, tuple[Path, str]] = {}
    missing = 0
    for file in files:
        stem = file.relative_to(root).with_suffix("").as_posix()
        with _stream(file) as sofa:
            found = list(_items(sofa, stem, file, positions))
            places[stem] = (file, _channels(sofa, file, channels))
        items += [item for item in found if item is not None]
        missing += sum(item is None for item in found)
    name = path.resolve().name if path.is_dir() else path.stem
    return ResponseSet(name=name, items=tuple(items), reader=_Reader(files=places), missing=missing)


@dataclass(frozen=True, kw_only=True)
class _Reader:
    files: Mapping[str, tuple[Path, str]]
    """File and what its receivers are, by its name without ending."""

    def __call__(self, response_id: str) -> tuple[Float32[np.ndarray, "4 time"], int]:
        stem = next(stem for stem in self._candidates(response_id) if stem in self.files)
        numbers = [int(number) for number in response_id[len(stem) + 1 :].split("/")]
        file, channels = self.files[stem]
        with _stream(file) as sofa:
            responses = sofa.Data_IR
            samples = responses[numbers[0]] if len(responses.shape) == 3 else responses[numbers[0], :, numbers[1]]
            rates = np.asarray(sofa.Data_SamplingRate[:]).reshape(-1)
            delays = np.atleast_2d(np.asarray(_variable(sofa, "Data_Delay", [[0.0]])))
        rate_hz = float(rates[numbers[0] % len(rates)])
        delay = delays[numbers[0] % len(delays)].reshape(-1)
        samples = _delayed(np.asarray(np.ma.filled(samples, np.nan), np.float32), delay, file)
        return to_foa(samples, channels, rate_hz=round(rate_hz)), round(rate_hz)

    @staticmethod
    def _candidates(response_id: str) -> Iterator[str]:
        stem = response_id
        while "/" in stem:
            stem = stem.rsplit("/", 1)[0]
            yield stem


def _delayed(samples: Float32[np.ndarray, "receiver time"], delay: Float64[np.ndarray, " delay"], file: Path) -> Any:
    """Samples after what ``Data.Delay`` says was cut off before them."""
    whole = np.round(delay).astype(int)
    if np.any(delay < 0) or np.ptp(delay) > 0:
        raise InputError(f"{file} has a Data.Delay that is negative or differs among receivers, which is not read.")
    return np.pad(samples, ((0, 0), (int(whole[0]), 0)))


def _items(sofa: Any, stem: str, file: Path, positions: Positions) -> Iterator[MeasuredResponse | None]:
    """One item a measurement and emitter; None has no direction."""
    shape = sofa.Data_IR.shape
    if len(shape) not in (3, 4):
        raise InputError(f"{file} has Data.IR of {len(shape)} dimensions but responses have 3, or 4 with emitters.")
    vectors = _relative(sofa, file, shape[0], shape[2] if len(shape) == 4 else 0, positions)
    distances = np.linalg.norm(vectors, axis=-1)
    azimuths, elevations = azimuth_elevation(vectors)
    for place in np.ndindex(distances.shape):
        distance_m = float(distances[place])
        if not _NEAREST_M <= distance_m < np.inf:
            yield None
            continue
        yield MeasuredResponse(
            id="/".join([stem, *map(str, place)]),
            room=stem,
            azimuth_deg=float(azimuths[place]),
            elevation_deg=float(elevations[place]),
            distance_m=distance_m,
        )


def _relative(
    sofa: Any, file: Path, measurements: int, emitters: int, positions: Positions
) -> Float64[np.ndarray, "measurement *emitter 3"]:
    """Sources, or emitters if there are any, in the frame of the listener."""
    listeners = _vectors(sofa, "ListenerPosition", file, measurements)
    sources = _vectors(sofa, "SourcePosition", file, measurements)
    offsets = sources if positions == "listener" else sources - listeners
    axes = _axes(sofa, "Listener", file, measurements)
    if not emitters:
        return np.asarray(np.einsum("mij,mj->mi", axes, offsets))
    around = _emitters(sofa, file, measurements, emitters)
    turned = np.einsum("mji,mej->mei", _axes(sofa, "Source", file, measurements), around)
    return np.asarray(np.einsum("mij,mej->mei", axes, offsets[:, None] + turned))


def _emitters(sofa: Any, file: Path, measurements: int, emitters: int) -> Float64[np.ndarray, "measurement emitter 3"]:
    """Positions of emitters around their source; (emitter, 3) and (emitter, 3, one or measurement) in the file."""
    values = np.ma.filled(sofa.EmitterPosition[:], np.nan)
    values = values[..., None] if values.ndim == 2 else values
    placed = _cartesian(np.moveaxis(values, 1, -1), _type(sofa, "EmitterPosition"), file, "EmitterPosition")
    return np.broadcast_to(np.swapaxes(placed, 0, 1), (measurements, emitters, 3))


def _axes(sofa: Any, what: str, file: Path, measurements: int) -> Float64[np.ndarray, "measurement 3 3"]:
    """Rows x, y, z of the frame of the listener or the source: front, left, up."""
    if _variable(sofa, f"{what}View") is None:
        return np.broadcast_to(np.eye(3), (measurements, 3, 3))
    front = _vectors(sofa, f"{what}View", file, measurements)
    up = np.broadcast_to([0.0, 0.0, 1.0], front.shape)
    if _variable(sofa, f"{what}Up") is not None:
        # Files give the type with the view, which holds for both.
        up = _vectors(sofa, f"{what}Up", file, measurements, kind=_type(sofa, f"{what}View"))
    left = np.cross(up, front)
    lengths = np.linalg.norm(left, axis=1)
    if not np.all(lengths > 1e-6 * np.linalg.norm(up, axis=1) * np.linalg.norm(front, axis=1)):
        raise InputError(f"{file} has a {what}View along its {what}Up, which is no frame; mend the file.")
    left = left / lengths[:, None]
    front = front / np.linalg.norm(front, axis=1, keepdims=True)
    return np.stack([front, left, np.cross(front, left)], axis=1)


def _vectors(
    sofa: Any, name: str, file: Path, measurements: int, *, kind: str | None = None
) -> Float64[np.ndarray, "measurement 3"]:
    values = _variable(sofa, name)
    if values is None:
        raise InputError(f"{file} has no {name}, without which directions are not known.")
    values = np.atleast_2d(values)
    if values.shape[1] != 3 or len(values) not in (1, measurements):
        raise InputError(f"{file} has {name} of shape {values.shape} but needs (1, 3) or ({measurements}, 3).")
    return np.broadcast_to(_cartesian(values, kind or _type(sofa, name), file, name), (measurements, 3))


def _cartesian(values: Float[np.ndarray, "... 3"], kind: str, file: Path, name: str) -> Float64[np.ndarray, "... 3"]:
    values = np.asarray(values, np.float64)
    if kind == "cartesian":
        return values
    if kind == "spherical":
        return np.asarray(values[..., 2:] * unit_vector(values[..., 0], values[..., 1]))
    raise InputError(f"{file} has {name} of the type {kind!r} but positions are cartesian or spherical.")


def _type(sofa: Any, name: str) -> str:
    try:
        return str(getattr(sofa, f"{name}_Type")).strip().lower()
    except AttributeError:
        return "cartesian"


def _variable(sofa: Any, name: str, default: Any = None) -> Any:
    try:
        return np.ma.filled(getattr(sofa, name)[:], np.nan)
    except AttributeError:
        return default


def _channels(sofa: Any, file: Path, channels: str | None) -> str:
    """What the receivers are, or why that is not known."""
    receivers = sofa.Data_IR.shape[1]
    order, norm = (_text(sofa, f"Data_IR_{name}") for name in ("ChannelOrdering", "Normalization"))
    if channels is None and order == "acn" and norm in ("sn3d", "n3d"):
        channels = {"sn3d": "ambix", "n3d": "n3d"}[norm]
    elif channels is None and "fuma" in (order, norm):
        channels = "fuma"
    elif channels is None and receivers == len(ARRAYS["em32"]):
        channels = "em32"
    if channels is None:
        raise InputError(f"{file} has {receivers} receivers and does not say what they are; {_RAW}.")
    needed = len(ARRAYS[channels]) if channels in ARRAYS else None
    square = int(np.sqrt(receivers)) ** 2 == receivers and receivers >= 4
    if receivers != needed if needed else not square:
        raise InputError(f"{file} has {receivers} receivers, which cannot be {channels}; {_RAW}.")
    return channels


def _text(sofa: Any, name: str) -> str:
    try:
        return str(getattr(sofa, name)).strip().lower()
    except AttributeError:
        return ""


@contextmanager
def _stream(file: Path) -> Iterator[Any]:
    """The open file; what a SOFA file must have and this one has not is said in one line."""
    sofar = needed("sofar", extra="data", by="a SOFA file")
    try:
        with sofar.SofaStream(str(file)) as sofa:
            yield sofa
    except AttributeError as error:
        raise InputError(f"{file} is no SOFA file of responses: {error}.") from error
    except (OSError, RuntimeError) as error:
        raise InputError(
            f"{file} cannot be read as a SOFA file; it is missing, damaged or of another format."
        ) from error

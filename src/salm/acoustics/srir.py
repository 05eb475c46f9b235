"""Simulated first-order Ambisonic impulse responses of shoebox rooms: image sources, then a diffuse tail."""

import numpy as np
from jaxtyping import Float, Float32, Float64

from salm.acoustics._bands import SPEED_OF_SOUND_M_S
from salm.acoustics._images import image_responses
from salm.acoustics._tail import LONGEST_S, diffuse_tails
from salm.acoustics.room import Room
from salm.errors import InputError

__all__ = ["mixing_times_s", "simulate"]

_CROSSFADE_S = 0.01
_NEAREST_M = 0.1


def simulate(
    room: Room,
    sources_m: Float[np.ndarray, "source 3"],
    *,
    rate_hz: int = 24_000,
    seed: int,
    mixing_time_s: float | None = None,
) -> Float32[np.ndarray, "source 4 time"]:
    """Impulse responses in AmbiX from sources to the room's microphone.

    Reflections are exact until the mixing time and isotropic noise after it, with a crossfade of equal power. The
    direct sound has amplitude 1/r with r in metres and arrives after r / c: the propagation delay is kept, so the
    sources of a room stay in step. A source's response does not depend on the sources after it in the list.

    Parameters
    ----------
    room
        The room, with its microphone.
    sources_m
        Positions from the room's corner, omnidirectional sources.
    rate_hz
        Sample rate.
    seed
        Of the tail; the same seed gives the same samples.
    mixing_time_s
        When reflections give way to noise; None chooses by `mixing_times_s`.

    Returns
    -------
    Array
        As long as the slowest of the bands needs to fall by 60 dB, 4 s at most.

    Raises
    ------
    InputError
        If a source is outside the room or nearer than 0.1 m to the microphone, or the mixing time would cut
        off the direct sound or is above 4 s.
    """
    sources = np.asarray(sources_m, np.float64)
    distances = _check_sources(room, sources)
    mixing = mixing_times_s(room, distances)
    if mixing_time_s is not None:
        _check_mixing_time(mixing_time_s, float(distances.max()))
        mixing = np.full(len(sources), mixing_time_s)
    early = image_responses(room, sources, until_s=mixing, rate_hz=rate_hz)
    starts = np.floor((mixing - _CROSSFADE_S) * rate_hz).astype(int)
    first, stop = int(starts.min()), max(early.shape[-1], round(min(room.rt60_s.max(), LONGEST_S) * rate_hz))
    rng = np.random.default_rng(seed)
    tails = diffuse_tails(room, rng, sources=len(sources), start=first, stop=stop, rate_hz=rate_hz)
    responses = np.zeros((len(sources), 4, stop), np.float32)
    responses[:, :, first:] = tails
    for response, images, start in zip(responses, early, starts.tolist(), strict=True):
        _join(response, images, start, round(_CROSSFADE_S * rate_hz))
    return responses


def mixing_times_s(room: Room, distances_m: Float64[np.ndarray, " source"]) -> Float64[np.ndarray, " source"]:
    """When the response of a source has become diffuse enough to be noise, counted from its emission.

    0.0117 V + 50.1 ms with V in cubic metres, the perceptual mixing time of 95 % of listeners (Lindau, Kosanke and
    Weinzierl 2012), kept between 50 and 150 ms. A quarter of the reverberation time bounds it, since images of a box
    decay more slowly than a diffuse field; 20 ms after the direct sound are always exact.
    """
    mixing = np.clip(0.0117e-3 * room.volume_m3 + 0.0501, 0.05, 0.15)
    mixing = min(mixing, max(room.mid_rt60_s / 4, 0.05))
    return np.asarray(np.maximum(mixing, distances_m / SPEED_OF_SOUND_M_S + 0.02))


def _join(
    response: Float32[np.ndarray, "4 time"], images: Float32[np.ndarray, "4 early"], start: int, fade: int
) -> None:
    """Put images before the tail that `response` holds, crossfading from `start` on."""
    angle = np.pi / 2 * (np.arange(fade, dtype=np.float32) + 0.5) / fade
    response[:, :start] = images[:, :start]
    response[:, start : start + fade] *= np.sin(angle)
    response[:, start : start + fade] += np.cos(angle) * images[:, start : start + fade]


def _check_sources(room: Room, sources_m: Float64[np.ndarray, "source 3"]) -> Float64[np.ndarray, " source"]:
    """Distances from the microphone, or why they cannot be."""
    if sources_m.ndim != 2 or sources_m.shape[1] != 3 or len(sources_m) == 0:
        raise InputError(f"sources_m must have shape (sources, 3) with one source or more, not {sources_m.shape}.")
    distances: Float64[np.ndarray, " source"] = np.linalg.norm(sources_m - room.microphone_m, axis=1)
    for position, distance in zip(sources_m.tolist(), distances, strict=True):
        if not room.contains(position):
            raise InputError(f"the source at {position} m is outside the room of {room.size_m} m.")
        if distance < _NEAREST_M:
            raise InputError(
                f"the source at {position} m is {distance:.3f} m from the microphone; keep {_NEAREST_M} m."
            )
    return distances


def _check_mixing_time(mixing_time_s: float, farthest_m: float) -> None:
    least_s = farthest_m / SPEED_OF_SOUND_M_S + _CROSSFADE_S
    if not least_s < mixing_time_s <= LONGEST_S:
        raise InputError(
            f"mixing_time_s is {mixing_time_s} but a source at {farthest_m:.2f} m needs {least_s:.3f} to {LONGEST_S} s."
        )

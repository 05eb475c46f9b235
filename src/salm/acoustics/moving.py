"""A sound that moves: it passes from the response of one place to that of the next."""

import numpy as np
from jaxtyping import Float32, Int64

from salm.acoustics.render import convolve
from salm.errors import InputError

__all__ = ["convolve_moving"]


def convolve_moving(
    dry: Float32[np.ndarray, " time"],
    srirs: Float32[np.ndarray, "place 4 response"],
    at: Int64[np.ndarray, " place"],
) -> Float32[np.ndarray, "4 time"]:
    """Convolve a sound with the responses of the places that it passes, cut to the sound's length.

    The dry sound is shared out: at sample ``at[k]`` all of it goes through the response of place k, in between it fades
    linearly from one to the next, and before the first and after the last place it stands still. What a place has been
    sent rings on there, as it does in a room. There is no Doppler shift; places should be near each other.

    Raises
    ------
    InputError
        If the places are not in order of time, or there are not as many responses.
    """
    if at.shape != srirs.shape[:1] or (np.diff(at) <= 0).any():
        raise InputError(f"{len(srirs)} responses need as many times, each later than the one before, not {at.shape}.")
    wet = np.zeros((4, dry.size), np.float32)
    spans = zip([-1, *at[:-1]], at, [*at[1:], dry.size], strict=True)
    for place, (before, own, after) in enumerate(spans):
        first, stop = max(before + 1, 0), min(after, dry.size)
        if stop <= first:
            continue
        times = np.arange(first, stop)
        share = np.ones(len(times), np.float32)
        if place > 0:
            share = np.minimum(share, ((times - before) / (own - before)).astype(np.float32))
        if place < len(at) - 1:
            share = np.minimum(share, ((after - times) / (after - own)).astype(np.float32))
        ringing = min(srirs.shape[-1] - 1, dry.size - stop)
        piece = np.pad(dry[first:stop] * share, (0, ringing))
        wet[:, first : first + piece.size] += convolve(piece, srirs[place : place + 1])[0]
    return wet

"""Rotations and mirrors of a first-order sound field: exact, because W, Y, Z, X go over into themselves.

W is left alone; the vector (X, Y, Z) of each sample turns as directions do. A mirror changes the sign of one of them.
"""

from types import MappingProxyType

import numpy as np
from jaxtyping import Float, Float32, Float64

__all__ = ["MIRRORS", "field_matrix", "mirror_left_right", "rotate", "rotation_matrix", "yaw"]

Foa = Float32[np.ndarray, "4 time"]

# Where x, y and z are among W, Y, Z, X.
_XYZ = (3, 1, 2)

MIRRORS = MappingProxyType(
    {
        "left-right": np.diag([1.0, -1.0, 1.0]),
        "front-back": np.diag([-1.0, 1.0, 1.0]),
        "up-down": np.diag([1.0, 1.0, -1.0]),
    }
)
"""Matrices for x, y, z that exchange two sides."""


def rotation_matrix(yaw_deg: float, pitch_deg: float, roll_deg: float) -> Float64[np.ndarray, "3 3"]:
    """Matrix that turns direction vectors x, y, z: first roll, then pitch, then yaw.

    Parameters
    ----------
    yaw_deg
        Counter-clockwise around z: what is in front goes to the left.
    pitch_deg
        Around y: what is in front goes up.
    roll_deg
        Around x: what is on the left goes up.
    """
    (cy, cp, cr), (sy, sp, sr) = (f(np.deg2rad([yaw_deg, pitch_deg, roll_deg])) for f in (np.cos, np.sin))
    around_z = np.array([[cy, -sy, 0], [sy, cy, 0], [0, 0, 1]])
    around_y = np.array([[cp, 0, -sp], [0, 1, 0], [sp, 0, cp]])
    around_x = np.array([[1, 0, 0], [0, cr, -sr], [0, sr, cr]])
    return np.asarray(around_z @ around_y @ around_x)


def field_matrix(matrix: Float[np.ndarray, "3 3"]) -> Float64[np.ndarray, "4 4"]:
    """A matrix for x, y, z as one for W, Y, Z, X."""
    whole = np.eye(4)
    whole[np.ix_(_XYZ, _XYZ)] = matrix
    return whole


def rotate(samples: Foa, matrix: Float[np.ndarray, "3 3"]) -> Foa:
    """The sound field with every direction turned by an orthogonal matrix for x, y, z."""
    turned = np.empty_like(samples)
    turned[0] = samples[0]
    turned[list(_XYZ)] = matrix.astype(np.float32) @ samples[list(_XYZ)]
    return turned


def yaw(samples: Foa, counterclockwise_deg: float) -> Foa:
    """The sound field turned around the vertical axis: azimuths grow by the angle."""
    return rotate(samples, rotation_matrix(counterclockwise_deg, 0.0, 0.0))


def mirror_left_right(samples: Foa) -> Foa:
    """The sound field with left and right exchanged: azimuths change their sign."""
    return samples * np.array([[1], [-1], [1], [1]], np.float32)

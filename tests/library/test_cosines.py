import numba
import numpy as np
from numba.extending import intrinsic

from salm.library import _cosines
from salm.library._cosines import cosines


def in_compiled_code(decoded, halves: np.ndarray) -> np.ndarray:  # type: ignore[no-untyped-def]
    @numba.njit
    def all_of(bits, found):  # type: ignore[no-untyped-def]
        for i in range(len(bits)):
            found[i] = decoded(bits[i])

    found = np.empty(len(halves), np.float32)
    all_of(halves.view(np.int16), found)
    return found


def test_every_finite_half_is_decoded_as_numpy_does_with_and_without_the_processors_instruction() -> None:
    halves = np.arange(2**16).astype(np.uint16).view(np.float16)
    halves = halves[np.isfinite(halves)]

    @intrinsic
    def shifted(_context, _bits):  # type: ignore[no-untyped-def]
        return numba.float32(numba.int16), lambda _, builder, __, bits: _cosines._shifted(builder, *bits)

    for decoded in (_cosines._decoded, shifted):
        np.testing.assert_array_equal(in_compiled_code(decoded, halves), halves.astype(np.float32))


def test_cosines_of_some_rows_are_those_of_double_precision() -> None:
    rng = np.random.default_rng(5)
    semantic, spatial = (rng.standard_normal((9_000, 24)).astype(np.float16) for _ in range(2))
    semantic[7] = 0
    directed, weight = rng.integers(2, size=9_000).astype(np.float32), rng.uniform(0, 2, 24).astype(np.float32)
    what, joint = (rng.standard_normal((count, 24)).astype(np.float32) for count in (2, 3))
    rows = np.sort(rng.permutation(9_000)[:8_500])
    found = cosines(semantic, spatial, directed, rows, what=what, joint=joint, joint_weight=weight)
    whole = semantic.astype(np.float64) + directed[:, None] * weight * spatial.astype(np.float64)
    for cosine, vectors, queries in zip(found, (semantic.astype(np.float64), whole), (what, joint), strict=True):
        length = np.linalg.norm(vectors, axis=1) * np.linalg.norm(queries, axis=1)[:, None]
        slow = queries.astype(np.float64) @ vectors.T / np.maximum(length, 1e-12)
        np.testing.assert_allclose(cosine, slow[:, rows], atol=1e-6)

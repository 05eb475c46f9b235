"""What the spatial embedding tells of what, and the semantic one of where: none, all, and by a slow probe."""

import numpy as np
import pytest

from salm.evaluation.intervals import intervals, plain
from salm.evaluation.leakage import leakage_figures, probed


@pytest.fixture
def figures(make_oracle, make_bench) -> dict:
    return plain(leakage_figures(make_bench(make_oracle())))


def test_a_model_that_keeps_them_apart_leaks_nothing(make_oracle, make_bench) -> None:
    tree = leakage_figures(make_bench(make_oracle()))
    figures, bounds = plain(tree), intervals(tree, seed=3)
    assert figures["what_by_semantic"]["r1"] == 1.0
    # The stand-in has one spatial embedding a sector: the right sound is behind all others of its sector or of none.
    assert figures["what_by_spatial"]["r1"] < 0.1
    assert figures["what_by_spatial"]["chance_r1"] == pytest.approx(1 / 96)
    assert figures["what_by_spatial"]["chance_r10"] == pytest.approx(10 / 96)
    assert figures["where_by_spatial"] == {"zero_shot": 1.0, "probe": 1.0, "chance": 0.125}
    for name in ("zero_shot", "probe"):
        low, high = bounds["where_by_semantic"][name]
        assert low <= figures["where_by_semantic"][name] <= high
        # Of 96 scenes at 1 in 8 the standard deviation is 3.2.
        assert figures["where_by_semantic"][name] <= (12 + 4 * 3.2) / 96


def test_a_semantic_embedding_that_knows_where_is_caught(make_oracle, make_bench) -> None:
    bench = make_bench(make_oracle())
    bench.heard.embeddings.semantic[:] += 0.3 * np.roll(bench.heard.embeddings.spatial, 1, axis=1)
    figures = plain(leakage_figures(bench))
    # Not said in the words of the sentences, so that only the probe can know.
    assert figures["where_by_semantic"]["probe"] > 0.9
    assert figures["where_by_semantic"]["zero_shot"] < 0.4


def test_a_spatial_embedding_that_knows_what_is_caught(make_oracle, make_bench) -> None:
    bench = make_bench(make_oracle())
    for heard in (bench.heard, bench.free_field[1]):
        heard.embeddings.spatial[:] += heard.embeddings.semantic
    assert plain(leakage_figures(bench))["what_by_spatial"]["r1"] > 0.9


def test_a_probe_is_never_trained_on_the_recording_that_it_is_asked_about(rng: np.random.Generator) -> None:
    """Every recording has a place and a pattern of its own: who has seen it knows the place, and nobody else does."""
    recordings = np.repeat(np.arange(40), 3)
    patterns, places = rng.standard_normal((40, 60)), rng.integers(8, size=40)
    embeddings, sectors = patterns[recordings].astype(np.float32), places[recordings]
    assert np.mean(probed(embeddings, sectors, np.arange(120), seed=0) == sectors) > 0.9
    assert np.mean(probed(embeddings, sectors, recordings, seed=0) == sectors) < 0.5


def test_a_single_recording_cannot_be_probed(rng: np.random.Generator) -> None:
    assert probed(rng.standard_normal((3, 4)), np.array([0, 1, 2]), np.zeros(3, int), seed=0).tolist() == [-1, -1, -1]

"""Confidence: statistics against slow versions and torchmetrics, the scenes, the figures, and calibration."""

from collections import Counter
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torchmetrics.classification import BinaryAUROC, BinaryCalibrationError

from salm.audio.intensity import intensity_direction
from salm.errors import InputError
from salm.evaluation import confidence as room
from salm.evaluation.confidence import (
    CONDITIONS,
    ONE_SOUND,
    auroc,
    calibrated,
    calibration_error,
    confidence_figures,
    confident_half,
    draw_trials,
    hear_trials,
)
from salm.evaluation.intervals import intervals, plain
from salm.frame import angle_between_deg, unit_vector, wrap_deg
from salm.model.cone import LEVELS, kappa_of
from salm.model.confidence import Evidence, confidence, fit_cones, fit_confidence
from salm.model.inference import Location

RATE_HZ = 8000


@pytest.fixture
def pairs(rng: np.random.Generator) -> np.ndarray:
    """Seven resamples of confidences, in steps of 0.01 so that some are equal, and whether they were right."""
    said = np.round(rng.random((7, 90)), 2)
    return np.stack([said, rng.random((7, 90)) < said], axis=-1)


def test_calibration_error_by_hand() -> None:
    """Two bins: 0.05 and 0.09 with one right, 0.81 and 1 (in the last bin) alone, 0.81 wrong."""
    rows = np.array([[[0.05, 0], [0.09, 1], [0.81, 0], [1.0, 1]]])
    assert calibration_error(rows) == pytest.approx((abs(0.14 - 1) + 0.81 + 0) / 4)


def test_calibration_error_is_that_of_torchmetrics(pairs: np.ndarray) -> None:
    # torchmetrics puts a confidence on a border into the bin below it.
    pairs[..., 0] = np.clip(pairs[..., 0] + 0.003, 0, 0.999)
    metric = BinaryCalibrationError(n_bins=10, norm="l1")
    expected = [metric(torch.tensor(row[:, 0]), torch.tensor(row[:, 1]).int()).item() for row in pairs]
    np.testing.assert_allclose(calibration_error(pairs), expected, atol=1e-6)


def test_auroc_counts_pairs(pairs: np.ndarray) -> None:
    slow = []
    for row in pairs:
        right, wrong = row[row[:, 1] == 1, 0], row[row[:, 1] == 0, 0]
        wins = [(a > b) + 0.5 * (a == b) for a in right for b in wrong]
        slow.append(sum(wins) / len(wins))
    np.testing.assert_allclose(auroc(pairs), slow)
    metric = BinaryAUROC()
    expected = [metric(torch.tensor(row[:, 0]), torch.tensor(row[:, 1]).int()).item() for row in pairs]
    np.testing.assert_allclose(auroc(pairs), expected, atol=1e-6)


def test_auroc_of_one_kind_is_unknown() -> None:
    assert np.isnan(auroc(np.array([[[0.2, 1], [0.4, 1]], [[0.2, 0], [0.4, 0]]]))).all()


def test_the_confident_half() -> None:
    rows = np.array(
        [[[0.1, 1], [0.9, 0], [0.8, 1], [0.2, 0], [0.7, 1]], [[0.5, 1], [0.5, 1], [0.5, 1], [0.5, 0], [0.5, 0]]]
    )
    np.testing.assert_allclose(confident_half(rows), [2 / 3, 1.0])


def test_all_conditions_in_turn(toy_corpus) -> None:
    trials = draw_trials(toy_corpus, scenes=12, seed=1)
    assert [name for name, _ in trials[:5]] == list(CONDITIONS)
    assert set(Counter(name for name, _ in trials).values()) == {2, 3}
    assert draw_trials(toy_corpus, scenes=12, seed=1) == trials
    assert draw_trials(toy_corpus, scenes=12, seed=2) != trials
    with pytest.raises(InputError, match="at least 1"):
        draw_trials(toy_corpus, scenes=0, seed=1)


def test_each_condition_is_what_its_name_says(toy_corpus) -> None:
    trials = draw_trials(toy_corpus, scenes=100, seed=2)
    by_name = {name: [scene for condition, scene in trials if condition == name] for name in CONDITIONS}
    assert all(-65 <= scene.noise_db <= -40 for scene in by_name["plain"])
    noise_db = [scene.noise_db for scene in by_name["noise"]]
    assert -20 <= min(noise_db) < -12
    assert -8 < max(noise_db) <= 0
    for scene in by_name["other_sound"]:
        first, other = scene.sources
        assert abs(wrap_deg(other.azimuth_deg - first.azimuth_deg)) >= 60
        at_microphone_db = other.gain_db - 20 * np.log10(other.distance_m / first.distance_m)
        assert -12 <= at_microphone_db <= 0
        assert scene.duration_s == toy_corpus.sounds[0].duration_s
        assert scene.room.contains(scene.room.microphone_m + other.distance_m * _vector(other))
    assert len({scene.sources[1].sound_id for scene in by_name["other_sound"]}) > 10
    for scene in by_name["reverberation"]:
        (source,) = scene.sources
        assert 1.5 <= scene.room.mid_rt60_s <= 3.0
        assert scene.room.contains(scene.room.microphone_m + source.distance_m * _vector(source))


def test_where_there_is_no_direction_intensity_finds_little(toy_corpus) -> None:
    trials = [trial for trial in draw_trials(toy_corpus, scenes=40, seed=3) if trial[0] in ("plain", "no_direction")]
    found = {"plain": [], "no_direction": []}
    kinds = set()
    for (name, _), recording in hear_trials(trials, toy_corpus, RATE_HZ):
        found[name].append(intensity_direction(recording.samples, RATE_HZ).confidence)
        levels = np.sqrt(np.square(recording.samples).mean(axis=1))
        kinds |= {bool(levels[1:].max() < 0.02 * levels[0])} if name == "no_direction" else set()
    assert np.median(found["no_direction"]) < 0.5 < 0.9 < np.median(found["plain"])
    assert kinds == {True, False}


def test_recordings_depend_on_the_scene_alone(toy_corpus) -> None:
    trials = draw_trials(toy_corpus, scenes=5, seed=3)
    once, again = ([r.samples for _, r in hear_trials(t, toy_corpus, RATE_HZ)] for t in (trials, trials[-1:]))
    np.testing.assert_array_equal(once[-1], again[0])


class Sayer:
    """A model that is told, trial by trial, where it locates, how sure it is and how wide its cones are."""

    def __init__(
        self, answers: list[tuple[float | None, float | None, float]], *, cone_deg: float | None = None
    ) -> None:
        self.config = SimpleNamespace(
            features=SimpleNamespace(rate_hz=RATE_HZ), cone=() if cone_deg is None else ((1.0,),) * 4
        )
        self._answers = iter(answers)
        self._cone_deg = cone_deg

    def hear(self, _) -> SimpleNamespace:
        azimuth_deg, elevation_deg, sure = next(self._answers)
        vector = np.zeros(3) if azimuth_deg is None else unit_vector(azimuth_deg, elevation_deg)
        return SimpleNamespace(said=(azimuth_deg, elevation_deg, sure), direction=np.array([vector]))

    def cones(self, _) -> list[dict[float, float]]:
        widths = () if self._cone_deg is None else (5.0, 20.0, self._cone_deg, 180.0)
        return [dict(zip(LEVELS, widths, strict=False))]

    def places(self, heard: SimpleNamespace, *, widest_deg: float) -> list[Location]:
        assert widest_deg == 180.0
        azimuth_deg, elevation_deg, sure = heard.said
        place = Location(
            start_s=0.0,
            end_s=1.0,
            azimuth_deg=azimuth_deg,
            elevation_deg=elevation_deg,
            sector=None,
            confidence=sure,
            ambiguity=None if azimuth_deg is not None else "all",
            reason=None,
            cone_deg=self._cone_deg if azimuth_deg is not None or self._cone_deg is None else 180.0,
            kappa=None if self._cone_deg is None else 0.0 if azimuth_deg is None else kappa_of(self._cone_deg),
        )
        return [place]


@pytest.fixture
def silent(monkeypatch) -> None:
    """Scenes are not rendered."""
    monkeypatch.setattr(room, "render_scene", lambda *_, **__: np.ones((4, 8), np.float32))


@pytest.mark.usefixtures("silent")
def test_figures_by_hand(toy_corpus) -> None:
    """Plain: right. Noise: 30 degrees off. Two sounds: at the other one, right. Reverberation: says nothing."""
    trials = draw_trials(toy_corpus, scenes=5, seed=0)
    places = [(scene.sources[-1].azimuth_deg, scene.sources[-1].elevation_deg) for _, scene in trials]
    answers = [(*places[0], 0.9), (places[1][0], places[1][1] - 30, 0.6), (*places[2], 0.8), (None, None, 0.0)]
    figures = plain(confidence_figures(Sayer([*answers, (*places[4], 0.3)]), toy_corpus, scenes=5, seed=0))
    assert figures["right"] == 2 / 5
    assert figures["confidence"] == pytest.approx(2.6 / 5)
    assert figures["auroc"] == 1.0
    assert figures["brier"] == pytest.approx((0.1**2 + 0.6**2 + 0.2**2 + 0 + 0.3**2) / 5)
    assert figures["calibration_error"] == pytest.approx((0.1 + 0.6 + 0.2 + 0 + 0.3) / 5)
    assert figures["right_of_confident_half"] == 2 / 3
    rights = {name: row["right"] for name, row in figures["conditions"].items()}
    assert rights == {"plain": 1, "noise": 0, "other_sound": 1, "reverberation": 0, "no_direction": 0}
    assert figures["conditions"]["noise"]["confidence"] == 0.6
    # Three scenes with one sound, of which one says nothing, against one without: 0.3.
    assert figures["auroc_direction"] == 2 / 3
    assert {name: (row["count"], row["right"]) for name, row in figures["reliability"].items()} == {
        "0-10": (1, 0.0),
        "30-40": (1, 0.0),
        "60-70": (1, 0.0),
        "80-90": (1, 1.0),
        "90-100": (1, 1.0),
    }
    assert figures["reliability"]["60-70"]["said"] == 0.6
    assert "cone" not in figures


@pytest.mark.usefixtures("silent")
def test_cones_by_hand(toy_corpus) -> None:
    """Errors of 0, 30, 30 and 60 degrees against a cone of 45; of the second sound nothing is promised."""
    trials = draw_trials(toy_corpus, scenes=5, seed=0)
    errors_deg = (0, 30, 30, 60, 0)
    answers = []
    for (_, scene), error_deg in zip(trials, errors_deg, strict=True):
        azimuth_deg, elevation_deg = scene.sources[-1].azimuth_deg, scene.sources[-1].elevation_deg
        # Towards the horizon and on, not beyond a pole.
        answers.append((azimuth_deg, elevation_deg - np.copysign(error_deg, elevation_deg), 0.5))
    figures = plain(confidence_figures(Sayer(answers, cone_deg=45.0), toy_corpus, scenes=5, seed=0))
    assert figures["cone"]["covered"] == 2 / 3
    assert figures["cone"]["cone_deg"] == pytest.approx(45.0, abs=1e-6)
    assert figures["cone"]["levels"] == {"50": 1 / 3, "80": 1 / 3, "90": 2 / 3, "95": 1.0}
    conditions = figures["conditions"]
    covered = {name: row["covered"] for name, row in conditions.items() if name != "no_direction"}
    assert covered == {"plain": 1.0, "noise": 1.0, "other_sound": 1.0, "reverberation": 0.0}
    assert "covered" not in conditions["no_direction"]
    assert {row["abstains"] for row in conditions.values()} == {0.0}


@pytest.mark.usefixtures("silent")
def test_wide_cones_and_no_direction_abstain(toy_corpus) -> None:
    wide, silent = ([(0.0, 0.0, 0.5)] * 5, [(None, None, 0.0)] * 5)
    for answers, cone_deg in ((wide, 61.0), (silent, 10.0)):
        figures = plain(confidence_figures(Sayer(answers, cone_deg=cone_deg), toy_corpus, scenes=5, seed=0))
        assert {row["abstains"] for row in figures["conditions"].values()} == {1.0}


@pytest.mark.usefixtures("silent")
def test_some_conditions_alone(toy_corpus) -> None:
    names = [name for name, _ in draw_trials(toy_corpus, scenes=7, seed=0, conditions=ONE_SOUND)]
    assert names == [ONE_SOUND[i % 3] for i in range(7)]
    figures = confidence_figures(Sayer([(0.0, 0.0, 0.5)] * 7), toy_corpus, scenes=7, seed=0, conditions=ONE_SOUND)
    assert list(figures["conditions"]) == list(ONE_SOUND)
    # Without scenes that have no direction there is nothing to tell from.
    assert intervals(figures)["auroc_direction"] == [0.0, 1.0]


@pytest.mark.usefixtures("silent")
def test_few_scenes_leave_conditions_out(toy_corpus) -> None:
    figures = confidence_figures(Sayer([(None, None, 0.5)]), toy_corpus, scenes=1, seed=0)
    assert list(figures["conditions"]) == ["plain"]
    assert plain(figures)["auroc"] == 0.0
    assert intervals(figures)["auroc"] == [0.0, 1.0]


def test_figures_of_a_listener(make_oracle, toy_corpus) -> None:
    once, again = (confidence_figures(make_oracle(), toy_corpus, scenes=15, seed=7) for _ in range(2))
    assert plain(once) == plain(again)
    assert intervals(once) == intervals(again)
    conditions = plain(once)["conditions"]
    assert conditions["no_direction"]["confidence"] < conditions["plain"]["confidence"]


def test_known_weights_are_recovered(rng: np.random.Generator) -> None:
    """20,000 answers; of evidence that says the same twice the chances are recovered, not the weights."""
    truth = (1.0, -4.0, 3.0, 0.5)
    evidence = [evidence_of(*rng.random(3)) for _ in range(20_000)]
    close = rng.random(len(evidence)) < [confidence(item, truth) for item in evidence]
    fitted = fit_confidence(evidence, close)
    said = np.array([confidence(item, fitted) for item in evidence])
    assert np.abs(said - [confidence(item, truth) for item in evidence]).mean() < 0.015
    assert calibration_error(np.stack([said, close], axis=-1)[None]) < 0.02


def evidence_of(a: float, b: float, c: float) -> Evidence:
    """Evidence of three numbers from 0 to 1."""
    return Evidence(
        disagreement_deg=180 * a, concentration=b, sentence=c, length=b, near=(1 - a) * b, bins=1000 * c, directness=b
    )


class Witness:
    """A model that hears one or two windows a scene, each with evidence of its own, and is right where it is told."""

    def __init__(self, trials, right: list[list[bool]], rng: np.random.Generator) -> None:
        self.config = SimpleNamespace(features=SimpleNamespace(rate_hz=RATE_HZ))
        self.given = [[evidence_of(*rng.random(3)) for _ in row] for row in right]
        self._heard = iter(zip(trials, right, self.given, strict=True))

    def hear(self, _) -> SimpleNamespace:
        (name, scene), right, given = next(self._heard)
        true = _vector(scene.sources[0])
        return SimpleNamespace(
            direction=np.stack([true if is_right else -true for is_right in right]),
            by_intensity=[SimpleNamespace(ambiguity="all" if name == "reverberation" else None) for _ in right],
            given=given,
        )

    def evidence(self, heard: SimpleNamespace) -> list[Evidence]:
        return heard.given


@pytest.mark.usefixtures("silent")
def test_calibration_uses_every_window_that_has_a_direction(toy_corpus, rng: np.random.Generator) -> None:
    trials = [*draw_trials(toy_corpus, scenes=240, seed=5), *draw_trials(toy_corpus, scenes=40, seed=5)]
    right = [list(rng.random(1 + number % 2) < 0.6) for number in range(280)]
    witness = Witness(trials, right, rng)
    found = calibrated(witness, [(toy_corpus, 240), (toy_corpus, 40)], seed=5)
    rows = [
        (given, is_right, number)
        for number, ((name, _), rights, all_given) in enumerate(zip(trials, right, witness.given, strict=True))
        for is_right, given in zip(rights, all_given, strict=True)
        if name != "reverberation"
    ]
    given, _, number = zip(*rows, strict=True)
    # Without a direction the error is drawn.
    drawn = iter(np.degrees(np.arccos(np.random.default_rng([5, 12]).uniform(-1, 1, 1000))))
    errors_deg = np.array(
        [next(drawn) if trials[n][0] == "no_direction" else error(trials[n][1], is_right) for _, is_right, n in rows]
    )
    close = (errors_deg <= 20) & [trials[n][0] != "no_direction" for n in number]
    assert found.confidence == fit_confidence(list(given), close)
    promised = np.array([trials[n][0] in ONE_SOUND for n in number])
    wanted = fit_cones(list(given), errors_deg, promised=promised, scene=np.array(number))
    np.testing.assert_allclose(found.cone, wanted, atol=1e-5)


@pytest.mark.usefixtures("silent")
def test_a_model_that_is_never_right_cannot_be_calibrated(toy_corpus, rng: np.random.Generator) -> None:
    trials = draw_trials(toy_corpus, scenes=20, seed=5)
    with pytest.raises(ValueError, match="0 of them close"):
        calibrated(Witness(trials, [[False]] * 20, rng), [(toy_corpus, 20)], seed=5)


def error(scene, is_right: bool) -> float:
    """Of the direction of the first sound, or the opposite one, to the nearest sound."""
    direction = _vector(scene.sources[0]) if is_right else -_vector(scene.sources[0])
    return min(float(angle_between_deg(direction, _vector(source))) for source in scene.sources)


def _vector(source) -> np.ndarray:
    return unit_vector(source.azimuth_deg, source.elevation_deg)

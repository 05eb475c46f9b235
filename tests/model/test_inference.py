"""A model before recordings: the same answer every time, windows that cover the file, and no direction made up."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soxr
import torch

from salm.acoustics.diffuse import diffuse_noise
from salm.audio.formats import encode_plane_wave, from_mono, from_stereo
from salm.audio.recording import Recording
from salm.frame import SECTORS, angle_between_deg, sector_index, unit_vector
from salm.model.cone import cone_of, kappa_of
from salm.model.inference import AudioEmbeddings, Location, Model, load, merged, save_embeddings

RATE_HZ = 24_000


def noise(rng: np.random.Generator, duration_s: float, rate_hz: int = RATE_HZ) -> np.ndarray:
    """Noise below 8 kHz, so that other rates can carry it."""
    white = np.fft.rfft(rng.standard_normal(round(duration_s * rate_hz)))
    white[round(8000 * duration_s) :] = 0
    return (0.1 * np.fft.irfft(white, round(duration_s * rate_hz))).astype(np.float32)


def wave(
    rng: np.random.Generator, azimuth_deg: float = 60.0, elevation_deg: float = 10.0, *, duration_s: float = 1.0
) -> Recording:
    samples = encode_plane_wave(noise(rng, duration_s), azimuth_deg, elevation_deg)
    return Recording(samples=samples, rate_hz=RATE_HZ)


def assert_equal(a: AudioEmbeddings, b: AudioEmbeddings) -> None:
    for left, right in zip(a, b, strict=True):
        np.testing.assert_array_equal(left, right)


def test_the_same_recording_gives_the_same_bits(model: Model, rng: np.random.Generator) -> None:
    recording = wave(rng, duration_s=2.5)
    assert_equal(model.embed_audio([recording]), model.embed_audio([recording]))
    assert model.locate(recording) == model.locate(recording)


def test_the_same_sentence_gives_the_same_bits(model: Model) -> None:
    sentences = ["A dog barks on the left.", "Rain."]
    np.testing.assert_array_equal(model.embed_text(sentences), model.embed_text(sentences))


def test_other_recordings_beside_it_change_nothing(model: Model, rng: np.random.Generator) -> None:
    first, second = wave(rng), wave(rng, -90.0, duration_s=3.0)
    both = model.embed_audio([first, second])
    for row, recording in enumerate((first, second)):
        for part, alone in zip(both, model.embed_audio([recording]), strict=True):
            np.testing.assert_array_equal(part[row], alone[0])


def test_embeddings_are_raw_float32_rows(model: Model, rng: np.random.Generator) -> None:
    embeddings = model.embed_audio([wave(rng), wave(rng, 0.0)])
    for part in embeddings:
        assert part.shape == (2, model.config.width)
        assert part.dtype == np.float32
    assert np.abs(np.linalg.norm(embeddings.spatial, axis=1) - 1).max() > 1e-3


def test_normalised_embeddings_have_length_one_and_their_direction(model: Model, rng: np.random.Generator) -> None:
    raw = model.embed_audio([wave(rng)])
    for unit, part in zip(raw.normalised(), raw, strict=True):
        np.testing.assert_allclose(unit, part / np.sqrt((part**2).sum()), rtol=1e-5)


def test_text_embeddings_have_length_one(model: Model) -> None:
    embedded = model.embed_text(["A dog barks on the left.", "Rain.", ""])
    assert embedded.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(embedded, axis=1), 1, rtol=1e-6)


@pytest.mark.parametrize(
    ("duration_s", "starts_s"), [(0.4, [0.0]), (1.0, [0.0]), (1.5, [0.0, 0.5]), (3.2, [0.0, 1.0, 2.0, 2.2])]
)
def test_windows_cover_a_recording_of_any_length(
    model: Model, rng: np.random.Generator, duration_s: float, starts_s: list[float]
) -> None:
    places = model.locate_windows(wave(rng, duration_s=duration_s))
    assert [place.start_s for place in places] == pytest.approx(starts_s)
    assert [place.end_s for place in places] == pytest.approx([min(s + 1, duration_s) for s in starts_s])


def test_a_file_is_the_mean_over_its_windows(model: Model, rng: np.random.Generator) -> None:
    recording = wave(rng, duration_s=2.5)
    pieces = [recording.samples[:, a:b] for a, b in ((0, 24_000), (24_000, 48_000), (36_000, 60_000))]
    alone = model.embed_audio([Recording(samples=np.ascontiguousarray(p), rate_hz=RATE_HZ) for p in pieces])
    for whole, parts in zip(model.embed_audio([recording]), alone, strict=True):
        np.testing.assert_allclose(whole[0], parts.mean(axis=0), atol=1e-4)


def test_more_windows_than_a_batch_keep_their_order(models: dict[str, Model], rng: np.random.Generator) -> None:
    model = models["tagger_htsat"]
    azimuths = np.linspace(-170, 170, 20)
    samples = np.concatenate([wave(rng, azimuth).samples for azimuth in azimuths], axis=1)
    heard = model.hear(Recording(samples=samples, rate_hz=RATE_HZ))
    found = [place.azimuth_deg for place in model.places(heard)]
    # An untrained model of this pair answers with the onset-weighted intensity, which for a plane wave is the truth.
    np.testing.assert_allclose(found, azimuths, atol=1)
    np.testing.assert_allclose(np.linalg.norm(heard.direction, axis=1), 1, rtol=1e-5)


def test_a_location_has_all_it_promises(model: Model, rng: np.random.Generator) -> None:
    place = model.locate(wave(rng, duration_s=2.0))
    assert place.azimuth_deg is not None
    assert place.elevation_deg is not None
    assert -180 < place.azimuth_deg <= 180
    assert -90 <= place.elevation_deg <= 90
    assert place.sector == SECTORS[sector_index(place.azimuth_deg)]
    # Without calibration nothing is known of the chance.
    assert place.confidence == pytest.approx(0.5)
    assert (place.start_s, place.end_s) == (0.0, 2.0)
    assert place.ambiguity is None
    assert place.reason is None


def test_a_location_in_plain_form_has_the_contracts_fields(model: Model, rng: np.random.Generator) -> None:
    wanted = {"start_s", "end_s", "azimuth_deg", "elevation_deg", "sector", "confidence", "ambiguity", "reason"}
    wanted |= {"cone_deg", "kappa"}
    assert wanted <= model.locate(wave(rng)).to_dict().keys()


@pytest.mark.parametrize(("azimuth_deg", "elevation_deg"), [(0, 0), (90, 30), (-45, -20), (180, 0), (-120, 45)])
def test_an_untrained_tagger_pair_finds_a_plane_wave(
    models: dict[str, Model], rng: np.random.Generator, azimuth_deg: float, elevation_deg: float
) -> None:
    place = models["tagger_htsat"].locate(wave(rng, azimuth_deg, elevation_deg))
    assert place.vector is not None
    assert angle_between_deg(place.vector, unit_vector(azimuth_deg, elevation_deg)) < 1


def location(
    azimuth_deg: float | None, confidence: float, start_s: float = 0.0, elevation_deg: float = 0.0
) -> Location:
    known = azimuth_deg is not None
    return Location(
        start_s=start_s,
        end_s=start_s + 1,
        azimuth_deg=azimuth_deg,
        elevation_deg=elevation_deg if known else None,
        sector=SECTORS[sector_index(azimuth_deg)] if azimuth_deg is not None else None,
        confidence=confidence,
        ambiguity=None if known else "all",
        reason=None if known else "silent",
    )


def test_windows_count_by_their_confidence() -> None:
    whole = merged([location(0.0, 0.3), location(90.0, 0.9, 1.0)])
    assert whole.azimuth_deg == pytest.approx(np.rad2deg(np.arctan2(0.9, 0.3)), abs=1e-3)
    assert whole.sector == "left"
    assert (whole.start_s, whole.end_s) == (0.0, 2.0)
    assert 0.3 < whole.confidence < 0.9


def test_directions_merge_across_the_back() -> None:
    whole = merged([location(170.0, 0.5), location(-170.0, 0.5, 1.0)])
    assert abs(whole.azimuth_deg or 0) == pytest.approx(180)
    assert whole.sector == "back"


def test_windows_without_a_direction_do_not_count() -> None:
    whole = merged([location(None, 0.0), location(50.0, 0.5, 1.0), location(None, 0.0, 2.0)])
    assert whole.azimuth_deg == pytest.approx(50.0)
    assert (whole.start_s, whole.end_s) == (0.0, 3.0)
    assert whole.ambiguity is None


def test_windows_that_all_lack_a_direction_merge_to_none() -> None:
    whole = merged([location(None, 0.0), location(None, 0.0, 1.0)])
    assert (whole.azimuth_deg, whole.ambiguity, whole.reason) == (None, "all", "silent")
    assert whole.end_s == 2.0


def coned(azimuth_deg: float, cone_deg: float, start_s: float = 0.0) -> Location:
    return replace(location(azimuth_deg, 0.9, start_s), cone_deg=cone_deg, kappa=kappa_of(cone_deg))


def test_one_window_keeps_its_cone() -> None:
    whole = merged([coned(30.0, 12.0)])
    assert whole.azimuth_deg == pytest.approx(30.0)
    assert whole.cone_deg == pytest.approx(12.0, rel=1e-3)
    assert whole.kappa == pytest.approx(kappa_of(12.0), rel=1e-3)


def test_windows_that_agree_are_no_surer_than_one() -> None:
    assert merged([coned(30.0, 12.0, start_s) for start_s in range(5)]).cone_deg == pytest.approx(12.0, rel=1e-3)


def test_windows_that_disagree_make_the_cone_wide() -> None:
    apart = [merged([coned(0.0, 10.0), coned(angle, 10.0, 1.0)]) for angle in (0.0, 20.0, 60.0, 120.0)]
    cones_deg = [place.cone_deg for place in apart]
    assert cones_deg == sorted(cones_deg)  # type: ignore[type-var]
    assert cones_deg[0] == pytest.approx(10.0, rel=1e-3)
    assert cones_deg[-1] > 60  # type: ignore[operator]
    opposite = merged([coned(0.0, 10.0), coned(180.0, 10.0, 1.0)])
    assert opposite.cone_deg == pytest.approx(143.1, abs=0.5)
    assert opposite.kappa == pytest.approx(0.0, abs=1e-2)


def test_the_surer_window_decides() -> None:
    whole = merged([coned(0.0, 5.0), coned(90.0, 80.0, 1.0)])
    assert abs(whole.azimuth_deg or 0) < 2
    assert 5 < whole.cone_deg < 40  # type: ignore[operator]


def test_windows_without_cones_have_none_together() -> None:
    whole = merged([coned(0.0, 5.0), location(10.0, 0.9, 1.0)])
    assert (whole.cone_deg, whole.kappa) == (None, None)


def test_a_cone_that_is_too_wide_takes_the_direction_away() -> None:
    place = coned(30.0, 75.0)
    assert place.unless_wider(75.0) == place
    silent = place.unless_wider(74.9)
    assert (silent.azimuth_deg, silent.elevation_deg, silent.sector, silent.ambiguity) == (None, None, None, "all")
    assert silent.reason == "the evidence leaves too many directions open: ±75° for 90 % certainty"
    assert (silent.cone_deg, silent.confidence) == (75.0, 0.9)
    assert location(30.0, 0.0).unless_wider(0.0) == location(30.0, 0.0)


@pytest.fixture(scope="module")
def shipped() -> Model:
    return load("small")


def without_direction(kind: str, rng: np.random.Generator) -> np.ndarray:
    samples = {
        "silence": lambda: np.zeros((4, 72_000), np.float32),
        "mono": lambda: from_mono(noise(rng, 3.0)[None]),
        "mono with noise": lambda: (
            from_mono(noise(rng, 3.0)[None]) + 3e-4 * rng.standard_normal((4, 72_000), dtype=np.float32)
        ),
        "diffuse": lambda: 0.1 * diffuse_noise(rng, 72_000, rate_hz=RATE_HZ),
        "noise of the microphone": lambda: 1e-3 * rng.standard_normal((4, 72_000), dtype=np.float32),
    }
    return samples[kind]().astype(np.float32)


@pytest.mark.parametrize("kind", ["silence", "mono", "mono with noise", "diffuse", "noise of the microphone"])
def test_where_there_is_no_direction_none_is_named(shipped: Model, rng: np.random.Generator, kind: str) -> None:
    recording = Recording(samples=without_direction(kind, rng), rate_hz=RATE_HZ)
    place = shipped.locate(recording)
    assert (place.azimuth_deg, place.elevation_deg, place.sector, place.ambiguity) == (None, None, None, "all")
    assert place.reason
    assert place.cone_deg is not None
    assert 60 < place.cone_deg <= 180
    assert 0 <= place.kappa < 6  # type: ignore[operator]
    assert place.confidence < 0.5
    (window,) = shipped.locate_windows(recording)
    assert window.azimuth_deg is None


@pytest.mark.parametrize("level", [0.0, 0.01, 0.03])
@pytest.mark.parametrize("azimuth_deg", [0.0, 120.0, -75.0])
def test_clear_sounds_are_named_with_a_cone_that_holds_them(
    shipped: Model, rng: np.random.Generator, azimuth_deg: float, level: float
) -> None:
    recording = wave(rng, azimuth_deg, duration_s=3.0)
    samples = recording.samples + level * rng.standard_normal(recording.samples.shape, dtype=np.float32)
    place = shipped.locate(replace(recording, samples=samples))
    assert place.vector is not None
    assert angle_between_deg(place.vector, unit_vector(azimuth_deg, 10.0)) < place.cone_deg  # type: ignore[operator]
    assert place.cone_deg == pytest.approx(cone_of(place.kappa), rel=1e-3)  # type: ignore[arg-type]
    assert place.cone_deg < 15  # type: ignore[operator]
    assert place.confidence > 0.95


def test_cones_get_wider_with_noise(shipped: Model, rng: np.random.Generator) -> None:
    recording = wave(rng, duration_s=3.0)
    added = rng.standard_normal(recording.samples.shape, dtype=np.float32)
    noisy = [replace(recording, samples=recording.samples + level * added) for level in (0.001, 0.05, 0.2, 1.0)]
    cones_deg = [shipped.locate(each).cone_deg for each in noisy]
    assert cones_deg == sorted(cones_deg)  # type: ignore[type-var]


def test_a_model_without_cones_names_every_direction(models: dict[str, Model], rng: np.random.Generator) -> None:
    """As every model of an older version, whose configuration has no cones."""
    samples = without_direction("diffuse", rng)
    place = models["tagger_htsat"].locate(Recording(samples=samples, rate_hz=RATE_HZ))
    assert place.azimuth_deg is not None
    assert (place.cone_deg, place.kappa) == (None, None)


def test_mono_has_no_direction_and_says_so(model: Model, rng: np.random.Generator) -> None:
    recording = Recording(samples=from_mono(noise(rng, 1.0)[None]), rate_hz=RATE_HZ, layout="mono")
    place = model.locate(recording)
    assert (place.azimuth_deg, place.elevation_deg, place.sector) == (None, None, None)
    assert place.ambiguity == "all"
    assert place.confidence == 0.0
    assert (place.cone_deg, place.kappa) == (180.0, 0.0)
    assert place.reason


@pytest.mark.parametrize(("left", "right", "sector"), [(1.0, 0.0, "left"), (0.0, 1.0, "right"), (1.0, 1.0, "front")])
def test_stereo_is_folded_to_the_front_and_says_so(
    model: Model, rng: np.random.Generator, left: float, right: float, sector: str
) -> None:
    channels = np.outer([left, right], noise(rng, 1.0)).astype(np.float32)
    place = model.locate(Recording(samples=from_stereo(channels), rate_hz=RATE_HZ, layout="stereo"))
    assert place.sector == sector
    assert place.elevation_deg is None
    assert place.ambiguity == "front-back"
    assert place.reason


@pytest.mark.parametrize("layout", ["mono", "stereo"])
def test_without_all_channels_the_joint_embedding_is_the_semantic_one(
    model: Model, rng: np.random.Generator, layout: str
) -> None:
    samples = from_mono(noise(rng, 1.0)[None]) if layout == "mono" else from_stereo(np.stack([noise(rng, 1.0)] * 2))
    recording = Recording(samples=samples, rate_hz=RATE_HZ, layout=layout)  # type: ignore[arg-type]
    embeddings = model.embed_audio([recording])
    np.testing.assert_array_equal(embeddings.joint, embeddings.semantic)


def test_silence_has_no_direction(model: Model) -> None:
    place = model.locate(Recording(samples=np.zeros((4, RATE_HZ), np.float32), rate_hz=RATE_HZ))
    assert place.azimuth_deg is None
    assert place.ambiguity == "all"
    assert np.isfinite(place.confidence)


@pytest.mark.parametrize("rate_hz", [16_000, 44_100, 48_000])
def test_other_rates_give_nearly_the_same(models: dict[str, Model], rng: np.random.Generator, rate_hz: int) -> None:
    recording = wave(rng, duration_s=1.0)
    samples = soxr.resample(recording.samples.T, RATE_HZ, rate_hz).T
    other = Recording(samples=np.ascontiguousarray(samples), rate_hz=rate_hz)
    for model in models.values():
        ours, theirs = (model.embed_audio([each]).normalised() for each in (recording, other))
        for a, b in zip(ours, theirs, strict=True):
            assert float(a[0] @ b[0]) > 0.99
    places = [models["tagger_htsat"].locate(each).vector for each in (recording, other)]
    assert angle_between_deg(*places) < 1  # type: ignore[arg-type]


def test_times_are_seconds_of_the_recording_at_any_rate(model: Model, rng: np.random.Generator) -> None:
    samples = encode_plane_wave(noise(rng, 2.5, 48_000), 10.0)
    places = model.locate_windows(Recording(samples=samples, rate_hz=48_000))
    assert [place.start_s for place in places] == pytest.approx([0.0, 1.0, 1.5])
    assert places[-1].end_s == pytest.approx(2.5)


SENTENCES = ["A dog barks on the left.", "Rain is falling.", "A bell rings behind you.", "An engine idles."]


def test_sentences_are_ranked_from_best_to_worst(model: Model, rng: np.random.Generator) -> None:
    ranked = model.rank(wave(rng), SENTENCES)
    assert sorted(item.text for item in ranked) == sorted(SENTENCES)
    scores = [item.score for item in ranked]
    assert scores == sorted(scores, reverse=True)


def test_scores_are_cosines_of_the_three_embeddings(model: Model, rng: np.random.Generator) -> None:
    recording = wave(rng)
    audio, text = model.embed_audio([recording]), model.embed_text(SENTENCES)
    for item in model.rank(recording, SENTENCES):
        words = text[SENTENCES.index(item.text)]
        for score, part in zip((item.score, item.what, item.where), audio, strict=True):
            assert score == pytest.approx(float(words @ part[0] / np.linalg.norm(part[0])), abs=1e-5)


def test_a_fit_is_the_cosine_of_words_with_what_each_window_is(model: Model, rng: np.random.Generator) -> None:
    recording = wave(rng, duration_s=2.0)
    semantic = model.hear(recording).embeddings.semantic
    words = model.embed_text(["a dog"])[0]
    wanted = semantic @ words / np.linalg.norm(semantic, axis=1)
    np.testing.assert_allclose(model.fit(model.hear(recording), "a dog"), wanted, atol=1e-5)


def test_there_is_a_sentence_for_each_direction(model: Model) -> None:
    sentences = model.direction_sentences
    assert sentences.shape == (8, model.config.width)
    np.testing.assert_allclose(np.linalg.norm(sentences, axis=1), 1, rtol=1e-5)
    assert np.linalg.matrix_rank(sentences) == 8


def test_embedding_leaves_the_recording_alone(model: Model, rng: np.random.Generator) -> None:
    recording = wave(rng)
    before = recording.samples.copy()
    model.embed_audio([recording])
    np.testing.assert_array_equal(recording.samples, before)


def test_inference_is_in_evaluation_mode(models: dict[str, Model]) -> None:
    network = models["dual_htsat"].network
    try:
        network.train()
        assert not Model(network, models["dual_htsat"].config).network.training
    finally:
        network.eval()


def test_saved_embeddings_are_those_of_the_model(model: Model, rng: np.random.Generator, tmp_path: Path) -> None:
    recordings = [wave(rng), wave(rng, -90.0)]
    out = tmp_path / "new" / "embeddings.npz"
    save_embeddings(out, model, recordings=recordings, files=["a.wav", "b.wav"], sentences=SENTENCES)
    with np.load(out, allow_pickle=False) as stored:
        assert_equal(
            AudioEmbeddings(*(stored[name] for name in AudioEmbeddings._fields)), model.embed_audio(recordings)
        )
        np.testing.assert_array_equal(stored["text"], model.embed_text(SENTENCES))
        assert stored["files"].tolist() == ["a.wav", "b.wav"]
        assert stored["sentences"].tolist() == SENTENCES
        assert str(stored["model"]) == model.digest
    assert [path.name for path in out.parent.iterdir()] == ["embeddings.npz"]


def test_saved_sentences_need_no_recording(model: Model, tmp_path: Path) -> None:
    save_embeddings(tmp_path / "x.npz", model, sentences=["Rain."])
    with np.load(tmp_path / "x.npz", allow_pickle=False) as stored:
        assert stored["joint"].shape == (0, model.config.width)
        assert stored["text"].shape == (1, model.config.width)


def test_torchs_random_state_is_left_alone(model: Model, rng: np.random.Generator) -> None:
    recording = wave(rng)
    torch.manual_seed(1)
    wanted = torch.rand(1)
    torch.manual_seed(1)
    model.locate(recording)
    assert torch.equal(torch.rand(1), wanted)

"""Fine-tuning on somebody's own sounds: what is held out, what is said in the end, and what is wrong with a table."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from salm.errors import InputError
from salm.model import hub
from salm.model.presets import preset
from salm.scenes.corpora import open_corpus
from salm.training import fine_tune, run
from salm.training.config import CorpusConfig, TrainConfig
from salm.training.corpora import open_corpora
from salm.training.fine_tune import compare, fine_tuning
from salm.training.held_out import in_two
from salm.training.run import train


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Ten short sounds of five recordings beside a table that is no manifest.csv."""
    rng = np.random.default_rng(0)
    lines = ["file,caption,alt_captions,group"]
    for number in range(10):
        tone = np.sin(2 * np.pi * (300 + 200 * number) * np.arange(12_000) / 24_000)
        soundfile.write(tmp_path / f"{number}.wav", 0.3 * tone + 0.01 * rng.standard_normal(12_000), 24_000)
        lines.append(f"{number}.wav,A tone of height {number // 2}.,A beep {number}.|Beep!,take {number // 2}")
    path = tmp_path / "my.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_whole_recordings_are_held_out_by_seed(table: Path, seed: int) -> None:
    corpus = open_corpus(table, split=None)
    kept, held = in_two(corpus, share=0.4, seed=seed)
    assert {len(kept.sounds), len(held.sounds)} == {6, 4}
    assert {sound.group for sound in kept.sounds}.isdisjoint(sound.group for sound in held.sounds)
    assert {sound.id for sound in (*kept.sounds, *held.sounds)} == {str(number) for number in range(10)}
    assert in_two(corpus, share=0.4, seed=seed)[1].sounds == held.sounds
    np.testing.assert_array_equal(held.audio(held.sounds[0].id), corpus.audio(held.sounds[0].id))


def test_seeds_hold_out_others(table: Path) -> None:
    corpus = open_corpus(table, split=None)
    assert len({in_two(corpus, share=0.2, seed=seed)[1].sounds for seed in range(9)}) > 2


def test_splits_of_the_table_come_first(table: Path) -> None:
    lines = table.read_text(encoding="utf-8").splitlines()
    with_splits = [f"{lines[0]},split", *(f"{line},{'test' if 'take 3' in line else 'train'}" for line in lines[1:])]
    table.write_text("\n".join(with_splits) + "\n", encoding="utf-8")
    for seed in range(3):
        _, held = in_two(open_corpus(table, split=None), share=0.6, seed=seed)
        assert {sound.group for sound in held.sounds} == {"take 3"}


def test_one_recording_is_not_enough(table: Path) -> None:
    lines = table.read_text(encoding="utf-8").splitlines()[:3]
    table.write_text("\n".join(lines) + "\n", encoding="utf-8")
    with pytest.raises(InputError, match="has 1 recordings, of which 1 are held out; there is nothing to train on"):
        in_two(open_corpus(table, split=None), share=0.2, seed=0)


def test_what_is_held_out_is_heard_in_validation_only(table: Path, quick: Callable[..., TrainConfig]) -> None:
    config = quick(corpora=(CorpusConfig(folder=str(table), held_out=0.2), CorpusConfig(per_kind=1)))
    corpora = open_corpora(config)
    validated = {sound.id for sound in corpora.validation.sounds}
    drawn = {corpora.source.draw(number, np.random.default_rng(number)).sound.id for number in range(200)}
    assert len(validated) == 2
    assert drawn.isdisjoint(validated)
    assert {str(number) for number in range(10)} == validated | (drawn - {"horn-train-0000"}) & set("0123456789")


def test_a_model_is_fine_tuned_and_what_it_was_good_for_is_said(
    table: Path, tmp_path: Path, quick: Callable[..., TrainConfig], monkeypatch: pytest.MonkeyPatch
) -> None:
    quick()
    monkeypatch.setattr(run, "CALIBRATION_SCENES", 5)
    monkeypatch.setattr(fine_tune, "_SCENES", 6)
    monkeypatch.setattr(fine_tune, "_KNOWN_PER_KIND", 1)
    given = replace(preset("tiny"), name="mine")
    hub.save(hub.build_frozen(given), given, tmp_path / "given")
    wanted = fine_tuning(tmp_path / "given", table)
    assert wanted.model == given
    assert wanted.corpora[0].folder == str(table)
    assert wanted.losses.labels == 0
    config = replace(wanted, steps=1, batch_size=4, workers=0, validation_scenes=2)
    folder = train(config, tmp_path / "out", init=tmp_path / "given")
    report = compare(tmp_path / "given", folder, config)
    assert report == json.loads((folder / "fine_tuning.json").read_text(encoding="utf-8"))
    assert (report["held_out"]["sounds"], report["held_out"]["captions"], report["held_out"]["scenes"]) == (2, 5, 6)
    assert (report["forgetting"]["sounds"], report["forgetting"]["scenes"]) == (3, 6)
    for part in report.values():
        for when in ("before", "after"):
            for what in ("semantic", "spatial"):
                for way, value in part[when][what].items():
                    low, high = part[when]["intervals"][what][way]
                    assert 0 <= low <= value <= high <= 1
            assert part[when]["intervals"]["mean_deg"][0] <= part[when]["mean_deg"]
    assert report["held_out"]["before"] != report["held_out"]["after"]


def test_scenes_of_one_sound_count_as_one() -> None:
    figure = fine_tune._by(["a", "a", "a", "b"])(np.array([True, True, False, False]))
    assert figure.value == pytest.approx((2 / 3 + 0) / 2)
    assert figure.interval() == (0.0, pytest.approx(2 / 3))


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("3.wav,Again.,,x", r"my\.csv, line 12: the id '3' occurs twice, first in line 5"),
        ("gone.wav,A bell.,,x", r"my\.csv, line 12: the audio file .*gone\.wav does not exist"),
        ("my.csv,A bell.,,x", r"my\.csv, line 12: .*my\.csv is no audio file"),
        ("0.wav,,,x", r"my\.csv, line 12: the caption is empty"),
        ("0.wav,a,b,c,d", r"my\.csv, line 12: there are more cells than columns"),
    ],
)
def test_what_is_wrong_with_a_table_is_said_with_its_line(table: Path, row: str, message: str) -> None:
    with table.open("a", encoding="utf-8") as file:
        file.write(row + "\n")
    with pytest.raises(InputError, match=message) as caught:
        open_corpus(table, split=None)
    assert "\n" not in str(caught.value)


def test_a_sound_that_turns_out_to_be_damaged_is_named_with_its_line(table: Path) -> None:
    corpus = open_corpus(table, split=None)
    (table.parent / "4.wav").write_bytes(b"RIFF")
    with pytest.raises(InputError, match=r"my\.csv, line 6: .*4\.wav is no audio file that can be read"):
        corpus.audio("4")

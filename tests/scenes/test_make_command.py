"""`salm scenes make` for the paper's data sets; the command for other corpora is tested with the other commands."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from salm.cli import main
from salm.scenes.storage import SceneTable


@pytest.fixture
def copy(tmp_path: Path, audiocaps_table: Callable[..., None], touch: Callable[..., None]) -> Path:
    """Two clips of AudioCaps, of which one is there."""
    audiocaps_table("train", [(1, "-bcdefghijk", 0, "Rain"), (2, "abcdefghijk", 0, "Thunder")])
    touch("-bcdefghijk.wav", folder="train")
    return tmp_path


def test_a_data_set_is_made_and_counted(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = copy / "s.jsonl"
    assert main(["scenes", "make", "saudiocaps", "--root", str(copy), "-o", str(out), "--seed", "3"]) == 0
    assert capsys.readouterr().out == f"3 scenes of 1 clip in {out}; 1 left out for want of audio\n"
    table = SceneTable(out)
    assert (table.head["recipe"], table.head["jitter"], table.head["seed"]) == ("saudiocaps", "wide", 3)
    assert table.splits == ("train",) * 3


def test_the_count_is_told_as_json(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["scenes", "make", "saudiocaps", "--root", str(copy), "-o", str(copy / "s"), "--jitter", "narrow", "--json"]
    assert main(words) == 0
    assert json.loads(capsys.readouterr().out) == {"out": str(copy / "s"), "scenes": 3, "clips": 1, "missing": 1}
    assert SceneTable(copy / "s").head["jitter"] == "narrow"
    assert main(["scenes", "show", str(copy / "s"), "--limit", "2", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["scenes"]) == 2


def test_a_full_copy_says_nothing_of_missing_clips(
    copy: Path, touch: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    touch("abcdefghijk.wav", folder="train")
    assert main(["scenes", "make", "saudiocaps", "--root", str(copy), "-o", str(copy / "s")]) == 0
    assert capsys.readouterr().out == f"6 scenes of 2 clips in {copy / 's'}\n"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("sclotho", "sclotho needs --root, the folder with a copy of its corpus."),
        ("sclotho --root ROOT", "ROOT holds none of its tables; of Clotho is expected: clotho_captions_development"),
        ("sfreesound --root ROOT", "the recipe is 'sfreesound' but must be sclotho or saudiocaps."),
        ("saudiocaps --root ROOT --count 100", "--count does not go with saudiocaps, which is every clip below --root"),
        ("saudiocaps --root ROOT --split val", "--split does not go with saudiocaps"),
        ("saudiocaps --root ROOT --corpus ROOT", "--corpus does not go with saudiocaps"),
        ("saudiocaps --root ROOT --seed -1", "--seed is -1 but must be at least 0."),
        ("--root ROOT", "--root belongs to a data set of the paper; name sclotho or saudiocaps too."),
        ("--jitter narrow", "--jitter belongs to a data set of the paper"),
    ],
)
def test_wrong_combinations_are_one_clear_line(
    copy: Path, words: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = words.replace("ROOT", str(copy)).split()
    assert main(["scenes", "make", *arguments, "-o", str(copy / "s")]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"salm: {message.replace('ROOT', str(copy))}")
    assert err.count("\n") == 1
    assert not (copy / "s").exists()


def test_scenes_beyond_the_papers(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    out = tmp_path / "scenes.jsonl"
    words = ["scenes", "make", "-o", str(out), "--count", "40", "--sources", "0", "1", "1", "--moving", "0.5"]
    assert main([*words, "--ambience", "1"]) == 0
    scenes = list(SceneTable(out))
    assert {len(scene.sources) for scene in scenes} == {2, 3}
    moving = [bool(source.path) for scene in scenes for source in scene.sources]
    assert 0.3 < sum(moving) / len(moving) < 0.7
    assert all(scene.ambience is not None for scene in scenes)


def test_ranges_come_from_the_file_of_a_run(tmp_path: Path) -> None:
    run, out = tmp_path / "run.yaml", tmp_path / "scenes.jsonl"
    run.write_text("scenes: {anechoic: 1.0, elevation_deg: 5.0, sources: [1, 0, 0]}\n", encoding="utf-8")
    assert (
        main(["scenes", "make", "-o", str(out), "--count", "20", "--ranges", str(run), "--sources", "0", "1", "0"]) == 0
    )
    for scene in SceneTable(out):
        assert scene.room is None
        assert len(scene.sources) == 2
        assert all(abs(source.elevation_deg) <= 5 for source in scene.sources)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("model: small\n", "has no table `scenes`"),
        ("scenes: {colour: red}\n", "colour"),
        ("scenes: {moving: 2.0}\n", "moving is 2.0 but must be a share"),
    ],
)
def test_ranges_that_cannot_be_read_are_one_line(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, text: str, message: str
) -> None:
    (tmp_path / "run.yaml").write_text(text, encoding="utf-8")
    assert main(["scenes", "make", "-o", str(tmp_path / "s"), "--ranges", str(tmp_path / "run.yaml")]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not (tmp_path / "s").exists()

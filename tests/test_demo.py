"""The demonstration, run once with a model that knows nothing: files, truth, and what can be recomputed from them."""

import json
import re
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from salm import demo
from salm.audio.recording import write
from salm.demo import PHRASINGS, WORDS, run_demo
from salm.errors import InputError
from salm.frame import SECTORS, elevation_band, sector_centre_deg
from salm.library.query import parse_query
from salm.model import hub
from salm.model.inference import Model
from salm.model.presets import preset
from salm.scenes.captions import spatial_caption

LONGEST_S = 2.0


@pytest.fixture(scope="module", autouse=True)
def short_recordings() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(demo, "LONGEST_S", LONGEST_S)
        yield


@pytest.fixture(scope="module")
def model() -> Model:
    return Model(hub.build_frozen(preset("tiny")), preset("tiny"), digest="0123456789abcdef")


@pytest.fixture(scope="module")
def said() -> list[str]:
    """What the demonstration said while it ran."""
    return []


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory, model: Model, said: list[str]) -> Path:
    """Where it ran, over what an earlier one had left: a recording that this one does not make, and an index."""
    folder = tmp_path_factory.mktemp("demo")
    for name in ("library/old-1.flac", "library/mine.txt", "index/library.json"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("old", encoding="utf-8")
    (folder / "results.json").write_text('{"recordings": [{"file": "library/old-1.flac"}]}', encoding="utf-8")
    page = run_demo(folder, model=model, seed=5, progress=said.append)
    assert page == folder / "index.html"
    return folder


@pytest.fixture(scope="module")
def results(out: Path) -> dict[str, Any]:
    return json.loads((out / "results.json").read_text(encoding="utf-8"))


def audio(path: Path) -> np.ndarray:
    return soundfile.read(path, dtype="float32", always_2d=True)[0].T


def sector_of(azimuth_deg: float) -> str:
    """The nearest of eight centres."""
    return SECTORS[round(azimuth_deg / 45) % 8]


def angle_deg(a: dict[str, float], b: dict[str, float]) -> float:
    """Angle between two directions by the spherical law of cosines."""
    first, second = (np.deg2rad([place["azimuth_deg"], place["elevation_deg"]]) for place in (a, b))
    cosine = np.sin(first[1]) * np.sin(second[1]) + np.cos(first[1]) * np.cos(second[1]) * np.cos(first[0] - second[0])
    return float(np.rad2deg(np.arccos(np.clip(cosine, -1, 1))))


def test_it_leaves_what_its_docstring_says(out: Path, results: dict[str, Any]) -> None:
    assert sorted(path.name for path in out.iterdir()) == ["edit", "index", "index.html", "library", "results.json"]
    assert len(list((out / "library").glob("*.flac"))) == 20
    edited = ["after-binaural.flac", "after.flac", "before-binaural.flac", "before.flac"]
    assert sorted(path.name for path in (out / "edit").iterdir()) == edited
    assert {row["file"] for row in results["recordings"]} == {f"library/{p.name}" for p in out.glob("library/*.flac")}


def test_an_earlier_demonstration_is_replaced_and_nothing_else(out: Path) -> None:
    assert not (out / "library" / "old-1.flac").exists()
    assert (out / "library" / "mine.txt").read_text(encoding="utf-8") == "old"
    assert (out / "index" / "library.json").read_text(encoding="utf-8") != "old"


def test_it_says_what_it_is_doing(out: Path, said: list[str]) -> None:
    assert said == ["simulating a library", "indexing it", "searching, locating, editing", "drawing the page"]


def test_the_results_name_everything_that_made_them(results: dict[str, Any]) -> None:
    assert set(results) == {"salm", "seed", "model", "summary", "searches", "edit", "recordings"}
    assert results["seed"] == 5
    assert results["model"] == {"name": "tiny", "digest": "0123456789abcdef"}
    assert (len(results["recordings"]), len(results["searches"])) == (20, 5)
    for row in results["recordings"]:
        assert set(row) == {"name", "file", "kind", "caption", "duration_s", "truth", "model", "intensity"}
        for who in ("truth", "model", "intensity"):
            assert row[who]["sector"] == sector_of(row[who]["azimuth_deg"])


def test_recordings_are_ambix_at_24_khz_with_room_to_spare(out: Path, results: dict[str, Any]) -> None:
    for row in results["recordings"]:
        info = soundfile.info(out / row["file"])
        assert (info.channels, info.samplerate) == (4, 24_000)
        assert info.duration == pytest.approx(row["duration_s"])
        assert info.duration <= LONGEST_S
        assert np.abs(audio(out / row["file"])).max() == pytest.approx(0.5, abs=1e-3)


def test_ten_kinds_of_sounds_come_from_two_directions_each(results: dict[str, Any]) -> None:
    rows = results["recordings"]
    pairs = list(zip(rows[::2], rows[1::2], strict=True))
    assert len({first["kind"] for first, _ in pairs}) == 10
    for place, (first, second) in enumerate(pairs):
        assert first["kind"] == second["kind"]
        bands = [elevation_band(row["truth"]["elevation_deg"]) for row in (first, second)]
        if place == 3:
            assert first["truth"]["sector"] == second["truth"]["sector"]
            assert bands == ["above", "below"]
        else:
            apart = SECTORS.index(first["truth"]["sector"]) - SECTORS.index(second["truth"]["sector"])
            assert apart % 8 in (3, 4, 5)


def test_the_sounds_are_where_the_truth_says(results: dict[str, Any]) -> None:
    """By their intensity, which was not told: in rooms it is off by some degrees, a mirrored or turned frame by 90."""
    errors_deg = [angle_deg(row["intensity"], row["truth"]) for row in results["recordings"]]
    assert np.median(errors_deg) < 15


def test_errors_and_the_summary_follow_from_the_rows(results: dict[str, Any]) -> None:
    rows, summary = results["recordings"], results["summary"]
    assert (summary["recordings"], summary["searches"]) == (20, 5)
    for who in ("model", "intensity"):
        errors_deg = [angle_deg(row[who], row["truth"]) for row in rows]
        assert [row[who]["error_deg"] for row in rows] == pytest.approx(errors_deg, abs=1e-4)
        right = [row[who]["sector"] == row["truth"]["sector"] for row in rows]
        assert summary[who] == pytest.approx({"median_deg": np.median(errors_deg), "sector_accuracy": np.mean(right)})


def test_hits_are_judged_by_the_truth(results: dict[str, Any]) -> None:
    rows = {row["name"]: row for row in results["recordings"]}
    for search in results["searches"]:
        wanted = search["wanted"]
        for found in search["hits"] + search["direction_blind"]:
            truth = rows[found["name"]]["truth"]
            where = wanted["sector"] in (None, truth["sector"]) and (
                wanted["elevation"] is None or elevation_band(truth["elevation_deg"]) == wanted["elevation"]
            )
            what = rows[found["name"]]["kind"] == wanted["kind"]
            assert (found["right_what"], found["right_where"], found["right"]) == (what, where, what and where)


def test_every_search_can_be_answered_and_is_understood(results: dict[str, Any]) -> None:
    for search in results["searches"]:
        assert (search["query"]["sector"], search["query"]["elevation"]) == (
            search["wanted"]["sector"],
            search["wanted"]["elevation"],
        )
        assert search["query"]["what"] == WORDS[search["wanted"]["kind"]]
        assert len(search["hits"]) == 4
    assert [bool(search["query"]["elevation"]) for search in results["searches"]] == [False, False, False, True, False]


@pytest.mark.parametrize("words", WORDS.values())
def test_whatever_the_seed_its_searches_are_understood(words: str) -> None:
    for (name, phrasing), sector in product(PHRASINGS.items(), range(8)):
        elevation = "above" if name == "height" else None
        query = parse_query(spatial_caption(words, sector, phrasing=phrasing, elevation=elevation))
        assert (query.what, query.azimuth_deg, query.elevation) == (words, sector_centre_deg(sector), elevation)


def test_the_edit_lands_in_the_sector_of_its_sentence(out: Path, results: dict[str, Any]) -> None:
    edit = results["edit"]
    assert edit["sentence"] == f"move it to the {edit['goal']}"
    assert edit["goal"] != sector_of(edit["truth_before"]["azimuth_deg"])
    assert edit["after"]["intensity"]["sector"] == edit["goal"]
    for name in ("before", "after"):
        assert audio(out / edit[name]["binaural"]).shape == (2, audio(out / edit[name]["file"]).shape[1])


def test_the_edit_is_a_turn_of_the_whole_field(out: Path, results: dict[str, Any]) -> None:
    """Least squares finds the 2 by 2 matrix from (X, Y) before to after: a rotation by the difference of azimuths."""
    edit = results["edit"]
    before, after = (audio(out / edit[name]["file"]) for name in ("before", "after"))
    np.testing.assert_allclose(after[[0, 2]], before[[0, 2]], atol=1e-6)
    turn = np.linalg.lstsq(before[[3, 1]].T, after[[3, 1]].T, rcond=None)[0].T
    angle = np.arctan2(turn[1, 0], turn[0, 0])
    np.testing.assert_allclose(turn, [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]], atol=1e-4)
    expected_deg = edit["after"]["intensity"]["azimuth_deg"] - edit["before"]["intensity"]["azimuth_deg"]
    assert (np.rad2deg(angle) - expected_deg + 180) % 360 - 180 == pytest.approx(0, abs=0.1)


class EnoughError(Exception):
    """Three recordings tell whether they are the same."""


def test_the_same_seed_gives_the_same_recordings(
    out: Path, model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = []

    def write_three(path: Path, samples: np.ndarray, rate_hz: int) -> float:
        written.append(path)
        gain_db = write(path, samples, rate_hz)
        if len(written) == 3:
            raise EnoughError
        return gain_db

    monkeypatch.setattr(demo, "write", write_three)
    with pytest.raises(EnoughError):
        run_demo(tmp_path, model=model, seed=5)
    assert all(path.read_bytes() == (out / "library" / path.name).read_bytes() for path in written)


def test_the_page_plays_every_recording_and_links_to_files_that_exist(out: Path, results: dict[str, Any]) -> None:
    page = (out / "index.html").read_text(encoding="utf-8")
    sounds = re.findall(r'<audio id="sound-([\w-]+)"', page)
    assert sorted(sounds) == sorted([*(row["name"] for row in results["recordings"]), "before", "after"])
    assert set(re.findall(r'data-sound="sound-([\w-]+)"', page)) == set(sounds)
    links = re.findall(r'href="([^"]+)"', page)
    assert len([link for link in links if link.startswith("library/")]) == 20
    assert all(link == "data:," or (out / link).is_file() for link in links)


def test_an_unknown_model_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such model"):
        run_demo(tmp_path / "out", model=tmp_path)
    assert not (tmp_path / "out").exists()


def test_a_file_in_the_way_is_refused_in_one_line(tmp_path: Path, model: Model) -> None:
    (tmp_path / "out").touch()
    with pytest.raises(InputError, match="cannot be written") as refusal:
        run_demo(tmp_path / "out", model=model)
    assert "\n" not in str(refusal.value)

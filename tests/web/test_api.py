"""Every answer is that of the library call it stands for, in the fields of the command."""

import io
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np
import pytest
import soundfile
from starlette.testclient import TestClient

import salm
from salm.audio.binaural import to_binaural
from salm.audio.formats import ambix_to_fuma
from salm.library.index import Library
from salm.model.inference import Model
from salm.model.locate import locate_file
from salm.scanning.formats import write_timeline
from salm.scanning.timeline import Timeline


def ask(client: TestClient, path: str, take: Path | None = None, **fields: Any) -> Any:
    files = {} if take is None else {"file": (take.name, take.read_bytes())}
    answer = client.post(f"/api/{path}", files=files, data=fields)
    assert answer.status_code in (200, 202), answer.text
    return answer.json()


def samples_of(client: TestClient, address: str) -> tuple[np.ndarray, int]:
    samples, rate_hz = soundfile.read(io.BytesIO(client.get(address).content), dtype="float32")
    return samples.T, rate_hz


@pytest.mark.parametrize(
    ("fields", "options"),
    [
        ({}, {}),
        ({"windows": True, "front_deg": 90.0}, {"windows": True, "front_deg": 90.0}),
        ({"what": "rain"}, {"what": "rain"}),
        ({"widest_deg": 0.5}, {"widest_deg": 0.5}),
        ({"method": "intensity"}, {"model": None}),
        ({"layout": "fuma"}, {"layout": "fuma"}),
    ],
    ids=str,
)
def test_locate(client: TestClient, take: Path, model: Model, fields: dict[str, Any], options: dict[str, Any]) -> None:
    expected = locate_file(take, **{"model": model, **options})
    answer = ask(client, "locate", take, **fields)
    assert answer["front_deg"] == fields.get("front_deg", 0.0)
    (file,) = answer["files"]
    assert file["windows"] == expected["windows"]
    assert (file["file"], file["error"], file["notes"]) == ("take.wav", None, expected["notes"])


def test_rank(client: TestClient, take: Path, model: Model) -> None:
    sentences = ["rain on the left", "a dog barking on the right", "silence"]
    ranking = [asdict(item) for item in model.rank(salm.read(take), sentences)]
    assert ask(client, "rank", take, text=sentences) == {"file": "take.wav", "ranking": ranking}


def test_embed(client: TestClient, take: Path, model: Model) -> None:
    answer = ask(client, "embed", take, text=["rain"])
    audio = model.embed_audio([salm.read(take)])
    for name, vectors in {**audio._asdict(), "text": model.embed_text(["rain"])}.items():
        assert np.array(answer[name], np.float32).tobytes() == vectors.tobytes()
    assert (answer["files"], answer["sentences"], answer["model"]) == (["take.wav"], ["rain"], model.digest)
    assert ask(client, "embed", text=["rain"])["joint"] == []


def test_search_by_words(client: TestClient, library: Library, model: Model) -> None:
    expected = library.search("noise from the right", model, limit=2)
    answer = ask(client, "search", library="my takes", text="noise from the right", limit=2)
    assert answer["query"] == expected.query.to_dict()
    assert [hit["file"] for hit in answer["hits"]] == [Path(hit.file).name for hit in expected.hits]
    for found, hit in zip(answer["hits"], expected.hits, strict=True):
        assert found == asdict(hit) | {"file": found["file"], "sound": found["sound"]}


def test_search_by_example(client: TestClient, library: Library, model: Model, take: Path) -> None:
    expected = library.search_like(salm.read(take), model, where="from behind", limit=1)
    (hit,) = ask(client, "search", take, library="my takes", text="from behind", limit=1)["hits"]
    assert (Path(hit["file"]).name, hit["score"]) == (Path(expected.hits[0].file).name, expected.hits[0].score)


def test_hits_can_be_heard(client: TestClient, library: Library) -> None:
    (hit,) = ask(client, "search", library="my takes", text="from behind", limit=1)["hits"]
    whole = salm.read(next(file for file in library.files if file.endswith("behind.wav")))
    samples, rate_hz = samples_of(client, hit["sound"])
    assert rate_hz == whole.rate_hz
    assert np.array_equal(samples, whole.samples)
    part, _ = samples_of(client, f"{hit['sound']}?start_s=0.25&end_s=0.5")
    assert np.array_equal(part, whole.samples[:, 6_000:12_000])


def test_edit(client: TestClient, take: Path) -> None:
    expected = salm.edit(salm.read(take), "move it to the back left")
    answer = ask(client, "edit", take, sentence="move it to the back left")
    samples, rate_hz = samples_of(client, answer["out"])
    assert rate_hz == expected.recording.rate_hz
    assert np.array_equal(samples, expected.recording.samples)
    ears, _ = samples_of(client, answer["binaural"])
    assert ears == pytest.approx(to_binaural(expected.recording.samples, rate_hz), abs=1e-7)
    assert answer["description"] == expected.description
    assert answer["moved_to"]["azimuth_deg"] == pytest.approx(135.0)


def finished(client: TestClient, key: str) -> dict[str, Any]:
    while (job := client.get(f"/api/scan/{key}").json())["state"] in ("waiting", "running"):
        time.sleep(0.05)
    return job


def test_scan(client: TestClient, tmp_path: Path, wave: Callable[..., np.ndarray], wav: Callable[..., bytes]) -> None:
    take = tmp_path / "long.wav"
    take.write_bytes(wav(np.concatenate([wave(90.0, seconds=5.0), wave(-90.0, seconds=5.0)], axis=1)))
    started = ask(client, "scan", take, text=["rain", "a dog barking"])
    job = finished(client, started["id"])
    assert (job["state"], job["error"], job["done_s"]) == ("done", None, pytest.approx(10.0))
    assert (job["result"]["file"], job["result"]["duration_s"]) == ("long.wav", 10.0)
    events = job["result"]["events"]
    sides = {(event["onset_s"] < 4.9, event["sector"]) for event in events if event["offset_s"] - event["onset_s"] > 1}
    assert {(True, "left"), (False, "right")} <= sides
    assert all(event["name"] in ("rain", "a dog barking") for event in events)
    assert all(sum(fit["share"] for fit in event["fits"]) == pytest.approx(1.0) for event in events)


@pytest.mark.parametrize(
    ("form", "ending", "kind"),
    [
        ("dcase", "-dcase.csv", "text/csv"),
        ("audacity", "-audacity.txt", "text/plain"),
        ("reaper", "-reaper.csv", "text/csv"),
        ("json", ".json", "application/json"),
    ],
)
def test_a_scan_is_fetched_as_a_file(
    client: TestClient, take: Path, tmp_path: Path, form: str, ending: str, kind: str
) -> None:
    """The same as the command writes."""
    named = tmp_path / "täke 1.wav"
    named.write_bytes(take.read_bytes())
    key = ask(client, "scan", named, text=["rain"])["id"]
    job = finished(client, key)
    answer = client.get(f"/api/scan/{key}/{form}")
    assert answer.status_code == 200
    assert answer.headers["content-type"].partition(";")[0] == kind
    assert unquote(answer.headers["content-disposition"]) == f"attachment; filename*=UTF-8''täke 1{ending}"
    write_timeline(tmp_path / "out", Timeline.from_dict(job["result"]), form)
    assert answer.content == (tmp_path / "out").read_bytes()


def test_a_scan_without_results_has_no_files(
    client: TestClient, tmp_path: Path, wave: Callable[..., np.ndarray], wav: Callable[..., bytes]
) -> None:
    key = client.post("/api/scan", files={"file": ("notes.wav", b"no audio")}).json()["id"]
    job = finished(client, key)
    assert job["state"] == "failed"
    assert job["error"].startswith("notes.wav is no audio file")
    answer = client.get(f"/api/scan/{key}/dcase")
    assert (answer.status_code, answer.json()) == (409, {"error": f"the scan failed: {job['error']}"})
    long = tmp_path / "long.wav"
    long.write_bytes(wav(wave(90.0, seconds=60.0)))
    key = ask(client, "scan", long)["id"]
    client.delete(f"/api/scan/{key}")
    assert client.get(f"/api/scan/{key}").json()["state"] == "cancelled"
    assert client.get(f"/api/scan/{key}/json").json()["error"] == "the scan was cancelled and has no files."
    assert "dcase" in client.get(f"/api/scan/{key}/xml").json()["error"]
    assert client.get("/api/scan/abc/json").status_code == 404


def test_what_is_sent_as_a_known_format_is_converted(
    client: TestClient, tmp_path: Path, wave: Callable[..., np.ndarray], wav: Callable[..., bytes]
) -> None:
    take = tmp_path / "take.amb"
    take.write_bytes(wav(ambix_to_fuma(wave(90.0))))
    answer = client.post("/api/ambix", files={"file": (take.name, take.read_bytes())})
    samples = soundfile.read(io.BytesIO(answer.content), dtype="float32")[0].T
    assert answer.headers["content-type"] == "audio/wav"
    assert samples == pytest.approx(wave(90.0), abs=1e-6)
    assert "FuMa" in ask(client, "hear", take)["notes"][0]


def test_hear(client: TestClient, take: Path) -> None:
    heard = ask(client, "hear", take)
    assert (heard["file"], heard["duration_s"], heard["rate_hz"], heard["layout"]) == ("take.wav", 2.0, 24_000, "foa")
    assert heard["map"]["level_db"]


def test_about_and_openapi_tell_what_there_is(client: TestClient, model: Model) -> None:
    about = client.get("/api/about").json()
    assert (about["salm"], about["libraries"]) == (salm.__version__, ["my takes"])
    assert about["model"] == {"name": "small", "digest": model.digest}
    paths = client.get("/api/openapi.json").json()["paths"]
    asked = {"about", "ambix", "edit", "embed", "head", "hear", "locate", "rank", "scan", "search"}
    assert asked <= {path.split("/")[2] for path in paths}


def test_the_head_is_that_of_the_headphone_preview(client: TestClient) -> None:
    head = client.get("/api/head?rate_hz=48000").json()
    click = np.zeros((4, 2048), np.float32)
    click[1, 1000] = 0.5
    left = to_binaural(click, 48_000)[0]
    taps = 0.5 * np.array(head["left"][1])
    start = 1000 - head["lead_samples"]
    assert left[start : start + len(taps)] == pytest.approx(taps, abs=1e-6)

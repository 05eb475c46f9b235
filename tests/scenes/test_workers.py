"""Who writes shards: processes that end with their parent, and a Ray cluster."""

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from salm.errors import InputError
from salm.scenes.export import export_scenes
from salm.scenes.scene import Scene, Source
from salm.scenes.workers import ProcessPool, RayCluster, _for_new_processes

DOG = Source(sound_id="dog-test-0000", caption="A dog.", azimuth_deg=0.0, elevation_deg=0.0, distance_m=2.0)


@pytest.fixture
def path(scene_file: Callable[..., Path]) -> Path:
    scenes = [Scene(seed=number, sources=(DOG,), duration_s=0.1) for number in range(4)]
    return scene_file("scenes.jsonl", {"test": scenes}, split="test")


def content(out: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in sorted(out.iterdir())}


def test_there_is_one_worker_or_more() -> None:
    with pytest.raises(InputError, match="workers is 0 but must be at least 1"):
        ProcessPool(0)
    assert ProcessPool().workers == os.cpu_count()


def test_what_stops_a_worker_is_said_in_one_line(path: Path, tmp_path: Path) -> None:
    out, pool = tmp_path / "out", ProcessPool(1)
    export_scenes(path, out, shard_scenes=4, workers=pool)
    before = content(out)
    (out / "000000.tar").unlink()
    (out / "000000.tar").mkdir()
    with pytest.raises(InputError, match=r"000000\.tar cannot be written: Is a directory; ") as caught:
        export_scenes(path, out, shard_scenes=4, workers=pool)
    assert "\n" not in str(caught.value)
    (out / "000000.tar").rmdir()
    export_scenes(path, out, shard_scenes=4, workers=pool)
    assert content(out) == before


def test_workers_have_for_new_processes_and_others_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "5")
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    with _for_new_processes():
        assert (os.environ["OMP_NUM_THREADS"], os.environ["OPENBLAS_NUM_THREADS"]) == ("1", "1")
    assert os.environ["OMP_NUM_THREADS"] == "5"
    assert "OPENBLAS_NUM_THREADS" not in os.environ


class TaskFailedError(Exception):
    """As Ray's: what went wrong is its cause."""

    def __init__(self, cause: Exception) -> None:
        super().__init__("a long\nstory")
        self.cause = cause


class LostError(Exception):
    pass


class FakeRay:
    """What is used of Ray, in this process."""

    exceptions = SimpleNamespace(RayTaskError=TaskFailedError, WorkerCrashedError=LostError)

    def __init__(self) -> None:
        self.calls: list[Any] = []
        self.there = True
        self.crash: Exception | None = None

    def is_initialized(self) -> bool:
        return False

    def init(self, *, address: str, **_: Any) -> None:
        self.calls.append(address)
        if not self.there:
            raise ConnectionError("Could not find any running\nRay instance.")

    def shutdown(self) -> None:
        self.calls.append("shutdown")

    def remote(self, **options: Any) -> Callable[..., Any]:
        self.calls.append(options)
        return lambda function: SimpleNamespace(remote=lambda task: lambda: function(task))

    def wait(self, pending: Sequence[Any], *, num_returns: int) -> tuple[list[Any], list[Any]]:
        # The last first: records come in any order.
        return list(pending[-num_returns:]), list(pending[:-num_returns])

    def get(self, done: Callable[[], Any]) -> Any:
        if self.crash:
            raise self.crash
        try:
            return done()
        except InputError as error:
            raise TaskFailedError(error) from error


@pytest.fixture
def fake_ray(monkeypatch: pytest.MonkeyPatch) -> FakeRay:
    fake = FakeRay()
    monkeypatch.setitem(sys.modules, "ray", fake)
    return fake


def test_a_cluster_gives_the_bytes_of_a_pool(path: Path, tmp_path: Path, fake_ray: FakeRay) -> None:
    export_scenes(path, tmp_path / "pool", shard_scenes=1, workers=ProcessPool(1))
    export_scenes(path, tmp_path / "ray", shard_scenes=1, workers=RayCluster("10.0.0.1:6379"))
    assert fake_ray.calls == ["10.0.0.1:6379", {"num_cpus": 1}, "shutdown"]
    assert content(tmp_path / "ray") == content(tmp_path / "pool")


def test_what_a_cluster_cannot_do_is_one_line(path: Path, tmp_path: Path, fake_ray: FakeRay) -> None:
    text = path.read_text(encoding="utf-8")
    path.write_text(text[:-9] + "\n", encoding="utf-8")
    with pytest.raises(InputError, match="line 5 is no JSON") as caught:
        export_scenes(path, tmp_path / "a", workers=RayCluster())
    assert "\n" not in str(caught.value)
    fake_ray.crash = LostError()
    with pytest.raises(InputError, match="a worker was lost, perhaps for want of memory"):
        export_scenes(path, tmp_path / "b", workers=RayCluster())
    fake_ray.there = False
    with pytest.raises(
        InputError, match="there is no Ray cluster at 'auto'; start one with `ray start --head`"
    ) as caught:
        export_scenes(path, tmp_path / "c", workers=RayCluster())
    assert "\n" not in str(caught.value)


def test_a_machine_without_ray_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(InputError, match=r'a Ray cluster needs ray, not installed here; pip install "salm\[data\]"'):
        RayCluster()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # Ray's own
def test_ray_itself_gives_the_bytes_of_a_pool(path: Path, tmp_path: Path) -> None:
    pytest.importorskip("ray")
    export_scenes(path, tmp_path / "pool", shard_scenes=2, workers=ProcessPool(1))
    export_scenes(path, tmp_path / "ray", shard_scenes=2, workers=RayCluster("local"))
    assert content(tmp_path / "ray") == content(tmp_path / "pool")

"""A take, a library, and servers: one in this process, one that is really listened to."""

import io
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
import uvicorn
from starlette.testclient import TestClient

import salm
from salm.audio.formats import encode_plane_wave
from salm.library.index import Library
from salm.model.inference import Model
from salm.web.limits import Limits
from salm.web.server import create_app

RATE_HZ = 24_000
SPOTS = {"left": 90.0, "right": -90.0, "behind": 180.0}

Wave = Callable[..., np.ndarray]
Wav = Callable[..., bytes]


@pytest.fixture(scope="session")
def model() -> Model:
    return salm.load("small")


@pytest.fixture(scope="session")
def wave() -> Wave:
    """A plane wave of noise: ``wave(azimuth_deg, elevation_deg, seconds=..., seed=...)``."""

    def wave(azimuth_deg: float, elevation_deg: float = 0.0, *, seconds: float = 1.0, seed: int = 0) -> np.ndarray:
        noise = 0.1 * np.random.default_rng(seed).standard_normal(round(seconds * RATE_HZ))
        return encode_plane_wave(noise.astype(np.float32), azimuth_deg, elevation_deg)

    return wave


@pytest.fixture(scope="session")
def wav() -> Wav:
    """The bytes of a WAV file."""

    def wav(samples: np.ndarray, rate_hz: int = RATE_HZ, *, subtype: str = "FLOAT", form: str = "WAV") -> bytes:
        file = io.BytesIO()
        soundfile.write(file, samples.T, rate_hz, format=form, subtype=subtype)
        return file.getvalue()

    return wav


@pytest.fixture(scope="session")
def take(tmp_path_factory: pytest.TempPathFactory, wave: Wave, wav: Wav) -> Path:
    """One second of noise from the left, then one from the right and below."""
    parts = [wave(90.0, seed=1), wave(-90.0, -30.0, seed=2)]
    path = tmp_path_factory.mktemp("take") / "take.wav"
    path.write_bytes(wav(np.concatenate(parts, axis=1)))
    return path


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory, model: Model, wave: Wave, wav: Wav) -> Library:
    """Noise from the left, from the right and from behind."""
    folder = tmp_path_factory.mktemp("recordings")
    (folder / "day 1").mkdir()
    for seed, (name, azimuth_deg) in enumerate(SPOTS.items()):
        (folder / "day 1" / f"{name}.wav").write_bytes(wav(wave(azimuth_deg, seed=seed)))
    library = Library(tmp_path_factory.mktemp("libraries") / "takes")
    library.add(folder, model)
    return library


Clients = Callable[..., TestClient]


@pytest.fixture
def clients(model: Model, library: Library) -> Iterator[Clients]:
    """Clients of servers in this process: ``clients(limits=..., model=...)``."""
    opened: list[TestClient] = []

    def client(*, limits: Limits | None = None, model: Model = model) -> TestClient:
        app = create_app(model, libraries={"my takes": library}, limits=limits)
        opened.append(TestClient(app, base_url="http://localhost", raise_server_exceptions=False))
        opened[-1].__enter__()
        return opened[-1]

    yield client
    for one in opened:
        one.__exit__(None, None, None)


@pytest.fixture
def client(clients: Clients) -> TestClient:
    return clients()


@pytest.fixture(scope="session")
def address(model: Model, library: Library) -> Iterator[str]:
    """Address of a server that listens."""
    app = create_app(model, libraries={"my takes": library}, limits=Limits(max_mb=5.0, max_s=20.0))
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        thread.join(0.05)
        assert thread.is_alive()
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join()

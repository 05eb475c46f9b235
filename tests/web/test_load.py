"""Many clients at once: each gets its own answer."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import numpy as np

CLIENTS = 64


def test_64_clients_lose_nothing(address: str, wave: Callable[..., np.ndarray], wav: Callable[..., bytes]) -> None:
    azimuths_deg = [float(round(-180 + 360 * (index + 0.5) / CLIENTS)) for index in range(CLIENTS)]

    def ask(azimuth_deg: float) -> dict[str, Any]:
        files = {"file": (f"{azimuth_deg:g}.wav", wav(wave(azimuth_deg, seconds=0.5)))}
        answer = httpx2.post(f"{address}/api/locate", files=files, data={"method": "intensity"}, timeout=300)
        assert answer.status_code == 200, answer.text
        return answer.json()["files"][0]

    with ThreadPoolExecutor(CLIENTS) as pool:
        answers = list(pool.map(ask, azimuths_deg))
    for azimuth_deg, answer in zip(azimuths_deg, answers, strict=True):
        assert answer["file"] == f"{azimuth_deg:g}.wav"
        assert abs(answer["windows"][0]["azimuth_deg"] - azimuth_deg) < 0.5

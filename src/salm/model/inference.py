"""A trained model ready for recordings: embed, locate, rank.

Recordings of any rate and length are resampled and cut into windows of the model; what belongs to a whole recording
is the mean over its windows. Nothing here is random: the same recording gives the same numbers, bit for bit.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float32, Float64

from salm.audio.intensity import IntensityDirection, IntensitySpread, intensity_spread, locate_by_intensity
from salm.audio.recording import Recording, resample
from salm.audio.window import windows
from salm.frame import SECTORS, angle_between_deg, azimuth_elevation, sector_index, unit_vector
from salm.model import hub
from salm.model.cone import LEVEL, WIDEST_DEG, cone_of, kappa_of, kappa_of_resultant, resultant_of
from salm.model.confidence import NEAR_DEG, Evidence, cones_deg, confidence
from salm.model.config import ModelConfig
from salm.model.network import Network
from salm.scenes.captions import DIRECTION_PHRASINGS, direction_sentence
from salm.whole import written_whole

__all__ = ["AudioEmbeddings", "Heard", "Location", "Model", "Ranked", "load", "merged", "save_embeddings"]

# More windows at once no longer fit into a processor's cache and take longer each.
BATCH = 4


class AudioEmbeddings(NamedTuple):
    """Embeddings of recordings or windows, raw: Eq. 3 needs their length."""

    joint: Float32[np.ndarray, "item width"]
    semantic: Float32[np.ndarray, "item width"]
    spatial: Float32[np.ndarray, "item width"]

    def normalised(self) -> "AudioEmbeddings":
        """The same embeddings with length one."""
        return AudioEmbeddings(*(_unit(part) for part in self))


@dataclass(frozen=True, kw_only=True)
class Location:
    """Where the sound of one window is, and how far that can be trusted."""

    start_s: float
    end_s: float
    azimuth_deg: float | None
    elevation_deg: float | None
    sector: str | None
    confidence: float
    """Estimated chance that the direction is within 20 degrees of the truth, 0 to 1."""
    ambiguity: str | None
    """None, ``front-back`` (two channels cannot tell) or ``all`` (no direction can be known)."""
    reason: str | None
    """Why there is an ambiguity, in words."""
    cone_deg: float | None = None
    """Half angle of the cone around the direction that holds the truth with 90 % probability, 0 to 180; None where
    nobody calibrated it, as of stereo and of what is located without a model."""
    kappa: float | None = None
    """Concentration of the von Mises-Fisher distribution that has this cone; 0 if nothing is known."""

    @property
    def vector(self) -> Float64[np.ndarray, " 3"] | None:
        """Unit vector x, y, z; None without an azimuth, level without an elevation."""
        return None if self.azimuth_deg is None else unit_vector(self.azimuth_deg, self.elevation_deg or 0.0)

    @classmethod
    def from_intensity(cls, found: IntensityDirection, *, start_s: float, end_s: float) -> "Location":
        """What is known without learning; the confidence is how much the intensity keeps to one direction."""
        azimuth_deg = found.azimuth_deg
        nowhere = found.ambiguity == "all"
        return cls(
            start_s=start_s,
            end_s=end_s,
            azimuth_deg=azimuth_deg,
            elevation_deg=found.elevation_deg,
            sector=None if azimuth_deg is None else SECTORS[int(sector_index(azimuth_deg))],
            confidence=found.confidence,
            ambiguity=found.ambiguity,
            reason=found.reason,
            cone_deg=180.0 if nowhere else None,
            kappa=0.0 if nowhere else None,
        )

    def unless_wider(self, widest_deg: float) -> "Location":
        """The location itself, or one without a direction and with the reason if its cone is wider."""
        if self.azimuth_deg is None or self.cone_deg is None or self.cone_deg <= widest_deg:
            return self
        reason = f"the evidence leaves too many directions open: ±{self.cone_deg:.0f}° for 90 % certainty"
        return replace(self, azimuth_deg=None, elevation_deg=None, sector=None, ambiguity="all", reason=reason)

    def to_dict(self) -> dict[str, Any]:
        """Plain form, ready for JSON."""
        return asdict(self)


@dataclass(frozen=True, kw_only=True)
class Ranked:
    """One sentence against a recording; cosine similarities, -1 to 1."""

    text: str
    score: float
    """With the joint embedding."""
    what: float
    """With the semantic embedding."""
    where: float
    """With the spatial embedding."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Heard:
    """All windows of one recording through the network."""

    recording: Recording
    """What was heard, at the model's rate."""
    start_s: list[float]
    end_s: list[float]
    embeddings: AudioEmbeddings
    direction: Float32[np.ndarray, "window 3"]
    """Unit vectors x, y, z."""
    length: Float32[np.ndarray, " window"]
    """What the vectors' length was before."""

    @cached_property
    def by_intensity(self) -> list[IntensityDirection]:
        """Where the sound of each window is without learning; computed when it is first asked for."""
        return [locate_by_intensity(replace(self.recording, samples=samples)) for samples in self._windows]

    @cached_property
    def spread(self) -> list[IntensitySpread]:
        """How the intensity of each window lies around its direction; computed when it is first asked for."""
        rate_hz = self.recording.rate_hz
        return [
            intensity_spread(samples, rate_hz, direction, within_deg=NEAR_DEG)
            for samples, direction in zip(self._windows, self.direction, strict=True)
        ]

    @property
    def _windows(self) -> list[Float32[np.ndarray, "4 time"]]:
        rate_hz, samples = self.recording.rate_hz, self.recording.samples
        spans = zip(self.start_s, self.end_s, strict=True)
        return [samples[:, round(start_s * rate_hz) : round(end_s * rate_hz)] for start_s, end_s in spans]


class Model:
    """A trained spatial audio-language model.

    Parameters
    ----------
    network, config
        What :func:`salm.model.hub.load` gives.
    digest
        Identity of the weights; an index remembers it.
    device
        Where the network runs.
    """

    def __init__(self, network: Network, config: ModelConfig, *, digest: str = "", device: str = "cpu") -> None:
        self.network = network.eval().to(device)
        self.config = config
        self.digest = digest
        self.device = device

    @property
    def scale(self) -> float:
        """Factor on cosine similarities in a softmax over sentences, as the network was trained with it."""
        return float(self.network.scale.detach())

    def embed_audio(self, recordings: Sequence[Recording]) -> AudioEmbeddings:
        """Embeddings of whole recordings: the mean over the windows of each; float32, raw.

        Without all four channels of an Ambisonics recording nothing is known of where, and the joint embedding is the
        semantic one.
        """
        parts = [self.hear(recording).embeddings for recording in recordings]
        empty = np.zeros((0, self.config.width), np.float32)
        stacked = [np.stack([part[i].mean(axis=0) for part in parts]) if parts else empty for i in range(3)]
        return AudioEmbeddings(*stacked)

    @torch.inference_mode()
    def embed_text(self, sentences: Sequence[str]) -> Float32[np.ndarray, "item width"]:
        """Text embeddings, of length one."""
        return _unit(self.network.embed_sentences(list(sentences)).float().cpu().numpy())

    def locate(self, recording: Recording, *, widest_deg: float = WIDEST_DEG) -> Location:
        """Where the sound of the whole recording is: its windows :func:`merged`.

        If the cone of that is wider than ``widest_deg`` no direction is named; at 180 one always is.
        """
        return merged(self.locate_windows(recording, widest_deg=180.0)).unless_wider(widest_deg)

    def locate_windows(self, recording: Recording, *, widest_deg: float = WIDEST_DEG) -> list[Location]:
        """Where the sound of each window is; :meth:`places` of what :meth:`hear` gives."""
        return self.places(self.hear(recording), widest_deg=widest_deg)

    def places(self, heard: Heard, *, widest_deg: float = WIDEST_DEG) -> list[Location]:
        """Where the sound of each window is, of windows that went through the network before.

        Of a window whose cone is wider than ``widest_deg`` no direction is named; at 180 one always is. Two channels
        cannot tell front from back and one cannot tell anything: such recordings are located by intensity as far as
        that goes, and say so. A model of one channel knows no direction at all.
        """
        if not self.network.has_direction:
            return [_nowhere(*span) for span in zip(heard.start_s, heard.end_s, strict=True)]
        spans = zip(heard.start_s, heard.end_s, strict=True)
        known = zip(spans, heard.direction, heard.by_intensity, self.evidence(heard), strict=True)
        return [
            self._location(*span, direction, evidence).unless_wider(widest_deg)
            if by_intensity.ambiguity is None
            else Location.from_intensity(by_intensity, start_s=span[0], end_s=span[1])
            for span, direction, by_intensity, evidence in known
        ]

    def evidence(self, heard: Heard) -> list[Evidence]:
        """What speaks for the direction of each window; where intensity tells none, it is 90 degrees from all."""
        sentence = (_unit(heard.embeddings.spatial) @ self.direction_sentences.T).max(axis=1)
        known = zip(heard.direction, heard.length, heard.by_intensity, heard.spread, sentence, strict=True)
        return [
            Evidence(
                disagreement_deg=float(angle_between_deg(direction, by_intensity.vector)),
                concentration=by_intensity.confidence,
                sentence=float(similarity),
                length=float(length),
                **spread._asdict(),
            )
            for direction, length, by_intensity, spread, similarity in known
        ]

    def cones(self, heard: Heard) -> list[dict[float, float]]:
        """Cones of each window's direction by the probability that they hold the truth; none if not calibrated."""
        return [cones_deg(evidence, self.config.cone) for evidence in self.evidence(heard)]

    def rank(self, recording: Recording, sentences: Sequence[str]) -> list[Ranked]:
        """The sentences, best first, with what and where scored apart."""
        audio, text = self.embed_audio([recording]).normalised(), self.embed_text(sentences)
        joint, what, where = ((text @ part[0]).tolist() for part in audio)
        scored = zip(sentences, joint, what, where, strict=True)
        ranked = [Ranked(text=t, score=j, what=a, where=b) for t, j, a, b in scored]
        return sorted(ranked, key=lambda item: -item.score)

    def fit(self, heard: Heard, what: str) -> list[float]:
        """How well each window fits words of what it is: cosine similarity with the semantic embedding."""
        return [float(value) for value in _unit(heard.embeddings.semantic) @ self.embed_text([what])[0]]

    def hear(self, recording: Recording) -> Heard:
        """Every window of a recording through the network."""
        recording = resample(recording, self.config.features.rate_hz)
        parts = windows(recording.samples, self.config.features.window_samples)
        samples = [part.samples for part in parts]
        outputs = [self._through(np.stack(samples[i : i + BATCH])) for i in range(0, len(samples), BATCH)]
        joint, semantic, spatial, direction = (np.concatenate(part) for part in zip(*outputs, strict=True))
        if recording.ambiguity is not None:
            joint = semantic
        return Heard(
            recording=recording,
            start_s=[start / recording.rate_hz for start, _, _ in parts],
            end_s=[stop / recording.rate_hz for _, stop, _ in parts],
            embeddings=AudioEmbeddings(joint, semantic, spatial),
            direction=_unit(direction),
            length=np.linalg.norm(direction, axis=-1),
        )

    def save(self, folder: str | Path, *, dtype: torch.dtype = torch.float16) -> None:
        """Write the model into a folder that :func:`load` reads, as safetensors and ``config.json``.

        Parameters
        ----------
        dtype
            What the weights are stored as. Those that ship are stored in half precision; those of public checkpoints
            need ``torch.float32`` to stay what they were.
        """
        hub.save(self.network, self.config, folder, dtype=dtype)

    @cached_property
    def direction_sentences(self) -> Float32[np.ndarray, "sector width"]:
        """Text embedding of each of the eight directions: the mean over all phrasings, of length one."""
        facing = self.config.facing
        said = [direction_sentence(s, phrasing=p, facing=facing) for p in DIRECTION_PHRASINGS for s in range(8)]
        return _unit(self.embed_text(said).reshape(len(DIRECTION_PHRASINGS), 8, -1).mean(axis=0))

    @torch.inference_mode()
    def _through(self, samples: Float32[np.ndarray, "window 4 time"]) -> list[Float32[np.ndarray, "window _"]]:
        observation = self.network.observe(torch.from_numpy(samples).to(self.device))
        return [part.float().cpu().numpy() for part in self.network(observation)]

    def _location(
        self, start_s: float, end_s: float, direction: Float32[np.ndarray, " 3"], evidence: Evidence
    ) -> Location:
        azimuth_deg, elevation_deg = (float(angle) for angle in azimuth_elevation(direction))
        cone_deg = cones_deg(evidence, self.config.cone).get(LEVEL)
        return Location(
            start_s=start_s,
            end_s=end_s,
            azimuth_deg=azimuth_deg,
            elevation_deg=elevation_deg,
            sector=SECTORS[int(sector_index(azimuth_deg))],
            confidence=confidence(evidence, self.config.confidence),
            ambiguity=None,
            reason=None,
            cone_deg=cone_deg,
            kappa=None if cone_deg is None else kappa_of(cone_deg),
        )


def load(name: str | Path = "small", *, device: str = "cpu") -> Model:
    """A trained model: a name that ships with the package, a folder, or a hub id ``owner/name``.

    Raises
    ------
    InputError
        If there is no such model or its files do not fit together.
    """
    network, config = hub.load(name)
    return Model(network, config, digest=hub.digest(name), device=device)


def save_embeddings(
    out: str | Path,
    model: Model,
    *,
    recordings: Sequence[Recording] = (),
    files: Sequence[str] = (),
    sentences: Sequence[str] = (),
) -> None:
    """Write embeddings as npz.

    Keys: ``joint``, ``semantic``, ``spatial`` (one row a recording, raw), ``text`` (one row a sentence, of length
    one), ``files``, ``sentences`` and ``model`` (the digest of the weights).
    """
    audio = model.embed_audio(recordings)
    text = model.embed_text(sentences) if sentences else np.zeros((0, model.config.width), np.float32)
    with written_whole(out) as part, part.open("wb") as file:
        np.savez(
            file,
            **audio._asdict(),
            text=text,
            files=np.array(files, dtype=str),
            sentences=np.array(sentences, dtype=str),
            model=np.array(model.digest),
        )


def merged(locations: list[Location]) -> Location:
    """One location for all windows: the weighted mean direction of those that have one.

    Windows count by their kappa: for windows with errors of their own this is the likeliest direction of one sound.
    The errors of one recording are not independent though, so that the cone gets no narrower with more windows: the
    kappa of the whole is that of the von Mises-Fisher distribution whose mean is that of all windows' distributions,
    and windows that disagree make it wide. Where cones are not known, windows count by their confidence.
    """
    known = [place for place in locations if place.azimuth_deg is not None]
    start_s, end_s = locations[0].start_s, locations[-1].end_s
    if not known:
        return replace(locations[0], start_s=start_s, end_s=end_s)
    kappas = [place.kappa for place in known if place.kappa is not None]
    weights = np.array(kappas if len(kappas) == len(known) else [place.confidence for place in known]) + 1e-6
    vectors = np.stack([vector for place in known if (vector := place.vector) is not None])
    mean = weights @ vectors / weights.sum()
    azimuth_deg, elevation_deg = (float(angle) for angle in azimuth_elevation(mean))
    kappa = None
    if len(kappas) == len(known):
        lengths = np.array([resultant_of(kappa) for kappa in kappas])
        kappa = kappa_of_resultant(float(np.linalg.norm((weights * lengths) @ vectors / weights.sum())))
    return replace(
        known[0],
        start_s=start_s,
        end_s=end_s,
        azimuth_deg=azimuth_deg,
        elevation_deg=None if known[0].elevation_deg is None else elevation_deg,
        sector=SECTORS[int(sector_index(azimuth_deg))],
        confidence=float(np.average([place.confidence for place in known], weights=weights)),
        cone_deg=None if kappa is None else cone_of(kappa),
        kappa=kappa,
    )


def _nowhere(start_s: float, end_s: float) -> Location:
    return Location(
        start_s=start_s,
        end_s=end_s,
        azimuth_deg=None,
        elevation_deg=None,
        sector=None,
        confidence=0.0,
        ambiguity="all",
        reason="the model hears one channel, which holds no direction",
        cone_deg=180.0,
        kappa=0.0,
    )


def _unit(vectors: Float32[np.ndarray, "item width"]) -> Float32[np.ndarray, "item width"]:
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), np.float32(1e-12)))

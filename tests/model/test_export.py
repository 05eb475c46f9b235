"""ONNX Runtime against torch, from the waveform and from tokens on."""

import contextlib
import io
import json
import os
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import filelock
import numpy as np
import onnxruntime
import pytest
import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from tokenizers.processors import RobertaProcessing
from torch import Tensor, nn

from salm.audio.formats import encode_plane_wave
from salm.audio.recording import read, write
from salm.audio.window import fit_to_window
from salm.cli import main
from salm.errors import InputError
from salm.model import export as exporting
from salm.model import hub
from salm.model.config import RobertaSize
from salm.model.export import export, export_audio
from salm.model.inference import Model, load
from salm.model.presets import preset
from salm.scenes.corpora.base import Corpus
from salm.scenes.corpora.folder import FolderCorpus
from salm.scenes.corpora.procedural import ProceduralCorpus
from salm.scenes.rendering import render_scene
from salm.scenes.sample import draw_scene

DOCUMENT = (Path(__file__).resolve().parents[2] / "docs" / "export.md").read_text(encoding="utf-8")
OUTPUTS = ["joint", "semantic", "spatial", "direction"]
SENTENCES = [
    "Rain.",
    "A dog barks on the left.",
    "",
    "A large audience applauds in a hall, and somebody far away behind you on your left whistles twice.",
    "bark " * 100,
]


@dataclass(frozen=True)
class Exported:
    """A model, and the folder that it was exported to."""

    model: Model
    folder: Path

    def session(self, name: str) -> onnxruntime.InferenceSession:
        return onnxruntime.InferenceSession(str(self.folder / name), providers=["CPUExecutionProvider"])

    def audio(self, foa: np.ndarray) -> list[np.ndarray]:
        return self.session("audio.onnx").run(OUTPUTS, {"foa": foa})

    def text(self, sentences: list[str]) -> np.ndarray:
        encoded = Tokenizer.from_file(str(self.folder / "tokenizer.json")).encode_batch(sentences)
        ids, mask = np.array([one.ids for one in encoded]), np.array([one.attention_mask for one in encoded])
        return self.session("text.onnx").run(None, {"input_ids": ids, "attention_mask": mask})[0]

    @torch.no_grad()
    def wanted(self, foa: np.ndarray) -> list[np.ndarray]:
        network = self.model.network
        return [part.numpy() for part in network(network.observe(torch.from_numpy(foa)))]


def unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def assert_agree(got: np.ndarray, wanted: np.ndarray, what: str) -> None:
    np.testing.assert_allclose(unit(got), unit(wanted), atol=1e-4, rtol=0, err_msg=what)
    # Of all coordinates together, and where a sound leaves bands nearly empty single precision keeps four digits.
    lengths = np.linalg.norm(wanted, axis=-1)
    np.testing.assert_array_less(np.linalg.norm(got - wanted, axis=-1), 3e-4 * lengths, err_msg=what)


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str, Callable[[Path], object]], Path]]:
    """A folder by name, made by whichever of the parallel workers is first to need it: exporting takes its time."""
    base = tmp_path_factory.getbasetemp()
    root = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base

    def folder(name: str, make: Callable[[Path], object]) -> Path:
        path = root / f"exported-{name}"
        with filelock.FileLock(f"{path}.lock"):
            if not (path / "done").exists():
                make(path)
                (path / "done").touch()
        return path

    return folder


@pytest.fixture(scope="session")
def small(made: Callable[[str, Callable[[Path], object]], Path]) -> Exported:
    """The shipped model, exported by the command."""

    def make(path: Path) -> None:
        with contextlib.redirect_stdout(io.StringIO()) as told:
            assert main(["export", "small", "-o", str(path), "--json"]) == 0
        (path / "told.json").write_text(told.getvalue(), encoding="utf-8")

    return Exported(load("small"), made("small", make))


def exported_audio(name: str, made: Callable[[str, Callable[[Path], object]], Path]) -> Exported:
    """A preset with random weights."""
    config = preset(name)
    torch.manual_seed(0)
    model = Model(hub.build_frozen(config), config)

    def make(path: Path) -> None:
        path.mkdir()
        export_audio(model.network, path / "audio.onnx", window_samples=config.features.window_samples)

    return Exported(model, made(name, make))


@pytest.fixture(scope="session")
def tiny(made: Callable[[str, Callable[[Path], object]], Path]) -> Exported:
    return exported_audio("tiny", made)


@pytest.fixture(scope="session")
def small_htsat(made: Callable[[str, Callable[[Path], object]], Path]) -> Exported:
    return exported_audio("small_htsat", made)


@pytest.fixture(params=["tiny", "small", pytest.param("small_htsat", marks=pytest.mark.slow)])
def exported(request: pytest.FixtureRequest) -> Exported:
    return request.getfixturevalue(request.param)


@pytest.fixture(scope="session")
def recorded(shared_dir: Path) -> Corpus:
    return FolderCorpus(shared_dir / "corpus").select(split="test", rows={"licence_class": "permissive"})


@pytest.fixture(params=["procedural", "recorded"])
def corpus(request: pytest.FixtureRequest) -> Corpus:
    """Synthesised sounds, which are always there, and recordings."""
    return ProceduralCorpus(per_kind=1) if request.param == "procedural" else request.getfixturevalue("recorded")


def scenes(corpus: Corpus, window_samples: int, *, count: int = 6) -> np.ndarray:
    rng = np.random.default_rng(5)
    drawn = (draw_scene(rng, corpus.sounds[i]) for i in rng.choice(len(corpus.sounds), count, replace=False))
    return np.stack([fit_to_window(render_scene(scene, corpus), window_samples, rng=rng) for scene in drawn])


def test_embeddings_of_sounds_are_torchs(exported: Exported, corpus: Corpus) -> None:
    foa = scenes(corpus, exported.model.config.features.window_samples)
    for batch in (foa[:1], foa[1:3], foa[3:]):
        for got, wanted, what in zip(exported.audio(batch), exported.wanted(batch), OUTPUTS, strict=True):
            assert_agree(got, wanted, what)


def test_silence_is_finite_and_equal(exported: Exported) -> None:
    foa = np.zeros((1, 4, exported.model.config.features.window_samples), np.float32)
    for got, wanted, what in zip(exported.audio(foa), exported.wanted(foa), OUTPUTS, strict=True):
        assert np.isfinite(got).all()
        np.testing.assert_allclose(got, wanted, atol=1e-5 * max(1.0, np.linalg.norm(wanted)), rtol=0, err_msg=what)


def test_embeddings_of_sentences_of_all_lengths_are_torchs(small: Exported) -> None:
    wanted = small.model.network.embed_sentences(SENTENCES).detach().numpy()
    assert_agree(small.text(SENTENCES), wanted, "together")
    for sentence, row in zip(SENTENCES, wanted, strict=True):
        assert_agree(small.text([sentence])[0], row, sentence)


def test_the_command_says_how_far_it_is_from_torch(small: Exported) -> None:
    told = json.loads((small.folder / "told.json").read_text(encoding="utf-8"))
    assert told["model"] == small.model.digest
    assert 0 < told["largest_difference"] < 1e-5


def test_the_metadata_is_what_the_files_say(small: Exported) -> None:
    described = json.loads((small.folder / "export.json").read_text(encoding="utf-8"))
    features = small.model.config.features
    assert (described["rate_hz"], described["window_s"], described["hop"]) == (24_000, 5.0, features.hop)
    assert (described["digest"], described["width"]) == (small.model.digest, 512)
    for part in ("audio", "text"):
        session = small.session(described[part]["file"])
        for declared, own in (("inputs", session.get_inputs()), ("outputs", session.get_outputs())):
            assert {name: array["shape"] for name, array in described[part][declared].items()} == {
                array.name: array.shape for array in own
            }
            types = {"float32": "tensor(float)", "int64": "tensor(int64)"}
            assert [types[array["dtype"]] for array in described[part][declared].values()] == [a.type for a in own]


def test_nothing_but_the_files_is_left(small: Exported) -> None:
    left = {path.name for path in small.folder.iterdir()} - {"told.json", "done"}
    assert left == {"audio.onnx", "text.onnx", "tokenizer.json", "export.json"}


def test_the_documents_python_runs(
    small: Exported, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    noise = (0.1 * np.random.default_rng(0).standard_normal(6 * 24_000)).astype(np.float32)
    write(tmp_path / "take-1.wav", encode_plane_wave(noise, 90.0), 24_000)
    (tmp_path / "small-onnx").symlink_to(small.folder)
    monkeypatch.chdir(tmp_path)
    (code,) = re.findall(r"```python\n(.*?)```", DOCUMENT, re.DOTALL)
    scope: dict[str, Any] = {}
    exec(code, scope)
    recording = read(tmp_path / "take-1.wav")
    first = type(recording)(**{**recording.__dict__, "samples": recording.samples[:, : 5 * 24_000]})
    wanted = {item.text: item.score for item in small.model.rank(first, scope["sentences"])}
    np.testing.assert_allclose(scope["scores"], [wanted[text] for text in scope["sentences"]], atol=1e-5)
    assert capsys.readouterr().out


class Spectra(nn.Module):
    """Transforms of frames, as the features take them."""

    def forward(self, signals: Tensor) -> tuple[Tensor, Tensor]:
        transformed = torch.fft.rfft(signals.unfold(-1, 96, 36))
        return transformed.real, transformed.imag


def test_transforms_of_frames_are_exact(tmp_path: Path, rng: np.random.Generator) -> None:
    signals = rng.standard_normal((3, 2, 1000)).astype(np.float32)
    path = tmp_path / "spectra.onnx"
    inputs = {"signals": torch.zeros(2, 2, 1000)}
    exporting._write(Spectra(), path, inputs, axes=["batch"], outputs=["real", "imaginary"])
    real, imaginary = exporting._run(path, {"signals": signals})
    frames = np.lib.stride_tricks.sliding_window_view(signals.astype(np.float64), 96, axis=-1)[:, :, ::36]
    np.testing.assert_allclose(real + 1j * imaginary, np.fft.rfft(frames), atol=2e-5, rtol=0)


class Fixed(nn.Module):
    """A module that takes the size of its batch for a constant."""

    def forward(self, signals: Tensor) -> Tensor:
        return signals + torch.ones(len(signals), 1)


def test_a_batch_of_fixed_size_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(torch._dynamo.exc.UserError, match="specialized"):
        exporting._write(Fixed(), tmp_path / "a.onnx", {"signals": torch.zeros(2, 3)}, axes=["batch"], outputs=["sum"])


@pytest.mark.parametrize(("dim", "axis"), [(1, 1), (0, 0)])
def test_frames_of_other_axes_are_refused(dim: int, axis: int) -> None:
    with pytest.raises(NotImplementedError, match=f"not axis {axis}"):
        exporting._framed(np.zeros((4, 5, 6)), dim, 2, 1)


@pytest.mark.parametrize(("size", "normalisation", "onesided"), [(7, 0, True), (8, 1, True), (8, 0, False)])
def test_other_transforms_are_refused(size: int, normalisation: int, onesided: bool) -> None:
    with pytest.raises(NotImplementedError, match="one-sided"):
        exporting._transformed(np.zeros((2, size)), [1], normalisation, onesided)


def test_what_differs_is_not_left_behind(tmp_path: Path, models: dict[str, Model], monkeypatch: Any) -> None:
    (tmp_path / "audio.onnx").write_text("an earlier export")
    monkeypatch.setattr(exporting, "export_audio", lambda network, path, **_: path.touch())
    monkeypatch.setattr(exporting, "export_text", lambda network, path: path.touch())
    monkeypatch.setattr(exporting, "_audio_difference", lambda network, path, **_: 2e-4)
    monkeypatch.setattr(exporting, "_text_difference", lambda network, path, tokenizer: 0.0)
    with pytest.raises(ArithmeticError, match=r"differs from torch by 2\.0e-04 but at most 1e-04"):
        export(models["dual_htsat"], tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["audio.onnx"]
    assert (tmp_path / "audio.onnx").read_text() == "an earlier export"


def test_missing_packages_are_named(tmp_path: Path, models: dict[str, Model], monkeypatch: Any) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(InputError, match=r'needs onnxruntime, not installed here; pip install "salm\[export\]"'):
        export(models["dual_htsat"], tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.fixture
def words() -> Tokenizer:
    """Four words, marked as RoBERTa marks them."""
    numbers = {"<s>": 0, "<pad>": 1, "</s>": 2, "<unk>": 3, "dog": 4, "left": 5}
    tokenizer = Tokenizer(WordLevel(numbers, unk_token="<unk>"))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.post_processor = RobertaProcessing(("</s>", 2), ("<s>", 0))
    return tokenizer


@pytest.mark.parametrize("pair", ["single_htsat", pytest.param("mono_htsat", marks=pytest.mark.slow)])
def test_the_other_rows_of_table_1_and_roberta_are_exported_too(pair: str, words: Tokenizer, tmp_path: Path) -> None:
    size = RobertaSize(vocabulary=6, dim=16, layers=2, heads=2, hidden=32)
    config = replace(preset("tiny"), pair=pair, text="roberta", roberta=size)
    torch.manual_seed(0)
    model = Model(hub.build_frozen(config, tokenizer=words.to_str()), config)
    assert export(model, tmp_path / "files") < 1e-5
    ids, mask = np.array([[0, 4, 5, 2], [0, 4, 2, 1]]), np.array([[1, 1, 1, 1], [1, 1, 1, 0]])
    session = onnxruntime.InferenceSession(str(tmp_path / "files" / "text.onnx"))
    (got,) = session.run(None, {"input_ids": ids, "attention_mask": mask})
    with torch.no_grad():
        torch.testing.assert_close(torch.from_numpy(got), model.network.embed_sentences(["dog left", "dog"]))


def test_a_model_that_cannot_read_is_not_exported(tmp_path: Path) -> None:
    size = RobertaSize(vocabulary=6, dim=16, layers=1, heads=2, hidden=32)
    config = replace(preset("tiny"), text="roberta", roberta=size)
    with pytest.raises(InputError, match="no tokenizer, so it cannot read"):
        export(Model(hub.build_frozen(config), config), tmp_path / "files")
    assert not (tmp_path / "files").exists()

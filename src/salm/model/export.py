"""Models without torch: the audio and the text tower as two ONNX files, features included.

``audio.onnx`` is all that happens to a window, from the waveform on; ``text.onnx`` is what happens to tokens. Beside
them ``tokenizer.json`` makes tokens of sentences and ``export.json`` says what goes in and what comes out.

Two operations are translated here and not by torch's exporter, whose forms are exact only on paper: ONNX Runtime's
``DFT`` takes most of the time of a window, and of the tagger's 768 samples it keeps only four digits.
"""

import copy
import gc
import json
import logging
import math
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from jaxtyping import Float, Float32, Int
from torch import Tensor, nn

from salm.audio.formats import encode_plane_wave
from salm.errors import InputError
from salm.extras import needed
from salm.model.inference import Model
from salm.model.network import Embeddings, Network
from salm.model.text import SentenceTower
from salm.whole import written_whole

__all__ = ["TOKENIZER_NAME", "export", "export_audio", "export_text"]

AUDIO_NAME, TEXT_NAME = "audio.onnx", "text.onnx"
TOKENIZER_NAME, METADATA_NAME = "tokenizer.json", "export.json"

LARGEST_DIFFERENCE = 1e-4
"""How far a coordinate of an embedding of length one may be from torch's."""

_PACKAGES = ("onnx", "onnxscript", "onnxruntime")
_PADDING_TOKENS = ("[PAD]", "<pad>")
_SENTENCES = ("A dog barks on the left.", "Rain.")


def export(model: Model, out: str | Path) -> float:
    """Write a model as ONNX files into a folder, after they were compared with it.

    Parameters
    ----------
    model
        Of any kind and on any device; the files do not depend on the device.
    out
        Folder; it is made if need be. Files of an earlier export are replaced when the new ones are complete.

    Returns
    -------
    float
        The largest difference between a coordinate that ONNX Runtime gives and the same one of torch, of embeddings and
        directions of length one, for a synthesised window and two sentences.

    Raises
    ------
    InputError
        If a package that is needed is not installed, the model has no tokenizer, or the files cannot be written.
    ArithmeticError
        If the difference is above 1e-4. The files are then not there.
    """
    needed(*_PACKAGES, extra="export", by="an ONNX export")
    if model.network.text.tokenizer is None:
        raise InputError(
            "this model has no tokenizer, so it cannot read; put the tokenizer.json into its folder first."
        )
    network = _plain(model)
    out, window_samples = Path(out), model.config.features.window_samples
    with ExitStack() as stack:
        audio, text, tokenizer, metadata = (
            stack.enter_context(written_whole(out / name))
            for name in (AUDIO_NAME, TEXT_NAME, TOKENIZER_NAME, METADATA_NAME)
        )
        export_audio(network, audio, window_samples=window_samples)
        export_text(network, text)
        tokenizer.write_text(_padding_tokenizer(network.text.tokenizer).to_str(), encoding="utf-8")
        difference = max(
            _audio_difference(network, audio, window_samples=window_samples), _text_difference(network, text, tokenizer)
        )
        if not difference <= LARGEST_DIFFERENCE:
            raise ArithmeticError(
                f"ONNX Runtime differs from torch by {difference:.1e} but at most {LARGEST_DIFFERENCE:.0e} is allowed."
            )
        described = {**_described(model), "largest_difference": difference}
        metadata.write_text(json.dumps(described, indent=1) + "\n", encoding="utf-8")
    return difference


def _plain(model: Model) -> Network:
    """A model's network on the processor, without adapters."""
    adapted = isinstance(model.network.text, SentenceTower) and model.network.text.adapted_layers
    if model.device == "cpu" and not adapted:
        return model.network.eval()
    network = copy.deepcopy(model.network).cpu().eval()
    if isinstance(network.text, SentenceTower):
        network.text = network.text.merged()
    return network


def export_audio(network: Network, path: Path, *, window_samples: int) -> None:
    """Write the audio tower: ``foa``, windows of AmbiX, to ``joint``, ``semantic``, ``spatial`` and ``direction``."""
    foa = torch.zeros(2, 4, window_samples)
    _write(_Audio(network), path, {"foa": foa}, axes=["batch"], outputs=Embeddings._fields)


def export_text(network: Network, path: Path) -> None:
    """Write the text tower: ``input_ids`` and ``attention_mask`` to ``embedding``, raw."""
    # Not one tensor for both: the capture would take them for one input.
    tokens = {name: torch.ones(2, 3, dtype=torch.long) for name in ("input_ids", "attention_mask")}
    _write(_Text(network), path, tokens, axes=["batch", "tokens"], outputs=["embedding"])


class _Audio(nn.Module):
    """From a window of sound to its embeddings."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network

    def forward(self, foa: Float[Tensor, "batch 4 time"]) -> tuple[Tensor, ...]:
        return tuple(self.network(self.network.observe(foa)))


class _Text(nn.Module):
    """From tokens to text embeddings."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network

    def forward(
        self, input_ids: Int[Tensor, "batch token"], attention_mask: Int[Tensor, "batch token"]
    ) -> Float[Tensor, "batch width"]:
        embeddings: Tensor = self.network.text_projection(self.network.text.encode(input_ids, attention_mask))
        return embeddings


@torch.no_grad()
def _write(
    module: nn.Module, path: Path, inputs: Mapping[str, Tensor], *, axes: Sequence[str], outputs: Sequence[str]
) -> None:
    """Write a module whose inputs are of any size along their first axes, which have these names."""
    varying = {name: dict.fromkeys(range(len(axes)), torch.export.Dim.DYNAMIC) for name in inputs}
    # The axes of the first input are those of all, and are named once.
    named = {name: dict(enumerate(() if index else axes)) for index, name in enumerate(inputs)}
    with _quiet(), _without_collection():
        # Captured here and not by the exporter, which makes a fixed size of an axis that cannot vary and says nothing.
        program = torch.export.export(module.eval(), (), dict(inputs), dynamic_shapes=varying, strict=False)
        converted = torch.onnx.export(
            program,
            input_names=list(inputs),
            output_names=list(outputs),
            dynamic_shapes=named,
            dynamo=True,
            verbose=False,
            # All that this would do takes longer than the rest together, and ONNX Runtime does it again when it loads.
            optimize=False,
            custom_translation_table={
                torch.ops.aten.unfold.default: _framed,
                torch.ops.aten._fft_r2c.default: _transformed,
            },
        )
    converted = cast(torch.onnx.ONNXProgram, converted)
    _simplify(converted.model)
    converted.save(path, external_data=False)


def _simplify(graph: Any) -> None:
    """Fold what is constant, and leave out what nobody uses and what is there twice."""
    import onnxscript.optimizer
    from onnx_ir.passes import common

    common.InlinePass()(graph)
    onnxscript.optimizer.fold_constants(graph)
    common.RemoveUnusedNodesPass()(graph)
    common.CommonSubexpressionEliminationPass()(graph)
    common.LiftConstantsToInitializersPass(lift_all_constants=True, size_limit=0)(graph)
    common.DeduplicateInitializersPass()(graph)


def _framed(signals: Any, dimension: int, size: int, step: int) -> Any:
    """Frames of the last axis in ONNX, as ``torch.Tensor.unfold``.

    Frames and steps are whole numbers of blocks, and copying blocks is faster than copying samples.
    """
    from onnxscript import opset18 as op

    lead, time = len(signals.shape) - 1, signals.shape[-1]
    if dimension not in (-1, lead):
        raise NotImplementedError(f"only the last axis can be framed, not axis {dimension}.")
    block, count = math.gcd(size, step), (time - size) // step + 1
    used = (count - 1) * step + size
    blocks_of_frame = np.arange(count)[:, None] * (step // block) + np.arange(size // block)
    cut = op.Slice(signals, _constant([0]), _constant([used]), _constant([lead]))
    blocks = op.Reshape(cut, _constant([0] * lead + [used // block, block]))
    frames = op.Gather(blocks, _constant(blocks_of_frame), axis=lead)
    return op.Reshape(frames, _constant([0] * lead + [count, size]))


def _transformed(frames: Any, dim: Sequence[int], normalization: int, onesided: bool) -> Any:
    """The one-sided Fourier transform of the last axis in ONNX, as products with cosines and sines.

    Cosines are even and sines odd about the middle of a frame, so sums and differences of mirrored samples need half
    the products.
    """
    from onnxscript import opset18 as op

    rank, size = len(frames.shape), int(frames.shape[-1])
    if [axis % rank for axis in dim] != [rank - 1] or normalization or not onesided or size % 2:
        raise NotImplementedError("only one-sided transforms of an even number of samples, unscaled, can be exported.")
    half = size // 2
    grid = np.arange(half + 1)
    angle = 2 * np.pi * (np.outer(grid, grid) % size) / size
    last = _constant([-1])
    inner = op.Slice(frames, _constant([1]), _constant([half]), last)
    mirrored = op.Slice(frames, _constant([-1]), _constant([half]), last, _constant([-1]))
    ends = op.Slice(frames, _constant([0]), _constant([half + 1]), last, _constant([half]))
    cosines = np.cos(angle[[*range(1, half), 0, half]]).astype(np.float32)
    sines = np.sin(angle[1:half]).astype(np.float32)
    real = op.MatMul(op.Concat(op.Add(inner, mirrored), ends, axis=-1), _constant(cosines))
    imaginary = op.MatMul(op.Sub(mirrored, inner), _constant(sines))
    # Complex numbers are pairs on a last axis in the exporter.
    return op.Concat(op.Unsqueeze(real, last), op.Unsqueeze(imaginary, last), axis=-1)


def _constant(values: Any) -> Any:
    import onnx_ir
    from onnxscript import opset18 as op

    return op.Constant(value=onnx_ir.tensor(np.asarray(values)))


@contextmanager
def _quiet() -> Iterator[None]:
    """Without what the exporter says of torch's own code and of packages that are not needed."""
    registration = logging.getLogger("torch.onnx._internal.exporter._registration")
    level = registration.level
    registration.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            # torch copies the description of its arguments by a name that it has deprecated itself.
            warnings.filterwarnings("ignore", message=r".*treespec, LeafSpec", category=FutureWarning)
            yield
    finally:
        registration.setLevel(level)


@contextmanager
def _without_collection() -> Iterator[None]:
    """Without Python's collector, which goes over the exporter's objects again and again, a quarter of the time."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


def _padding_tokenizer(tokenizer: Any) -> Any:
    """A tokenizer that truncates as the model's does, and pads all sentences of a batch to one length."""
    padding = copy.deepcopy(tokenizer)
    token = next(token for token in _PADDING_TOKENS if padding.token_to_id(token) is not None)
    padding.enable_padding(pad_id=padding.token_to_id(token), pad_token=token)
    return padding


@torch.no_grad()
def _audio_difference(network: Network, path: Path, *, window_samples: int) -> float:
    foa = _window(window_samples)
    got = _run(path, {"foa": foa})
    return max(map(_difference, got, network(network.observe(torch.from_numpy(foa)))))


@torch.no_grad()
def _text_difference(network: Network, path: Path, tokenizer: Path) -> float:
    from tokenizers import Tokenizer

    encoded = Tokenizer.from_file(str(tokenizer)).encode_batch(list(_SENTENCES))
    (got,) = _run(
        path,
        {
            "input_ids": np.array([one.ids for one in encoded]),
            "attention_mask": np.array([one.attention_mask for one in encoded]),
        },
    )
    return _difference(got, network.embed_sentences(_SENTENCES))


def _run(path: Path, inputs: Mapping[str, np.ndarray]) -> list[np.ndarray]:
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    outputs: list[np.ndarray] = session.run(None, dict(inputs))
    return outputs


def _difference(got: Float32[np.ndarray, "item dim"], wanted: Float[Tensor, "item dim"]) -> float:
    return float(np.abs(_unit(got) - _unit(wanted.numpy())).max())


def _unit(vectors: Float32[np.ndarray, "item dim"]) -> Float32[np.ndarray, "item dim"]:
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), np.float32(1e-12)))


def _window(window_samples: int) -> Float32[np.ndarray, "1 4 time"]:
    """One window of decaying noise from the front left, in faint noise of each channel's own."""
    rng = np.random.default_rng(0)
    decay = np.exp(-np.linspace(0.0, 8.0, window_samples))
    source = (0.3 * decay * rng.standard_normal(window_samples)).astype(np.float32)
    noise = (1e-3 * rng.standard_normal((4, window_samples))).astype(np.float32)
    return (encode_plane_wave(source, 40.0, 10.0) + noise)[None]


def _described(model: Model) -> dict[str, Any]:
    """What goes in and what comes out, for who has only the files."""
    features, width = model.config.features, model.config.width
    raw = "raw; divide by its length to compare by cosine similarity"
    return {
        "model": model.config.name,
        "digest": model.digest,
        "width": width,
        "rate_hz": features.rate_hz,
        "window_s": features.window_s,
        "window_samples": features.window_samples,
        "hop": features.hop,
        "facing": model.config.facing,
        "audio": {
            "file": AUDIO_NAME,
            "inputs": {
                "foa": _array(
                    "float32",
                    ["batch", 4, features.window_samples],
                    "windows of first-order AmbiX (W, Y, Z, X; SN3D) at rate_hz, full scale 1",
                )
            },
            "outputs": {
                "joint": _array("float32", ["batch", width], f"what and where together, {raw}"),
                "semantic": _array("float32", ["batch", width], f"what, {raw}"),
                "spatial": _array("float32", ["batch", width], f"where, {raw}"),
                "direction": _array("float32", ["batch", 3], "to the source: x front, y left, z up; of any length"),
            },
        },
        "text": {
            "file": TEXT_NAME,
            "tokenizer": TOKENIZER_NAME,
            "inputs": {
                "input_ids": _array("int64", ["batch", "tokens"], f"from {TOKENIZER_NAME}, which truncates and pads"),
                "attention_mask": _array("int64", ["batch", "tokens"], "1 for tokens, 0 for padding"),
            },
            "outputs": {
                "embedding": _array("float32", ["batch", width], f"of a sentence, to compare with all three, {raw}")
            },
        },
    }


def _array(dtype: str, shape: Sequence[int | str], meaning: str) -> dict[str, Any]:
    return {"dtype": dtype, "shape": list(shape), "meaning": meaning}

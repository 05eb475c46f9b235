"""The towers in training: one module that hears windows and reads sentences, and its gradients batch by batch.

A batch that is too large for the memory goes through in pieces, and the contrastive losses see the whole of it all the
same (Gao et al., arXiv 2101.06983): first all pieces are embedded without keeping anything, the loss is differentiated
with respect to the embeddings, and then every piece is embedded once more and its share of these gradients sent back.
Batch normalisation sees pieces.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import NamedTuple, cast

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from salm.model.encoders import Observation
from salm.model.htsat import SwinBlock
from salm.model.network import Network
from salm.model.text import SentenceTower, States, Tokens
from salm.training.devices import Devices

__all__ = ["Embedded", "TextInput", "Towers", "backward", "checkpointed"]

TextInput = Float[Tensor, "sentence dim"] | Tokens | States
"""Sentences as the text side takes them: what a frozen tower says of them, tokens for one that is trained, or states
for one whose last layers have adapters."""


class Embedded(NamedTuple):
    """A batch of windows and any number of sentences in the shared space, and the temperature."""

    joint: Float[Tensor, "batch width"]
    semantic: Float[Tensor, "batch width"]
    spatial: Float[Tensor, "batch width"]
    direction: Float[Tensor, "batch 3"]
    text: Float[Tensor, "sentence width"]
    scale: Float[Tensor, ""]


class Towers(nn.Module):
    """Both sides of a network as one module, so that whatever wraps a module wraps both.

    Parameters
    ----------
    network
        The network.
    bfloat16
        Compute with bfloat16 where that is safe; weights and losses stay in single precision.
    """

    def __init__(self, network: Network, *, bfloat16: bool) -> None:
        super().__init__()
        self.network = network
        self.autocast = bfloat16

    def forward(self, observation: Observation, text: TextInput) -> Embedded:
        """Embeddings of windows and sentences."""
        network = self.network
        with torch.autocast(observation.features.device.type, torch.bfloat16, enabled=self.autocast):
            heard = network(observation)
            read = network.text_projection(self._vectors(text))
        joint, semantic, spatial, direction = heard
        return Embedded(joint, semantic, spatial, direction, read, network.scale)

    def _vectors(self, text: TextInput) -> Float[Tensor, "sentence dim"]:
        tower = self.network.text
        if isinstance(text, Tokens):
            return tower.encode(text.ids, text.mask)
        return (
            tower.above(text) if isinstance(text, States) and isinstance(tower, SentenceTower) else cast(Tensor, text)
        )


def checkpointed(network: Network) -> Network:
    """The network, its transformer blocks computed once more on the way back instead of kept: less memory, more time.

    Names of weights stay what they were.
    """
    from torch.distributed.algorithms._checkpoint.checkpoint_wrapper import apply_activation_checkpointing
    from transformers.models.roberta.modeling_roberta import RobertaLayer

    apply_activation_checkpointing(network, check_fn=lambda module: isinstance(module, SwinBlock | RobertaLayer))
    return network


def backward(
    towers: nn.Module,
    observation: Observation,
    text: TextInput,
    *,
    loss: Callable[[Embedded], Float[Tensor, ""]],
    pieces: int,
    seeds: Sequence[int],
    devices: Devices,
) -> None:
    """Add the gradients of the loss of one batch to those of the weights.

    Parameters
    ----------
    towers
        :class:`Towers`, as :meth:`salm.training.devices.Devices.wrapped` gives them.
    loss
        Of the embeddings of all windows and sentences of this process; called once.
    pieces
        In how many pieces the batch goes through, at most as many as there are windows and sentences.
    seeds
        Of everything random in each piece.
    """
    if pieces == 1:
        torch.manual_seed(seeds[0])
        torch.autograd.backward(loss(towers(observation, text)))
        return
    parts = list(zip(_pieces(observation, pieces), _text_pieces(text, pieces), seeds, strict=True))
    with torch.no_grad(), _statistics_kept(towers):
        embedded = [_embed(towers, *part) for part in parts]
    joined = [torch.cat(column) for column in zip(*(part[:-1] for part in embedded), strict=True)]
    leaves = Embedded(*(value.detach().requires_grad_() for value in (*joined, embedded[0].scale)))
    torch.autograd.backward(loss(leaves))
    start, told = 0, 0
    for number, (part, sizes) in enumerate(zip(parts, embedded, strict=True)):
        windows, sentences = len(sizes.joint), len(sizes.text)
        is_last = number == pieces - 1
        wanted = [_of(leaf, start, windows) for leaf in leaves[:4]]
        # The temperature is one for all pieces.
        wanted += [_of(leaves.text, told, sentences), leaves.scale.grad if is_last else None]
        with nullcontext() if is_last else devices.unsynchronised(towers):
            _send_back(_embed(towers, *part), wanted)
        start, told = start + windows, told + sentences


def _embed(towers: nn.Module, observation: Observation, text: TextInput, seed: int) -> Embedded:
    torch.manual_seed(seed)
    embedded: Embedded = towers(observation, text)
    return embedded


def _send_back(embedded: Embedded, gradients: Sequence[Tensor | None]) -> None:
    pairs = [
        (value, gradient)
        for value, gradient in zip(embedded, gradients, strict=True)
        if value.requires_grad and gradient is not None
    ]
    torch.autograd.backward([value for value, _ in pairs], [gradient.to(value.dtype) for value, gradient in pairs])


def _of(leaf: Tensor, start: int, count: int) -> Tensor | None:
    return None if leaf.grad is None else leaf.grad[start : start + count]


def _pieces(observation: Observation, count: int) -> list[Observation]:
    columns = [value.tensor_split(count) for value in observation]
    return [Observation(*values) for values in zip(*columns, strict=True)]


def _text_pieces(text: TextInput, count: int) -> Sequence[TextInput]:
    if isinstance(text, Tensor):
        return text.tensor_split(count)
    return [type(text)(*parts) for parts in zip(*(value.tensor_split(count) for value in text), strict=True)]


@contextmanager
def _statistics_kept(towers: nn.Module) -> Iterator[None]:
    """Running statistics of batch normalisation are afterwards what they were: the second pass updates them."""
    buffers = [buffer for module in towers.modules() if isinstance(module, _BatchNorm) for buffer in module.buffers()]
    kept = [buffer.clone() for buffer in buffers]
    try:
        yield
    finally:
        for buffer, value in zip(buffers, kept, strict=True):
            buffer.copy_(value)

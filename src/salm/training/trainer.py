"""A network in training: what it learns from one batch after the other."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from salm.errors import InputError
from salm.model.encoders import Observation
from salm.model.network import Network
from salm.scenes.dataset import Batch
from salm.training.augment import mask_features
from salm.training.config import TrainConfig
from salm.training.devices import Devices, has_bfloat16
from salm.training.losses import total
from salm.training.schedule import Schedule
from salm.training.sentences import ReadAhead, reader
from salm.training.terms import StandingSentences, Told, loss_terms, median_angle_deg, told
from salm.training.towers import Embedded, Towers, backward, checkpointed

__all__ = ["Trainer"]


class Windows(NamedTuple):
    """Windows whose features are computed where the network is."""

    foa: Float[Tensor, "batch 4 time"]


class Trainer:
    """A network in training: batch after batch, it learns.

    Parameters
    ----------
    network
        What is trained, in place.
    config
        The run.
    schedule
        Its length.
    devices
        Where it computes.
    """

    def __init__(self, network: Network, config: TrainConfig, *, schedule: Schedule, devices: Devices) -> None:
        self.network, self.config, self.schedule, self.devices = network, config, schedule, devices
        if config.gradient_checkpointing:
            checkpointed(network)
        towers = Towers(network, bfloat16=config.bfloat16 and has_bfloat16(devices.device))
        if config.compile:
            towers.compile()
        self.towers = devices.wrapped(towers)
        self.optimizer = _optimizer(network, config)
        self.read = reader(network.text)
        self.standing = StandingSentences.of(config.model)

    @property
    def observe(self) -> Callable[[Float[Tensor, "batch 4 time"]], Any]:
        """What the loader does with windows: features, unless a faster device than its own computes them."""
        return self.network.observe if self.devices.device.type == "cpu" else Windows

    def sentences(self, batch: Batch[Any], step: int) -> Told:
        """The sentences that the loss of a batch needs at a step."""
        weights = self.schedule.weights(step, self.config.losses)
        return told(batch, self.standing, weights=weights, rivals=self.config.rivals, step=step)

    def step(self, batch: Batch[Any], step: int, *, ahead: ReadAhead | None = None) -> dict[str, float]:
        """Learn from one batch, whose sentences may have been read before; what there is to log.

        Raises
        ------
        InputError
            If the loss or its gradient is not finite; the weights are then what they were.
        """
        record = self.gradients(batch, step, ahead=ahead)
        self.update(step)
        return record | {"scale": self.network.scale.item(), "learning_rate": self.optimizer.param_groups[0]["lr"]}

    def gradients(self, batch: Batch[Any], step: int, *, ahead: ReadAhead | None = None) -> dict[str, float]:
        """Add the gradients of one batch to those of the weights; the terms of the loss."""
        self.network.train()
        batch = self._observed(_moved(batch, self.devices.device), step)
        return self._backward(batch, step, ahead)

    def update(self, step: int) -> None:
        """Change the weights by their gradients, which are gone then."""
        for group in self.optimizer.param_groups:
            group["lr"] = self.config.learning_rate * self.schedule.learning_rate(step)
        norm = nn.utils.clip_grad_norm_(_trained(self.network), self.config.clip_norm)
        self._check_finite({"gradient": norm.item()}, step)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.network.clamp_scale()

    def _observed(self, batch: Batch[Any], step: int) -> Batch[Observation]:
        observation = batch.observation
        if isinstance(observation, Windows):
            observation = self.network.observe(observation.foa)
        if self.config.mask_features:
            generator = torch.Generator().manual_seed(self._seed(step, 0))
            features = mask_features(observation.features, generator=generator)
            observation = observation._replace(features=features)
        return batch._replace(observation=observation)

    def _backward(self, batch: Batch[Observation], step: int, ahead: ReadAhead | None) -> dict[str, float]:
        weights = self.schedule.weights(step, self.config.losses)
        sentences = self.sentences(batch, step)
        record: dict[str, float] = {}

        def loss(embedded: Embedded) -> Float[Tensor, ""]:
            terms = loss_terms(embedded, batch, sentences, weights=weights, devices=self.devices)
            summed = total(terms, weights)
            values = {name: term.item() for name, term in terms.items()}
            self._check_finite(values, step)
            record.update({"loss": summed.item(), **values})
            if weights.doa:
                record["angle_deg"] = median_angle_deg(embedded.direction.detach(), batch.direction)
            return summed

        size = len(batch.captions)
        pieces = -(-size // (self.config.micro_batch_size or size))
        seeds = [self._seed(step, piece) for piece in range(pieces)]
        text = _moved(self.read(sentences.all, ahead=ahead), self.devices.device)
        backward(self.towers, batch.observation, text, loss=loss, pieces=pieces, seeds=seeds, devices=self.devices)
        return record

    def _check_finite(self, values: dict[str, float], step: int) -> None:
        for name, value in values.items():
            if not math.isfinite(value):
                what = "the gradient" if name == "gradient" else f"the loss term {name}"
                raise InputError(
                    f"step {step + 1}: {what} is {value}; lower learning_rate ({self.config.learning_rate:g}) or set "
                    "bfloat16: false, and start the command again: it goes on from the last checkpoint, which is good."
                )

    def _seed(self, step: int, piece: int) -> int:
        # Everything random in a step comes from its number, so that a resumed run equals an uninterrupted one.
        return int(np.random.SeedSequence([self.config.seed, step, self.devices.rank, piece]).generate_state(1)[0])


def _optimizer(network: Network, config: TrainConfig) -> torch.optim.Optimizer:
    matrices = [p for p in _trained(network) if p.ndim > 1]
    vectors = [p for p in _trained(network) if p.ndim <= 1]
    groups = [
        {"params": matrices, "weight_decay": config.weight_decay},
        {"params": vectors, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=config.learning_rate, betas=(0.9, 0.999), eps=1e-8, fused=True)


def _trained(network: Network) -> list[nn.Parameter]:
    return [p for p in network.parameters() if p.requires_grad]


def _moved(value: Any, device: torch.device) -> Any:
    """A tensor, or a named tuple with tensors in it, on a device."""
    if isinstance(value, Tensor):
        return value.to(device, non_blocking=True)
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*(_moved(part, device) for part in value))
    return value

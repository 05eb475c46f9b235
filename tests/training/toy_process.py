"""One process of a run on a toy pair in double precision, without batch normalisation; started by `test_devices.py`.

Writes the losses and gradients of one batch, which it may share with other processes, to a file of its own.
"""

import sys

import numpy as np
import torch
from torch import Tensor, nn

from salm.model.encoders import Encoded, EncoderPair, Observation
from salm.model.presets import preset
from salm.model.salm import SALM
from salm.model.text import TextTower
from salm.scenes.dataset import Batch
from salm.training.config import TrainConfig
from salm.training.devices import open_devices
from salm.training.losses import LossWeights
from salm.training.schedule import Schedule
from salm.training.trainer import Trainer

BATCH = 8


class ToyPair(EncoderPair):
    """A layer each for what and where."""

    what_dim = where_dim = 5
    has_direction = False

    def __init__(self) -> None:
        super().__init__()
        self.what, self.where = nn.Linear(6, 5), nn.Linear(6, 5)

    def forward(self, observation: Observation) -> Encoded:
        flat = observation.features.flatten(1)
        return Encoded(self.what(flat).tanh(), self.where(flat).tanh(), flat.new_zeros(len(flat), 3))


class ToyText(TextTower):
    """Vectors that follow from the letters."""

    dim, frozen = 4, True

    def forward(self, sentences: list[str]) -> Tensor:
        return torch.stack([torch.tensor([len(s), ord(s[0]), ord(s[-1]), s.count("e")]) / 50.0 for s in sentences])


def whole_batch() -> Batch[Observation]:
    rng = np.random.default_rng(0)
    captions = [f"{letter * (3 + number)}e" for number, letter in enumerate("abcdefgh")]
    spatial = [f"{caption} on side {number % 3}" for number, caption in enumerate(captions)]
    same = torch.eye(BATCH, dtype=torch.bool)
    # Two clips of one sound: several positives, whose rows lie in different processes.
    same[1, 6] = same[6, 1] = True
    empty = torch.zeros(BATCH, 0, dtype=torch.float64)
    return Batch(
        observation=Observation(
            torch.from_numpy(rng.standard_normal((BATCH, 1, 2, 3))), empty, empty, empty.reshape(BATCH, 0, 1, 1)
        ),
        direction=torch.from_numpy(rng.standard_normal((BATCH, 3))),
        sector=torch.from_numpy(rng.integers(0, 8, BATCH)),
        located=torch.ones(BATCH, dtype=torch.bool),
        captions=captions,
        spatial_captions=spatial,
        rivals=[[f"{caption} on side {side}" for side in "xyz"] for caption in captions],
        same_sound=same,
        same_scene=torch.eye(BATCH, dtype=torch.bool),
    )


def part_of(batch: Batch[Observation], rank: int, count: int) -> Batch[Observation]:
    own = slice(rank * BATCH // count, (rank + 1) * BATCH // count)
    return Batch(Observation(*(value[own] for value in batch.observation)), *(value[own] for value in batch[1:]))


def main(out: str) -> None:
    devices = open_devices()
    results: dict[str, np.ndarray] = {}
    for micro in (None, 3, 1):
        config = TrainConfig(
            model=preset("tiny"),
            losses=LossWeights(sentence=0.5),
            rivals=2,
            mask_features=False,
            bfloat16=False,
            micro_batch_size=micro,
        )
        torch.manual_seed(0)
        network = SALM(pair=ToyPair(), text=ToyText(), width=6).double()
        trainer = Trainer(network, config, schedule=Schedule(steps=1, warmup_steps=0), devices=devices)
        read = trainer.read
        trainer.read = lambda sentences, read=read, **_: read(sentences).double()
        record = trainer.gradients(part_of(whole_batch(), devices.rank, devices.count), 0)
        results |= {f"{micro}/loss/{name}": np.array(value) for name, value in record.items()}
        results |= {
            f"{micro}/{name}": parameter.grad.numpy()
            for name, parameter in network.named_parameters()
            if parameter.grad is not None
        }
    np.savez(f"{out}-{devices.rank}-of-{devices.count}.npz", **results)
    devices.wait()


if __name__ == "__main__":
    main(sys.argv[1])

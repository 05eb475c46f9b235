"""Checkpoints hold all that a run goes on from, and refuse what is none."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from salm.errors import InputError
from salm.training.checkpoint import load_checkpoint, save_checkpoint


class Net(nn.Module):
    """A trained part with running statistics beside a frozen one with its own."""

    def __init__(self, width: int = 4) -> None:
        super().__init__()
        self.frozen = nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3)).requires_grad_(False).eval()
        self.layer, self.norm, self.scale = nn.Linear(3, width), nn.BatchNorm1d(width), nn.Parameter(torch.ones(()))

    def forward(self, x: Tensor) -> Tensor:
        return self.scale * self.norm(self.layer(self.frozen(x)))


def made(seed: int = 0, width: int = 4) -> tuple[Net, torch.optim.Optimizer]:
    torch.manual_seed(seed)
    net = Net(width)
    groups = [{"params": [net.layer.weight]}, {"params": [net.layer.bias, *net.norm.parameters(), net.scale]}]
    return net, torch.optim.AdamW(groups, lr=0.05, weight_decay=0.1)


def trained(net: Net, optimizer: torch.optim.Optimizer, steps: range) -> None:
    for step in steps:
        x = torch.randn(8, 3, generator=torch.Generator().manual_seed(step))
        optimizer.zero_grad()
        (net(x) - x.sum(1, keepdim=True)).square().mean().backward()
        optimizer.step()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run" / "checkpoint.safetensors"


def test_a_restored_run_goes_on_bit_for_bit(path: Path) -> None:
    net, optimizer = made()
    trained(net, optimizer, range(5))
    save_checkpoint(path, model=net, optimizer=optimizer, step=5)
    trained(net, optimizer, range(5, 9))
    # The frozen part is no part of a checkpoint; the same seed builds the same.
    other, other_optimizer = made()
    trained(other, other_optimizer, range(2))
    assert load_checkpoint(path, model=other, optimizer=other_optimizer) == 5
    trained(other, other_optimizer, range(5, 9))
    for key, value in net.state_dict().items():
        assert torch.equal(other.state_dict()[key], value), key


def test_what_is_frozen_is_neither_stored_nor_touched(path: Path) -> None:
    net, optimizer = made()
    trained(net, optimizer, range(1))
    save_checkpoint(path, model=net, optimizer=optimizer, step=1)
    assert not [key for key in load_file(path) if "frozen" in key]
    other, other_optimizer = made(seed=1)
    frozen = {key: value.clone() for key, value in other.frozen.state_dict().items()}
    load_checkpoint(path, model=other, optimizer=other_optimizer)
    assert all(torch.equal(other.frozen.state_dict()[key], value) for key, value in frozen.items())
    assert torch.equal(other.layer.weight, net.layer.weight)


def test_a_later_checkpoint_takes_the_place_of_the_earlier(path: Path) -> None:
    net, optimizer = made()
    for step in (1, 2):
        trained(net, optimizer, range(step))
        save_checkpoint(path, model=net, optimizer=optimizer, step=step)
    assert load_checkpoint(path, model=net, optimizer=optimizer) == 2
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_before_the_first_step_there_are_no_moments(path: Path) -> None:
    net, optimizer = made()
    save_checkpoint(path, model=net, optimizer=optimizer, step=0)
    other, other_optimizer = made(seed=1)
    assert load_checkpoint(path, model=other, optimizer=other_optimizer) == 0
    assert not other_optimizer.state


@pytest.mark.parametrize("width", [3, 5])
def test_a_model_of_another_size_is_refused_in_one_line(path: Path, width: int) -> None:
    net, optimizer = made()
    save_checkpoint(path, model=net, optimizer=optimizer, step=1)
    other, other_optimizer = made(width=width)
    with pytest.raises(InputError, match="belongs to another model; train into another folder") as caught:
        load_checkpoint(path, model=other, optimizer=other_optimizer)
    assert "\n" not in str(caught.value)


def test_a_model_of_other_parts_is_refused(path: Path) -> None:
    net, optimizer = made()
    save_checkpoint(path, model=net, optimizer=optimizer, step=1)
    layer = nn.Linear(3, 4)
    with pytest.raises(InputError, match="belongs to another model"):
        load_checkpoint(path, model=layer, optimizer=torch.optim.SGD(layer.parameters()))


def test_weights_without_a_step_are_no_checkpoint(path: Path) -> None:
    net, optimizer = made()
    path.parent.mkdir()
    save_file({f"model.{key}": value for key, value in net.state_dict().items() if "frozen" not in key}, path)
    with pytest.raises(InputError, match="belongs to another model"):
        load_checkpoint(path, model=net, optimizer=optimizer)


def test_a_damaged_file_is_refused(path: Path) -> None:
    net, optimizer = made()
    save_checkpoint(path, model=net, optimizer=optimizer, step=1)
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(InputError, match="cannot be read as a checkpoint"):
        load_checkpoint(path, model=net, optimizer=optimizer)

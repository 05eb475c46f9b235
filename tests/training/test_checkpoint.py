"""Checkpoints hold all that a run goes on from, and refuse what is none."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from salm.errors import InputError
from salm.training.checkpoint import (
    Best,
    RunState,
    load_checkpoint,
    load_weights,
    read_state,
    save_checkpoint,
    save_weights,
)


class Net(nn.Module):
    """A trained part with running statistics beside a frozen one with its own."""

    def __init__(self, width: int = 4) -> None:
        super().__init__()
        self.frozen = nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3)).requires_grad_(False).eval()
        self.layer, self.norm, self.scale = nn.Linear(3, width), nn.BatchNorm1d(width), nn.Parameter(torch.ones(()))

    def forward(self, x: Tensor) -> Tensor:
        return self.scale * self.norm(self.layer(self.frozen(x)))


def at(step: int) -> RunState:
    return RunState(step=step, threads=1)


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
    save_checkpoint(path, model=net, optimizer=optimizer, state=at(5))
    trained(net, optimizer, range(5, 9))
    # The frozen part is no part of a checkpoint; the same seed builds the same.
    other, other_optimizer = made()
    trained(other, other_optimizer, range(2))
    assert load_checkpoint(path, model=other, optimizer=other_optimizer).step == 5
    trained(other, other_optimizer, range(5, 9))
    for key, value in net.state_dict().items():
        assert torch.equal(other.state_dict()[key], value), key


def test_what_is_frozen_is_neither_stored_nor_touched(path: Path) -> None:
    net, optimizer = made()
    trained(net, optimizer, range(1))
    save_checkpoint(path, model=net, optimizer=optimizer, state=at(1))
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
        save_checkpoint(path, model=net, optimizer=optimizer, state=at(step))
    assert load_checkpoint(path, model=net, optimizer=optimizer).step == 2
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_before_the_first_step_there_are_no_moments(path: Path) -> None:
    net, optimizer = made()
    save_checkpoint(path, model=net, optimizer=optimizer, state=at(0))
    other, other_optimizer = made(seed=1)
    assert load_checkpoint(path, model=other, optimizer=other_optimizer).step == 0
    assert not other_optimizer.state


@pytest.mark.parametrize("width", [3, 5])
def test_a_model_of_another_size_is_refused_in_one_line(path: Path, width: int) -> None:
    net, optimizer = made()
    save_checkpoint(path, model=net, optimizer=optimizer, state=at(1))
    other, other_optimizer = made(width=width)
    with pytest.raises(InputError, match="belongs to another model; train into another folder") as caught:
        load_checkpoint(path, model=other, optimizer=other_optimizer)
    assert "\n" not in str(caught.value)


def test_a_model_of_other_parts_is_refused(path: Path) -> None:
    net, optimizer = made()
    save_checkpoint(path, model=net, optimizer=optimizer, state=at(1))
    layer = nn.Linear(3, 4)
    with pytest.raises(InputError, match="belongs to another model"):
        load_checkpoint(path, model=layer, optimizer=torch.optim.SGD(layer.parameters()))


def test_weights_without_a_step_are_no_checkpoint(path: Path) -> None:
    net, optimizer = made()
    path.parent.mkdir()
    save_file({f"model.{key}": value for key, value in net.state_dict().items() if "frozen" not in key}, path)
    with pytest.raises(InputError, match="is no checkpoint of this version"):
        load_checkpoint(path, model=net, optimizer=optimizer)


def test_a_damaged_file_is_refused(path: Path) -> None:
    net, optimizer = made()
    save_checkpoint(path, model=net, optimizer=optimizer, state=at(1))
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(InputError, match="cannot be read as a checkpoint"):
        load_checkpoint(path, model=net, optimizer=optimizer)


@pytest.mark.parametrize("best", [None, Best(step=3, value=0.25)])
def test_the_state_of_a_run_is_remembered(path: Path, best: Best | None) -> None:
    net, optimizer = made()
    state = RunState(step=5, threads=3, best=best)
    assert read_state(path) is None
    save_checkpoint(path, model=net, optimizer=optimizer, state=state)
    assert read_state(path) == state == load_checkpoint(path, model=net, optimizer=optimizer)
    assert state.torch == torch.__version__


def test_weights_alone_can_be_kept(path: Path) -> None:
    net, optimizer = made()
    trained(net, optimizer, range(2))
    save_weights(path, model=net, state=at(2))
    assert not [key for key in load_file(path) if key.startswith("optimizer.") or "frozen" in key]
    other, _ = made(seed=0)
    load_weights(path, model=other)
    assert all(torch.equal(other.state_dict()[key], value) for key, value in net.state_dict().items())


def test_weights_that_are_no_numbers_are_not_kept(path: Path) -> None:
    net, optimizer = made()
    save_checkpoint(path, model=net, optimizer=optimizer, state=at(1))
    before = path.read_bytes()
    net.norm.running_mean[2] = float("nan")
    with pytest.raises(InputError, match=r"after step 2 the weight norm\.running_mean is not finite, so no checkpoint"):
        save_checkpoint(path, model=net, optimizer=optimizer, state=at(2))
    assert path.read_bytes() == before

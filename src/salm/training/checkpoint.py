"""Checkpoints that a killed run goes on from: model, optimiser and step in one safetensors file."""

from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor, nn

from salm.errors import InputError
from salm.whole import written_whole

__all__ = ["load_checkpoint", "save_checkpoint"]


def save_checkpoint(path: Path, *, model: nn.Module, optimizer: torch.optim.Optimizer, step: int) -> None:
    """Write the trained state after ``step`` steps, under a temporary name first.

    Parameters without gradients (frozen towers) are not stored.
    """
    from safetensors.torch import save_file

    tensors = {f"model.{key}": value for key, value in _trained_state(model).items()}
    for name, parameter in _named_parameters(model):
        state = optimizer.state.get(parameter, {})
        tensors |= {f"optimizer.{name}.{key}": value for key, value in state.items()}
    with written_whole(path) as part:
        save_file({key: value.contiguous().cpu() for key, value in tensors.items()}, part, metadata={"step": str(step)})


def load_checkpoint(path: Path, *, model: nn.Module, optimizer: torch.optim.Optimizer) -> int:
    """Restore model and optimiser in place; the number of steps they have seen.

    Raises
    ------
    InputError
        If the file cannot be read or belongs to another model.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            about = file.metadata() or {}
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (not a mapping)
    except (OSError, SafetensorError) as error:
        raise InputError(f"{path} cannot be read as a checkpoint: {error}.") from error
    state = {key.removeprefix("model."): value for key, value in tensors.items() if key.startswith("model.")}
    if "step" not in about or _shapes(state) != _shapes(_trained_state(model)):
        raise InputError(f"{path} belongs to another model; train into another folder or remove it.")
    model.load_state_dict(state, strict=False)
    for name, parameter in _named_parameters(model):
        prefix = f"optimizer.{name}."
        moments = {key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)}
        if moments:
            optimizer.state[parameter] = moments
    return int(about["step"])


def _shapes(state: dict[str, Tensor]) -> dict[str, torch.Size]:
    return {name: value.shape for name, value in state.items()}


def _named_parameters(model: nn.Module) -> Iterator[tuple[str, nn.Parameter]]:
    """Parameters by the names that they have in a state, whatever torch wraps around a module to save memory."""
    for name, parameter in model.named_parameters():
        yield name.replace("_checkpoint_wrapped_module.", ""), parameter


def _trained_state(model: nn.Module) -> dict[str, Tensor]:
    frozen = {name for name, parameter in _named_parameters(model) if not parameter.requires_grad}
    prefixes = tuple({name.rsplit(".", 1)[0] + "." for name in frozen})
    return {
        key: value
        for key, value in model.state_dict().items()
        if key not in frozen and not (prefixes and key.startswith(prefixes))
    }

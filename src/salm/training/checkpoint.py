"""Checkpoints that a killed run goes on from: model, optimiser and state of the run in one safetensors file.

Everything random in a step follows from the step's number, so that there are no generators to store.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from salm.errors import InputError
from salm.whole import tensors_written_whole

__all__ = ["Best", "RunState", "load_checkpoint", "load_weights", "read_state", "save_checkpoint", "save_weights"]


@dataclass(frozen=True, kw_only=True)
class Best:
    """The best validation so far."""

    step: int
    value: float


@dataclass(frozen=True, kw_only=True)
class RunState:
    """Where a run is, beside its weights."""

    step: int
    """Steps that are done."""
    threads: int
    """Threads that they were computed with: with another number sums are rounded otherwise."""
    torch: str = torch.__version__
    """Release of torch; another one may round otherwise too."""
    best: Best | None = None


def save_checkpoint(path: Path, *, model: nn.Module, optimizer: torch.optim.Optimizer, state: RunState) -> None:
    """Write all that a run goes on from, the whole file or nothing.

    Parameters without gradients (frozen towers) are not stored.

    Raises
    ------
    InputError
        If the file cannot be written, or a weight is no finite number; what stood there before is then untouched.
    """
    tensors = _trained_state(model)
    if broken := [key for key, value in tensors.items() if not value.isfinite().all()]:
        raise InputError(
            f"after step {state.step} the weight {broken[0]} is not finite, so no checkpoint was written; "
            "lower learning_rate and start the command again: it goes on from the checkpoint before."
        )
    tensors = {f"model.{key}": value for key, value in tensors.items()}
    for name, parameter in _named_parameters(model):
        moments = optimizer.state.get(parameter, {})
        tensors |= {f"optimizer.{name}.{key}": value for key, value in moments.items()}
    _write(path, tensors, state)


def load_checkpoint(path: Path, *, model: nn.Module, optimizer: torch.optim.Optimizer) -> RunState:
    """Restore model and optimiser in place; where the run was.

    Raises
    ------
    InputError
        If the file cannot be read or belongs to another model.
    """
    tensors, state = _read(path)
    _restore(path, model, {key: value for key, value in tensors.items() if key.startswith("model.")})
    for name, parameter in _named_parameters(model):
        prefix = f"optimizer.{name}."
        moments = {key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)}
        if moments:
            optimizer.state[parameter] = moments
    return state


def save_weights(path: Path, *, model: nn.Module, state: RunState) -> None:
    """Write the trained weights alone, the whole file or nothing.

    Raises
    ------
    InputError
        If the file cannot be written.
    """
    _write(path, {f"model.{key}": value for key, value in _trained_state(model).items()}, state)


def load_weights(path: Path, *, model: nn.Module) -> None:
    """Restore the trained weights in place.

    Raises
    ------
    InputError
        If the file cannot be read or belongs to another model.
    """
    _restore(path, model, _read(path)[0])


def read_state(path: Path) -> RunState | None:
    """Where the run of a file was, without its weights; None if there is no file.

    Raises
    ------
    InputError
        If the file is there and is no checkpoint.
    """
    return _read(path, tensors=False)[1] if path.exists() else None


def _write(path: Path, tensors: dict[str, Tensor], state: RunState) -> None:
    whole = {key: value.contiguous().cpu() for key, value in tensors.items()}
    tensors_written_whole(path, whole, metadata={"state": json.dumps(asdict(state))})


def _read(path: Path, *, tensors: bool = True) -> tuple[dict[str, Tensor], RunState]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            about = (file.metadata() or {}).get("state")
            found = {key: file.get_tensor(key) for key in file.keys()} if tensors else {}  # noqa: SIM118 (no mapping)
    except (OSError, SafetensorError) as error:
        raise InputError(f"{path} cannot be read as a checkpoint: {error}.") from error
    if about is None:
        raise InputError(f"{path} is no checkpoint of this version; train into another folder or remove it.")
    plain = json.loads(about)
    return found, RunState(**plain | {"best": plain["best"] and Best(**plain["best"])})


def _restore(path: Path, model: nn.Module, stored: dict[str, Tensor]) -> None:
    weights = {key.removeprefix("model."): value for key, value in stored.items()}
    if _shapes(weights) != _shapes(_trained_state(model)):
        raise InputError(f"{path} belongs to another model; train into another folder or remove it.")
    model.load_state_dict(weights, strict=False)


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

"""CLAP as transformers publishes it: its names and its configuration in terms of LAION-CLAP's and ours."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from salm.errors import InputError
from salm.model.config import HTSATConfig, ModelConfig, RobertaSize, from_mapping
from salm.model.ledger import Source

__all__ = ["clap_config", "clap_names"]

_ROLES = ("query", "key", "value")

_NAMES = (
    ("audio_model.audio_encoder.", "audio_branch."),
    ("audio_branch.batch_norm.", "audio_branch.bn0."),
    (".layernorm_before.", ".norm1."),
    (".layernorm_after.", ".norm2."),
    (".attention.self.", ".attn."),
    (".attention.output.dense.", ".attn.proj."),
    (".intermediate.dense.", ".mlp.fc1."),
    (".output.dense.", ".mlp.fc2."),
)
"""Of the audio tower, in the order in which they are replaced."""

_FIXED: dict[str, dict[str, Any]] = {
    "audio_config": {
        "num_mel_bins": 64,
        "patch_size": 4,
        "patch_stride": [4, 4],
        "patch_embed_input_channels": 1,
        "enable_patch_layer_norm": True,
        "mlp_ratio": 4.0,
        "qkv_bias": True,
        "hidden_act": "gelu",
        "projection_hidden_act": "relu",
        "layer_norm_eps": 1e-5,
    },
    "text_config": {"hidden_act": "gelu", "projection_hidden_act": "relu", "type_vocab_size": 1, "pad_token_id": 1},
}
"""What our model has no number for: every published CLAP has these."""

_HTSAT = {
    "spec_size": "grid",
    "patch_embeds_hidden_size": "embed_dim",
    "depths": "depths",
    "num_attention_heads": "heads",
    "window_size": "window",
}
_ROBERTA = {
    "vocab_size": "vocabulary",
    "hidden_size": "dim",
    "num_hidden_layers": "layers",
    "num_attention_heads": "heads",
    "intermediate_size": "hidden",
    "max_position_embeddings": "positions",
    "layer_norm_eps": "layer_norm_eps",
}


def clap_names(state: Mapping[str, Tensor]) -> dict[str, Source]:
    """The weights of a ``ClapModel`` by LAION-CLAP's names.

    Rows of query, key and value become one matrix. Names that are not known stay as they are.
    """
    sources = {}
    for key, value in state.items():
        stem, role = _split_role(key)
        if role is None or not all(key.replace(role, other) in state for other in _ROLES):
            sources[_renamed(key)] = Source(value, (key,))
        elif role == "query":
            keys = tuple(stem.format(other) for other in _ROLES)
            name = _renamed(stem.format("qkv"))
            sources[name] = Source(torch.cat([state[part] for part in keys]), keys, "query, key and value stacked")
    return sources


def clap_config(settings: Mapping[str, Any], base: ModelConfig, *, where: str) -> ModelConfig:
    """A configuration of ours with the sizes that a ``config.json`` of a ``ClapModel`` says.

    What is left out there has the published value. Where the text tower's ``layer_norm_eps`` is left out it is 1e-5,
    with which RoBERTa was trained, and not transformers' default for CLAP.

    Parameters
    ----------
    settings
        The file's content.
    base
        What everything else is taken from: the preset.
    where
        Opens the message of an error.

    Raises
    ------
    InputError
        If it is the configuration of another model, or one whose layers ours does not have.
    """
    if not isinstance(settings, Mapping) or settings.get("model_type", "clap") != "clap":
        kind = settings.get("model_type") if isinstance(settings, Mapping) else None
        raise InputError(f"{where}: this is the configuration of {kind or 'something else'}; expected clap.")
    audio, text = (_part(settings, name, where=where) for name in _FIXED)
    return replace(
        base,
        htsat=_sizes(HTSATConfig, audio, _HTSAT, extra={"drop_path": base.htsat.drop_path}, where=where),
        roberta=_sizes(RobertaSize, text, _ROBERTA, extra={"max_tokens": base.roberta.max_tokens}, where=where),
        width=_width(settings.get("projection_dim", base.width), where=where),
    )


def _width(value: Any, *, where: str) -> int:
    if type(value) is not int or value < 1:
        raise InputError(f"{where}: projection_dim is {value!r} but must be a whole number.")
    return value


def _part(settings: Mapping[str, Any], name: str, *, where: str) -> Mapping[str, Any]:
    part = settings.get(name) or {}
    if not isinstance(part, Mapping):
        raise InputError(f"{where}: {name} is {part!r} but must be a table of settings.")
    for key, needed in _FIXED[name].items():
        value = part.get(key, needed)
        if value not in (needed, [needed, needed]):
            raise InputError(f"{where}: {name}.{key} is {value!r} but only {needed!r} can be imported.")
    return part


def _sizes(cls: type, part: Mapping[str, Any], names: Mapping[str, str], *, extra: dict[str, Any], where: str) -> Any:
    values = {ours: part[theirs] for theirs, ours in names.items() if part.get(theirs) is not None}
    return from_mapping(cls, {**values, **extra}, where=where)


def _renamed(key: str) -> str:
    for projection in ("audio_projection.", "text_projection."):
        if key.startswith(projection):
            return key.replace("linear1.", "0.").replace("linear2.", "2.")
    if key.startswith("audio_model."):
        for theirs, original in _NAMES:
            key = key.replace(theirs, original)
        return key
    return f"text_branch.{key.removeprefix('text_model.')}" if key.startswith("text_model.") else key


def _split_role(key: str) -> tuple[str, str | None]:
    """The name of a query, key or value of the audio tower with a gap for the role, and the role."""
    for role in _ROLES:
        part = f".attention.self.{role}."
        if key.startswith("audio_model.") and part in key:
            return key.replace(part, ".attention.self.{}."), role
    return key, None

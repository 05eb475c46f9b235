"""Names of public checkpoints to names of ours, as functions on dictionaries of tensors.

Each function takes the weights of a checkpoint and the state of one of the paper's models (`base`, `salm_s`,
`laion_clap`), which it fills as the paper's code line does. Adding to a model that holds weights already (``onto``) is
made so that the order of two imports does not matter: LAION-CLAP is the source of what, text and projections, PSELDNets
the source of where and of the normalisation.
"""

from collections.abc import Iterable, Mapping
from functools import partial

import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from salm.errors import InputError
from salm.model.hugging_face import clap_names
from salm.model.ledger import PATCH, Ledger, Mapped, Patch, Source

__all__ = ["hugging_face", "laion_clap", "pseldnets"]

_CHANNELS, _LOG_MEL = 7, 4
_NORM = ("weight", "bias", "running_mean", "running_var")

_FRESH = "not in the file: random, from the seed"
_KEPT = "not in the file: kept from the model that it was imported onto"


def _spread(weight: Float[Tensor, "out 1 row column"]) -> Float[Tensor, "out channel row column"]:
    if weight.shape[1] != 1:
        raise RuntimeError("only one channel can be spread")
    return weight.repeat(1, _CHANNELS, 1, 1) / _CHANNELS


def _omni(weight: Float[Tensor, "out channel row column"]) -> Float[Tensor, "out 1 row column"]:
    return weight[:, :1] * _LOG_MEL


SPREAD = Patch(_spread, f"repeated over {_CHANNELS} channels and divided by {_CHANNELS}")
OMNI = Patch(_omni, f"channel 0, W, times {_LOG_MEL}")


def laion_clap(state: Mapping[str, Tensor], own: Mapping[str, Tensor], *, onto: bool = False) -> Mapped:
    """Weights of LAION-CLAP: its audio tower says what, its text tower and projections are ours.

    Parameters
    ----------
    state
        What stands under ``state_dict`` of its ``.pt`` files.
    own
        State of `base`, `salm_s` or `laion_clap`.
    onto
        Keep where and the normalisation of ``own`` (`base`), or its whole encoder (`salm_s`). Otherwise the where
        encoder of `base`, and the only one of `salm_s`, start from the audio tower too.

    Raises
    ------
    InputError
        If the weights are those of another model, or do not fit ``own``.
    """
    if f"audio_branch.{PATCH}" not in (sources := _plain(state, "module.")):
        raise _other(state, "LAION-CLAP", f"module.audio_branch.{PATCH}")
    return _clap(sources, own, onto=onto)


def hugging_face(state: Mapping[str, Tensor], own: Mapping[str, Tensor], *, onto: bool = False) -> Mapped:
    """Weights of transformers' ``ClapModel``, which are LAION-CLAP's by other names; see :func:`laion_clap`."""
    if f"audio_branch.{PATCH}" not in (sources := clap_names(state)):
        raise _other(state, "transformers' ClapModel", f"audio_model.audio_encoder.{PATCH}")
    return _clap(sources, own, onto=onto)


def pseldnets(state: Mapping[str, Tensor], own: Mapping[str, Tensor], *, onto: bool = False) -> Mapped:
    """Weights of PSELDNets' HTSAT: both encoders of an EINV2 file, or the one of a single-branch (m)ACCDOA file.

    Parameters
    ----------
    state
        What stands under ``state_dict`` of its ``.ckpt`` files.
    own
        State of `base`, or for a single-branch file also of `salm_s`.
    onto
        Take only where and the normalisation; whatever ``own`` knows of what stays.

    Raises
    ------
    InputError
        If the weights are those of another model, or do not fit ``own``.
    """
    sources = _plain(state, "net.")
    where = next((name for name in ("doa_encoder.", "encoder.") if f"{name}{PATCH}" in sources), None)
    if where is None:
        raise _other(state, "PSELDNets' HTSAT", f"net.doa_encoder.{PATCH} or net.encoder.{PATCH}")
    ledger, dual = Ledger(sources, own), "pair.stitches.0.weight" in own
    target = "pair.where." if dual else "encoder.htsat."
    if own[f"{target}{PATCH}"].shape[1] != _CHANNELS:
        raise InputError("the model hears one channel, for which PSELDNets has no weights; there are base and salm_s.")
    if where == "doa_encoder." and not dual:
        raise InputError("an EINV2 file has two encoders and the model one; give a single-branch (m)ACCDOA file.")
    ledger.tower(where, {target: None})
    _norms(ledger, "pair.norm.norm." if dual else "encoder.norm.norm.")
    if where == "doa_encoder.":
        _einv2_what(ledger, onto=onto)
    ledger.ignore("sed_tscam_conv.", "doa_tscam_conv.", "tscam_conv.", why="the head of the event detector")
    ledger.ignore("af_extractor.", why="the front end is the model's own")
    _keep_the_rest(ledger, onto=onto)
    if not onto:
        ledger.note(
            "the text tower and the projections are random: import LAION-CLAP's weights --onto this model next."
        )
    return ledger.close()


def _clap(sources: Mapping[str, Source], own: Mapping[str, Tensor], *, onto: bool) -> Mapped:
    ledger = Ledger(sources, own)
    _leave_out(ledger)
    if "pair.stitches.0.weight" in own:
        _clap_pair(ledger, onto=onto)
    else:
        _clap_single(ledger, onto=onto)
    ledger.tower("text_branch.", {"text.roberta.": None})
    ledger.tower("text_projection.", {"text_projection.": None})
    ledger.give(("logit_scale_a",), {"logit_scale": _unchanged})
    _keep_the_rest(ledger, onto=onto)
    return ledger.close()


def _clap_pair(ledger: Ledger, *, onto: bool) -> None:
    if onto:
        ledger.ignore("audio_branch.bn0.", why="the model keeps its normalisation")
        ledger.tower("audio_branch.", {"pair.what.": None})
    else:
        ledger.tower("audio_branch.", {"pair.what.": None, "pair.where.": SPREAD}, how="copied into both encoders")
        how = f"copied to {_LOG_MEL} channels, the log-mel of W, Y, Z and X; the intensity channels stay fresh"
        _one_norm(ledger, "pair.norm.norm.", channels=_LOG_MEL, how=how)
        ledger.note(
            "no PSELDNets: the where encoder starts from LAION-CLAP's, its normalisation of intensity is fresh."
        )
    both = {"what_projection.": None, "where_projection.": None}
    ledger.tower("audio_projection.", both, how="copied into both projections")
    _part_the_stitches(ledger)


def _clap_single(ledger: Ledger, *, onto: bool) -> None:
    channels = ledger.own[f"encoder.htsat.{PATCH}"].shape[1]
    if onto and channels == 1:
        raise InputError("the model takes everything from CLAP and nothing would be kept; leave out --onto.")
    if onto:
        ledger.ignore("audio_branch.", why="the model keeps its only encoder")
    else:
        ledger.tower("audio_branch.", {"encoder.htsat.": SPREAD if channels > 1 else None})
        how = f"copied to all {channels} channels" if channels > 1 else ""
        _one_norm(ledger, "encoder.norm.norm.", channels=channels, how=how)
    ledger.tower("audio_projection.", {"audio_projection.": None})


def _einv2_what(ledger: Ledger, *, onto: bool) -> None:
    if onto:
        ledger.ignore("sed_encoder.", why="the model keeps its what encoder")
        ledger.ignore("stitch1.", why="the stitches are the identity: the two encoders never met")
        _part_the_stitches(ledger)
        return
    ledger.tower("sed_encoder.", {"pair.what.": OMNI})
    ledger.tower("stitch1.", {"pair.stitches.": None})


def _leave_out(ledger: Ledger) -> None:
    """What LAION-CLAP's files hold beside its towers and projections."""
    fusion = ("audio_branch.patch_embed.mel_conv2d.", "audio_branch.patch_embed.fusion_model.")
    if ledger.ignore(*fusion, why="feature fusion is left out"):
        ledger.note("reduced: feature fusion was left out, the plain patch embedding stays.")
    front_end = ("audio_branch.spectrogram_extractor.", "audio_branch.logmel_extractor.")
    ledger.ignore(*front_end, why="the front end is the model's own")
    ledger.ignore("audio_branch.tscam_conv.", "audio_branch.head.", why="the classifier of AudioSet")
    ids = ("text_branch.embeddings.position_ids", "text_branch.embeddings.token_type_ids")
    ledger.ignore(*ids, why="a constant")
    ledger.ignore("audio_transform.", "text_transform.", "logit_scale_t", why="only for training with the MLP loss")


def _norms(ledger: Ledger, target: str) -> None:
    """Seven batch norms over the mel bands of a channel each as one over all; channel by channel."""
    for name in _NORM:
        sources = [f"scalar.{channel}.{name}" for channel in range(_CHANNELS)]
        ledger.give(sources, {f"{target}{name}": _joined}, how="seven channels one after the other")
    sources = [f"scalar.{channel}.num_batches_tracked" for channel in range(_CHANNELS)]
    ledger.give(sources, {f"{target}num_batches_tracked": _first}, how="that of channel 0")


def _one_norm(ledger: Ledger, target: str, *, channels: int, how: str) -> None:
    """LAION-CLAP's only batch norm for the first channels; the others' are left alone."""
    for name in _NORM:
        key = f"{target}{name}"
        make = partial(_first_channels, own=ledger.own[key], channels=channels)
        ledger.give((f"audio_branch.bn0.{name}",), {key: make}, how=how)
    ledger.give(("audio_branch.bn0.num_batches_tracked",), {f"{target}num_batches_tracked": _unchanged})


def _first_channels(
    value: Float[Tensor, " mel"], *, own: Float[Tensor, " band"], channels: int
) -> Float[Tensor, " band2"]:
    return torch.cat([value.repeat(channels), own[channels * len(value) :]])


def _part_the_stitches(ledger: Ledger) -> None:
    def identity(weight: Float[Tensor, "channel 2 2"]) -> Float[Tensor, "channel 2 2"]:
        return torch.eye(2, dtype=weight.dtype).expand_as(weight).clone()

    ledger.keep("pair.stitches.", why="reset to the identity", value=identity)


def _keep_the_rest(ledger: Ledger, *, onto: bool) -> None:
    if not onto:
        ledger.keep("joint_weight", why="not in the file: ones")
        ledger.keep("pair.stitches.", why="not in the file: the identity")
    ledger.keep("", why=_KEPT if onto else _FRESH)


def _plain(state: Mapping[str, Tensor], prefix: str) -> dict[str, Source]:
    """Weights without what wrappers put before their names."""
    named = {key: key.replace("_orig_mod.", "").removeprefix(prefix) for key in state}
    if len(set(named.values())) < len(named):
        raise InputError("some weights stand twice in the file, with and without a wrapper's prefix.")
    return {name: Source(state[key], (key,)) for key, name in named.items()}


def _other(keys: Iterable[str], model: str, expected: str) -> InputError:
    first = next(iter(keys), "nothing")
    return InputError(f"these are no weights of {model}: expected names such as {expected}, the first is {first}.")


def _unchanged(value: Shaped[Tensor, "*any"]) -> Shaped[Tensor, "*any"]:
    return value


def _joined(*values: Shaped[Tensor, " mel"]) -> Shaped[Tensor, " band"]:
    return torch.cat(values)


def _first(*values: Tensor) -> Tensor:
    return values[0]

"""What a run starts from: random weights, RoBERTa's, or those of a whole model."""

from dataclasses import replace
from pathlib import Path

from salm.errors import InputError
from salm.model.config import ModelConfig
from salm.model.hub import build_frozen, load
from salm.model.network import Network
from salm.model.presets import build
from salm.model.text import RobertaTower, SentenceTower
from salm.training.config import TrainConfig

__all__ = ["initial"]


def initial(config: TrainConfig, *, init: str | Path | None = None) -> tuple[Network, ModelConfig]:
    """The network that a run starts from, and its configuration as it then is.

    Parameters
    ----------
    init
        Model whose weights and tokenizer are taken, and whose text tower gets adapters if it is to have some; None
        leaves them to ``config.roberta``, and the rest to chance.

    Raises
    ------
    InputError
        If the model or RoBERTa cannot be read or is of another size, or RoBERTa is to be trained from nothing.
    """
    if init is not None:
        return _from_model(init, config.model)
    if config.model.text != "roberta":
        return build_frozen(config.model), config.model
    if config.roberta is None:
        raise InputError(
            f"{config.model.name} trains RoBERTa, whose weights and tokenizer have to come from somewhere: give "
            "--init with a model that `salm import` made, or `roberta:` with a folder or hub id in the configuration."
        )
    tower, size = RobertaTower.pretrained(config.roberta, size=config.model.roberta)
    model = replace(config.model, roberta=size)
    return build(model, text=tower), model


def _from_model(name: str | Path, wanted: ModelConfig) -> tuple[Network, ModelConfig]:
    network, given = load(name)
    if wanted.text_adapter_rank and not given.text_adapter_rank and isinstance(network.text, SentenceTower):
        layers = wanted.text_adapter_layers
        network.text = network.text.adapted(rank=wanted.text_adapter_rank, layers=layers)
        given = replace(given, text_adapter_rank=wanted.text_adapter_rank, text_adapter_layers=layers)
    # None of these changes the size of a weight.
    text = replace(wanted.roberta, layer_norm_eps=given.roberta.layer_norm_eps, dropout=given.roberta.dropout)
    model = replace(wanted, roberta=text)
    if model != replace(
        given,
        name=wanted.name,
        temperature=wanted.temperature,
        facing=wanted.facing,
        confidence=wanted.confidence,
        cone=wanted.cone,
    ):
        raise InputError(f"{name} is another model than {wanted.name}; a run starts from weights of the same sizes.")
    network.temperature = wanted.temperature
    return network, model

"""A configuration of transformers' ClapModel in our terms."""

import json
from typing import Any

import pytest
from transformers import ClapConfig

from salm.errors import InputError
from salm.model.hugging_face import clap_config
from salm.model.presets import preset

BASE = preset("base")


def test_the_published_sizes_are_those_of_the_paper() -> None:
    settings = json.loads(ClapConfig().to_json_string())
    config = clap_config(settings, BASE, where="config.json")
    assert config.htsat == BASE.htsat
    assert config.width == BASE.width
    # transformers writes its default down, so that is what its weights are computed with.
    assert config.roberta.layer_norm_eps == 1e-12
    assert {**vars(config.roberta), "layer_norm_eps": 1e-5} == vars(BASE.roberta)


@pytest.mark.parametrize("settings", [{}, {"model_type": "clap", "text_config": {}, "audio_config": None}])
def test_what_is_left_out_is_as_published_with_robertas_layer_norm(settings: dict[str, Any]) -> None:
    assert clap_config(settings, BASE, where="config.json") == BASE


def test_other_sizes() -> None:
    """Those of the larger CLAP, and a small text tower."""
    settings = {
        "projection_dim": 64,
        "audio_config": {"patch_embeds_hidden_size": 128, "depths": [2, 2, 12, 2], "patch_size": 4},
        "text_config": {"hidden_size": 32, "num_attention_heads": 2, "layer_norm_eps": 1e-6, "vocab_size": 99},
    }
    config = clap_config(settings, BASE, where="config.json")
    assert (config.htsat.embed_dim, config.htsat.depths, config.htsat.heads) == (128, (2, 2, 12, 2), (4, 8, 16, 32))
    assert (config.roberta.dim, config.roberta.heads, config.roberta.layer_norm_eps) == (32, 2, 1e-6)
    assert (config.roberta.vocabulary, config.roberta.layers, config.roberta.max_tokens) == (99, 12, 77)
    assert (config.width, config.name, config.facing) == (64, "base", "south")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"model_type": "roberta"}, "this is the configuration of roberta; expected clap"),
        ([1], "this is the configuration of something else; expected clap"),
        ({"audio_config": {"num_mel_bins": 128}}, "audio_config.num_mel_bins is 128 but only 64 can be imported"),
        ({"text_config": {"hidden_act": "relu"}}, "text_config.hidden_act is 'relu' but only 'gelu' can be imported"),
        ({"text_config": "large"}, "text_config is 'large' but must be a table of settings"),
        ({"audio_config": {"depths": "2262"}}, "depths is '2262' but must be"),
        ({"projection_dim": "512"}, "projection_dim is '512' but must be"),
    ],
)
def test_what_cannot_be_ours_is_refused(settings: Any, said: str) -> None:
    with pytest.raises(InputError, match=f"^config.json: {said}"):
        clap_config(settings, BASE, where="config.json")

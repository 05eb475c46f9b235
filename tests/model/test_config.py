"""Configurations as plain data: there and back, and one line for whatever does not fit."""

import json
from dataclasses import dataclass, field
from typing import Literal

import pytest

from salm.errors import InputError
from salm.model.config import FeatureConfig, HTSATConfig, ModelConfig, from_mapping, to_mapping
from salm.model.presets import PRESETS

ODD = ModelConfig(
    name="odd",
    pair="tagger_htsat",
    features=FeatureConfig(rate_hz=16_000, window_s=2.5, n_fft=512, hop=320, mel_bins=32),
    htsat=HTSATConfig(grid=128, embed_dim=12, depths=(1, 2), heads=(3, 4), window=4, drop_path=0.25),
    intensity_maps=5,
    width=77,
    dropout=0.125,
    facing="southwest",
    confidence=(0.5, -1.25, 1e-7, 3.0),
    cone=((0.5, 1e-7), (1.0, -2.0), (1.5, 0.25), (2.0, 0.0)),
)


@pytest.mark.parametrize("config", [ODD, *PRESETS.values()], ids=lambda config: config.name)
def test_a_configuration_survives_json(config: ModelConfig) -> None:
    assert from_mapping(ModelConfig, json.loads(json.dumps(to_mapping(config))), where="x") == config


def test_what_is_left_out_keeps_its_default() -> None:
    assert from_mapping(ModelConfig, {"name": "plain"}, where="x") == ModelConfig(name="plain")


def test_a_nested_table_may_be_partial() -> None:
    config = from_mapping(ModelConfig, {"name": "a", "features": {"hop": 480}}, where="x")
    assert config.features == FeatureConfig(hop=480)


def test_whole_numbers_serve_as_floats() -> None:
    config = from_mapping(FeatureConfig, {"window_s": 5}, where="x")
    assert isinstance(config.window_s, float)
    assert config.window_s == 5.0


def test_the_defaults_are_the_papers() -> None:
    config = ModelConfig(name="base")
    assert (config.features.window_s, config.features.hop, config.features.n_fft) == (10.0, 240, 1024)
    assert (config.htsat.embed_dim, config.htsat.depths, config.htsat.heads) == (96, (2, 2, 6, 2), (4, 8, 16, 32))
    assert (config.width, config.intensity_maps, config.dropout) == (512, 0, 0.0)


def test_a_window_is_counted_in_samples() -> None:
    assert ODD.features.window_samples == 40_000


@dataclass(frozen=True, kw_only=True)
class Everything:
    name: str
    count: int = 0
    share: float = 0.0
    on: bool = False
    way: Literal["up", "down"] = "up"
    pair: tuple[float, float] = (0.0, 1.0)
    some: tuple[int, ...] = ()
    maybe: tuple[float, float] | None = None
    word: str | None = None
    rows: dict[str, str] = field(default_factory=dict)
    parts: tuple[FeatureConfig, ...] = ()

    def __post_init__(self) -> None:
        if self.count > 9:
            raise InputError(f"count is {self.count} but must be at most 9.")


FULL = Everything(
    name="n",
    count=3,
    share=0.5,
    on=True,
    way="down",
    pair=(1.0, 2.0),
    some=(1, 2, 3),
    maybe=(3.0, 4.0),
    word="w",
    rows={"a": "b"},
    parts=(FeatureConfig(hop=1), FeatureConfig(hop=2)),
)


def test_every_kind_of_field_survives_json() -> None:
    assert from_mapping(Everything, json.loads(json.dumps(to_mapping(FULL))), where="x") == FULL


def test_nothing_is_a_value_where_it_may_be() -> None:
    made = from_mapping(Everything, {"name": "n", "maybe": None, "word": None}, where="x")
    assert made.maybe is None
    assert made.word is None


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"colour": "red"}, r"unknown setting 'colour'; known are name, count, share"),
        ({"colour": "red", 7: 1}, r"unknown setting 'colour'"),
        ({"count": 1.5}, "count is 1.5 but must be int"),
        ({"count": True}, "count is True but must be int"),
        ({"count": "3"}, "count is '3' but must be int"),
        ({"share": "much"}, "share is 'much' but must be float"),
        ({"share": False}, "share is False but must be float"),
        ({"on": 1}, "on is 1 but must be bool"),
        ({"name": None}, "name is None but must be str"),
        ({"way": "left"}, "way is 'left' but must be one of 'up', 'down'"),
        ({"pair": [1.0]}, "pair is .1.0. but must be tuple.float, float"),
        ({"pair": 1.0}, "pair is 1.0 but must be"),
        ({"some": [1, "b"]}, "some is 'b' but must be int"),
        ({"maybe": [1, "b"]}, "maybe is 'b' but must be float"),
        ({"rows": {"a": 1}}, "rows is 1 but must be str"),
        ({"rows": ["a"]}, "rows is .'a'. but must be dict"),
        ({"parts": [{"hop": 1}, {"hob": 2}]}, "parts: unknown setting 'hob'; known are rate_hz"),
        ({"parts": [7]}, "parts: expected a table of settings, got 7"),
        ({"count": 12}, "count is 12 but must be at most 9"),
    ],
)
def test_what_does_not_fit_is_named_in_one_line(changes: dict[object, object], message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        from_mapping(Everything, {"name": "n"} | changes, where="some.yaml")  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)


def test_the_file_opens_the_message() -> None:
    with pytest.raises(InputError, match=r"^some\.yaml: features: hop is 'x' but must be int\.$"):
        from_mapping(ModelConfig, {"name": "a", "features": {"hop": "x"}}, where="some.yaml")


def test_a_missing_field_is_named() -> None:
    with pytest.raises(InputError, match=r"^some\.yaml: .*'name'"):
        from_mapping(ModelConfig, {}, where="some.yaml")


@pytest.mark.parametrize("plain", [None, 3, "name", ["name"]])
def test_no_table_is_refused(plain: object) -> None:
    with pytest.raises(InputError, match=r"^some\.yaml: expected a table of settings"):
        from_mapping(ModelConfig, plain, where="some.yaml")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"features": {"rate_hz": 0}}, "features: rate_hz is 0 but must be from 1,000"),
        ({"features": {"window_s": 0.01}}, "window_s is 0.01 but must be longer than half of n_fft"),
        ({"features": {"mel_bins": 60}}, "htsat.grid is 256 but must be a multiple of features.mel_bins, 60"),
        ({"features": {"window_s": 100}}, "a window has 10001 frames but the encoders take at most 1024"),
        ({"htsat": {"grid": 250}}, "grid is 250, which makes stage 1 62 tokens wide"),
        ({"htsat": {"depths": [1]}}, "depths .1,. and heads .4, 8, 16, 32. must have one number"),
        ({"htsat": {"depths": [0, 1, 1, 1]}}, "a stage has 1 to 64 blocks"),
        ({"htsat": {"drop_path": 1.0}}, "drop_path is 1.0 but must be at least 0 and below 1"),
        ({"roberta": {"heads": 7}}, "heads is 7 but must divide dim, 768"),
        ({"width": 10**9}, "width is 1000000000 but must be from 1 to 8,192"),
        ({"dropout": -0.5}, "dropout is -0.5 but must be from 0 to 1"),
    ],
)
def test_a_model_that_cannot_be_built_is_refused_before_it_is(changes: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        from_mapping(ModelConfig, {"name": "a"} | changes, where="config.json")

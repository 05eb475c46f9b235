"""Public weights into the paper's models, in the order of the paper's code line: PSELDNets first, LAION-CLAP onto it.

Every import writes a new folder as :mod:`salm.model.hub` saves it, in single precision, with an ``import.json`` that
accounts for every weight of the file and of the model. See ``docs/import.md``.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from salm.errors import InputError
from salm.model import hub, mapping
from salm.model.checkpoints import downloaded, read_tensors
from salm.model.config import ModelConfig
from salm.model.hugging_face import clap_config
from salm.model.ledger import Mapped, Report
from salm.model.network import Network
from salm.model.presets import PRESETS, preset
from salm.model.text import RobertaTower
from salm.model.tokenizer import TOKENIZER_FILES, read_tokenizer, tokenizer_in
from salm.whole import folder_written_whole

__all__ = ["import_hugging_face", "import_laion_clap", "import_pseldnets"]

IMPORT_NAME = "import.json"

ROBERTA_EPS = 1e-5
"""What the text tower of LAION-CLAP's own files was trained with."""

_WEIGHTS = ("model.safetensors", "pytorch_model.bin")
_FROM_CLAP = ("laion-clap", "hf")
_PACKAGES = ("salm", "torch", "transformers", "safetensors")

_NO_TOKENIZER = (
    "there is no tokenizer, so the model cannot read sentences yet: put the tokenizer.json of roberta-base into its "
    "folder, or import once more with --tokenizer."
)

Fill = Callable[..., Mapped]


@dataclass(frozen=True, kw_only=True)
class _Start:
    """The model that a file fills."""

    network: Network
    config: ModelConfig
    onto: bool
    """Whether it held weights before."""
    imports: tuple[dict[str, Any], ...]
    """Accounts of what was imported before."""
    tokenizer: Path | None


def import_laion_clap(
    file: str | Path,
    out: str | Path,
    *,
    preset_name: str | None = None,
    onto: str | Path | None = None,
    tokenizer: str | Path | None = None,
    seed: int = 0,
) -> Report:
    """Import a ``.pt`` file of LAION-CLAP, or its weights as safetensors.

    Parameters
    ----------
    file
        The checkpoint.
    out
        Folder to make.
    preset_name
        `base`, which nothing said means, `salm_s` or `laion_clap`.
    onto
        A model to add to, best one that :func:`import_pseldnets` made; its preset is taken.
    tokenizer
        RoBERTa's, as :func:`salm.model.tokenizer.read_tokenizer` takes it.
    seed
        Of the weights that no file holds.

    Raises
    ------
    InputError
        If the file cannot be read safely, is of another model or does not fit, or ``out`` is there already.
    """
    start = partial(_start, preset_name, onto, seed=seed, resize=_with_original_eps)
    return _bring("laion-clap", Path(file), start, mapping.laion_clap, out, tokenizer=tokenizer)


def import_pseldnets(
    file: str | Path,
    out: str | Path,
    *,
    preset_name: str | None = None,
    onto: str | Path | None = None,
    seed: int = 0,
) -> Report:
    """Import a ``.ckpt`` file of PSELDNets: EINV2-HTSAT, or HTSAT with (m)ACCDOA.

    Parameters
    ----------
    file, out, seed
        As of :func:`import_laion_clap`.
    preset_name
        `base`, which nothing said means, or `salm_s` for a file of one encoder.
    onto
        A model of which only the where encoder and the normalisation are replaced.

    Raises
    ------
    InputError
        As of :func:`import_laion_clap`.
    """
    start = partial(_start, preset_name, onto, seed=seed)
    return _bring("pseldnets", Path(file), start, mapping.pseldnets, out)


def import_hugging_face(
    source: str | Path,
    out: str | Path,
    *,
    preset_name: str | None = None,
    onto: str | Path | None = None,
    tokenizer: str | Path | None = None,
    seed: int = 0,
) -> Report:
    """Import a ``ClapModel`` of transformers; the sizes are those of its configuration.

    Parameters
    ----------
    source
        Folder with ``config.json`` and ``model.safetensors`` or ``pytorch_model.bin``, one of these files, or a hub
        id. A tokenizer that lies there is taken if no other is named.
    out, preset_name, onto, tokenizer, seed
        As of :func:`import_laion_clap`.

    Raises
    ------
    InputError
        As of :func:`import_laion_clap`, and if the configuration is not CLAP's or the hub does not answer.
    """
    weights = _hugging_face_weights(source)
    settings_file = weights.parent / hub.CONFIG_NAME
    settings = hub.read_json(settings_file)

    def resize(config: ModelConfig) -> ModelConfig:
        sized = clap_config(settings, config, where=str(settings_file))
        # A model that is there already has the sizes that it has; what does not fit will be said weight by weight.
        return sized if onto is None else replace(config, roberta=sized.roberta)

    start = partial(_start, preset_name, onto, seed=seed, resize=resize)
    if tokenizer is None and tokenizer_in(weights.parent):
        tokenizer = weights.parent
    return _bring("hf", weights, start, mapping.hugging_face, out, tokenizer=tokenizer)


def _bring(
    kind: str,
    file: Path,
    begin: Callable[[], _Start],
    fill: Fill,
    out: str | Path,
    *,
    tokenizer: str | Path | None = None,
) -> Report:
    """Fill a model from the file and write the folder, whole or not at all."""
    with folder_written_whole(out) as part:
        state = read_tensors(file)
        start = begin()
        if kind in _FROM_CLAP:
            _refuse_twice(start)
        try:
            values, report = fill(state, start.network.state_dict(), onto=start.onto)
        except InputError as error:
            raise InputError(f"{file}: {error}") from error
        start.network.load_state_dict(values)
        has_tokenizer = _take_tokenizer(start, tokenizer)
        if kind in _FROM_CLAP and not has_tokenizer:
            report = replace(report, notes=(*report.notes, _NO_TOKENIZER))
        hub.save(start.network, start.config, part, dtype=torch.float32)
        account = _account(kind, file, start, report)
        (part / IMPORT_NAME).write_text(json.dumps(account, indent=1) + "\n", encoding="utf-8")
    return report


def _start(
    preset_name: str | None,
    onto: str | Path | None,
    *,
    seed: int,
    resize: Callable[[ModelConfig], ModelConfig] = lambda config: config,
) -> _Start:
    """The model to fill: new, or one that is there."""
    if onto is None:
        config = resize(_paper_sized(preset(preset_name or "base")))
        network = _build(config, seed=seed)
        return _Start(network=network, config=config, onto=False, imports=(), tokenizer=None)
    folder = hub.resolve(onto)
    network, config = hub.load(folder)
    if preset_name not in (None, config.name):
        raise InputError(f"{onto} is {config.name}, not {preset_name}; leave out --preset with --onto.")
    resized = resize(_paper_sized(config))
    network = network if resized == config else _rebuilt(network, resized, seed=seed)
    file = folder / hub.TOKENIZER_NAME
    return _Start(
        network=network,
        config=resized,
        onto=True,
        imports=_imports(folder),
        tokenizer=file if file.is_file() else None,
    )


def _paper_sized(config: ModelConfig) -> ModelConfig:
    if config.text != "roberta":
        fitting = ", ".join(name for name, known in PRESETS.items() if known.text == "roberta")
        raise InputError(
            f"{config.name} has another text tower and other sizes than public weights; they fit {fitting}."
        )
    return config


def _build(config: ModelConfig, *, seed: int) -> Network:
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return hub.build_frozen(config)
    except ValueError as error:
        raise InputError(f"no model has these sizes: {error}.") from error


def _rebuilt(network: Network, config: ModelConfig, *, seed: int) -> Network:
    """The same weights in a model whose text tower has another size or layer norm."""
    rebuilt = _build(config, seed=seed)
    own: dict[str, Tensor] = rebuilt.state_dict()
    fitting = {
        key: value for key, value in network.state_dict().items() if key in own and value.shape == own[key].shape
    }
    rebuilt.load_state_dict({**own, **fitting})
    return rebuilt


def _with_original_eps(config: ModelConfig) -> ModelConfig:
    return replace(config, roberta=replace(config.roberta, layer_norm_eps=ROBERTA_EPS))


def _refuse_twice(start: _Start) -> None:
    """What is normalised for one CLAP does not suit the encoder of another."""
    if any(entry.get("kind") in _FROM_CLAP for entry in start.imports):
        raise InputError(
            "the model given as --onto holds weights of CLAP already; import CLAP without --onto, or onto a model made "
            "by `salm import pseldnets`."
        )


def _take_tokenizer(start: _Start, tokenizer: str | Path | None) -> bool:
    """Give the text tower the tokenizer that there is, if any; whether there is one."""
    source = start.tokenizer if tokenizer is None else tokenizer
    if source is None or not isinstance(start.network.text, RobertaTower):
        return False
    start.network.text.tokenizer_json = read_tokenizer(source, vocabulary=start.config.roberta.vocabulary)
    return True


def _hugging_face_weights(source: str | Path) -> Path:
    """File of the weights in a folder or on the hub, beside which the configuration lies."""
    found = Path(source)
    if found.is_file():
        return found
    if str(source).count("/") == 1 and not found.exists():
        # Most repositories hold the weights twice; the pickle is only asked for where there is nothing else.
        found = downloaded(str(source), (hub.CONFIG_NAME, _WEIGHTS[0], *TOKENIZER_FILES))
        if not (found / _WEIGHTS[0]).is_file():
            found = downloaded(str(source), (hub.CONFIG_NAME, _WEIGHTS[1], *TOKENIZER_FILES))
    for name in _WEIGHTS:
        if (found / name).is_file():
            return found / name
    if not found.exists():
        raise InputError(f"{source} does not exist; give a folder, a file or a hub id.")
    raise InputError(f"{source} holds neither {' nor '.join(_WEIGHTS)}.")


def _imports(folder: Path) -> tuple[dict[str, Any], ...]:
    """Accounts of earlier imports, oldest first; of a model that was not imported there are none."""
    file = folder / IMPORT_NAME
    if not file.is_file():
        return ()
    content = hub.read_json(file)
    imports = content.get("imports") if isinstance(content, Mapping) else None
    if not isinstance(imports, list) or not all(isinstance(entry, Mapping) for entry in imports):
        raise InputError(f"{file} is no account of imports.")
    return tuple(dict(entry) for entry in imports)


def _account(kind: str, file: Path, start: _Start, report: Report) -> dict[str, Any]:
    with file.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
    entry = {
        "kind": kind,
        "source": {"file": file.name, "sha256": digest},
        "preset": start.config.name,
        "onto": start.onto,
        "versions": {name: version(name) for name in _PACKAGES},
        **asdict(report),
    }
    return {"imports": [*start.imports, entry]}

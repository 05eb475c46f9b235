"""Nothing in the package runs what it reads: no pickle but in `salm import`, no code from text, no shell."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import salm

HOME = Path(salm.__file__).parent
FILES = {str(path.relative_to(HOME)): ast.parse(path.read_bytes()) for path in HOME.rglob("*.py")}

MODULES = {
    "pickle",
    "cPickle",
    "dill",
    "cloudpickle",
    "joblib",
    "shelve",
    "marshal",
    "subprocess",
    "pty",
    "ctypes",
    "code",
}
BUILT_IN = {"eval", "exec", "compile", "__import__"}
READERS = {
    ("torch", "load"),
    ("torch", "jit"),
    ("os", "system"),
    ("os", "popen"),
    ("runpy", "run_path"),
    ("torch", "hub"),
}
READERS |= {("yaml", name) for name in ("load", "load_all", "unsafe_load", "full_load", "Loader", "UnsafeLoader")}

ALLOWED = {("model/checkpoints.py", "torch.load"), ("model/checkpoints.py", "pickletools")}


def imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name.split(".")[0] for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.split(".")[0]


def dangerous(tree: ast.Module) -> Iterator[str]:
    yield from (module for module in imported(tree) if module in MODULES)
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id=name)) if name in BUILT_IN:
                yield name
            case ast.Attribute(value=ast.Name(id=module), attr=name):
                if (module, name) in READERS or (module == "os" and name.startswith(("exec", "spawn"))):
                    yield f"{module}.{name}"
            case ast.ImportFrom(module=str(module), names=names):
                yield from (f"{module}.{name.name}" for name in names if (module, name.name) in READERS)
            case ast.Call(func=ast.Attribute(value=ast.Name(id=kind), attr="from_pretrained"), keywords=words):
                if "Model" in kind and "use_safetensors=True" not in map(ast.unparse, words):
                    yield f"{kind}.from_pretrained"
            case ast.keyword(arg="allow_pickle" | "trust_remote_code" | "shell" as name, value=value):
                if ast.unparse(value) != "False":
                    yield name


@pytest.mark.parametrize("name", sorted(FILES))
def test_no_file_can_run_what_it_reads(name: str) -> None:
    found = {call for call in dangerous(FILES[name]) if (name, call) not in ALLOWED}
    assert not found


@pytest.mark.parametrize(
    "code",
    [
        "import pickle",
        "from joblib import load",
        "import torch; torch.load('x')",
        "from torch import load",
        "import numpy as np; np.load('x', allow_pickle=True)",
        "import yaml; yaml.load(f, Loader=yaml.Loader)",
        "eval('1')",
        "import os; os.execv('a', [])",
        "import os; os.system('a')",
        "AutoModel.from_pretrained('a', use_safetensors=True, trust_remote_code=True)",
        "AutoModel.from_pretrained('a')",
    ],
)
def test_it_would_be_seen(code: str) -> None:
    assert list(dangerous(ast.parse(code)))


def test_the_one_pickle_is_read_with_weights_only_and_only_by_the_import() -> None:
    (load,) = [
        node
        for node in ast.walk(FILES["model/checkpoints.py"])
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "torch.load"
    ]
    assert {word.arg: ast.unparse(word.value) for word in load.keywords}["weights_only"] == "True"
    assert users_of("read_tensors", "salm.model.checkpoints") == {"model/pretrained.py"}
    assert users_of("import_hugging_face", "salm.model.pretrained") <= {"cli/weights.py"}
    importing = {name for name in FILES if "salm.model.pretrained" in {module for module, _ in taken(FILES[name])}}
    assert importing <= {"cli/weights.py", "model/hugging_face.py"}


def taken(tree: ast.Module) -> Iterator[tuple[str, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield from ((node.module, name.name) for name in node.names)


def users_of(function: str, module: str) -> set[str]:
    return {name for name, tree in FILES.items() if (module, function) in taken(tree)}

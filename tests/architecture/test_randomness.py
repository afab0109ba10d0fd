"""No function of the package reads or sets global random state: generators are passed.

Torch's initialisers know no generators: `models/layers.py` alone touches the global state for them, and puts it back.
"""

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src/swift_hydra_kedro"
KEEPER = SOURCE / "models/layers.py"
GLOBAL = {
    "torch.manual_seed",
    "torch.seed",
    "torch.cuda.manual_seed",
    "torch.cuda.manual_seed_all",
    "torch.set_rng_state",
    "torch.random.manual_seed",
    "torch.random.fork_rng",
    "torch.default_generator.manual_seed",
    "torch.default_generator.set_state",
    "random.seed",
}
DRAWING = {"rand", "randn", "randint", "randperm", "normal", "bernoulli", "multinomial", "poisson"}
NUMPY_MAY = {"default_rng", "Generator", "SeedSequence", "RandomState"}  # the classes; their objects are passed


def dotted(node: ast.AST) -> str:
    """`a.b.c` of an attribute, with the short names of imports spelt out; empty for anything else."""
    if isinstance(node, ast.Name):
        return {"np": "numpy"}.get(node.id, node.id)
    if isinstance(node, ast.Attribute) and (owner := dotted(node.value)):
        return f"{owner}.{node.attr}"
    return ""


def violations(code: str) -> list[str]:
    """Calls in `code` that use global random state; a parameter's initial draw is made within `seeded_init`."""
    tree, found = ast.parse(code), []
    initial = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and dotted(node.func) == "nn.Parameter"
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module in ("random", "numpy.random", "torch.random"):
            found.append(f"from {node.module} import ...")
        if isinstance(node, ast.Import):
            found += [f"import {alias.name}" for alias in node.names if alias.name == "random"]
        if not isinstance(node, ast.Call):
            continue
        owner, _, name = dotted(node.func).rpartition(".")
        seeded = node in initial or "generator" in {word.arg for word in node.keywords}
        unseeded = owner == "torch" and name in DRAWING and not seeded
        numpy_global = owner == "numpy.random" and name not in NUMPY_MAY
        numpy_unseeded = owner == "numpy.random" and name in ("default_rng", "RandomState") and not node.args
        if f"{owner}.{name}" in GLOBAL or unseeded or numpy_global or numpy_unseeded:
            found.append(f"{owner}.{name}")
    return found


@pytest.mark.parametrize("path", sorted(SOURCE.rglob("*.py")), ids=lambda path: str(path.relative_to(SOURCE)))
def test_no_global_random_state(path):
    allowed = {"torch.random.fork_rng", "torch.default_generator.manual_seed"} if path == KEEPER else set()
    assert set(violations(path.read_text(encoding="utf-8"))) == allowed


@pytest.mark.parametrize(
    "code",
    [
        "import numpy as np\nnp.random.seed(0)",
        "import numpy as np\nnp.random.normal(size=3)",
        "import numpy as np\nnp.random.default_rng()",
        "from numpy.random import rand",
        "import random",
        "import torch\ntorch.manual_seed(0)",
        "import torch\ntorch.randn(3)",
        "import torch\ntorch.default_generator.manual_seed(0)",
        "import torch\nwith torch.random.fork_rng():\n    pass",
        "import torch\ntorch.randperm(3, device='cpu')",
    ],
)
def test_the_search_finds_what_is_forbidden(code):
    assert violations(code)


def test_the_search_lets_passed_generators_be():
    code = "import numpy as np\nnp.random.default_rng(0).normal()\nimport torch\ntorch.randn(3, generator=g)"
    assert violations(code) == []

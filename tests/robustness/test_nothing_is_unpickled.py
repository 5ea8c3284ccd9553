"""Files are tensors and JSON: nothing that could run code is ever read."""

from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path

import strangers

PACKAGE = Path(strangers.__file__).parent

UNPICKLERS = {"cPickle", "_pickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
RUNNERS = {"eval", "exec", "__import__", "pickle.load", "pickle.loads", "pickle.Unpickler", "torch.jit.load"}
CHECKED = "weights.py"
"""Opens pickles whose SHA-256 it knows, and those without running anything in them."""
SAFE = {"allow_pickle": False, "weights_only": True}


def test_no_module_can_unpickle(tally: Callable[..., None]) -> None:
    sources = sorted(PACKAGE.rglob("*.py"))
    for source in sources:
        for node in ast.walk(ast.parse(source.read_text())):
            if isinstance(node, ast.Import):
                assert not {alias.name.split(".")[0] for alias in node.names} & UNPICKLERS, source
            if isinstance(node, ast.ImportFrom):
                assert (node.module or "").split(".")[0] not in UNPICKLERS | {"pickle"}, source
            if isinstance(node, ast.Call):
                called = ast.unparse(node.func)
                given = {
                    keyword.arg: keyword.value.value
                    for keyword in node.keywords
                    if isinstance(keyword.value, ast.Constant)
                }
                assert called not in RUNNERS, source
                if called == "torch.load":
                    assert source.name == CHECKED, source
                    assert given.get("weights_only") is True, source
                assert all(given.get(name, value) is value for name, value in SAFE.items()), source
    assert len(sources) > 50
    tally("modules searched for anything that unpickles", len(sources))

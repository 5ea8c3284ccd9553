"""Exports of a model: a small model file, an ONNX file, a web page, a Hugging Face repository."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import Any


class _Export(ModuleType):
    """This package, which can be called too: `strangers.export(model, "faces.onnx")`."""

    def __call__(self, *arguments: Any, **options: Any) -> Path:
        from strangers.export.formats import export

        return export(*arguments, **options)


sys.modules[__name__].__class__ = _Export

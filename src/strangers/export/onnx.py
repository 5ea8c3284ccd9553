"""Export to one ONNX file, which runs without torch and without this package.

Input `z`, float32 (n, latent_size); output `images`, float32 (n, 3, size, size) in [-1, 1], for any n. The
metadata field "strangers" is the header of the model file: see docs/how-to/export.md.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from strangers.errors import ModelError, StrangersError
from strangers.images import to_pixels
from strangers.sampling.latents import latents
from strangers.sampling.model import Model
from strangers.sampling.onnx_generator import disable_telemetry, new_session
from strangers.system.outputs import check_outputs, write_output

if TYPE_CHECKING:
    import onnx

CHECKED = 64
"""Number of seeds, from 0, whose faces are compared with those of torch."""

TOLERANCE = 1e-3
"""Maximum difference from torch, as a fraction of the range of values."""

WEIGHTS_FROM = 1024
"""Minimum size of a tensor that is stored in float16; smaller ones are biases and norms."""

MISSING_EXTRA = "Exporting needs onnx, onnxscript and onnxruntime: pip install 'strangers[export]'."


@dataclass(frozen=True)
class Agreement:
    """Differences between the faces of an ONNX file and those of torch, over CHECKED seeds.

    Attributes:
        difference: maximum difference of a value, as a fraction of the range of values.
        levels: maximum difference of a pixel, in levels of 255.
    """

    difference: float
    levels: int

    def __str__(self) -> str:
        apart = "level" if self.levels == 1 else "levels"
        return (
            f"differs from torch by at most {self.difference:.1e} of the range, {self.levels} {apart} of 255"
        )


def export_onnx(model: Model, out: Path, *, force: bool = False) -> Agreement:
    """Write the generator to `out` if its faces agree with those of torch.

    Raises StrangersError and OSError.
    """
    check_outputs(out, kind="export", force=force)
    data = as_onnx(model)
    agreement = checked(model, data)
    write_output(out, data, kind="export", force=force)
    return agreement


def as_onnx(model: Model, *, half: bool = False) -> bytes:
    """Return the ONNX file of a model. half: store weights as float16; computations remain in float32.

    The opset is that of torch's exporter. The IR version is the oldest one with this opset: IR 9 for opset
    20, which onnxruntime reads since version 1.17. Raises StrangersError without the extra `export`.
    """
    disable_telemetry()
    try:
        import onnx
        import onnxscript  # noqa: F401 (torch's exporter needs it)
    except ImportError:
        raise StrangersError(MISSING_EXTRA) from None
    file = _traced(model)
    _remove_paths(file)
    if half:
        _halve(file.graph)
    header = model.header
    file.ir_version = onnx.helper.find_min_ir_version_for(file.opset_import)
    file.producer_name, file.producer_version = "strangers", header.software.removeprefix("strangers ")
    made = " by ".join(text for text in (header.title, header.author) if text)
    seen = f" after {header.images_seen:,} images" if header.images_seen else ""
    faces = f"Faces of {header.recipe.name}{seen}."
    terms = f"Terms of the photographs: {header.license}"
    file.doc_string = "\n".join(filter(None, (made, faces, terms)))
    onnx.helper.set_model_props(file, {"strangers": header.model_dump_json(), "strangers.hash": model.hash})
    onnx.checker.check_model(file, full_check=True)
    return bytes(file.SerializeToString())


def checked(model: Model, data: bytes) -> Agreement:
    """Compare an ONNX file with the model. Raises ModelError for differences above TOLERANCE."""
    agreement = compare(model, data)
    if not agreement.difference <= TOLERANCE:
        raise ModelError(
            f"The exported file {agreement} over {CHECKED} seeds; the maximum is {TOLERANCE:g}. Please "
            "report this with the name of the recipe."
        )
    return agreement


def compare(model: Model, data: bytes) -> Agreement:
    """Compare the faces of an ONNX file with those of the model."""
    recipe = model.recipe
    z = latents(range(CHECKED), recipe.latent_size, recipe.latent)
    with torch.inference_mode():
        expected = model.folded(torch.from_numpy(z).to(next(model.generator.parameters()).device)).cpu()
    found = torch.from_numpy(_run(data, z))
    difference = float((found - expected).abs().max()) / 2
    levels = int(np.abs(to_pixels(found).astype(int) - to_pixels(expected)).max())
    return Agreement(difference, levels)


def _run(data: bytes, z: Any) -> Any:
    """Return the images that onnxruntime computes from latents."""
    return new_session(data, torch.get_num_threads()).run(["images"], {"z": z})[0]


def _traced(model: Model) -> onnx.ModelProto:
    """Export the generator with torch, for any number of latents."""
    device = next(model.generator.parameters()).device
    example = torch.zeros(2, model.recipe.latent_size, device=device)
    with _quiet():
        program = torch.onnx.export(
            model.folded,
            (example,),
            dynamo=True,
            input_names=["z"],
            output_names=["images"],
            # Without a maximum, torch 2.7 adds a guard of its own that no number of latents passes.
            dynamic_shapes=({0: torch.export.Dim("n", max=2**20)},),
            verbose=False,
        )
    if program is None:
        raise ModelError("torch's exporter returned nothing; update torch.")
    return program.model_proto


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence developer messages of torch and onnxscript."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "onnxscript", "onnx_ir")]
    levels = [logger.level for logger in loggers]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        try:
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)


def _remove_paths(file: onnx.ModelProto) -> None:
    """Remove metadata of the exporter, which has paths of this machine."""
    graph = file.graph
    for part in (
        file,
        graph,
        *graph.node,
        *graph.input,
        *graph.output,
        *graph.value_info,
        *graph.initializer,
    ):
        del part.metadata_props[:]
        part.doc_string = ""


def _halve(graph: onnx.GraphProto) -> None:
    """Store large tensors as float16, each followed by a cast to float32 that runs once, at loading."""
    from onnx import TensorProto, helper, numpy_helper

    casts = []
    for tensor in graph.initializer:
        if tensor.data_type != TensorProto.FLOAT or np.prod(tensor.dims) < WEIGHTS_FROM:
            continue
        values, name = numpy_helper.to_array(tensor), tensor.name
        if np.abs(values).max() > np.finfo(np.float16).max:
            continue
        tensor.CopyFrom(numpy_helper.from_array(values.astype(np.float16), f"{name}.half"))
        casts.append(helper.make_node("Cast", [tensor.name], [name], to=TensorProto.FLOAT))
    for cast in reversed(casts):
        graph.node.insert(0, cast)

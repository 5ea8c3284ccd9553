"""The face detector as an ONNX file, with which the exported page leaves out the least certain faces.

Input `images`, float32 (n, 3, size, size) in [-1, 1], as a generator draws them; output `certainties`,
float32 (n,) in [0, 1], those of `strangers.data.face_detection.certainties`. The graph is put together here,
since torch takes half a minute to export it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import ArrayLike, NDArray
from onnx import helper, numpy_helper
from torch import Tensor, nn
from torch.nn import functional as F

from strangers.data.face_detection import CERTAINTY_BORDER, CERTAINTY_SIDES, load_detector

OPSET = 18


class Graph:
    """Nodes and constants; values are named."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[tuple[bytes, tuple[int, ...]], onnx.TensorProto] = {}

    def add(self, kind: str, *values: str, **attributes: Any) -> str:
        """Add a node and return the name of its value."""
        name = f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, values, [name], **attributes))
        return name

    def constant(self, value: ArrayLike, kind: type = np.float32) -> str:
        """Return the name of a constant, which is added unless there is an equal one."""
        array: NDArray[Any] = np.asarray(value, kind)
        named = numpy_helper.from_array(array, f"c{len(self.constants)}")
        return self.constants.setdefault((array.tobytes(), array.shape), named).name

    def convolutions(self, value: str, layers: Iterable[nn.Module], *, relu: bool = False) -> str:
        """Add convolutions of a value, and a ReLU after the last."""
        for layer in layers:
            assert isinstance(layer, nn.Conv2d)
            assert layer.bias is not None
            weights = (self.constant(each.numpy()) for each in (layer.weight, layer.bias))
            pads = [int(layer.padding[0])] * 4
            value = self.add("Conv", value, *weights, strides=layer.stride, pads=pads, group=layer.groups)
        return self.add("Relu", value) if relu else value


def certainty_onnx(size: int) -> bytes:
    """Return the ONNX file for pictures of `size` pixels."""
    graph = Graph()
    level = graph.constant(127.5)
    scaled = graph.add("Mul", graph.add("Add", "images", graph.constant(1)), level)
    pixels = graph.add("Clip", graph.add("Round", scaled), graph.constant(0), graph.constant(255))
    pixels = graph.add("Gather", pixels, graph.constant([2, 1, 0], np.int64), axis=1)
    best = [_best_scores(graph, _enlarged(graph, pixels, size, side)) for side in CERTAINTY_SIDES]
    mean = graph.add("Mean", *best)
    output = "certainties"
    graph.nodes.append(helper.make_node("Squeeze", [mean, graph.constant([1], np.int64)], [output]))
    described = helper.make_graph(
        graph.nodes,
        "certainty",
        [helper.make_tensor_value_info("images", onnx.TensorProto.FLOAT, ["n", 3, size, size])],
        [helper.make_tensor_value_info(output, onnx.TensorProto.FLOAT, ["n"])],
        [*graph.constants.values()],
    )
    opsets = [helper.make_opsetid("", OPSET)]
    file = helper.make_model(
        described, opset_imports=opsets, ir_version=helper.find_min_ir_version_for(opsets)
    )
    onnx.checker.check_model(file, full_check=True)
    return bytes(file.SerializeToString())


def _enlarged(graph: Graph, pixels: str, size: int, side: int) -> str:
    """Resize pictures to `side` pixels and repeat their border: a product with a matrix on each side."""
    each = F.interpolate(torch.eye(size)[None, None], (side, size), mode="bilinear", antialias=True)
    padded = F.pad(each, (0, 0, CERTAINTY_BORDER, CERTAINTY_BORDER), mode="replicate")
    matrix = graph.constant(padded[0, 0].numpy())
    rows = graph.add("MatMul", matrix, pixels)
    return graph.add("MatMul", rows, graph.add("Transpose", matrix, perm=[1, 0]))


def _best_scores(graph: Graph, pixels: str) -> str:
    """Add YuNet and return its highest score (n, 1) of any cell of pictures, BGR in [0, 255]."""
    network = load_detector()
    maps = graph.convolutions(pixels, [network.stem], relu=True)
    found = []
    for number, stage in enumerate(network.stages):
        for layer in _parts(stage):
            maps = graph.convolutions(maps, _parts(layer), relu=True)
        if number >= 3:
            found.append(maps)
        if number in (0, 2, 3, 4):
            maps = graph.add("MaxPool", maps, kernel_shape=[2, 2], strides=[2, 2])
    doubled = graph.constant([1, 1, 2, 2])
    scores = []
    merged: str | None = None
    for level in (2, 1, 0):
        if merged is not None:
            larger = graph.add("Resize", merged, "", doubled, mode="nearest",
                               coordinate_transformation_mode="asymmetric", nearest_mode="floor")  # fmt: skip
            found[level] = graph.add("Add", found[level], larger)
        merged = graph.convolutions(found[level], _parts(network.laterals[level]), relu=True)
        heads = _parts(network.heads[level])[2:]  # of class and objectness
        both = [graph.add("Sigmoid", graph.convolutions(merged, _parts(head))) for head in heads]
        scores.append(graph.add("Flatten", graph.add("Sqrt", graph.add("Mul", *both))))
    every = graph.add("Concat", *scores, axis=1)
    return graph.add("ReduceMax", every, graph.constant([1], np.int64), keepdims=1)


def _parts(module: nn.Module | Tensor) -> list[nn.Module]:
    """Return the children of a module in their order."""
    assert isinstance(module, nn.Module)
    return list(module.children())

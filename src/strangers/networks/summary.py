"""The layers of a network with their output shapes and parameters, without computing."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn

REPARAMETRIZED = "parametrizations"
"""Module of a layer whose weight is computed from others, as in spectral norm."""


class Layer(NamedTuple):
    """One layer: its name in the network, its class, the shape of its output for one picture, parameters."""

    name: str
    kind: str
    shape: tuple[int, ...]
    parameters: int


def layers(network: nn.Module, shape: tuple[int, ...]) -> list[Layer]:
    """Return the layers of a network in the order of computation, for an input of `shape` without batch.

    A layer is a module without modules of its own, or with parameters of its own. The network is moved to
    the device "meta", where tensors have shapes and no values, and is of no use afterwards.
    """
    found: list[Layer] = []
    seen: set[int] = set()

    def record(name: str) -> Callable[[nn.Module, tuple[Tensor, ...], Tensor], None]:
        def hook(module: nn.Module, _inputs: tuple[Tensor, ...], output: Tensor) -> None:
            weights = [one for one in _weights(module) if id(one) not in seen]
            seen.update(map(id, weights))
            count = sum(one.numel() for one in weights)
            found.append(Layer(name, _kind(module), tuple(output.shape[1:]), count))

        return hook

    network.to("meta").eval()
    for name, module in network.named_modules():
        if REPARAMETRIZED not in name and _is_layer(module):
            module.register_forward_hook(record(name))
    with torch.no_grad():
        network(torch.zeros(1, *shape, device="meta"))
    return found


def _is_layer(module: nn.Module) -> bool:
    return not any(_inner(module)) or bool(list(module.parameters(recurse=False)))


def _inner(module: nn.Module) -> list[nn.Module]:
    """Return the modules inside, without those that only reparametrize a weight."""
    return [inner for name, inner in module.named_children() if name != REPARAMETRIZED]


def _weights(module: nn.Module) -> list[nn.Parameter]:
    """Return the parameters of the module itself, with those behind a reparametrization."""
    own = list(module.parameters(recurse=False))
    behind = dict(module.named_children()).get(REPARAMETRIZED)
    return own + (list(behind.parameters()) if behind is not None else [])


def _kind(module: nn.Module) -> str:
    return type(module).__name__.removeprefix("Parametrized")

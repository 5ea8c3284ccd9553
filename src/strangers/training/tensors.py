"""The tensors of a training's networks and optimizers, by name."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from strangers.training.step import State

AUGMENTATION = "augmentation"
"""Name of the probability of augmentation among the tensors."""


def tensors_of(state: State) -> dict[str, Tensor]:
    """Return the tensors of both networks and both optimizers, and the augmentation's, on the CPU."""
    tensors = {
        f"{name}.{key}": value
        for name, network in _networks(state).items()
        for key, value in network.state_dict().items()
    }
    for name, optimizer in _optimizers(state).items():
        for index, values in optimizer.state_dict()["state"].items():
            tensors |= {f"{name}.{index}.{key}": value for key, value in values.items()}
    tensors[AUGMENTATION] = state.augmentation
    return {key: value.detach().cpu().contiguous() for key, value in tensors.items()}


def load_tensors(tensors: dict[str, Tensor], state: State) -> None:
    """Load the tensors of `tensors_of` into both networks and both optimizers.

    Raises RuntimeError, KeyError and others for tensors of other networks.
    """
    state.augmentation = tensors.get(AUGMENTATION, state.augmentation).to(state.augmentation.device)
    for name, network in _networks(state).items():
        network.load_state_dict(_with_prefix(name, tensors))
    for name, optimizer in _optimizers(state).items():
        _load_optimizer(optimizer, _with_prefix(name, tensors))


def is_finite(state: State) -> bool:
    """Return whether all weights and all moments of the optimizers are finite."""
    networks = (*_networks(state).values(), state.ema)
    values = [value for network in networks for value in network.state_dict().values()]
    values += [
        moment
        for optimizer in _optimizers(state).values()
        for moments in optimizer.state.values()
        for moment in moments.values()
        if isinstance(moment, Tensor)
    ]
    device = values[0].device  # an optimizer may keep its step count elsewhere
    return bool(torch.stack([value.isfinite().all().to(device) for value in values]).all())


def _networks(state: State) -> dict[str, nn.Module]:
    return {"generator": state.generator, "discriminator": state.discriminator}


def _optimizers(state: State) -> dict[str, Optimizer]:
    return {
        "generator_optimizer": state.generator_optimizer,
        "discriminator_optimizer": state.discriminator_optimizer,
    }


def _with_prefix(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors of that prefix, by their names without it."""
    start = prefix + "."
    return {key.removeprefix(start): value for key, value in tensors.items() if key.startswith(start)}


def _load_optimizer(optimizer: Optimizer, tensors: dict[str, Tensor]) -> None:
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in tensors.items():
        index, key = name.split(".")
        parameter = parameters[int(index)]
        if value.shape == parameter.shape:
            # Moments need their parameter's memory layout: fused optimizers walk both side by side.
            value = torch.empty_like(parameter, dtype=value.dtype, requires_grad=False).copy_(value)
        state.setdefault(int(index), {})[key] = value
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})

"""The training step: all of the method on one screen."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from strangers.recipes.recipe import OptimizerConfig, Recipe, at, build_networks
from strangers.system.devices import to_device
from strangers.training.augmentation import augment
from strangers.training.distributed import SINGLE_PROCESS, Processes
from strangers.training.losses import OBJECTIVES, PENALTIES

EMA_RAMP = 0.05
"""Early on, the half-life of the average is this share of the images seen (Karras et al. 2024, as in EDM)."""


@dataclass
class State:
    """All that training changes. `average` follows the generator, and makes the faces that people see."""

    generator: nn.Module
    discriminator: nn.Module
    average: nn.Module
    generator_optimizer: Optimizer
    discriminator_optimizer: Optimizer
    images_seen: int = 0


class StepReport(NamedTuple):
    """What one step saw, each a scalar on the training device: means over the step's images.

    An accuracy is the share that the discriminator judged rightly; the generator's is the share that passed.
    """

    real_loss: Tensor
    real_accuracy: Tensor
    fake_loss: Tensor
    fake_accuracy: Tensor
    generator_loss: Tensor
    generator_accuracy: Tensor


def training_step(
    state: State,
    real: Tensor,
    recipe: Recipe,
    draws: torch.Generator | None = None,
    processes: Processes = SINGLE_PROCESS,
) -> StepReport:
    """One generator update after the recipe's discriminator updates on `real`.

    real: (recipe.images_per_step, 3, size, size) in [-1, 1], or this process's share of each of its batches.
    draws: where latents and augmentations come from, alike in all processes; torch's global state if None.
    Dropout's masks come from there always.
    """
    generator, discriminator = state.generator, state.discriminator
    objective, penalty = OBJECTIVES[recipe.objective], PENALTIES[recipe.penalty.kind]
    weight = recipe.penalty_weight(state.images_seen)

    def uniform(*shape: int) -> Tensor:
        return processes.shard(torch.rand(shape, device=real.device, generator=draws))

    def latents(count: int) -> Tensor:
        return processes.shard(draw_latents(recipe, count, real.device, draws))

    def shown(images: Tensor) -> Tensor:
        probability = at(recipe.augmentation.probability, state.images_seen)
        draw = partial(uniform, len(images) * processes.count)
        return augment(images, recipe.augmentation.names, draw, probability)

    # Discriminator: tell real from fake.
    for real_batch in torch.chunk(real, recipe.discriminator_steps):
        fake = generator(latents(recipe.batch))
        seen = [shown(images).requires_grad_(weight > 0) for images in (real_batch, fake.detach())]
        real_logits, fake_logits = logits = [discriminator(images) for images in seen]
        real_loss, fake_loss = objective.discriminator(real_logits, fake_logits, recipe.real_label)
        loss = real_loss + fake_loss
        if weight > 0:
            loss = loss + weight * penalty(discriminator, seen, logits, uniform(recipe.batch))
        update(discriminator, state.discriminator_optimizer, loss, processes)

    # Generator: pass as real. The fakes of the last discriminator update serve again where the batches agree.
    if recipe.generator_batch != recipe.batch:
        fake = generator(latents(recipe.generator_batch))
    discriminator.requires_grad_(False)  # its weights' gradients would be computed for nothing
    passing_logits = discriminator(shown(fake))
    rivals = discriminator(shown(real_batch.detach())) if objective.pairs else real_logits
    generator_loss = objective.generator(passing_logits, rivals, recipe.generator_label)
    update(generator, state.generator_optimizer, generator_loss, processes)
    discriminator.requires_grad_(True)

    # Average: follow the generator with a half-life in images.
    state.images_seen += recipe.images_per_step
    halflife = min(recipe.ema_halflife_images, EMA_RAMP * state.images_seen)
    follow(state.average, generator, 0.5 ** (recipe.images_per_step / halflife))

    report = (
        real_loss.detach(), _share(real_logits > 0),
        fake_loss.detach(), _share(fake_logits <= 0),
        generator_loss.detach(), _share(passing_logits > 0),
    )  # fmt: skip
    return StepReport(*processes.all_reduce_mean(torch.stack(report)).unbind())


def new_state(recipe: Recipe, seed: int, device: torch.device) -> State:
    """Untrained networks, their optimizers and the average; the same for the same seed on any device."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        generator, discriminator = build_networks(recipe)
    generator, discriminator = to_device(generator, device), to_device(discriminator, device)
    return State(
        generator=generator,
        discriminator=discriminator,
        average=copy.deepcopy(generator).requires_grad_(False).eval(),
        generator_optimizer=new_optimizer(generator, recipe.generator_optimizer),
        discriminator_optimizer=new_optimizer(discriminator, recipe.discriminator_optimizer),
    )


def compile_networks(state: State, recipe: Recipe) -> None:
    """Let torch compile the networks when they are first used, each as a whole, for the shapes of training.

    What it compiled before is forgotten, for it keeps eight versions of all networks together.
    A discriminator that pays a penalty stays as it is: torch cannot differentiate compiled networks twice.
    """
    torch.compiler.reset()
    networks = [state.generator] if recipe.penalty.kind != "none" else [state.generator, state.discriminator]
    for network in networks:
        # Not network.compile(): of torch's Sequential, that compiles each layer by itself.
        network.forward = torch.compile(network.forward, dynamic=False)


def new_optimizer(network: nn.Module, choice: OptimizerConfig) -> Optimizer:
    """The optimizer of all of the network's parameters, in its fastest implementation."""
    betas = (choice.beta1, at(choice.beta2, 0))
    if choice.name == "nadam":
        return torch.optim.NAdam(network.parameters(), lr=choice.learning_rate, betas=betas, foreach=True)
    return torch.optim.Adam(network.parameters(), lr=choice.learning_rate, betas=betas, fused=True)


def apply_schedule(state: State, recipe: Recipe) -> None:
    """Bring learning rates and moments to where they are after `state.images_seen`."""
    multiplier = recipe.schedule.multiplier(state.images_seen)
    for optimizer, choice in (
        (state.discriminator_optimizer, recipe.discriminator_optimizer),
        (state.generator_optimizer, recipe.generator_optimizer),
    ):
        for group in optimizer.param_groups:
            group["lr"] = choice.learning_rate * multiplier
            group["betas"] = (choice.beta1, at(choice.beta2, state.images_seen))


def draw_latents(
    recipe: Recipe, count: int, device: torch.device, draws: torch.Generator | None = None
) -> Tensor:
    """Random latents (count, latent_size) of the recipe's distribution, N(0, 1) or U(-1, 1)."""
    if recipe.latent == "uniform":
        return torch.rand(count, recipe.latent_size, device=device, generator=draws) * 2 - 1
    return torch.randn(count, recipe.latent_size, device=device, generator=draws)


def update(
    network: nn.Module, optimizer: Optimizer, loss: Tensor, processes: Processes = SINGLE_PROCESS
) -> None:
    """One step of the network's optimizer down the gradient of `loss`, of its mean over the processes."""
    optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    processes.average_gradients(network)
    optimizer.step()


@torch.no_grad()
def follow(average: nn.Module, network: nn.Module, keep: float) -> None:
    """Move the average's weights and statistics to keep * average + (1 - keep) * network."""
    for mean, value in zip(average.state_dict().values(), network.state_dict().values(), strict=True):
        if mean.is_floating_point():
            mean.lerp_(value, 1 - keep)
        else:
            mean.copy_(value)  # batch norm's count of batches


def _share(right: Tensor) -> Tensor:
    return right.float().mean()

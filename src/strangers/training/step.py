"""The training step: the whole method on one screen."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from strangers.recipes.recipe import Adaptive, OptimizerConfig, Recipe, build_networks
from strangers.system.devices import to_device
from strangers.training.augmentation import augment
from strangers.training.distributed import SINGLE_PROCESS, Processes
from strangers.training.losses import OBJECTIVES, PENALTIES

EMA_RAMP = 0.05
"""Early on, the EMA's half-life is this fraction of the images seen (as in EDM; Karras et al. 2024)."""


@dataclass
class State:
    """The networks and optimizers of a training. `ema` is the averaged generator, whose faces people see.

    `augmentation` is the probability of an augmentation that follows the discriminator, a scalar.
    """

    generator: nn.Module
    discriminator: nn.Module
    ema: nn.Module
    generator_optimizer: Optimizer
    discriminator_optimizer: Optimizer
    augmentation: Tensor
    images_seen: int = 0


class StepReport(NamedTuple):
    """The losses and accuracies of one step: means over its images, scalars on the training device.

    An accuracy is the fraction of images that the discriminator classified correctly; the generator's is the
    fraction of its images that the discriminator took for real.
    """

    real_loss: Tensor
    real_accuracy: Tensor
    fake_loss: Tensor
    fake_accuracy: Tensor
    generator_loss: Tensor
    generator_accuracy: Tensor


@dataclass(frozen=True)
class StepRandom:
    """The random numbers of a step: the same in all processes, each of which takes its shard.

    Attributes:
        generator: source of the numbers; torch's global state if None.
    """

    recipe: Recipe
    device: torch.device
    generator: torch.Generator | None = None
    processes: Processes = SINGLE_PROCESS

    def uniform(self, *shape: int) -> Tensor:
        """Draw numbers from [0, 1): this process's shard of a tensor of that shape."""
        return self.processes.shard(torch.rand(shape, device=self.device, generator=self.generator))

    def latents(self, count: int) -> Tensor:
        """Draw this process's shard of `count` latents."""
        return self.processes.shard(draw_latents(self.recipe, count, self.device, self.generator))

    def augment(self, images: Tensor, state: State) -> Tensor:
        """Augment images (n, 3, h, w) as the recipe says."""
        augmentation = self.recipe.augmentation
        uniform = partial(self.uniform, len(images) * self.processes.count)
        probability = augmentation.probability_at(state.images_seen, state.augmentation)
        return augment(images, augmentation.names, uniform, probability)


def training_step(state: State, real: Tensor, recipe: Recipe, rng: StepRandom | None = None) -> StepReport:
    """Update the discriminator on `real` as often as the recipe says, then the generator once, then the EMA.

    real: (recipe.images_per_step, 3, size, size) in [-1, 1], or this process's shard of each of its batches.
    rng: the latents and augmentations; from torch's global state if None. Dropout always uses that state.
    """
    rng = rng or StepRandom(recipe, real.device)
    generator, discriminator, processes = state.generator, state.discriminator, rng.processes
    objective, penalty = OBJECTIVES[recipe.objective], PENALTIES[recipe.penalty.kind]
    weight = recipe.penalty_weight(state.images_seen)

    # Discriminator: tell real from fake.
    for real_batch in torch.chunk(real, recipe.discriminator_steps):
        fake = generator(rng.latents(recipe.batch))
        augmented = [rng.augment(x, state).requires_grad_(weight > 0) for x in (real_batch, fake.detach())]
        real_logits, fake_logits = logits = [discriminator(images) for images in augmented]
        real_loss, fake_loss = objective.discriminator(real_logits, fake_logits, recipe.real_label)
        loss = real_loss + fake_loss
        if weight > 0:
            loss = loss + weight * penalty(discriminator, augmented, logits, rng.uniform(recipe.batch))
        update(discriminator, state.discriminator_optimizer, loss, processes)
    real_accuracy, fake_accuracy = fraction(real_logits > 0), fraction(fake_logits <= 0)

    # Generator: pass as real. The fakes of the last discriminator update serve again where the batches agree.
    if recipe.generator_batch is not None:
        fake = generator(rng.latents(recipe.generator_batch))
    discriminator.requires_grad_(False)  # saves the gradients of its weights
    fake_logits = discriminator(rng.augment(fake, state))
    if objective.pairs:
        real_logits = discriminator(rng.augment(real_batch.detach(), state))
    generator_loss = objective.generator(fake_logits, real_logits, recipe.generator_label)
    if state.images_seen >= recipe.generator_after:
        update(generator, state.generator_optimizer, generator_loss, processes)
    discriminator.requires_grad_(True)

    # EMA: follow the generator.
    state.images_seen += recipe.images_per_step
    update_ema(state.ema, generator, ema_decay(recipe, state.images_seen))

    losses = (real_loss, real_accuracy, fake_loss, fake_accuracy, generator_loss, fraction(fake_logits > 0))
    report = StepReport(*processes.all_reduce_mean(torch.stack(losses).detach()).unbind())
    if isinstance(recipe.augmentation.probability, Adaptive):
        state.augmentation = recipe.augmentation.probability.follow(
            state.augmentation, report.real_accuracy, recipe.images_per_step
        )
    return report


def new_state(recipe: Recipe, seed: int, device: torch.device) -> State:
    """Return untrained networks, their optimizers and the EMA; equal for equal seeds on any device."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        generator, discriminator = build_networks(recipe)
    generator, discriminator = to_device(generator, device), to_device(discriminator, device)
    return State(
        generator=generator,
        discriminator=discriminator,
        ema=copy.deepcopy(generator).requires_grad_(False).eval(),
        generator_optimizer=new_optimizer(generator, recipe.generator_optimizer),
        discriminator_optimizer=new_optimizer(discriminator, recipe.discriminator_optimizer),
        augmentation=torch.zeros((), device=device),
    )


def compile_networks(state: State, recipe: Recipe) -> None:
    """Let torch compile the networks on first use, each as a whole, for the shapes of training.

    Earlier compilations are dropped, since torch keeps at most eight versions in total.
    A discriminator with a gradient penalty stays eager: torch cannot differentiate compiled networks twice.
    """
    torch.compiler.reset()
    networks = [state.generator] if recipe.penalty.kind != "none" else [state.generator, state.discriminator]
    for network in networks:
        # Not network.compile(): torch's Sequential would compile each of its layers separately.
        network.forward = torch.compile(network.forward, dynamic=False)


def new_optimizer(network: nn.Module, config: OptimizerConfig) -> Optimizer:
    """Return the optimizer of all of the network's parameters, in torch's fastest implementation."""
    betas = config.betas(0)
    if config.name == "nadam":
        return torch.optim.NAdam(network.parameters(), lr=config.learning_rate, betas=betas, foreach=True)
    return torch.optim.Adam(network.parameters(), lr=config.learning_rate, betas=betas, fused=True)


def apply_schedule(state: State, recipe: Recipe) -> None:
    """Set learning rates and betas to their values after `state.images_seen` images."""
    multiplier = recipe.schedule.multiplier(state.images_seen)
    for optimizer, config in (
        (state.discriminator_optimizer, recipe.discriminator_optimizer),
        (state.generator_optimizer, recipe.generator_optimizer),
    ):
        for group in optimizer.param_groups:
            group["lr"] = config.learning_rate * multiplier
            group["betas"] = config.betas(state.images_seen)


def draw_latents(
    recipe: Recipe, count: int, device: torch.device, generator: torch.Generator | None = None
) -> Tensor:
    """Draw latents (count, latent_size) from the recipe's distribution, N(0, 1) or U(-1, 1)."""
    if recipe.latent == "uniform":
        return torch.rand(count, recipe.latent_size, device=device, generator=generator) * 2 - 1
    return torch.randn(count, recipe.latent_size, device=device, generator=generator)


def update(
    network: nn.Module, optimizer: Optimizer, loss: Tensor, processes: Processes = SINGLE_PROCESS
) -> None:
    """Take one optimizer step on the gradient of `loss`, averaged over the processes."""
    optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    processes.average_gradients(network)
    optimizer.step()


def ema_decay(recipe: Recipe, images_seen: int) -> float:
    """Return the EMA's decay per step after `images_seen` images: a half-life in images, shorter early on."""
    halflife = min(recipe.ema_halflife_images, EMA_RAMP * images_seen)
    return float(0.5 ** (recipe.images_per_step / halflife))


@torch.no_grad()
def update_ema(ema: nn.Module, network: nn.Module, decay: float) -> None:
    """Set the EMA's weights and statistics to decay * ema + (1 - decay) * network."""
    for mean, value in zip(ema.state_dict().values(), network.state_dict().values(), strict=True):
        if mean.is_floating_point():
            mean.lerp_(value, 1 - decay)
        else:
            mean.copy_(value)  # batch norm counts its batches in integers


def fraction(flags: Tensor) -> Tensor:
    """Return the fraction of true values, a float32 scalar."""
    return flags.float().mean()

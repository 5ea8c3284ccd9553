"""`strangers train-attributes`: train an attribute network."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from strangers.commands.arguments import Device


def train_attributes(
    data: Annotated[str, Argument(metavar="SET", help="A prepared set of 64 px with attributes.")],
    *,
    validation: Annotated[Path, Option(metavar="SET", help="Another one, to measure it on.")],
    out: Annotated[Path, Option(metavar="FILE", help="A .safetensors file; its card stands beside it.")],
    epochs: Annotated[int, Option(metavar="N", min=1, help="Times through the set.")] = 16,
    seed: Annotated[int, Option(metavar="N", min=0, help="Decides all that is random.")] = 0,
    device: Device = "auto",
    precision: Annotated[str, Option(metavar="NAME", help="auto, fp32 or bf16.")] = "auto",
) -> None:
    """Train the network that reads attributes off faces, as the bundled one was."""
    from strangers.evaluation.attribute_training import summary, train

    accuracies = train(data, validation, out, epochs=epochs, seed=seed, device=device, precision=precision)
    means = summary(accuracies)
    print(
        f"Wrote {out}: accuracy {means['accuracy']:.1%}, balanced {means['balanced']:.1%}; "
        f"{out.with_suffix('.md')} has each attribute."
    )

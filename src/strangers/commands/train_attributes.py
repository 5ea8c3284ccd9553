"""`strangers train-attributes`: train an attribute network."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from strangers.commands.arguments import Device, Force
from strangers.commands.outcome import Outcome


def train_attributes(
    data: Annotated[str, Argument(metavar="SET", help="A prepared set of 64 px with attributes.")],
    *,
    out: Annotated[
        Path, Option("--out", "-o", metavar="FILE", help="A .safetensors file; its card is added as .md.")
    ],
    validation: Annotated[
        Path | None,
        Option(metavar="SET", help="Prepared set for the accuracies.  [default: SET's held-out part]"),
    ] = None,
    epochs: Annotated[int, Option(metavar="N", min=1, help="Passes through the set.")] = 16,
    seed: Annotated[int, Option(metavar="N", min=0, help="Random seed.")] = 0,
    device: Device = "auto",
    force: Force = False,
    precision: Annotated[str, Option(metavar="NAME", help="auto, fp32 or bf16.")] = "auto",
) -> Outcome:
    """Train a network that predicts attributes, such as the bundled one."""
    from strangers.evaluation.attribute_training import summary, train

    accuracies = train(
        data, validation, out, epochs=epochs, seed=seed, device=device, precision=precision, force=force
    )
    means = summary(accuracies)
    card = out.with_suffix(".md")
    return Outcome(
        notes=[
            f"Wrote {out} and {card}. "
            f"Accuracy: {means['accuracy']:.1%}. Balanced accuracy: {means['balanced']:.1%}."
        ],
        facts={"wrote": [out, card], **means},
    )

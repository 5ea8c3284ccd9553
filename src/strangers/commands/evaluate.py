"""`strangers evaluate`: measure a model's faces against photographs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from strangers.commands.arguments import Device, ModelName
from strangers.errors import UsageError


def evaluate(
    model: ModelName,
    data: Annotated[str, Argument(metavar="DATA", help="A prepared set, or a SOURCE as of `prepare`.")],
    *,
    out: Annotated[
        Path, Option(metavar="JSON", help="The result; the report stands beside it as .html.")
    ] = Path("result.json"),
    against: Annotated[
        list[str] | None, Option(metavar="MODEL", help="Another model, compared with the first; repeatable.")
    ] = None,
    features: Annotated[str, Option(metavar="LIST", help="face, inception or face,inception.")] = "face",
    metrics: Annotated[
        str, Option(metavar="LIST", help="Of fd, kd, pr, diversity and memorization.")
    ] = "fd,kd,pr,diversity,memorization",
    count: Annotated[int, Option(metavar="N", min=2, help="Faces, and pictures of the set.")] = 10_000,
    batch: Annotated[int, Option(metavar="N", min=1, help="Faces at once; changes no number.")] = 256,
    truncation: Annotated[float, Option(metavar="T", help="What the latents are multiplied by.")] = 1.0,
    held_out: Annotated[
        Path | None, Option(metavar="SET", help="Pictures that the training has not seen.")
    ] = None,
    weights: Annotated[
        Path | None, Option(metavar="PATH", help="Of the Inception network, if not from the cache.")
    ] = None,
    shrinkage: Annotated[
        bool, Option("--shrinkage", help="Shrink covariances, where faces are few.")
    ] = False,
    allow_mismatch: Annotated[
        bool, Option("--allow-mismatch", help="Measure across crops and filters, and say so.")
    ] = False,
    device: Device = "auto",
) -> None:
    """Measure how good, varied and original a model's faces are; write a result and a report."""
    if out.suffix != ".json":
        raise UsageError(f"The result is JSON: let --out end in .json, not {out.name!r}.")
    from strangers.evaluation.evaluate import Settings, measure_all
    from strangers.reports.evaluation import write

    settings = Settings(
        metrics=_names(metrics), features=_names(features), count=count, truncation=truncation,
        weights=weights, device=device, shrinkage=shrinkage, allow_mismatch=allow_mismatch, batch=batch,
    )  # fmt: skip
    measured = measure_all([model, *(against or [])], data, held_out=held_out, settings=settings)
    print(write(out, measured))


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())

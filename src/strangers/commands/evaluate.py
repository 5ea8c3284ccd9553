"""`strangers evaluate`: measure generated faces against photographs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from strangers.commands.arguments import Device, Force, Json
from strangers.errors import UsageError

Features = Annotated[str, Option(metavar="LIST", help="Feature networks: face, inception or both.")]
Metrics = Annotated[str, Option(metavar="LIST", help="A selection of fd, kd, pr, diversity, memorization.")]
Count = Annotated[int, Option(metavar="N", min=2, help="Number of faces, and of pictures of the set.")]


HeldOut = Annotated[
    Path | None, Option(metavar="SET", help="Prepared set that was not trained on, as control.")
]
Training = Annotated[
    Path | None, Option(metavar="SET", help="Prepared set of the training, if not DATA; for memorization.")
]
Weights = Annotated[Path | None, Option(metavar="PATH", help="Inception weights, if not in the cache.")]


def evaluate(
    generated: Annotated[
        str, Argument(metavar="GENERATED", help="A MODEL, or a folder, .zip, .tar, .npy or .npz of pictures.")
    ],
    data: Annotated[str, Argument(metavar="DATA", help="A prepared set, or a SOURCE as in `prepare`.")],
    *,
    out: Annotated[
        Path, Option(metavar="JSON", help="Result file; the report is written next to it as .html.")
    ] = Path("result.json"),
    against: Annotated[
        list[str] | None,
        Option(metavar="GENERATED", help="Another model or pictures to compare with the first; repeatable."),
    ] = None,
    features: Features = "face",
    metrics: Metrics = "fd,kd,pr,diversity,memorization",
    count: Count = 10_000,
    batch: Annotated[int, Option(metavar="N", min=1, help="Faces per batch; changes no number.")] = 256,
    truncation: Annotated[float, Option(metavar="T", help="Factor of the latents.")] = 1.0,
    held_out: HeldOut = None,
    training: Training = None,
    weights: Weights = None,
    shrinkage: Annotated[bool, Option("--shrinkage", help="Shrink covariances, for few faces.")] = False,
    allow_mismatch: Annotated[
        bool, Option("--allow-mismatch", help="Measure across different crops and filters.")
    ] = False,
    json: Json = False,
    force: Force = False,
    device: Device = "auto",
) -> None:
    """Measure the quality, diversity and memorization of faces; write a result and a report."""
    if out.suffix != ".json":
        raise UsageError(f"--out must end in .json (got {out.name!r}).")
    from strangers.evaluation.evaluate import Settings, measure_all
    from strangers.reports.evaluation import write
    from strangers.system.files import check_outputs

    inputs = [generated, data, *(against or []), held_out, training, weights]
    check_outputs(out, out.with_suffix(".html"), kind="evaluation", inputs=inputs, force=force)
    settings = Settings(
        metrics=_names(metrics), features=_names(features), count=count, truncation=truncation,
        weights=weights, device=device, shrinkage=shrinkage, allow_mismatch=allow_mismatch, batch=batch,
    )  # fmt: skip
    measured = measure_all(
        [generated, *(against or [])], data, held_out=held_out, training=training, settings=settings
    )
    table = write(out, measured, force=force)
    if json:
        print(out.read_text(encoding="utf-8"), end="")
    else:
        print(f"{table}\nWrote {out} and {out.with_suffix('.html')}.")


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())

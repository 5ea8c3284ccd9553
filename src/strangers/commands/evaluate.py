"""`strangers evaluate`: measure generated faces against photographs."""

from __future__ import annotations

from json import loads
from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from strangers.commands import completion
from strangers.commands.arguments import Device, Force, parse_names
from strangers.commands.outcome import Outcome
from strangers.errors import UsageError

Generated = Annotated[
    str | None,
    Argument(
        metavar="GENERATED",
        help="A MODEL or .onnx generator, a folder, .zip, .tar, .npy or .npz of pictures, or a "
        "statistics file.",
    ),
]
Data = Annotated[str | None, Argument(metavar="DATA", help="The same, or a SOURCE as in `prepare`.")]


def complete_metrics(incomplete: str) -> list[str]:
    """Complete the last of a list of metrics and groups."""
    from strangers.evaluation.metric_table import GROUPS, METRICS

    before, comma, _ = incomplete.rpartition(",")
    return completion.beginning([f"{before}{comma}{name}" for name in (*GROUPS, *METRICS)], incomplete)


Metrics = Annotated[
    str,
    Option(
        metavar="LIST",
        help="Metrics such as fid768,kid768, and groups: quick, standard, all.",
        autocompletion=complete_metrics,
    ),
]
Count = Annotated[int, Option(metavar="N", min=2, help="Number of faces, and of pictures of the set.")]
Batch = Annotated[int, Option(metavar="N", min=1, help="Faces per batch; changes no number.")]
Training = Annotated[
    Path | None, Option(metavar="SET", help="Prepared set of the training, if not DATA; for memorization.")
]
HeldOut = Annotated[
    Path | None,
    Option(metavar="SET", help="Control set, not trained on.  [default: the training set's held-out part]"),
]
Weights = Annotated[Path | None, Option(metavar="PATH", help="Inception weights, if not in the cache.")]
Shrinkage = Annotated[bool, Option("--shrinkage", help="Shrink covariances, for few faces.")]
AllowMismatch = Annotated[
    bool, Option("--allow-mismatch", help="Measure across different crops and filters.")
]
Human = Annotated[
    Path | None,
    Option(metavar="FILE", help="Instead: error rate of the people whose answers `serve --answers` kept."),
]
OnnxInput = Annotated[
    str | None, Option(metavar="NAME", help="Latents' input of an .onnx file with several inputs.")
]


def evaluate(
    generated: Generated = None,
    data: Data = None,
    *,
    human: Human = None,
    out: Annotated[
        Path,
        Option("--out", "-o", metavar="JSON", help="Result file; the report is written next to it as .html."),
    ] = Path("result.json"),
    metrics: Metrics = "quick",
    count: Count = 10_000,
    batch: Batch = 256,
    truncation: Annotated[float, Option(metavar="T", help="Factor of the latents.")] = 1.0,
    held_out: HeldOut = None,
    training: Training = None,
    weights: Weights = None,
    onnx_input: OnnxInput = None,
    shrinkage: Shrinkage = False,
    allow_mismatch: AllowMismatch = False,
    force: Force = False,
    device: Device = "auto",
) -> Outcome:
    """Measure the quality, diversity and memorization of faces; write a result and a report."""
    if human is not None:
        return _human(human, generated)
    if generated is None or data is None:
        raise UsageError(
            f"{'GENERATED' if generated is None else 'DATA'} is missing: evaluate GENERATED DATA."
        )
    if out.suffix != ".json":
        raise UsageError(f"--out must end in .json (got {out.name!r}).")
    from strangers.evaluation import evaluate as evaluation
    from strangers.reports.evaluation import write
    from strangers.system.outputs import check_outputs

    inputs = [generated, data, held_out, training, weights]
    check_outputs(out, out.with_suffix(".html"), kind="evaluation", inputs=inputs, force=force)
    settings = evaluation.Settings(
        metrics=parse_names(metrics), count=count, truncation=truncation, weights=weights, device=device,
        shrinkage=shrinkage, allow_mismatch=allow_mismatch, batch=batch, onnx_input=onnx_input,
    )  # fmt: skip
    measured = evaluation.evaluate(generated, data, held_out=held_out, training=training, settings=settings)
    table = write(out, measured, force=force)
    return Outcome(
        result=table.split("\n"),
        notes=[f"Wrote {out} and {out.with_suffix('.html')}."],
        facts=loads(out.read_bytes()),
        next=f"strangers compare {generated} OTHER {data} --metrics {metrics}",
    )


def _human(path: Path, generated: str | None) -> Outcome:
    """Report the error rates of people."""
    from strangers.evaluation.human import INTERVALS, human_results, read_answers

    if generated is not None:
        raise UsageError("--human FILE reads answers alone; leave out GENERATED and DATA.")
    results = human_results(read_answers(path))
    lines = [line for result in results for line in str(result).split("\n")]
    return Outcome(result=[*lines, INTERVALS], facts=[result.as_json() for result in results])

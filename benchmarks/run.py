"""Ours against a plain implementation of the same work, alternating in one run: medians, spread and ratios.

    make bench                                        on drawn faces
    make bench PHOTOGRAPHS=img_align_celeba.zip       on photographs of 178x218

Writes into "bench" of benchmarks/results/performance.json, which docs/research/performance.md shows: the
machine's ceilings, and for each measure {"ours", "plain", "unit", "ratio", "processor_ratio", "spread",
"limit", "fraction_of_limit", "conditions"}, where the conditions say whether the machine was busy. A ratio
above 1 means that ours is faster; `processor_ratio` is by processor time, which holds on a busy machine too;
`limit` names a ceiling of this machine.
"""

from __future__ import annotations

import argparse
import io
import json
import platform
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import busy
import ceilings
import measures
import torch
from PIL import Image

from strangers.data.sources import open_container
from strangers.data.synthetic import faces as synthetic
from strangers.system.devices import choose_precision, keep_freed_memory
from strangers.system.machine import processor_name, usable_cores
from strangers.training.plan import dtype_name

RECORD = Path(__file__).parent / "results" / "performance.json"
CPU = torch.device("cpu")


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure strangers against a plain implementation.")
    parser.add_argument(
        "--photographs", help="a folder, .zip or .tar of 178x218 JPEGs; drawn faces if not given"
    )
    parser.add_argument("--only", default=",".join(measures.MEASURES), help="some of the measures")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    keep_freed_memory()  # plain profits too: what is compared is the work
    probes = [busy.probe()]
    warn(busy.verdict(probes)["busy"])
    files = jpegs(arguments.photographs)
    found: dict[str, float] = {}

    def limits(name: str) -> float:
        if name not in found:
            found.update(ceiling(name, files))
        return found[name]

    with TemporaryDirectory() as folder:
        precision = choose_precision("auto", CPU).value
        bench = measures.Bench(files, precision, arguments.repeats, Path(folder), limits)
        for name in arguments.only.split(","):
            result = measures.MEASURES[name](bench)
            print(line(name, result), flush=True)
            probes.append(busy.probe())
            conditions = machine(arguments) | busy.verdict(probes[-2:])
            store(name, result | {"conditions": conditions}, found)
    warn(busy.verdict(probes)["busy"])


def ceiling(name: str, files: list[bytes]) -> dict[str, float]:
    """Measure the machine's limit of that name, with those that come with it."""
    if name == "decoding_one_core":
        return {name: ceilings.decoding(files)}
    dtype = {"fp32": torch.float32, "bf16": torch.bfloat16}[name.rpartition("_")[2]]
    return {f"{kind}_{dtype_name(dtype)}": rate for kind, rate in ceilings.arithmetic(dtype).items()}


def store(name: str, result: dict[str, Any], found: dict[str, float]) -> None:
    """Put a measure, and the machine's limits, into the record, in the place of older ones."""
    record = json.loads(RECORD.read_text())
    bench = record.setdefault("bench", {})
    bench[name] = result
    bench["ceilings"] = bench.get("ceilings", {}) | found
    RECORD.write_text(json.dumps(record, indent=1) + "\n")


def warn(reasons: str) -> None:
    """Say that the machine is busy, if it is."""
    if reasons:
        print(
            f"BUSY: {reasons}. Rates are too low, and ratios less certain than on a quiet machine.",
            flush=True,
        )


def line(name: str, result: dict[str, Any]) -> str:
    """A measure as a line of the table."""
    if "ratio" not in result:
        return f"{name:<18} " + ", ".join(f"{key} {value:.3g}" for key, value in result.items())
    fraction = f", {result['fraction_of_limit']:.0%} of {result['limit']}" if "limit" in result else ""
    return (
        f"{name:<18} ours {result['ours']:>9.2f}  plain {result['plain']:>9.2f}  {result['unit']:<18} "
        f"ratio {result['ratio']:>5.2f}, of processor time {result['processor_ratio']:>5.2f}  "
        f"(spread of ours {result['spread']:.0%}{fraction})"
    )


def jpegs(photographs: str | None, count: int = 300) -> list[bytes]:
    """JPEGs of 178x218: photographs, or drawn faces."""
    if photographs is not None:
        return [file.data for file in islice(open_container(photographs), count)]
    drawn, _ = synthetic.draw(range(count), 218)
    return [as_jpeg(Image.fromarray(pixels).crop((20, 0, 198, 218))) for pixels in drawn]


def as_jpeg(picture: Image.Image) -> bytes:
    data = io.BytesIO()
    picture.save(data, "JPEG", quality=90)
    return data.getvalue()


def machine(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return what the numbers were measured on, and how."""
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "processor": processor_name(),
        "capability": torch.backends.cpu.get_cpu_capability(),
        "cores": usable_cores(),
        "threads": arguments.threads,
        "precision": dtype_name(choose_precision("auto", CPU).value),
        "torch": torch.__version__,
        "python": platform.python_version(),
        "repeats": arguments.repeats,
        "photographs": "photographs of 178x218" if arguments.photographs else "drawn faces",
    }


if __name__ == "__main__":
    main()

"""Ours against a plain implementation of the same work, alternating in one run: medians, spread and ratios.

    make bench                                        on drawn faces
    make bench PHOTOGRAPHS=img_align_celeba.zip       on photographs of 178x218

Writes benchmarks/latest.json: the machine, its ceilings, and for each measure {"ours", "plain", "unit",
"ratio", "spread", "limit", "fraction_of_limit"}. A ratio above 1 means that ours is faster; `limit` names a
ceiling of this machine.
"""

from __future__ import annotations

import argparse
import io
import json
import platform
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import ceilings
import measures
import torch
from PIL import Image

from strangers.data.sources import open_container
from strangers.data.synthetic import faces as synthetic
from strangers.system.devices import choose_precision, keep_freed_memory
from strangers.system.machine import processor_name, usable_cores
from strangers.training.plan import dtype_name

LATEST = Path(__file__).with_name("latest.json")
CPU = torch.device("cpu")


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure strangers against a plain implementation.")
    parser.add_argument(
        "--photographs", help="a folder, .zip or .tar of 178x218 JPEGs; drawn faces if not given"
    )
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    keep_freed_memory()  # plain profits too: what is compared is the work
    precision = choose_precision("auto", CPU).value
    files = jpegs(arguments.photographs)
    limits = {
        f"{kind}_{dtype_name(dtype)}": rate
        for dtype in {torch.float32, precision}
        for kind, rate in ceilings.arithmetic(dtype).items()
    }
    limits |= {"memory_copy": ceilings.memory_copy(), "decoding_one_core": ceilings.decoding(files)}
    for name, limit in limits.items():
        print(f"{name:<20} {limit:.3g} a second")
    results: dict[str, dict[str, Any]] = {}
    with TemporaryDirectory() as folder:
        for name, result in measures.all_of(files, precision, arguments.repeats, Path(folder), limits):
            results[name] = result
            print(line(name, result), flush=True)
    report = {"machine": machine(arguments), "ceilings": limits, **results}
    LATEST.write_text(json.dumps(report, indent=2) + "\n")


def line(name: str, result: dict[str, Any]) -> str:
    """A measure as a line of the table."""
    fraction = f", {result['fraction_of_limit']:.0%} of {result['limit']}" if "limit" in result else ""
    return (
        f"{name:<16} ours {result['ours']:>9.2f}  plain {result['plain']:>9.2f}  {result['unit']:<18} "
        f"ratio {result['ratio']:>5.2f}  (spread of ours {result['spread']:.0%}{fraction})"
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
    """What the numbers were measured on, and how."""
    return {
        "processor": processor_name(),
        "capability": torch.backends.cpu.get_cpu_capability(),
        "cores": usable_cores(),
        "threads": arguments.threads,
        "precision": dtype_name(choose_precision("auto", CPU).value),
        "torch": torch.__version__,
        "python": platform.python_version(),
        "repeats": arguments.repeats,
        "photographs": arguments.photographs or "drawn faces",
    }


if __name__ == "__main__":
    main()

"""Training steps of several recipes, measured in turns on one thread of a CPU.

    .venv/bin/python benchmarks/step_costs.py fast-32 style-32 fast-64 style-64 --record costs.json

Steps are of noise in fp32, medians of --rounds. A ratio is to the first recipe of the same size.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from statistics import median

import torch

from strangers.evaluation.result import hardware
from strangers.recipes.presets import RECIPES
from strangers.system.files import write_atomically
from strangers.system.machine import versions
from strangers.training.speed import training_speed

SECONDS = 2.0
"""Duration of a measurement of one recipe in one round."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("recipes", nargs="+")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--record", type=Path, required=True, help="JSON file")
    given = parser.parse_args()
    torch.set_num_threads(1)
    taken: dict[str, list[float]] = {name: [] for name in given.recipes}
    for _ in range(given.rounds):
        for name in given.recipes:
            rate = training_speed(RECIPES[name], torch.device("cpu"), torch.float32, SECONDS)
            taken[name].append(1000 / rate)
    costs = {name: median(found) for name, found in taken.items()}
    first = {RECIPES[name].size: cost for name, cost in reversed(costs.items())}
    record = {
        "what": f"training steps on noise, in turns: medians of {given.rounds} measurements of {SECONDS:g} s",
        "command": f"python benchmarks/step_costs.py {' '.join(given.recipes)} --record FILE",
        "n": given.rounds,
        "ms_per_image": {name: round(cost, 2) for name, cost in costs.items()},
        "ratio": {name: round(cost / first[RECIPES[name].size], 2) for name, cost in costs.items()},
        "versions": versions(),
        "hardware": hardware("cpu").model_dump(),
    }
    print(json.dumps(record, indent=1))
    write_atomically(given.record, (json.dumps(record, indent=1) + "\n").encode())


if __name__ == "__main__":
    main()

"""Files of tensors made to break a reader: headers huge, nested, lying or twice there; and pickles."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from strangers.errors import ModelError
from strangers.evaluation.attributes import BUNDLED_ATTRIBUTES, load_attributes
from strangers.evaluation.inception import load_inception
from strangers.sampling.load import load
from strangers.system.files import sha256_of
from strangers.training.checkpoint import restore
from strangers.training.step import new_state

from ..support import tiny, write_model
from .poison import ODD_VALUES, bent, bent_ones, feed

Trials = Callable[[int, int], range]
Tally = Callable[..., None]

MEMORY = 512
"""MiB that a file of tensors of 100 KB may take."""

KINDS = ("F64", "F16", "BF16", "I64", "BOOL", "F8_E4M3", "F8_E8M0", "F4", "U64", "C64", "X", "")
SIZES = (0, 1, -1, 2**31, 2**32, 2**63 - 1, 2**64 - 1, 10**30, 1.5, "4", None, True)


def assemble(header: str | bytes, rest: bytes, length: int | None = None) -> bytes:
    """Return a .safetensors file with this header, and perhaps a wrong length of it."""
    text = header.encode(errors="surrogatepass") if isinstance(header, str) else header
    return (len(text) if length is None else length).to_bytes(8, "little") + text + rest


def lying(valid: bytes, times: range, seed: int) -> Iterator[tuple[str, bytes]]:
    """Files whose headers say what is not so."""
    dice = random.Random(seed)
    length = int.from_bytes(valid[:8], "little")
    header, rest = valid[8 : 8 + length], valid[8 + length :]
    for number in times:
        if number % 3 == 0:
            yield f"header bent {number}", assemble(bent(header, dice), rest)
        elif number % 3 == 1:
            yield f"all bent {number}", bent(valid, dice)
        else:
            yield f"header lying {number}", assemble(_lie(json.loads(header), dice), rest)


def _lie(fields: dict[str, Any], dice: random.Random) -> str:
    tensors = [name for name in fields if name != "__metadata__"]
    name = dice.choice(tensors)
    tensor = fields[name]
    match dice.randrange(9):
        case 0:
            tensor["data_offsets"][dice.randrange(2)] = dice.choice(SIZES)
        case 1:
            tensor["shape"] = [dice.choice(SIZES) for _ in range(dice.choice((1, 4, 70)))]
        case 2:
            tensor["shape"], tensor["data_offsets"][1] = [0, dice.choice(SIZES)], tensor["data_offsets"][0]
        case 3:
            tensor["dtype"] = dice.choice(KINDS)
        case 4:
            fields[dice.choice(("", "\0", "x" * 9999, "../x", "__class__"))] = fields.pop(name)
        case 5:
            fields[name] = fields[dice.choice(tensors)]
        case 6 if "__metadata__" in fields:
            metadata = fields["__metadata__"]
            about = json.loads(metadata[next(iter(metadata))])
            about[dice.choice(list(about))] = "\N{NULL}odd"
            metadata[next(iter(metadata))] = json.dumps(about).replace(
                '"\\u0000odd"', dice.choice(ODD_VALUES)
            )
        case 7 if "__metadata__" in fields:
            recipe = json.loads(fields["__metadata__"].get("strangers", '{"recipe": {"network": {}}}'))
            recipe["recipe"]["network"] = dice.choice(NETWORKS)
            fields["__metadata__"]["strangers"] = json.dumps(recipe)
        case 8:
            text = json.dumps(fields)
            return text[:-1] + f", {json.dumps(name)}: {json.dumps(tensor)}" + "}"
    return json.dumps(fields)


ENDLESS = 10**9
NETWORKS: tuple[dict[str, Any], ...] = (
    {"architecture": "r3gan", "widths": [16, 16, 16, 16], "blocks": ENDLESS},
    {"architecture": "r3gan", "widths": [16, 16, 16, 16], "expansion": ENDLESS},
    {"architecture": "r3gan", "widths": [16], "patch": 8, "group_width": ENDLESS},
    {"architecture": "stylegan2", "generator_widths": [8] * 4, "discriminator_widths": [8],
     "mapping_layers": ENDLESS},
    {"architecture": "stylegan2", "generator_widths": [ENDLESS] * 4, "discriminator_widths": [8]},
    {"architecture": "dcgan", "stem_size": ENDLESS},
    {"architecture": "dcgan", "generator_widths": [ENDLESS] * 3},
    {"architecture": "dcgan", "generator_widths": [1] * 10_000},
    {"architecture": "resnet", "generator_widths": [8, 8, 8, 8], "whole_blocks": ENDLESS},
    {"architecture": "dense", "stem_width": 1, "stem_size": 32, "generator_stages": [{"width": 1,
    "stride": 1}] * 10_000,
     "generator_kernel": 3, "last_kernel": ENDLESS, "discriminator_widths": [1]},
)  # fmt: skip


def test_a_model_file_with_a_wrong_header_is_refused(tmp_path: Path, trials: Trials, tally: Tally) -> None:
    valid = write_model(tmp_path / "model.safetensors").read_bytes()
    load(tmp_path / "model.safetensors", device="cpu")

    def swallow(data: bytes) -> None:
        (tmp_path / "model.safetensors").write_bytes(data)
        load(tmp_path / "model.safetensors", device="cpu")

    fed = feed(lying(valid, trials(300, 12_000), 20), swallow, memory=MEMORY, target=tmp_path)
    tally(f"model files with bent or lying headers, {MEMORY} MiB", fed.tried, str(fed))


def with_recipe(valid: bytes, network: dict[str, Any]) -> bytes:
    length = int.from_bytes(valid[:8], "little")
    fields = json.loads(valid[8 : 8 + length])
    about = json.loads(fields["__metadata__"]["strangers"])
    about["recipe"]["network"] = network
    fields["__metadata__"]["strangers"] = json.dumps(about)
    return assemble(json.dumps(fields), valid[8 + length :])


def test_a_huge_recipe_is_refused_at_once(tmp_path: Path, tally: Tally) -> None:
    valid = write_model(tmp_path / "model.safetensors").read_bytes()
    load(tmp_path / "model.safetensors", device="cpu")
    length = int.from_bytes(valid[:8], "little")
    deep = "[" * 1_000_000 + "]" * 1_000_000
    odd = {
        "length of 2**63": assemble(valid[8 : 8 + length], valid[8 + length :], 2**63),
        "length beyond the file": assemble(valid[8 : 8 + length], valid[8 + length :], len(valid)),
        "length of nothing": assemble("", b"", 0),
        "nested": assemble('{"a":' + deep + "}", b""),
        "nested metadata": assemble('{"__metadata__":{"strangers":' + json.dumps(deep) + "}}", b""),
        "100,000 tensors": assemble(
            json.dumps({str(n): {"dtype": "F32", "shape": [0], "data_offsets": [0,
            0]} for n in range(100_000)}), b""
        ),
        **{f"network {number}": with_recipe(valid, network) for number, network in enumerate(NETWORKS)},
    }  # fmt: skip

    def swallow(data: bytes) -> None:
        (tmp_path / "model.safetensors").write_bytes(data)
        with pytest.raises(ModelError):
            load(tmp_path / "model.safetensors", device="cpu")

    fed = feed(odd.items(), swallow, memory=MEMORY, target=tmp_path, slowest=2)
    tally("model files that are huge inside", fed.tried, str(fed))


def test_an_attribute_network_with_a_wrong_header_is_refused(
    tmp_path: Path, trials: Trials, tally: Tally
) -> None:
    valid = BUNDLED_ATTRIBUTES.read_bytes()
    load_attributes(BUNDLED_ATTRIBUTES)
    path = tmp_path / "attributes.safetensors"

    def swallow(data: bytes) -> None:
        path.write_bytes(data)
        load_attributes.__wrapped__(path)

    fed = feed(lying(valid, trials(40, 10_000), 21), swallow, memory=MEMORY, target=tmp_path)
    tally("attribute networks with bent or lying headers", fed.tried, str(fed))


def test_a_pickle_is_refused_unread(tmp_path: Path, trials: Trials, tally: Tally) -> None:
    path = tmp_path / "weights.pth"
    valid = {}
    for zipped in (True, False):
        torch.save({"conv.weight": torch.zeros(3)}, path, _use_new_zipfile_serialization=zipped)
        valid[f"zipped {zipped}"] = path.read_bytes()

    def swallow(data: bytes) -> None:
        path.write_bytes(data)
        load_inception(path, ("inception64",), "cpu")

    fed = feed(bent_ones(valid, trials(200, 10_000), 22), swallow, memory=MEMORY, target=tmp_path)
    assert fed.refused == fed.tried
    tally(".pth files of weights, whole and bent", fed.tried, str(fed))


def test_a_checkpoint_with_matching_hashes_is_still_validated(
    trained: Path, tmp_path: Path, trials: Trials, tally: Tally
) -> None:
    run = Path(shutil.copytree(trained, tmp_path / "run"))
    folder = run / "checkpoints" / (run / "latest").read_text()
    for other in set(folder.parent.iterdir()) - {folder}:
        shutil.rmtree(other)
    description = json.loads((folder / "state.json").read_text())
    whole = new_state(tiny(), 0, torch.device("cpu"))
    restore(run, whole)

    def swallow(data: bytes) -> None:
        (folder / "training.safetensors").write_bytes(data)
        description["sha256"]["training.safetensors"] = sha256_of(folder / "training.safetensors")
        (folder / "state.json").write_text(json.dumps(description))
        restore(run, whole)

    valid = (folder / "training.safetensors").read_bytes()
    inputs = lying(valid, range(1, 3 * len(trials(20, 3_400)), 1), 23)
    fed = feed(inputs, swallow, memory=MEMORY, target=run)
    tally("tensors of a checkpoint, bent or lying", fed.tried, str(fed))

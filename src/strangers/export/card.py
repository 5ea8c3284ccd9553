"""The model card, as Markdown: intended use, training data, evaluation, limits, and how to reproduce it.

Mitchell et al. 2019, "Model cards for model reporting". The Hugging Face hub reads the lines between ---.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePath

from pydantic import ValidationError

from strangers.config import explain
from strangers.errors import DataError, UsageError
from strangers.evaluation.facts import number, origin, split_of
from strangers.evaluation.result import Result
from strangers.recipes.presets import RECIPES
from strangers.recipes.recipe import FacesRecipe, flatten, written
from strangers.sampling.model import Model
from strangers.sampling.model_file import ModelHeader
from strangers.system.streams import markdown_text as escaped
from strangers.system.streams import one_line as plain
from strangers.system.streams import read_regular_file

MAX_ATTRIBUTES = 12
"""Attributes in the table: those whose frequencies differ most."""


def card(
    model: Model,
    result: Result | None = None,
    place: str = "model.safetensors",
    *,
    picture: str | None = None,
) -> str:
    """Return the card of a model as Markdown.

    result: the result of `strangers evaluate` on this model.
    place: the name by which `strangers.load` finds the model.
    picture: file next to the card with the faces of seeds 0 to 63.
    """
    header = model.header
    title = escaped(header.title or f"{header.recipe.name}: faces of people who do not exist")
    shown = f"![Faces of seeds 0 to 63, uncurated]({picture})\n" if picture else ""
    sections = [
        _front_matter(model, result),
        f"# {title}\n\n{shown}\n{_lead(model)}",
        "## Use\n\n" + _use(model, place),
        "## Intended use\n\n" + INTENDED,
        "## Training data\n\n" + _training_data(model, result),
        "## Evaluation\n\n" + "\n\n".join(_measured(model, result)),
        "## Limits\n\n" + _limits(model, result),
        "## Training\n\n" + _repeat(model, result),
    ]
    return "\n\n".join(section.strip() for section in sections) + "\n"


INTENDED = """\
For research and teaching: how generators learn, how they are measured, how they fail; and for faces in \
places where no real person's photograph should be shown.

Not for deception, not for passing a generated face off as a real person, not for judging, identifying or \
verifying people, and not for any use that the photographs' terms exclude."""


INSTALL = """\
In a clone of the repository of strangers:

```
pip install --constraint constraints.txt .
```"""


def _front_matter(model: Model, result: Result | None) -> str:
    header = model.header
    fields: dict[str, object] = {
        "license": "other",
        "license_name": "terms-of-the-photographs",
        "library_name": "strangers",
        "pipeline_tag": "unconditional-image-generation",
        "tags": ["gan", header.recipe.network.architecture, "faces", f"{header.size}px"],
    }
    if result is not None and result.values:
        task = {"type": "unconditional-image-generation"}
        data = {"name": _source(result), "type": "image-folder", "split": split_of(result.data) or "all"}
        metrics = [{"type": name, "value": round(value.value, 4)} for name, value in result.values.items()]
        measured = {"task": task, "dataset": data, "metrics": metrics}
        fields["model-index"] = [{"name": header.recipe.name, "results": [measured]}]
    # JSON is YAML too, and quotes what needs it.
    lines = [f"{name}: {plain(json.dumps(value, ensure_ascii=False))}" for name, value in fields.items()]
    return "\n".join(["---", *lines, "---"])


def _lead(model: Model) -> str:
    header = model.header
    parameters = sum(weights.numel() for weights in model.generator.parameters())
    started = f", started from {escaped(header.ancestor)}" if header.ancestor else ""
    seen = f" after {header.images_seen:,} images" if header.images_seen else ""
    tuned = ", fine-tuned afterwards" if header.fine_tuning else ""
    author = f"By {escaped(header.author)}\n\n" if header.author else ""
    return (
        f"{author}A generator of faces of {header.size} px with {parameters:,} parameters: the recipe "
        f"{_code(header.recipe.name)} ({escaped(header.recipe.source)}){started}{seen}{tuned}. "
        f"Trained by {escaped(header.software)}; model hash `{model.hash}`. A seed names a face: seed 17 "
        "gives the same face on every machine."
    )


def _use(model: Model, place: str) -> str:
    return (
        f"{INSTALL}\n\n"
        "```python\n"
        "import strangers\n\n"
        f"faces = strangers.load({json.dumps(plain(place), ensure_ascii=False)}).sample(seeds=range(16))    "
        f"# uint8 (16, {model.header.size}, {model.header.size}, 3)\n"
        "```"
    )


def _training_data(model: Model, result: Result | None) -> str:
    header = model.header
    lines = [
        f"Photographs of faces: crop {_code(header.crop)}, {header.size} px, filter {_code(header.filter)}; "
        f"hash of the prepared set {_code(header.data_hash[:16])}."
    ]
    if result is not None and result.data.hash == header.data_hash:
        split = f", split {_code(split)}" if (split := split_of(result.data)) else ""
        count = number(getattr(result.data, "count", None))
        lines.append(f"The set is {escaped(_source(result))}{split}: {count} pictures.")
    lines.append(f"**Terms of the photographs.** {escaped(header.license)}")
    return "\n\n".join(lines)


def _measured(model: Model, result: Result | None) -> Iterator[str]:
    if result is None:
        yield from _in_training(model)
        return
    rows = [[_code(name), str(value)] for name, value in result.values.items()]
    yield _table(["metric", "value ± half of its 95% interval"], rows)
    data, hardware = result.data, result.hardware
    weights = ", ".join(f"{escaped(name)} {_code(digest)}" for name, digest in result.features.items())
    conditions = [
        f"{number(result.generated)} faces of seeds {escaped(result.seeds)} at truncation "
        f"{result.truncation:g} against {number(result.reference)} pictures of {escaped(_source(result))} "
        f"({escaped(split_of(data) or 'all')}, {_code(data.hash[:16])}), {escaped(str(data.protocol))}",
        f"features {weights}",
        escaped(", ".join(f"{name} {number}" for name, number in result.versions.items())),
        f"{escaped(hardware.processor)}, {hardware.cores} cores, {escaped(hardware.device)}; "
        f"{result.seconds:,.0f} seconds",
    ]
    yield "Conditions: " + "; ".join(conditions) + "."
    if result.mismatch:
        differences = escaped("; ".join(result.mismatch))
        yield f"Preprocessing differs from that of the model, which changes the distances: {differences}."
    if result.memorization is not None:
        verdict = escaped(str(result.memorization))
        yield f"**Originality.** {verdict[0].upper()}{verdict[1:]}."
    else:
        yield "**Originality.** Memorization was not measured."


def _in_training(model: Model) -> Iterator[str]:
    """Yield what the training measured at this checkpoint, if anything."""
    rows = []
    for name, found in model.header.metrics.items():
        if isinstance(found, dict) and isinstance(value := found.get("value"), int | float):
            counts = [found.get("generated"), found.get("reference")]
            rows.append(
                [_code(name), f"{value:.4g}", *(f"{n:,}" if isinstance(n, int) else "" for n in counts)]
            )
    if rows:
        yield _table(["metric, during training", "value", "faces", "pictures"], rows)
    advice = "Run `strangers evaluate`, then export with `--result`."
    yield f"{'No intervals were measured' if rows else 'Not evaluated'}. {advice}"


def _limits(model: Model, result: Result | None) -> str:
    text = (
        f"Faces have {model.header.size} px, and many have flaws. Their distribution is that of the "
        "photographs: groups that are rare there are rarer here, and their faces are worse. A face may "
        "resemble a real person by chance."
    )
    if result is None or not result.attributes:
        return text
    frequencies = sorted(result.attributes, key=lambda row: abs(row.data - row.generated), reverse=True)
    rows = [
        [escaped(row.name.replace("_", " ")), f"{row.data:.1%}", f"{row.generated:.1%}"]
        for row in frequencies[:MAX_ATTRIBUTES]
    ]
    note = (
        "Attributes whose frequencies differ most between photographs and faces, both as predicted by a "
        "network that was trained on annotators' opinions:"
    )
    return "\n\n".join([text, note, _table(["attribute", "photographs", "faces"], rows)])


def _repeat(model: Model, result: Result | None) -> str:
    header = model.header
    lines = _training(header, result) if header.images_seen else []
    if header.fine_tuning:
        lines.append(f"**Fine-tuning.** {escaped(header.fine_tuning)}")
    if header.recipe.name not in RECIPES:
        lines.append("This recipe is not a preset; its values are in the model file's header.")
    return "\n\n".join(lines)


def _training(header: ModelHeader, result: Result | None) -> list[str]:
    """Return the command that repeats the training, and what it names."""
    known_set = result is not None and result.data.hash == header.data_hash
    source = plain(PurePath(result.data.path).name) if result is not None and known_set else "DATA"
    known = RECIPES.get(header.recipe.name)
    changes = _changes(header.recipe, known) if known else []
    ancestor, _, _ = header.ancestor.rpartition(" (")
    started = f" --from {_quoted(ancestor)}" if ancestor else ""
    command = [
        f"strangers train {_quoted(source)}{started} --recipe {_quoted(header.recipe.name)} "
        f"--images {header.images_seen} --out RUN",
        *(f"--set {_quoted(change)}" for change in changes),
    ]
    return [
        f"{escaped(source)} is the set above; the default seed of a training is 0.",
        "```\n" + " \\\n  ".join(command) + "\n```",
    ]


def _source(result: Result) -> str:
    """Return the source of the set; of a path only the last name."""
    source = origin(result.data)
    return source if source.startswith(("hf:", "synthetic")) else PurePath(source).name


def _changes(recipe: FacesRecipe, preset: FacesRecipe) -> list[str]:
    """Return the differences from the preset as `--set` reads them, without the crop of the set."""
    ours, theirs = (dict(flatten(each.model_dump(mode="json"))) for each in (recipe, preset))
    return [
        f"{name}={written(value)}"
        for name, value in ours.items()
        if name != "crop" and theirs.get(name) != value
    ]


def read_result(path: Path, model: Model) -> Result:
    """Read a result of `strangers evaluate`. Raises DataError, and UsageError for none or another model's."""
    try:
        result = Result.model_validate_json(read_regular_file(path))
    except FileNotFoundError:
        raise UsageError(f"There is no result {path}; `strangers evaluate` writes one.") from None
    except OSError as error:
        raise DataError(f"Cannot read the result {path}: {error.strerror or error}.") from None
    except ValidationError as error:
        reason = explain(Result, error)
        raise DataError(f"{path} is not a result of `strangers evaluate` for one model: {reason}") from None
    if result.model.hash != model.hash:
        raise UsageError(
            f"{path} belongs to the model {result.model.hash} ({result.model.path}), not to {model.hash}; "
            "run `strangers evaluate` on this model."
        )
    return result


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = []
    for cells in (header, ["---"] * len(header), *rows):
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines)


# Texts of a model file are not trusted: a card is shown as a web page.


def _code(text: str) -> str:
    """Return Markdown that shows the text as code in a line."""
    return "`" + plain(text).replace("`", '"') + "`"


def _quoted(text: str) -> str:
    """Return the text as one word of a shell command in a fenced block."""
    return shlex.quote(plain(text).replace("`", '"'))

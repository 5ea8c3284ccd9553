"""The model card, as Markdown: what a model learnt from, what it is for, how good it is, how to repeat it.

Mitchell et al. 2019, "Model cards for model reporting"; the lines between --- are those that the Hugging Face
hub reads. What was not measured is said to be so.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePath

from pydantic import ValidationError

from strangers.errors import DataError, UsageError
from strangers.evaluation.result import Result
from strangers.recipes.presets import RECIPES
from strangers.recipes.recipe import Recipe, flatten, written
from strangers.sampling.model import Model

MAX_SHARES = 12
"""Attributes in the table: those whose shares differ most from the photographs'."""

CELEBA = "https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html"


def card(
    model: Model,
    result: Result | None = None,
    place: str = "model.safetensors",
    *,
    picture: str | None = None,
) -> str:
    """The card of a model.

    result: what `strangers evaluate` wrote of it.
    place: what `strangers.load` finds the model by.
    picture: a file beside the card with the faces of seeds 0 to 63.
    """
    header = model.header
    title = f"{header.recipe.name}: faces of people who do not exist"
    shown = f"![Faces of seeds 0 to 63, uncurated]({picture})\n" if picture else ""
    sections = [
        _front_matter(model, result),
        f"# {title}\n\n{shown}\n{_lead(model)}",
        "## Use\n\n" + _use(model, place),
        "## What it is for\n\n" + INTENDED,
        "## What it learnt from\n\n" + _training_data(model, result),
        "## How good it is\n\n" + "\n\n".join(_measured(result)),
        "## Limits\n\n" + _limits(model, result),
        "## How it was trained, and how to repeat it\n\n" + _repeat(model, result),
    ]
    return "\n\n".join(section.strip() for section in sections) + "\n"


INTENDED = """\
For research and teaching: how generators learn, how they are measured, how they fail; and for faces in \
places where no real person's photograph should stand.

Not for deceiving anybody, not for making a generated face pass as a real person, not for judging, \
identifying or verifying people, and not for any use that the photographs' terms exclude."""


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
        data = {"name": _source(result), "type": "image-folder", "split": result.data.split or "all"}
        metrics = [{"type": name, "value": round(value.value, 4)} for name, value in result.values.items()]
        measured = {"task": task, "dataset": data, "metrics": metrics}
        fields["model-index"] = [{"name": header.recipe.name, "results": [measured]}]
    # JSON is YAML too, and quotes what needs it.
    lines = [f"{name}: {json.dumps(value, ensure_ascii=False)}" for name, value in fields.items()]
    return "\n".join(["---", *lines, "---"])


def _lead(model: Model) -> str:
    header = model.header
    parameters = sum(weights.numel() for weights in model.generator.parameters())
    return (
        f"A generator of faces of {header.size} px, {parameters:,} parameters: the recipe "
        f"`{header.recipe.name}` ({header.recipe.source}) after {header.images_seen:,} images. Trained by "
        f"{header.software}; model hash `{model.hash}`. A seed names a face: 17 is the same one everywhere."
    )


def _use(model: Model, place: str) -> str:
    return (
        "```python\n"
        "import strangers\n\n"
        f'faces = strangers.load("{place}").sample(seeds=range(16))    '
        f"# uint8 (16, {model.header.size}, {model.header.size}, 3)\n"
        "```"
    )


def _training_data(model: Model, result: Result | None) -> str:
    header = model.header
    lines = [
        f"Photographs of faces: crop `{header.crop}`, {header.size} px, filter `{header.filter}`; "
        f"hash of the prepared set `{header.data_hash[:16]}`."
    ]
    if result is not None and result.data.hash == header.data_hash:
        split = f", split `{result.data.split}`" if result.data.split else ""
        lines.append(f"It is {_source(result)}{split}: {result.data.count:,} pictures.")
    terms = f"{header.license} CelebA's are at {CELEBA}." if "CelebA" in header.license else header.license
    lines.append(f"**Terms.** {terms}")
    return "\n\n".join(lines)


def _measured(result: Result | None) -> Iterator[str]:
    if result is None:
        yield "Nothing was measured. `strangers evaluate` does it, and `export --result` puts it here."
        return
    rows = [[f"`{name}`", str(value)] for name, value in result.values.items()]
    yield _table(["metric", "value ± 95 % of what chance does"], rows)
    conditions = [
        f"{result.generated:,} faces of seeds {result.seeds} at truncation {result.truncation:g} against "
        f"{result.reference:,} pictures of {_source(result)} ({result.data.split or 'all'}, "
        f"`{result.data.hash[:16]}`), {result.data.protocol}",
        "features " + ", ".join(f"{name} `{weights}`" for name, weights in result.features.items()),
        ", ".join(f"{name} {number}" for name, number in result.versions.items()),
        f"{result.hardware.processor}, {result.hardware.cores} cores, {result.hardware.device}; "
        f"{result.seconds:,.0f} seconds",
    ]
    yield "Conditions: " + "; ".join(conditions) + "."
    if result.mismatch:
        yield f"Measured across protocols, so crop and filter count too: {'; '.join(result.mismatch)}."
    if result.memorization is not None:
        found = result.memorization
        yield f"**Originality.** {found.sentence[0].upper()}{found.sentence[1:]}."
    else:
        yield "**Originality.** Whether it repeats photographs was not measured."


def _limits(model: Model, result: Result | None) -> str:
    text = (
        f"Faces are of {model.header.size} px and no larger, and many are odd. They are like the "
        "photographs: who is rare there is rare here, often rarer still, and drawn worse. A face may "
        "resemble a real person by chance."
    )
    if result is None or not result.attributes:
        return text
    shares = sorted(result.attributes, key=lambda share: abs(share.data - share.generated), reverse=True)
    rows = [
        [share.name.replace("_", " "), f"{share.data:.1%}", f"{share.generated:.1%}"]
        for share in shares[:MAX_SHARES]
    ]
    note = (
        "Attributes whose shares differ most between photographs and faces, by the word of one network for "
        "both, which repeats what annotators thought of photographs:"
    )
    return "\n\n".join([text, note, _table(["attribute", "photographs", "faces"], rows)])


def _repeat(model: Model, result: Result | None) -> str:
    header = model.header
    known_set = result is not None and result.data.hash == header.data_hash
    source = PurePath(result.data.path).name if result is not None and known_set else "DATA"
    known = RECIPES.get(header.recipe.name)
    changes = _changes(header.recipe, known) if known else []
    command = [
        f"strangers train {source} --recipe {header.recipe.name} --images {header.images_seen} --out RUN",
        *(f"--set {change}" for change in changes),
    ]
    lines = [
        f"{source} is the set above; a training's seed is 0 unless `--seed` says otherwise.",
        "```\n" + " \\\n  ".join(command) + "\n```",
    ]
    if known is None:
        lines.append("This recipe is no preset; every value is in the model file's header.")
    return "\n\n".join(lines)


def _source(result: Result) -> str:
    """What the set was made of; of a place on somebody's disk the last name alone."""
    source = result.data.source
    return source if source.startswith(("hf:", "synthetic")) else PurePath(source).name


def _changes(recipe: Recipe, preset: Recipe) -> list[str]:
    """What differs from the preset, as --set reads it; the crop comes with the set."""
    ours, theirs = (dict(flatten(each.model_dump(mode="json"))) for each in (recipe, preset))
    return [
        f"'{name}={written(value)}'"
        for name, value in ours.items()
        if name != "crop" and theirs.get(name) != value
    ]


def read_result(path: Path, model: Model) -> Result:
    """What `strangers evaluate` wrote of the model. Raises DataError, and UsageError for another's."""
    try:
        result = Result.model_validate_json(path.read_bytes())
    except OSError as error:
        raise DataError(f"The result {path} cannot be read: {error.strerror or error}.") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise DataError(
            f"{path} is not a result of `strangers evaluate` for one model ({where}: {first['msg']})."
        ) from None
    if result.model.hash != model.hash:
        raise UsageError(
            f"{path} is of the model {result.model.hash} ({result.model.path}), but this one is "
            f"{model.hash}. Measure this one: strangers evaluate."
        )
    return result


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(cells) + " |" for cells in (header, ["---"] * len(header), *rows)]
    return "\n".join(lines)

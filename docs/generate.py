"""Write docs/reference/commands.md from the commands and docs/reference/python.md from the docstrings.

python docs/generate.py [--check]        with --check, fail where a page or a marked figure is stale
Figures that are marked in the documents are taken from benchmarks/results: figures.py. Either way, fail where
a marked figure is not an entry there, and where a document names an option that its command does not have.
"""

from __future__ import annotations

import inspect
import re
import sys
import textwrap
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

from figures import UnknownFigureError, documents, rendered
from typer.main import get_command
from typer.testing import CliRunner

import strangers
from strangers.cli import app

REFERENCE = Path(__file__).parent / "reference"

COMMANDS_HEAD = """\
# Commands

This page is generated from the output of `--help`. Edit `src/strangers/commands/`, then run `make docs`.

- SOURCE is a folder, a `.zip` or `.tar` file, `hf:OWNER/NAME`, `synthetic` or `synthetic:5000`.
- DATA is a prepared set, or a SOURCE, which is then prepared into the cache at the recipe's size and crop.
- MODEL is a model file, a run, a checkpoint, `celeba-64` or `hf:OWNER/NAME`.
- Numbers of images are written `50000`, `100k` or `1.5M`; seeds `7`, `0-63`, `0..63` or `0-9,20`.
- `--out -` writes the picture of `sample` and `edit` to standard output, and all words to standard error.

Results, and what was written, are printed to standard output; progress, warnings, errors and the next step to
standard error. With `--json`, standard output is one JSON value. Progress is shown on terminals only, and
`NO_COLOR` is respected. `strangers --install-completion` installs completion for bash, zsh, fish or
PowerShell.

| exit code | means |
|---|---|
| 0 | success |
| 1 | a failure: what is there cannot be used, a download or a disk failed, `verify` found another value |
| 2 | a wrong call: an option or its value, a name of something that is not there, an output that exists |
| 130, 143, 129 | stopped by Ctrl-C, SIGTERM or SIGHUP, as when the terminal is closed |
"""

PYTHON_HEAD = """\
# Python API

This page is generated from the docstrings. Edit them, then run `make docs`.

`import strangers` imports no torch; each name below is imported on first use.

```python
import strangers

run = strangers.train("celeba64", recipe="fast-64", out="runs/faces")
faces = run.model.sample(seeds=range(16))            # uint8 (16, 64, 64, 3)

model = strangers.load("runs/faces")       # a run, a checkpoint, a model file or hf:OWNER/NAME
measured = strangers.evaluate(model, "celeba64")
print(measured.result.values["fd-face"].value)

for seeds, faces in model.batches(range(100_000)):   # any number of faces in constant memory
    ...
```

Opening a model file executes no code: it holds tensors and JSON.
"""

GROUPS = {
    "Data": ["prepare", "open_prepared", "PreparedSet", "explore"],
    "Training": ["train", "Run", "RECIPES", "Recipe", "Callback"],
    "Faces": ["load", "Model", "sampling.latents.latents", "export"],
    "Evaluation": ["evaluate", "evaluation.evaluate.Settings", "evaluation.result.Result"],
    "Plug-ins": ["register", "Architecture", "Objective", "Crop", "NewMetric"],
    "Errors": ["StrangersError", "UsageError", "DataError", "ModelError", "RunError"],
}
"""The documented names by heading: all of `strangers.__all__`, and others by their module."""


def commands_page() -> str:
    """Return the page of commands, as it should be."""
    verbs = list(get_command(app).commands)  # type: ignore[attr-defined]
    sections = [COMMANDS_HEAD, *(f"## {verb}\n\n```\n{help_of(verb)}\n```\n" for verb in verbs)]
    return "\n".join(sections)


def help_of(*words: str) -> str:
    """Return what the command prints for --help, at a width of 100 columns."""
    result = CliRunner().invoke(app, [*words, "--help"], prog_name="strangers", terminal_width=100)
    return "\n".join(line.rstrip() for line in result.output.strip().splitlines())


def python_page() -> str:
    """Return the page of the Python API, as it should be."""
    listed = [name for names in GROUPS.values() for name in names]
    missing = set(strangers.__all__) - {"__version__", *listed}
    if missing:
        sys.exit(f"error: add {', '.join(sorted(missing))} to GROUPS in {__file__}.")
    parts = [PYTHON_HEAD]
    for group, names in GROUPS.items():
        parts.append(f"## {group}\n")
        for name in names:
            parts += entry(name)
    return "\n".join(parts)


def entry(name: str) -> Iterator[str]:
    """Yield the paragraphs that describe one public name."""
    module, _, attribute = f"strangers.{name}".rpartition(".")
    value = getattr(import_module(module), attribute)
    yield f"### {attribute}\n"
    if not (inspect.isclass(value) or inspect.isfunction(value)):
        yield "The [presets](recipes.md) by name: a mapping of str to `Recipe`.\n"
        return
    if inspect.isfunction(value):
        yield f"```python\n{signature(f'strangers.{name}', value)}\n```\n"
    elif module != "strangers":
        yield f"`{module}.{attribute}`\n"
    yield prose(inspect.getdoc(value) or "")
    if inspect.isclass(value) and not issubclass(value, Exception):
        yield from members(value)


def members(owner: type) -> Iterator[str]:
    """Yield the paragraphs that describe the public methods and properties of a class."""
    for name, member in vars(owner).items():
        if name.startswith("_") or not member.__doc__:
            continue
        title = f"{owner.__name__}.{name}"
        if isinstance(member, property):
            yield f"#### {title}\n\n{prose(inspect.getdoc(member) or '')}"
        elif inspect.isfunction(member):
            code = signature(title, member)
            yield f"#### {title}\n\n```python\n{code}\n```\n\n{prose(inspect.getdoc(member) or '')}"


def signature(title: str, function: object) -> str:
    """Return the signature as Python has it, one parameter a line where it is long."""
    found = inspect.signature(function)  # type: ignore[arg-type]
    parameters: list[str] = []
    for parameter in found.parameters.values():
        if parameter.name == "self":
            continue
        if parameter.kind is parameter.KEYWORD_ONLY and "*" not in parameters:
            parameters.append("*")
        default = "" if parameter.default is parameter.empty else f" = {_value(parameter.default)}"
        parameters.append(f"{parameter.name}: {parameter.annotation}{default}")
    text = f"{title}({', '.join(parameters)}) -> {found.return_annotation}"
    if len(text) <= 90:
        return text
    lines = "".join(f"    {parameter},\n" for parameter in parameters)
    return f"{title}(\n{lines}) -> {found.return_annotation}"


def _value(default: object) -> str:
    return f'"{default}"' if isinstance(default, str) else repr(default)


def prose(docstring: str) -> str:
    """Return a docstring as Markdown: "name: text" paragraphs become lists."""
    return "\n\n".join(_paragraph(text) for text in docstring.split("\n\n")) + "\n"


def _paragraph(text: str) -> str:
    heading, newline, rest = text.partition("\n")
    if newline and re.fullmatch(r"\w+:", heading):
        return f"{heading}\n\n{_items(textwrap.dedent(rest))}"
    if re.match(r"[a-z_]+(,? (?:to |or )?[a-z_]+)*: ", text):
        return _items(text)
    return _escaped(text)


def _items(text: str) -> str:
    """Return lines of "name: text", with indented continuations, as a Markdown list."""
    lines = []
    for line in text.splitlines():
        found = re.match(r"([a-z_]\w*(?:(?:,| to| or) [a-z_]\w*)*): ", line)
        if found:
            names = re.sub(r"[a-z_]\w*", lambda name: _code(name[0]), found[1])
            lines.append(f"- {names}: {_escaped(line[found.end() :])}")
        elif lines and not line.startswith(" ") and line:
            lines.append(f"\n{_escaped(line)}" if not lines[-1].startswith("\n") else _escaped(line))
        else:
            lines.append(f"  {_escaped(line.strip())}".rstrip())
    return "\n".join(lines)


def _code(word: str) -> str:
    return word if word in ("to", "or") else f"`{word}`"


def _escaped(text: str) -> str:
    """Return the text with powers and stars kept as they are typed."""
    return text.replace("**", r"\*\*") if "`" not in text else text


def unknown_options() -> Iterator[str]:
    """Yield a message for each option of `strangers VERB ...` in a document that the command lacks."""
    verbs = get_command(app).commands  # type: ignore[attr-defined]
    known = {
        verb: {"--help"}.union(*([*each.opts, *each.secondary_opts] for each in command.params))
        for verb, command in verbs.items()
    }
    root = REFERENCE.parents[1]
    for path in (*root.glob("*.md"), *root.glob("docs/**/*.md")):
        for line in path.read_text(encoding="utf-8").splitlines():
            for verb, rest in re.findall(r"strangers ([a-z-]+)([^`|#]*)", line):
                for option in re.findall(r"(?<!\S)--[a-z][a-z-]*", rest):
                    if option not in known.get(verb, ()):
                        yield f"{path.relative_to(root)} names {option}, which `strangers {verb}` lacks."


def main() -> int:
    """Write the pages, or compare them."""
    stale, wrong = [], list(unknown_options())
    for path, wanted in (
        (REFERENCE / "commands.md", commands_page()),
        (REFERENCE / "python.md", python_page()),
    ):
        if "--check" not in sys.argv:
            path.write_text(wanted, encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != wanted:
            stale.append(path.name)
    for path in documents():
        text = path.read_text(encoding="utf-8")
        try:
            wanted = rendered(text)
        except UnknownFigureError as error:
            wrong.append(f"{path.name}: {error}.")
            continue
        if wanted != text and "--check" in sys.argv:
            stale.append(path.name)
        elif wanted != text:
            path.write_text(wanted, encoding="utf-8")
    if stale:
        print(
            f"error: {' and '.join(stale)} is stale; "
            "run `.venv/bin/python docs/generate.py` (or `make docs`) and commit it.",
            file=sys.stderr,
        )
    for message in wrong:
        print(f"error: {message}", file=sys.stderr)
    return 1 if stale or wrong else 0


if __name__ == "__main__":
    sys.exit(main())

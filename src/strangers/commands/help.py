"""--help: commands and options in groups, whole summaries, examples."""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, Annotated, Any, get_args

from typer.core import TyperCommand, TyperGroup

if TYPE_CHECKING:
    from typer._click import Context, HelpFormatter

OPTIONS = "Options"
"""The group of options that are in no other, such as --json; it is the last."""

MAX_NAME_WIDTH = 28
"""Maximum width of the column of names; what a longer name means is in the line below it."""


class GroupedCommands(TyperGroup):
    """Commands listed by group, each with the whole first paragraph of its help."""

    def format_commands(self, ctx: Context, formatter: HelpFormatter) -> None:
        """Write the list of commands; typer's own cuts what does not fit in a line."""
        groups: dict[str, list[tuple[str, str]]] = {}
        for name in self.list_commands(ctx):
            command = self.get_command(ctx, name)
            summary = ((command and command.help) or "").partition("\n\n")[0]
            groups.setdefault(str(getattr(command, "rich_help_panel", None)), []).append((name, summary))
        _write_groups(groups, formatter)


class GroupedOptions(TyperCommand):
    """A command whose options are listed by the groups of `in_group`."""

    def format_options(self, ctx: Context, formatter: HelpFormatter) -> None:
        """Write the arguments, and the options by group."""
        arguments: list[tuple[str, str]] = []
        groups: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            if (record := parameter.get_help_record(ctx)) is None:
                continue
            if parameter.param_type_name == "argument":
                arguments.append(record)
            else:
                group = getattr(parameter, "rich_help_panel", None) or OPTIONS
                groups.setdefault(group, []).append(record)
        if arguments:
            _write_groups({"Arguments": arguments}, formatter)
        if OPTIONS in groups:
            groups[OPTIONS] = groups.pop(OPTIONS)
        _write_groups(groups, formatter)


def in_group(option: Any, group: str) -> Any:
    """Return the option, an annotated type, in a group of its command's help."""
    kind, declared = get_args(option)
    declared = copy(declared)
    declared.rich_help_panel = group
    return Annotated[kind, declared]


def _write_groups(groups: dict[str, list[tuple[str, str]]], formatter: HelpFormatter) -> None:
    """Write a section for each group, with columns of the same width."""
    width = min(max(len(name) for rows in groups.values() for name, _ in rows), MAX_NAME_WIDTH)
    for group, rows in groups.items():
        with formatter.section(group):
            formatter.write_dl([(f"{name:<{width}}", summary) for name, summary in rows])


def examples(*lines: str) -> str:
    """Return the end of a command's help. Typer does not wrap a paragraph that begins with a backspace."""
    return "\n".join(["\b", "Examples:", *(f"  {line}" for line in lines)])

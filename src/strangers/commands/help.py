"""--help: commands in groups, whole summaries, examples."""

from __future__ import annotations

from typing import TYPE_CHECKING

from typer.core import TyperGroup

if TYPE_CHECKING:
    from typer._click import Context, HelpFormatter


class GroupedCommands(TyperGroup):
    """Commands listed by group, each with the whole first paragraph of its help."""

    def format_commands(self, ctx: Context, formatter: HelpFormatter) -> None:
        """Write the list of commands; typer's own cuts what does not fit in a line."""
        groups: dict[str, list[tuple[str, str]]] = {}
        for name in self.list_commands(ctx):
            command = self.get_command(ctx, name)
            summary = ((command and command.help) or "").partition("\n\n")[0]
            groups.setdefault(str(getattr(command, "rich_help_panel", None)), []).append((name, summary))
        width = max(len(name) for rows in groups.values() for name, _ in rows)
        for group, rows in groups.items():
            with formatter.section(group):
                formatter.write_dl([(f"{name:<{width}}", summary) for name, summary in rows])


def examples(*lines: str) -> str:
    """Return the end of a command's help. Typer does not wrap a paragraph that begins with a backspace."""
    return "\n".join(["\b", "Examples:", *(f"  {line}" for line in lines)])

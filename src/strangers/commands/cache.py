"""`strangers cache`: list what the cache holds, and clear it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

from typer import Argument, Option

from strangers.commands.arguments import plural
from strangers.commands.outcome import Outcome
from strangers.errors import UsageError

CONTENTS = {
    "sets": "prepared sets of sources that were named to train, evaluate or explore",
    "weights": "downloaded weights of Inception",
    "onnxruntime-web": "downloaded runtime of exported pages",
    "checksums": "checksums of prepared sets",
    "statistics": "measured features of prepared sets",
    "directions": "attribute directions of models",
    "ood": "scores of photographs by model",
    "rejection": "certainties of the faces of models",
}
"""Subfolders of the cache. All of it is made or downloaded again when it is needed."""


def cache(
    names: Annotated[
        list[str] | None,
        Argument(metavar="[NAME]...", help="Parts of the cache.  [default: all of strangers]"),
    ] = None,
    *,
    clear: Annotated[bool, Option("--clear", help="Remove them; they are made again when needed.")] = False,
) -> Outcome:
    """List or clear the cache: prepared sets, downloads and measurements that can be made again."""
    from strangers.system.cache import cache_entries, cache_folder, clear_cache

    folder, found = cache_folder(), cache_entries()
    known = [entry.name for entry in found]
    # A folder of another name is somebody else's, and is removed by name only.
    wanted = names or [name for name in known if name in CONTENTS or not clear]
    if unknown := [name for name in wanted if name not in known]:
        raise UsageError(f"The cache has no {unknown[0]!r}; it holds {', '.join(known) or 'nothing'}.")
    chosen = [entry for entry in found if entry.name in wanted]
    kept = [entry.name for entry in chosen if not clear_cache(entry.name)] if clear else []
    total = sum(entry.bytes for entry in chosen)
    facts = {
        "folder": folder,
        "bytes": total,
        "entries": [asdict(entry) for entry in chosen],
        "cleared": clear,
    }
    if clear:
        removed = [entry for entry in chosen if entry.name not in kept]
        files = plural(sum(entry.files for entry in removed), "file")
        notes = [f"Removed {files}, {_size(sum(entry.bytes for entry in removed))}, from {folder}."]
        if kept:
            notes.append(f"Of {', '.join(kept)}, what another process is writing remains.")
        return Outcome(notes=notes, facts=facts)
    rows = [(entry.name, _size(entry.bytes), CONTENTS.get(entry.name, "")) for entry in chosen]
    rows.append(("total", _size(total), str(folder)))
    width = max(len(name) for name, _, _ in rows)
    lines = [f"{name:<{width}}  {size:>9}  {content}".rstrip() for name, size, content in rows]
    return Outcome(lines, facts=facts, next="strangers cache --clear" if chosen else "")


def _size(count: int) -> str:
    return f"{count / 1e6:,.1f} MB"

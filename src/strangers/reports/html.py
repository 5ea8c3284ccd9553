"""Self-contained pages: one HTML file without scripts, requests or other files.

Every argument that is text is escaped. The functions return HTML, to be joined by `page`.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from html import escape

from strangers.images import Pixels, encode_png

_STYLE = """
:root { color-scheme: light dark; --ink: #1b1b1f; --paper: #fdfdfb; --faint: #6b6b76; --line: #dcdce2;
  --first: #7a8aa0; --second: #c2571a; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #ececf1; --paper: #16161a; --faint: #a0a0ad; --line: #34343d;
    --first: #8fa3c0; --second: #f08a4b; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 62rem; padding: 1.5rem 1rem 4rem;
  background: var(--paper); color: var(--ink);
  font: 1rem/1.5 system-ui, sans-serif; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 .5rem; }
h2 { font-size: 1.2rem; margin: 2.5rem 0 .5rem; border-top: 1px solid var(--line); padding-top: 1rem; }
.lead, .note, figcaption, caption { color: var(--faint); }
.note { max-width: 45rem; margin: .25rem 0 1rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: .95rem; }
caption { caption-side: bottom; text-align: left; padding-top: .5rem; font-size: .9rem; }
th, td { text-align: left; padding: .3rem 1rem .3rem 0; border-bottom: 1px solid var(--line);
  vertical-align: top; overflow-wrap: break-word; }
th { font-weight: 600; }
td.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
figure { margin: 1rem 0; }
img { max-width: 100%; height: auto; display: block; }
img.pixels { image-rendering: pixelated; }
figcaption { font-size: .9rem; margin-top: .4rem; max-width: 45rem; }
.bars { display: grid; grid-template-columns: minmax(6rem, 11rem) 1fr; gap: .15rem .75rem; font-size: .9rem;
  align-items: center; }
.bars .label { text-align: right; overflow-wrap: anywhere; }
.bar { display: flex; align-items: center; gap: .4rem; height: .75rem; font-size: .75rem;
  font-variant-numeric: tabular-nums; }
.bar i { display: block; height: .55rem; border-radius: 2px; background: var(--first); }
.bar.second i, .key.second { background: var(--second); }
.key { display: inline-block; width: .8rem; height: .8rem; border-radius: 2px; background: var(--first);
  margin: 0 .35rem 0 .8rem; }
"""


def page(title: str, body: Iterable[str], *, lead: str = "") -> str:
    """Return a whole document. Its policy forbids the browser to load or run anything."""
    policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
    opening = f'<p class="lead">{escape(lead)}</p>' if lead else ""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        f"<h1>{escape(title)}</h1>\n{opening}\n" + "\n".join(body) + "\n</body>\n</html>\n"
    )


def section(title: str, *content: str, note: str = "") -> str:
    """Return a section: a heading, a note in plain text, and content that is HTML already."""
    words = f'<p class="note">{escape(note)}</p>' if note else ""
    return "\n".join(
        part for part in (f"<section><h2>{escape(title)}</h2>", words, *content, "</section>") if part
    )


def table(header: Sequence[str], rows: Iterable[Sequence[str | float | int]], *, caption: str = "") -> str:
    """Return rows under a header, which may be empty. Numbers are right-aligned; narrow screens scroll."""
    words = f"<caption>{escape(caption)}</caption>" if caption else ""
    headings = "".join(f'<th scope="col">{escape(name)}</th>' for name in header)
    top = f"<thead><tr>{headings}</tr></thead>" if any(header) else ""
    lines = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in rows)
    return f'<div class="wide"><table>{words}{top}<tbody>{lines}</tbody></table></div>'


def _cell(value: str | float | int) -> str:
    if isinstance(value, str):
        return f"<td>{escape(value)}</td>"
    return (
        f'<td class="number">{value:,}</td>'
        if isinstance(value, int)
        else f'<td class="number">{value:.4g}</td>'
    )


def bars(rows: Sequence[tuple[str, *tuple[float, ...]]], *, names: Sequence[str] = ()) -> str:
    """Return a bar chart of fractions in [0, 1].

    rows: a label and one or two fractions each. names: legend of the two.
    """
    key = "".join(
        f'<span class="key {kind}"></span>{escape(name)}'
        for kind, name in zip(("", "second"), names, strict=False)
    )
    most = max((share for _, *shares in rows for share in shares), default=0) or 1
    lines = []
    for label, *shares in rows:
        drawn = "".join(
            f'<div class="bar {kind}"><i style="width:{85 * share / most:.1f}%"></i>{share:.1%}</div>'
            for kind, share in zip(("", "second"), shares, strict=False)
        )
        lines.append(f'<div class="label">{escape(label)}</div><div>{drawn}</div>')
    return (f"<p>{key}</p>" if key else "") + f'<div class="bars">{"".join(lines)}</div>'


def picture(pixels: Pixels, alt: str, *, scale: int = 1, caption: str = "") -> str:
    """Return a figure of pixels (h, w, 3), enlarged `scale` times without smoothing."""
    height, width, _ = pixels.shape
    size = f'width="{width * scale}" height="{height * scale}" class="pixels"'
    return _figure(encode_png(pixels), alt, size, caption)


def image(png: bytes, alt: str, *, caption: str = "") -> str:
    """Return a figure of a PNG file."""
    return _figure(png, alt, "", caption)


def _figure(png: bytes, alt: str, attributes: str, caption: str) -> str:
    source = f"data:image/png;base64,{base64.b64encode(png).decode()}"
    words = f"<figcaption>{escape(caption)}</figcaption>" if caption else ""
    return f'<figure><img src="{source}" alt="{escape(alt)}" {attributes}>{words}</figure>'

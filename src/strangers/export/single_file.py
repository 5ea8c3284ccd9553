"""The exported page as one HTML file, which opens by a double click.

Browsers load neither modules nor data from `file://`. So an import map names each module by a data: URL, and
the generator and its runtime are compressed in script elements that no browser runs.
"""

from __future__ import annotations

import gzip
import json
import posixpath
import re
from base64 import b64encode
from hashlib import sha256

from strangers.export.page_html import ICON, PREVIEW
from strangers.export.photographs import FILE
from strangers.web.lesson import DRAWN_FACES

RUNTIME = "runtime/ort.wasm.bundle.min.js"
WORKER = "worker.js"
TRAINER = "learn/worker.js"
SERVER_ONLY = ("service-worker.js", WORKER, TRAINER, RUNTIME)
"""Scripts that are no modules of the page itself."""

READ = ("faces.json", DRAWN_FACES, FILE)
"""Files that the page reads as bytes, besides the generator and its runtime."""

SPECIFIER = re.compile(r"""((?:from\s*|import\s*\(?))"(\.{1,2}/[\w./-]+)\"""")
IMPORTS = re.compile(r"""^import \{([^}]*)\} from "(\.{1,2}/[\w./-]+)";""", re.MULTILINE)
DECLARATIONS = re.compile(r"^export ((?:async )?function|class|const) (\w+)", re.MULTILINE)
EXPORTS = re.compile(r"export\s*\{([^}]*)\};?")


def single_html(files: dict[str, bytes]) -> bytes:
    """Return the page of these files, by name, as one HTML file."""
    html = files["index.html"].decode()
    style = "\n".join(files[name].decode() for name in ("style.css", "views.css", "about.css"))
    modules = _import_map(files)
    start = 'import "strangers/main.js";'
    html = re.sub(r'\s*<link rel="(?:stylesheet|manifest)"[^>]*>', "", html)
    html = re.sub(r'\s*<meta property="og:image[^>]*>', "", html)
    html = re.sub(r'\s*<script type="module" src="main.js"></script>', "", html)
    html = html.replace(f'href="{ICON}"', f'href="{_data_url("image/svg+xml", files[ICON])}"')
    if PREVIEW in files:
        html = html.replace(f'src="{PREVIEW}"', f'src="{_data_url("image/webp", files[PREVIEW])}"')
    policy = (
        f"default-src 'none'; script-src {_source(modules)} {_source(start)} data: 'wasm-unsafe-eval'; "
        f"worker-src blob:; style-src {_source(style)}; img-src blob: data:; base-uri 'none'; "
        "form-action 'none'"
    )
    html = re.sub(
        r'(http-equiv="Content-Security-Policy" content=")[^"]*', lambda found: found[1] + policy, html
    )
    html = html.replace("</head>", f"  <style>{style}</style>\n  </head>")
    scripts = [_embedded(name, data) for name, data in _embedded_files(files).items()]
    scripts += [f'<script type="importmap">{modules}</script>', f'<script type="module">{start}</script>']
    return html.replace("</body>", "\n".join(scripts) + "\n  </body>").encode()


def _import_map(files: dict[str, bytes]) -> str:
    """Return an import map from "strangers/NAME" to the source of each module, which imports others so."""
    imports = {
        f"strangers/{name}": _data_url("text/javascript", _with_bare_names(name, content.decode()).encode())
        for name, content in sorted(files.items())
        if name.endswith(".js") and name not in SERVER_ONLY
    }
    return json.dumps({"imports": imports})


def _resolved(name: str, specifier: str) -> str:
    """Return the name of the module that the module `name` imports by a relative specifier."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(name), specifier))


def _with_bare_names(name: str, source: str) -> str:
    """Return the source of a module with "strangers/other.js" in place of "./other.js"."""

    def bare(found: re.Match[str]) -> str:
        return f'{found[1]}"strangers/{_resolved(name, found[2])}"'

    return SPECIFIER.sub(bare, source)


def _embedded_files(files: dict[str, bytes]) -> dict[str, bytes]:
    """Return what the page reads while it runs. Its workers are scripts: browsers start no module there."""
    embedded = {
        name: data for name, data in files.items() if name.endswith((".onnx", ".wasm")) or name in READ
    }
    if TRAINER in files:
        embedded[TRAINER] = _script(TRAINER, files).encode()
    if RUNTIME in files:
        runtime, found = EXPORTS.subn(_as_object, files[RUNTIME].decode())
        assert found == 1, "onnxruntime-web has another form"
        runtime = runtime.replace("import.meta.url", "self.location.href")
        own = re.sub(r"import \* as ort from [^;]*;", "", files[WORKER].decode())
        embedded[WORKER] = f"{runtime}\n{own}".encode()
    return embedded


def imported(name: str, files: dict[str, bytes]) -> list[str]:
    """Return a module and all that it imports, directly or not, each after those that it imports."""
    found: list[str] = []

    def visit(module: str) -> None:
        if module in found:
            return
        for specifier in IMPORTS.finditer(files[module].decode()):
            visit(_resolved(module, specifier[2]))
        found.append(module)

    visit(name)
    return found


def _script(name: str, files: dict[str, bytes]) -> str:
    """Return a module and all that it imports as one script: each in a block of its own."""
    blocks = []
    for module in imported(name, files):

        def bound(found: re.Match[str], module: str = module) -> str:
            names = found[1].replace(" as ", ": ")
            return f'const {{{names}}} = modules["{_resolved(module, found[2])}"];'

        source, exports = IMPORTS.sub(bound, files[module].decode()), []
        for declared in DECLARATIONS.finditer(source):
            exports.append(declared[2])
        source = DECLARATIONS.sub(r"\1 \2", source)
        blocks.append(f'{{\n{source}\nmodules["{module}"] = {{ {", ".join(exports)} }};\n}}')
    return '"use strict";\nconst modules = {};\n' + "\n".join(blocks)


def _as_object(found: re.Match[str]) -> str:
    """Return `const ort = {name: value}` in place of `export {value as name}`."""
    pairs = (pair.strip().split(" as ") for pair in found[1].split(","))
    return "const ort = {" + ", ".join(f'"{pair[-1]}": {pair[0]}' for pair in pairs) + "};"


def _embedded(name: str, data: bytes) -> str:
    packed = b64encode(gzip.compress(data, mtime=0)).decode()
    return f'<script type="application/gzip" id="file:{name}">{packed}</script>'


def _data_url(kind: str, data: bytes) -> str:
    return f"data:{kind};base64,{b64encode(data).decode()}"


def _source(text: str) -> str:
    """Return the policy's name of an inline script or style."""
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"

"""The page as one file: whole, with modules that find each other, and scripts that its policy allows."""

from __future__ import annotations

import gzip
import json
import re
from base64 import b64decode, b64encode
from hashlib import sha256

import pytest

from strangers.export.page_html import ICON, PREVIEW
from strangers.export.single_file import RUNTIME, single_html

FILES = {
    "index.html": (
        b'<html><head><meta http-equiv="Content-Security-Policy" content="default-src \'self\'" />'
        b'<meta property="og:image" content="preview.webp" /><link rel="stylesheet" href="style.css" />'
        b'<link rel="icon" href="icon.svg" />\n<script type="module" src="main.js"></script></head>'
        b'<body><img src="preview.webp" /></body></html>'
    ),
    "style.css": b"body { color: black }",
    "views.css": b"",
    "about.css": b"details { color: gray }",
    ICON: b"<svg></svg>",
    PREVIEW: b"RIFF",
    "main.js": (
        b'import { draw } from "./views/wall.js";\nimport "./seeds.js";\nconst words = "from ./here";\n'
    ),
    "views/wall.js": b'import { seeds } from "../seeds.js";\nexport const draw = seeds;\n',
    "seeds.js": b"export const seeds = [1];\n",
    "service-worker.js": b"self.addEventListener()",
    "worker.js": b'import * as ort from "./runtime/ort.wasm.bundle.min.js";\nself.onmessage = ort.run;\n',
    RUNTIME: b"var a=1,b=import.meta.url;export{a as run,b};",
    "runtime/ort-wasm-simd-threaded.wasm": bytes(range(256)),
    "faces.json": b"{}",
    "faces.onnx": b"weights",
}


@pytest.fixture(scope="module")
def html() -> str:
    return single_html(FILES).decode()


def scripts(html: str, kind: str) -> list[str]:
    return re.findall(rf'<script type="{kind}"[^>]*>(.*?)</script>', html, re.DOTALL)


def modules(html: str) -> dict[str, str]:
    """The source of each module by its name in the import map."""
    imports = json.loads(scripts(html, "importmap")[0])["imports"]
    return {name: b64decode(url.partition("base64,")[2]).decode() for name, url in imports.items()}


def test_modules_name_each_other_by_the_import_map(html: str) -> None:
    found = modules(html)
    assert found.keys() == {"strangers/main.js", "strangers/views/wall.js", "strangers/seeds.js"}
    for source in found.values():
        assert set(re.findall(r'(?:from|import) "([^"]+)"', source)) <= found.keys()
    assert 'from "strangers/seeds.js"' in found["strangers/views/wall.js"]
    assert 'const words = "from ./here"' in found["strangers/main.js"]


def test_nothing_is_loaded_from_beside_it(html: str) -> None:
    assert re.findall(r'(?:src|href)="(?!data:)([^"]*)"', html) == []
    assert "og:image" not in html
    assert "details { color: gray }" in html


def test_the_policy_allows_its_own_scripts_and_styles_alone(html: str) -> None:
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', html)
    assert policy
    inline = [
        *scripts(html, "importmap"),
        *scripts(html, "module"),
        *re.findall(r"<style>(.*?)</style>", html, re.S),
    ]
    assert len(inline) == 3
    for text in inline:
        assert f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'" in policy[1]
    assert "'unsafe-inline'" not in policy[1]
    assert "'self'" not in policy[1]


def test_what_it_reads_while_it_runs_is_embedded_byte_for_byte(html: str) -> None:
    packed = dict(re.findall(r'<script type="application/gzip" id="file:([^"]+)">([^<]*)<', html))
    found = {name: gzip.decompress(b64decode(data)) for name, data in packed.items()}
    assert found.keys() == {"faces.json", "faces.onnx", "worker.js", "runtime/ort-wasm-simd-threaded.wasm"}
    assert all(found[name] == FILES[name] for name in found if name != "worker.js")


def test_the_worker_is_a_script_with_the_runtime_in_it(html: str) -> None:
    packed = dict(re.findall(r'<script type="application/gzip" id="file:([^"]+)">([^<]*)<', html))
    worker = gzip.decompress(b64decode(packed["worker.js"])).decode()
    assert 'const ort = {"run": a, "b": b};' in worker
    assert "self.onmessage = ort.run;" in worker
    assert not re.search(r"\b(?:import|export)\b", worker)


def test_the_same_files_make_the_same_page(html: str) -> None:
    assert (
        single_html(dict(reversed(FILES.items()))).decode().split("<script", 1)[0]
        == html.split("<script", 1)[0]
    )
    assert single_html(FILES).decode() == html


def test_a_worker_of_several_modules_is_one_script() -> None:
    files = FILES | {
        "learn/worker.js": (
            b'import { one as first, two } from "./numbers.js";\nself.onmessage = () => first + two();\n'
        ),
        "learn/numbers.js": (
            b"const own = 1;\nexport const one = own;\nexport function two() {\n  return 2;\n}\n"
        ),
    }
    packed = re.findall(r'id="file:learn/worker.js">([^<]*)<', single_html(files).decode())
    script = gzip.decompress(b64decode(packed[0])).decode()
    assert not re.search(r"\b(?:import|export)\b", script)
    assert script.index("const own = 1;") < script.index("self.onmessage")
    assert 'const { one: first, two } = modules["learn/numbers.js"];' in script
    assert 'modules["learn/numbers.js"] = { one, two };' in script

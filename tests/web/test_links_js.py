"""The grammar of links: any fragment is read, and links are read as they were written."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
from pathlib import Path

import pytest

import strangers

NODE = shutil.which("node")
MODULE = Path(strangers.__file__).parent / "web" / "static" / "links.js"
PIECES = [
    *(
        "seed",
        "truncation",
        "latent",
        "mix",
        "at",
        "edit",
        "view",
        "v",
        "explore",
        "Smiling",
        "wall",
        "17",
        "0.5",
        "-1",
    ),
    *(
        "=",
        "&",
        ",",
        ":",
        "@",
        "~",
        "#",
        "%",
        "%00",
        "+",
        "AACAPw",
        "AACAfw",
        "1e999",
        "NaN",
        "18446744073709551616",
    ),
    *(
        "seed=17",
        "&edit=Smiling:0",
        "&hold=Male,Male,Bald",
        "&mix=1,2,3&at=0.2,0.3",
        "&latent=AACAPwAAAAA",
        "&edit=Smiling:1,Male:-9",
        "&wall=best",
        "&wall=worst",
        "",
        "__proto__",
        "constructor:1",
        "&edit=__proto__:1",
        "é",
        "\U0001f600",
    ),
]

SCRIPT = """
import * as links from %s;
import { readFileSync } from "node:fs";
const same = (_, value) => (value instanceof Float32Array ? [...value] : value);
const answers = JSON.parse(readFileSync(0, "utf8")).map((fragment) => {
  const { face, wall, problems } = links.parseLink(fragment);
  const written = links.formatLink("explore", face, null, wall);
  const again = links.parseLink(written);
  const equal = JSON.stringify([again.face, again.wall], same) === JSON.stringify([face, wall], same);
  return { problems, again: again.problems, written, equal };
});
console.log(JSON.stringify(answers));
"""

pytestmark = pytest.mark.skipif(
    NODE is None, reason="node, which runs the page's modules here, is not installed"
)


def read(fragments: list[str]) -> list[dict[str, object]]:
    """Parse fragments by links.js: the problems, and what it writes for the face."""
    script = SCRIPT % json.dumps(MODULE.as_uri())
    command = [str(NODE), "--input-type=module", "-e", script]
    done = subprocess.run(command, input=json.dumps(fragments), capture_output=True, text=True, check=True)
    answers: list[dict[str, object]] = json.loads(done.stdout)
    return answers


def test_no_fragment_breaks_the_page_and_what_is_written_is_read() -> None:
    chance = random.Random(0)
    fragments = ["".join(chance.choices(PIECES, k=chance.randrange(1, 12))) for _ in range(5000)]
    for fragment, answer in zip(fragments, read(fragments), strict=True):
        assert answer["equal"], fragment
        assert answer["again"] == [], fragment


@pytest.mark.parametrize(
    ("link", "written"),
    [
        ("#seed=017", "seed=17"),
        ("seed=17&truncation=1", "seed=17"),
        ("seed=17&truncation=7", "seed=17"),
        ("seed=17&truncation=-7", "seed=17&truncation=0.05"),
        ("mix=17,18&at=0.3", "mix=17,18,17&at=0.3,0"),
        ("mix=17,18@0.5,~AACAPw&at=2,-1", "mix=17,18@0.5,~AACAPw&at=1,0"),
        ("seed=1&edit=Smiling:99,Male:0", "seed=1&edit=Smiling:3"),
        ("seed=1&edit=Smiling:1&hold=Young,Male", "seed=1&edit=Smiling:1&hold=Male,Young"),
        ("seed=1&hold=Male", "seed=1"),
        ("seed=1&truncation=x", "seed=1"),
        ("seed=1&seed=2", "seed=1"),
        ("seed=1&edit=__proto__:1", "seed=1&edit=__proto__:1"),
        ("v=1&seed=3", "seed=3"),
        ("v=2&seed=3", ""),
    ],
)
def test_a_link_has_one_form(link: str, written: str) -> None:
    (answer,) = read([link])
    assert str(answer["written"]).removeprefix("view=explore").removeprefix("&") == written

"""The exported page: whole, on its own, and with Python's faces; in a real browser where there is one."""

from __future__ import annotations

import base64
import functools
import io
import json
import os
import re
import shutil
import threading
import time
import zipfile
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from strangers.data.face_detection import certainties
from strangers.errors import StrangersError
from strangers.export import page as exporting
from strangers.export.onnx import Agreement
from strangers.export.page import Exported, check_place, export_page, facts, page_names
from strangers.export.page_html import PageText, service_worker
from strangers.export.photographs import Photographs
from strangers.export.runtime import FILES
from strangers.images import encode_png, read_provenance
from strangers.latent.directions import Directions
from strangers.latent.rejection import DEFAULT_REJECTION, least_certainty
from strangers.sampling.latents import latents
from strangers.sampling.model import Model

from ..browser.support import MALFORMED, explains, follow, label

pytest.importorskip("onnxruntime")

ROOT = Path(__file__).parents[2]
RUNTIME = Path(os.environ.get("ONNXRUNTIME_WEB", ROOT / ".venv" / "onnxruntime-web"))
SIZES = {"desktop": {"width": 1280, "height": 800}, "phone": {"width": 390, "height": 844}}
LEVELS = 2
"""Largest difference of the browser's pixels from Python's, of 255: weights are stored in 16 bits."""

MARGIN = 0.0005
"""Largest difference of the certainty of a face from Python's, for the same reason."""

DIRECTIONS = SimpleNamespace(
    names=("Smiling", "Male"),
    vectors=np.pad(np.array([[1, 0], [0.6, 0.8]], np.float32), ((0, 0), (0, 98))),
    accuracies=(0.912345, 0.8),
)
HELD = np.pad(np.array([[0.8, -0.6]], np.float32), ((0, 0), (0, 98)))
"""The direction of Smiling, orthogonal to that of Male."""


@pytest.fixture(scope="module")
def stand_in(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with files in place of onnxruntime-web's."""
    folder = tmp_path_factory.mktemp("runtime")
    for name in FILES:
        (folder / name).write_bytes(name.encode())
    return folder


@pytest.fixture(scope="module")
def exported(model: Model, stand_in: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Exported]:
    out = tmp_path_factory.mktemp("exported") / "page"
    text = PageText(
        "Faces & <friends>", "A. Author", f"Free for all. Terms{'_of_faces' * 9}", "https://example.org/faces"
    )
    return out, export_page(model, out, directions=DIRECTIONS, runtime=stand_in, text=text)


def test_the_folder_is_whole(exported: tuple[Path, Exported]) -> None:
    out, said = exported
    assert said.half
    assert said.agreement.levels <= LEVELS
    files = {path.relative_to(out).as_posix(): path for path in out.rglob("*") if path.is_file()}
    assert said.bytes == sum(path.stat().st_size for path in files.values())
    assert {"index.html", "main.js", "worker.js", "seeds.js", "faces.json", "faces.onnx"} <= files.keys()
    assert {"runtime/ort.wasm.bundle.min.js", "runtime/ort-wasm-simd-threaded.wasm"} <= files.keys()
    html = files["index.html"].read_text()
    assert "Terms of the photographs: " in html
    assert "default-src 'none'" in html
    assert "token" not in html
    for name, path in files.items():
        if name.endswith((".js", ".css", ".html")):
            wanted = set(
                re.findall(
                    r"""(?:from|import\(?|src=|href=|new URL\()\s*["']([\w./-]+)["']""", path.read_text()
                )
            )
            home = Path(name).parent
            missing = {one for one in wanted if os.path.normpath(home / one) not in files}
            assert not missing, f"{name} needs {missing}"


def test_the_page_says_what_it_is_and_what_it_loads(exported: tuple[Path, Exported]) -> None:
    html = (exported[0] / "index.html").read_text()
    assert "<title>Faces &amp; &lt;friends&gt;</title>" in html
    assert '<meta name="author" content="A. Author" />' in html
    assert '<meta property="og:image" content="https://example.org/faces/preview.webp" />' in html
    assert "Published by A. Author." in html
    assert "Free for all." in html
    described = json.loads((exported[0] / "faces.json").read_text())
    megabytes = sum(described["bytes"].values()) / 1e6
    assert f"Loading the generator: {megabytes:.1f} MB, once." in html
    assert json.loads((exported[0] / "manifest.webmanifest").read_text())["name"] == "Faces & <friends>"
    with Image.open(exported[0] / "preview.webp") as preview:
        assert preview.size == (256, 256)
        assert b"trainedAlgorithmicMedia" in preview.info["xmp"]


def test_the_service_worker_keeps_every_file_and_knows_other_exports(exported: tuple[Path, Exported]) -> None:
    files = {path.relative_to(exported[0]).as_posix(): path.read_bytes()
             for path in exported[0].rglob("*") if path.is_file()}  # fmt: skip
    first, second = files.pop("service-worker.js").decode().splitlines()[:2]
    assert json.loads(first.removeprefix("const FILES = ").removesuffix(";")) == ["./", *sorted(files)]
    changed = service_worker(b"", files | {"faces.onnx": b"other"}).decode().splitlines()[1]
    assert service_worker(b"", files).decode().splitlines()[1] == second != changed


def test_nothing_in_it_names_another_place(exported: tuple[Path, Exported]) -> None:
    for path in exported[0].rglob("*"):
        if path.suffix in (".js", ".css", ".html"):
            names = set(re.findall(r"https?://[\w.-]+", path.read_text()))
            assert names <= {
                "https://example.org",
                "http://www.w3.org",
                "http://cv.iptc.org",
                "http://iptc.org",
            }, path.name


def test_the_facts_suffice_for_views_and_pictures(model: Model) -> None:
    said = json.loads(json.dumps(facts(model, DIRECTIONS)))
    assert said["model"]["hash"] == model.hash
    assert (said["model"]["size"], said["model"]["latent"], said["model"]["latent_size"]) == (
        32,
        "normal",
        100,
    )
    assert said["directions"]["state"] == "ready"
    assert said["directions"]["names"] == ["Smiling", "Male"]
    np.testing.assert_allclose(said["directions"]["vectors"], DIRECTIONS.vectors, rtol=0, atol=5e-7)
    without = facts(model, None)["directions"]
    assert (without["state"], without["names"], without["vectors"]) == ("unavailable", [], [])


def test_weights_keep_32_bits_where_16_would_change_faces(
    model: Model, stand_in: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "as_onnx", lambda model, half=False: b"half" if half else b"whole")
    monkeypatch.setattr(exporting, "compare", lambda model, data: Agreement(0.05, 3))
    monkeypatch.setattr(exporting, "checked", lambda model, data: Agreement(1e-6, 0))
    said = export_page(model, tmp_path / "page", runtime=stand_in)
    assert (tmp_path / "page" / "faces.onnx").read_bytes() == b"whole"
    assert (said.half, said.agreement.levels) == (False, 0)
    assert "float32 weights" in str(said)
    assert "float16 weights" in str(Exported(True, said.agreement, 1))


def test_a_folder_that_exists_is_not_replaced(model: Model, tmp_path: Path) -> None:
    with pytest.raises(StrangersError, match="exists already"):
        export_page(model, tmp_path)


def test_a_page_of_any_version_is_replaced_but_for_files_of_somebody_else(
    exported: tuple[Path, Exported], tmp_path: Path
) -> None:
    page = shutil.copytree(exported[0], tmp_path / "page")
    check_place(page, page_names(page, "faces.json"))
    (page / "CNAME").write_text("example.org")
    with pytest.raises(StrangersError, match=r"would remove .*CNAME"):
        check_place(page, page_names(page, "faces.json"))
    worker = page / "service-worker.js"
    worker.write_text(worker.read_text().replace('["./"', '["./", "CNAME"'))
    check_place(page, page_names(page, "faces.json"))
    worker.write_bytes(b"const FILES = [;")
    with pytest.raises(StrangersError, match="would remove"):
        check_place(page, page_names(page, "faces.json"))


class Quiet(SimpleHTTPRequestHandler):
    """Any static host: files, and nothing else."""

    def log_message(self, *arguments: Any) -> None:
        pass


@pytest.fixture(scope="module")
def runtime() -> Path:
    """onnxruntime-web itself."""
    if not all((RUNTIME / name).is_file() for name in FILES):
        pytest.skip(f"onnxruntime-web is not at {RUNTIME}; `make browser` fetches it")
    return RUNTIME


@pytest.fixture(scope="module")
def single(model: Model, runtime: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of the page as one file on this machine."""
    out = tmp_path_factory.mktemp("single") / "faces.html"
    column = np.ascontiguousarray(model.sample(range(3))[:, ::-1]).reshape(-1, 32, 3)  # upside down
    added = Photographs(encode_png(column), "drawn", "free")
    export_page(model, out, directions=DIRECTIONS, runtime=runtime, photographs=added)
    return out.as_uri()


@pytest.fixture(scope="module")
def address(
    exported: tuple[Path, Exported], runtime: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """Address at which a static host serves the exported page, with onnxruntime-web itself."""
    out = shutil.copytree(exported[0], tmp_path_factory.mktemp("served") / "page")
    for name in FILES:
        shutil.copy(runtime / name, out / "runtime" / name.replace(".mjs", ".js"))
    with ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(out))) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()


class Visit:
    """A page in the browser, with all that it complained of and asked for."""

    def __init__(self, browser: Any, address: str, size: str) -> None:
        self.address = address
        self.page = browser.new_page(viewport=SIZES[size])
        self.page.set_default_timeout(120_000)  # on a machine with other work
        self.complaints: list[str] = []
        self.asked: list[str] = []
        self.page.on("console", self.hear)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.asked.append(request.url))

    def hear(self, line: Any) -> None:
        if line.type == "error":
            self.complaints.append(line.text)

    def pixels(self, selector: str) -> np.ndarray:
        """Return the pixels of a canvas, (h, w, 3), once there is one: links open views that load."""
        read = (
            "(it) => [...it.getContext('2d').getImageData(0, 0, it.width, it.height).data].concat(it.width)"
        )
        *values, width = self.page.locator(selector).first.evaluate(read)
        return np.array(values, np.uint8).reshape(-1, width, 4)[..., :3]

    def shows(self, face: np.ndarray) -> bool:
        """Return whether the current face becomes this one, soon."""
        end = time.monotonic() + 60
        while np.abs(self.pixels(PORTRAIT).astype(int) - face).max() > LEVELS:
            if time.monotonic() > end:
                return False
            self.page.wait_for_timeout(50)
        return True

    def __enter__(self) -> Visit:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        self.page.close()
        if kind is None:
            assert self.complaints == []
            assert [url for url in self.asked if not url.startswith((self.address, "blob:"))] == []


PORTRAIT = ".portrait[data-drawn] canvas.portrait-face"


@pytest.mark.parametrize("size", SIZES)
def test_seed_17_is_pythons_face(browser: Any, address: str, model: Model, size: str, tmp_path: Path) -> None:
    with Visit(browser, address, size) as visit:
        visit.page.goto(address + "#seed=17")
        visit.page.wait_for_selector(PORTRAIT)
        apart = np.abs(visit.pixels(PORTRAIT).astype(int) - model.sample([17])[0])
        assert apart.max() <= LEVELS
        with visit.page.expect_download() as download:
            visit.page.get_by_role("button", name="Download PNG").first.click()
        path = tmp_path / "face.png"
        download.value.save_as(path)
        assert read_provenance(path) == model.provenance([17])
        assert b"trainedAlgorithmicMedia" in path.read_bytes()
        apart = np.abs(np.asarray(Image.open(io.BytesIO(path.read_bytes())).convert("RGB")).astype(int)
                       - model.sample([17])[0])  # fmt: skip
        assert apart.max() <= LEVELS
        assert visit.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        if size == "desktop":
            check_the_best(visit, model)


def check_the_best(visit: Visit, model: Model) -> None:
    """The wall leaves out the least certain faces, of the first seeds as of later ones."""
    visit.page.get_by_text("Best 85%").click()
    for start in (0, 1000):
        seeds = range(start, start + 16)
        over = certainties(model.sample(seeds)) - least_certainty(model, DEFAULT_REJECTION)
        visit.page.get_by_label("First seed").fill(str(start))
        visit.page.keyboard.press("Enter")
        # A face very near the threshold may be on another side, with float16 weights.
        kept, left = ([seed for seed in seeds if sign * over[seed - start] > MARGIN] for sign in (1, -1))
        assert kept
        assert left
        for seed in kept:
            visit.page.get_by_role("button", name=f"Face {seed}", exact=True).wait_for()
        names = visit.page.locator(".face").evaluate_all("all => all.map((it) => it.ariaLabel)")
        assert not {f"Face {seed}" for seed in left} & {*names}


def test_one_file_opens_by_a_double_click(browser: Any, single: str, model: Model) -> None:
    with Visit(browser, single, "phone") as visit:
        visit.page.goto(single + "#view=explore&seed=17")
        visit.page.wait_for_selector(PORTRAIT)
        apart = np.abs(visit.pixels(PORTRAIT).astype(int) - model.sample([17])[0])
        assert apart.max() <= LEVELS
        visit.page.get_by_role("slider", name="Smiling").wait_for()
        visit.asked[:] = [url for url in visit.asked if not url.startswith("data:")]


def test_a_visited_page_opens_without_a_network_and_draws_in_threads(
    browser: Any, address: str, model: Model
) -> None:
    with Visit(browser, address, "desktop") as visit:
        visit.page.goto(address + "#seed=17")
        visit.page.wait_for_selector(PORTRAIT)
        visit.page.evaluate("navigator.serviceWorker.ready.then(() => {})")
        visit.page.context.set_offline(True)
        visit.page.reload()
        visit.page.wait_for_selector(PORTRAIT)
        assert visit.page.evaluate("crossOriginIsolated")
        assert np.abs(visit.pixels(PORTRAIT).astype(int) - model.sample([17])[0]).max() <= LEVELS
        visit.page.context.set_offline(False)


def test_explore_moves_the_face_takes_it_back_and_saves_a_walk(
    browser: Any, address: str, model: Model
) -> None:
    with Visit(browser, address, "desktop") as visit:
        visit.page.goto(address + "#view=explore&seed=17")
        visit.page.wait_for_selector(PORTRAIT)
        before = visit.pixels(PORTRAIT)
        visit.page.get_by_role("slider", name="Smiling").press("End")
        visit.page.wait_for_function("() => document.querySelector('.portrait').dataset.drawn > 1")
        assert np.abs(visit.pixels(PORTRAIT).astype(int) - before).max() > 0
        drawn = visit.page.locator(".portrait").first.get_attribute("data-drawn")
        visit.page.get_by_role("button", name="Undo").click()
        visit.page.wait_for_function(f"() => document.querySelector('.portrait').dataset.drawn > {drawn}")
        np.testing.assert_array_equal(visit.pixels(PORTRAIT), before)
        visit.page.wait_for_selector(".pad[data-drawn]")
        with visit.page.expect_download() as download:
            visit.page.get_by_role("button", name="Save WebP").click()
        with Image.open(download.value.path()) as walk:
            assert (walk.format, walk.size, walk.info["loop"]) == ("WEBP", (32, 32), 0)
            assert walk.n_frames == 72  # type: ignore[attr-defined]
            assert b"trainedAlgorithmicMedia" in walk.info["xmp"]
            for frame, seed in ((0, 17), (24, 18)):
                walk.seek(frame)
                # WebP has colors at half the resolution, so they are compared as gray values.
                shades = [walk.convert("L"), Image.fromarray(model.sample([seed])[0]).convert("L")]
                values = np.array([np.asarray(each).ravel() for each in shades])
                assert np.corrcoef(values)[0, 1] > 0.95


def mixed(z: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the mix of normal latents: the weighted sum, as long as they are in the weighted mean."""
    total = weights @ z
    mix: np.ndarray = total * (weights @ np.linalg.norm(z, axis=1)) / np.linalg.norm(total)
    return mix[None].astype(np.float32)


def links(model: Model) -> dict[str, np.ndarray]:
    """Return links of every kind, as the served page writes them, and the latents of their faces."""
    z = latents([17, 18, 19], 100, "normal")
    latent = base64.urlsafe_b64encode(z[2].tobytes()).decode().rstrip("=")
    smiling = Directions(DIRECTIONS.names, DIRECTIONS.vectors, DIRECTIONS.accuracies, "normal")
    held = Directions(("Smiling",), HELD, (0.9,), "normal")
    short = z[:1] * np.float32(0.7)
    return {
        "#seed=17": z[:1],
        f"#model={model.hash}&seed=18": z[1:2],
        "#seed=17&truncation=0.7&edit=Smiling:1.5": smiling.edit(short, {"Smiling": 1.5}),
        "#seed=17&edit=Smiling:2&hold=Male": held.edit(z[:1], {"Smiling": 2}),
        f"#latent={latent}": z[2:],
        "#mix=17,18&at=1": z[1:2],
        f"#view=explore&mix=17@0.7,18,~{latent}&at=0.25,0.5": mixed(
            np.concatenate([short, z[1:]]), np.array([0.25, 0.25, 0.5])
        ),
    }


def test_links_show_the_same_faces_as_on_the_served_page(browser: Any, address: str, model: Model) -> None:
    with Visit(browser, address, "desktop") as visit:
        visit.page.goto(address + "#seed=3")
        visit.page.wait_for_selector(PORTRAIT)
        for link, z in links(model).items():
            visit.page.evaluate("link => { location.hash = link; }", link)
            assert visit.shows(model.decode(z)[0]), link
            assert visit.page.get_by_role("alert").text_content() == "", link
        for link, words in MALFORMED:
            follow(visit.page, link)
            assert explains(visit.page, words), link[:80]
            assert re.match("Face [0-9]+", label(visit.page)), link[:80]


def test_one_file_edits_faces_as_the_served_page_does(browser: Any, single: str, model: Model) -> None:
    face = model.sample([17])[0]
    edited = model.decode(links(model)["#seed=17&edit=Smiling:2&hold=Male"])[0]
    with Visit(browser, single, "desktop") as visit:
        page = visit.page
        page.goto(single + "#view=explore&seed=17")
        page.wait_for_selector(PORTRAIT)
        page.get_by_label("Hold Male").check()
        page.get_by_label("Smiling, as a number").fill("2")
        page.keyboard.press("Enter")
        assert visit.shows(edited)
        page.get_by_role("button", name="Hold to compare").hover()
        for press, seen in ((page.mouse.down, face), (page.mouse.up, edited)):
            press()
            assert visit.shows(seen)
        page.get_by_role("slider", name="Smiling").dblclick(position={"x": 20, "y": 10})
        assert visit.shows(face)
        page.wait_for_selector(".similar-grid[data-drawn]")
        page.get_by_role("button", name="Similar face 3").click()
        page.locator(".portrait-label", has_text="Face 17 + Face ").wait_for()
        strip = page.get_by_role("group", name="Favorites and history")
        strip.get_by_role("button", name="Face 17", exact=True).click()
        assert visit.shows(face)
        page.keyboard.press("r")
        page.locator(".portrait-label").filter(has_not_text="Face 17").wait_for()
        visit.asked[:] = [url for url in visit.asked if not url.startswith("data:")]


def test_one_file_keeps_and_saves_faces_as_the_served_page_does(
    browser: Any, single: str, model: Model, tmp_path: Path
) -> None:
    with Visit(browser, single, "phone") as visit:
        page = visit.page
        for favorite in ("#seed=17&edit=Smiling:2&hold=Male", "#view=explore&seed=17"):
            page.goto("about:blank")  # favorites are kept by the browser, not by the page
            page.goto(single + favorite)
            page.wait_for_selector(PORTRAIT)
            page.locator("#model").filter(has_not_text="Generator").wait_for()
            page.get_by_role("button", name="Favorite", exact=True).click()
        for name in ("Large PNG", "Download the favorites as a ZIP file"):
            with page.expect_download() as download:
                page.get_by_role("button", name=name).click()
            download.value.save_as(tmp_path / download.value.suggested_filename)
        visit.asked[:] = [url for url in visit.asked if not url.startswith("data:")]
    assert read_provenance(tmp_path / "face-17-1024px.png") == model.provenance([17])
    with zipfile.ZipFile(tmp_path / "faces.zip") as archive:
        assert archive.namelist() == ["001-face-17.png", "002-face-17-edited.png"]
        for name, link in zip(
            archive.namelist(), ("#seed=17", "#seed=17&edit=Smiling:2&hold=Male"), strict=True
        ):
            with Image.open(io.BytesIO(archive.read(name))) as png:
                apart = np.asarray(png.convert("RGB")).astype(int) - model.decode(links(model)[link])[0]
            assert np.abs(apart).max() <= LEVELS


def test_about_closes(browser: Any, address: str) -> None:
    with Visit(browser, address, "phone") as visit:
        page = visit.page
        page.goto(address)
        for how in ("Escape", "outside"):
            page.get_by_text("About").click()
            page.get_by_text("These people do not exist.").wait_for()
            page.get_by_text("These people do not exist.").click()  # inside
            assert page.get_by_text("These people do not exist.").is_visible()
            assert page.locator("#about div").evaluate("it => it.scrollWidth <= it.clientWidth")
            if how == "Escape":
                page.keyboard.press("Escape")
            else:
                page.mouse.click(100, 700)
            page.get_by_text("These people do not exist.").wait_for(state="hidden")


def test_learn_works_before_the_generator_is_there(browser: Any, address: str, model: Model) -> None:
    with Visit(browser, address, "phone") as visit:
        page = visit.page
        held: list[Any] = []
        page.route("**/faces.onnx", lambda route: held.append(route))
        page.goto(address + "#view=learn&seed=17")
        page.wait_for_selector(".learn[data-images='0']")
        assert page.get_by_role("button", name="Start", exact=True).is_enabled()
        page.locator("#model", has_text="Generator: ").wait_for()
        page.get_by_role("link", name="Faces").click()
        page.get_by_text(re.compile("Loading the generator: [0-9.]+ of")).wait_for()
        assert page.locator("img.preview").is_visible()
        assert page.evaluate("location.hash") == "#seed=17"
        held[0].continue_()
        page.wait_for_selector(PORTRAIT)
        assert np.abs(visit.pixels(PORTRAIT).astype(int) - model.sample([17])[0]).max() <= LEVELS


def test_a_generator_that_cannot_be_loaded_is_reported(browser: Any, address: str) -> None:
    with Visit(browser, address, "desktop") as visit:
        visit.page.route("**/runtime/*.js", lambda route: route.abort())
        visit.page.goto(address)
        alarm = visit.page.get_by_role("alert")
        alarm.wait_for()
        assert "could not be loaded" in alarm.inner_text()
        visit.page.get_by_role("button", name="Try again").wait_for()
        visit.page.get_by_role("link", name="Learn").click()
        visit.page.wait_for_selector(".learn")
        visit.complaints.clear()


def test_a_game_in_one_file_shows_its_photographs_and_its_faces(
    browser: Any, single: str, model: Model
) -> None:
    with Visit(browser, single, "phone") as visit:
        page = visit.page
        page.goto(single + "#view=game")
        page.get_by_text("The photographs: drawn; their terms: free.").wait_for()
        page.get_by_role("button", name="Start").click()
        kinds = set()
        for _ in range(20):
            page.locator(".game-table[data-state=asked]").wait_for()
            page.keyboard.press("p")
            page.locator(".game-table[data-state=told]").wait_for()
            kind = "real" if page.locator(".game-face.right").count() else "fake"
            kinds.add(kind)
            if kind == "real":
                face = visit.pixels(".game-face")
                apart = [np.abs(face.astype(int) - one[::-1]).max() for one in model.sample(range(3))]
                assert min(apart) == 0
            if kinds == {"real", "fake"}:
                return
            page.get_by_role("button", name="Next face").click()

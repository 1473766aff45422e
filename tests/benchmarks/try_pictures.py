"""How long a dropped picture takes until what warm models find is drawn.

``python -m tests.benchmarks.try_pictures``: a dashboard with six experiments of a published architecture (YOLO26n at
640 pixels; random weights take as long as learned ones), in Chromium. Told are the median and the 95th percentile with
one and with six models, what the models alone take, what their first answers take, and the memory of their processes.
"""

import argparse
import importlib
import io
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from PIL import Image
from playwright.sync_api import FilePayload, Page, sync_playwright

from tests.browser.conftest import FLAGS
from tests.fakes.quick_models import add_experiment
from tests.outside import chromium_path
from tests.server import DashboardProcess
from traindash.domain.prediction import ModelFile
from traindash.platform.app import LocalPlatform
from traindash.supervisely.client import SuperviselyClient, connect

_SIZE = (1280, 960)
_RESTS = 0.2  # seconds of processor time within two, at most
# Whether so many columns have answered for a picture of a name; the gallery is drawn in shadow roots
_DRAWN = """([name, count]) => {
  const inside = (node) =>
    [...node.querySelectorAll("*")].flatMap((one) => [one, ...(one.shadowRoot ? inside(one.shadowRoot) : [])])
  const labels = inside(document).filter((one) => one.tagName === "svg").map((one) => one.getAttribute("aria-label"))
  return labels.filter((label) => label?.startsWith(name) && / objects?$/.test(label)).length >= count
}"""


def main(arguments: Sequence[str]) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=int, default=30)
    parser.add_argument("--architecture", default="yolo26n.yaml")
    chosen = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        models = _fill(home, chosen.architecture)
        with DashboardProcess(home=home) as dashboard, connect(dashboard.url, dashboard.token) as client:
            _tell_loading(client, models)
            for count in (1, len(models)):
                _tell_models(client, models[:count], chosen.pictures)
                _tell_pages(dashboard.url, count, chosen.pictures)
            ready = client.predictions.ready() or ()
            memory = [one.memory / 2**20 for one in ready]
            _say(f"memory of {len(memory)} models: {sum(memory):.0f} MB, each {statistics.median(memory):.0f} MB")


def _fill(home: Path, architecture: str) -> list[ModelFile]:
    ultralytics: Any = importlib.import_module("ultralytics")
    home.parent.mkdir(parents=True, exist_ok=True)
    file = home.parent / "model.pt"
    ultralytics.YOLO(architecture).save(file)
    platform = LocalPlatform(home, address="http://127.0.0.1:1", environment={})
    platform.open()
    try:
        scratch = home.parent / "scratch"
        return [add_experiment(platform.services, scratch, task, file.read_bytes()) for task in range(1, 7)]
    finally:
        platform.close()


def _picture(seed: int) -> bytes:
    small = np.random.default_rng(seed).integers(0, 255, (24, 32, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(small).resize(_SIZE, Image.Resampling.BICUBIC).save(buffer, format="JPEG", quality=90)
    return buffer.getvalue()


def _tell_loading(client: SuperviselyClient, models: Sequence[ModelFile]) -> None:
    """Tell the first answers of models that are not ready: of the first, and of those that find the engine ready."""
    content, times = _picture(1), list[float]()
    for model in models:
        _wait_for_spare()
        began = time.perf_counter()
        client.predictions.of_picture(model, content)
        times.append(time.perf_counter() - began)
    first, *others = times
    rest = " ".join(f"{seconds:.2f}" for seconds in others)
    _say(f"first answer of a model that is not ready: {first:.2f} s, of the next ones, whose engine is: {rest} s")


def _wait_for_spare() -> None:
    """Wait until no process computes, as somebody does who looks at the first answer."""
    before, now = -1.0, 0.0
    while now - before > _RESTS:
        before = now
        time.sleep(2)
        now = sum(sum(child.cpu_times()[:2]) for child in psutil.Process().children(recursive=True))


def _tell_models(client: SuperviselyClient, models: Sequence[ModelFile], pictures: int) -> None:
    times: list[float] = []
    own: list[float] = []
    for number in range(pictures):
        content = _picture(1000 + number)
        began = time.perf_counter()
        own += [client.predictions.of_picture(model, content).milliseconds for model in models]
        times.append((time.perf_counter() - began) * 1000)
    _tell(
        f"{len(models)} model(s) one after the other over the API, of that each model {statistics.median(own):.0f} ms",
        times,
    )


def _tell_pages(url: str, models: int, pictures: int) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), headless=True, args=FLAGS)
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.set_default_timeout(90_000)
        page.goto(f"{url}/try_model?models={','.join(str(task) for task in range(1, models + 1))}")
        page.wait_for_selector('[data-test-script-state="notRunning"]')
        page.locator("input[type=file]").first.wait_for(state="attached")
        times = [_drop(page, number, models) for number in range(pictures + 2)][2:]
        browser.close()
    _tell(f"from the drop to drawn objects, {models} warm model(s)", times)


def _drop(page: Page, number: int, models: int) -> float:
    name = f"picture-{models}-{number}.jpg"
    given = FilePayload(name=name, mimeType="image/jpeg", buffer=_picture(number))
    began = time.perf_counter()
    page.locator("input[type=file]").first.set_input_files(given)
    page.wait_for_function(_DRAWN, arg=[name, models], polling="raf", timeout=60_000)
    taken = (time.perf_counter() - began) * 1000
    page.get_by_test_id("stFileChipDeleteBtn").first.click()
    page.wait_for_function(f"!({_DRAWN})(['{name}', 1])", polling="raf", timeout=60_000)
    page.wait_for_selector('[data-test-script-state="notRunning"]')
    return taken


def _tell(what: str, times: Sequence[float]) -> None:
    ordered = sorted(times)
    high = ordered[min(len(ordered) - 1, round(0.95 * len(ordered)))]
    _say(f"{what}: p50 {statistics.median(ordered):.0f} ms, p95 {high:.0f} ms, n {len(ordered)}")


def _say(words: str) -> None:
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])

"""Data of a person, and the way with them from the import to the last step of the wizard."""

import io
import zipfile
from pathlib import Path

from PIL import Image, ImageDraw
from playwright.sync_api import Page, expect

from tests.browser.widgets import PATIENCE, expect_heading, expect_text, next_step, open_page, press, settle

IMAGES = 12
SIDE = 96


def archive(folder: Path) -> Path:
    """Write a YOLO archive: classes "bolt" and "nut" with objects, "washer" without, and a broken image."""
    path = folder / "workshop.zip"
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("workshop/data.yaml", "path: .\ntrain: images\nnames: [bolt, nut, washer]\n")
        for number in range(IMAGES):
            image = Image.new("RGB", (SIDE, SIDE), (200, 200 - number, 190))
            draw = ImageDraw.Draw(image)
            draw.rectangle((10, 10 + number, 40, 40 + number), fill=(180, 40, 30))
            draw.ellipse((55, 50, 85, 80), fill=(30, 60, 170))
            data = io.BytesIO()
            image.save(data, "PNG")
            packed.writestr(f"workshop/images/{number:02}.png", data.getvalue())
            boxes = f"0 {25 / SIDE} {(25 + number) / SIDE} {30 / SIDE} {30 / SIDE}\n1 {70 / SIDE} {65 / SIDE} 0.3 0.3\n"
            packed.writestr(f"workshop/labels/{number:02}.txt", boxes)
        packed.writestr("workshop/images/broken.png", b"no image")
    return path


def choose(page: Page, url: str, path: Path) -> None:
    """Upload an archive."""
    open_page(page, url)
    press(page, "Bring data in")
    expect_heading(page, "Bring data in")
    settle(page)
    page.locator("input[type=file]").set_input_files(path)


def bring_in(page: Page, url: str, path: Path, layout: str) -> None:
    """Upload an archive and take it in under the proposed name."""
    choose(page, url, path)
    expect_text(page, f"{layout} layout.")
    press(page, "Bring it in")
    expect(page.get_by_role("button", name="Train on this project")).to_be_visible(timeout=PATIENCE)


def walk_to_measures(page: Page, *, epochs: int, batch: int = 4) -> None:
    """Click from a chosen project to what is measured after a tiny training of the model that is recommended."""
    expect_heading(page, "Which data to train on?")
    next_step(page, "Which model to start from?")
    press(page, "Use it")
    next_step(page, "Which classes to learn?")
    next_step(page, "Which images train, which validate?")
    next_step(page, "How to train?")
    editor = page.get_by_label("Hyperparameters", exact=True)
    expect(editor).to_be_editable(timeout=PATIENCE)
    editor.fill(f"epochs: {epochs}\nimgsz: 64\nbatch: {batch}\nworkers: 0\n")
    editor.press("Control+Enter")
    settle(page)
    next_step(page, "What to measure afterwards?")


def leave_speed_out(page: Page) -> None:
    """Switch off what takes as long as the rest of a tiny training."""
    page.get_by_text("Measure inference speed").click()
    settle(page)

"""Take the pictures of the documentation from the pages of the last run.

    python website/pictures.py                   all of them, into docs/images/
    python website/pictures.py --into FOLDER     into another folder

The pages are those of the default data. Chromium draws them, with the fonts that it has here, so
two machines take pictures that differ a little. Look at them before you commit them.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
IMAGES = ROOT / "docs/images"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


class Picture(NamedTuple):
    """A picture of the upper part of a page.

    Attributes:
        name: its file.
        page: the page, relative to the root of the project.
        width: of the window, in pixels.
        height: of the window, in pixels.
        view: the part of the address that holds the state of the page; may be empty.
        remedy: the command that writes the page.
    """

    name: str
    page: str
    width: int
    height: int
    view: str
    remedy: str


PICTURES = (
    Picture("validate.png", "data/validate/index.html", 970, 680, "", "make data"),
    Picture("report.png", "data/report/index.html", 1280, 1240, "", "make repro"),
    Picture(
        "explore.png",
        "data/explore/index.html",
        width=1280,
        height=1180,
        view="id=da6f104ec65aa93bb",
        remedy="dvc repro explore",
    ),
)


def missing(root: Path) -> list[str]:
    """Return what is missing before any picture can be taken, each with its remedy."""
    faults = [
        f"{picture.page} does not exist: run '{picture.remedy}'"
        for picture in PICTURES
        if not (root / picture.page).is_file()
    ]
    if browser() is None:
        faults.append("no Chromium on this machine: install the package chromium")
    return faults


def browser() -> str | None:
    """Return the path of a browser; None if there is none."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


def take(pictures: Sequence[Picture], root: Path, folder: Path) -> None:
    """Draw each page in a browser without a network, and write its picture to `folder`."""
    from playwright.sync_api import sync_playwright

    folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as engine:
        started = engine.chromium.launch(executable_path=browser())
        for picture in pictures:
            # A page with a view opens at it, so no tab is used twice.
            context = started.new_context(
                viewport={"width": picture.width, "height": picture.height},
                offline=True,
                color_scheme="light",
            )
            tab = context.new_page()
            address = (root / picture.page).resolve().as_uri()
            tab.goto(f"{address}#{picture.view}" if picture.view else address)
            tab.wait_for_load_state("load")
            tab.wait_for_timeout(1000)
            tab.screenshot(path=folder / picture.name)
            context.close()
        started.close()


def main(arguments: Sequence[str]) -> int:
    """Take all pictures, and return the exit code."""
    parser = argparse.ArgumentParser(description="Take the pictures of the documentation.")
    parser.add_argument("--into", type=Path, default=IMAGES, help="default: docs/images")
    options = parser.parse_args(arguments)

    faults = missing(ROOT)
    if faults:
        sys.stderr.write("".join(f"error: {fault}\n" for fault in faults))
        return 1
    take(PICTURES, ROOT, options.into)
    sys.stdout.write("".join(f"{options.into / picture.name}\n" for picture in PICTURES))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""A command takes the pictures of the documentation from the pages of the last run."""

import shutil

import pytest
from PIL import Image

from tests.browser import NAMES
from tests.conftest import ROOT
from website import pictures
from website.pictures import IMAGES, PICTURES, Picture, missing, take


def test_each_picture_exists_in_its_size_and_is_shown_somewhere():
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    text = "".join(page.read_text("utf-8") for page in pages)
    for picture in PICTURES:
        assert Image.open(IMAGES / picture.name).size == (picture.width, picture.height)
        assert f"images/{picture.name})" in text


def test_a_page_that_is_missing_is_named_with_its_command(tmp_path, monkeypatch):
    monkeypatch.setattr(pictures, "BROWSERS", ())
    assert missing(tmp_path) == [
        "data/validate/index.html does not exist: run 'make data'",
        "data/report/index.html does not exist: run 'make repro'",
        "data/explore/index.html does not exist: run 'dvc repro explore'",
        "no Chromium on this machine: install the package chromium",
    ]


@pytest.mark.slow
@pytest.mark.skipif(not any(map(shutil.which, NAMES)), reason="no Chromium on this machine")
def test_a_picture_shows_the_page_at_its_view(tmp_path):
    page = tmp_path / "page.html"
    page.write_text(
        "<style>body { background: rgb(0, 0, 255) } :target { position: fixed; inset: 0;"
        " background: rgb(255, 0, 0) }</style><p id=red></p>",
        "utf-8",
    )
    views = {"blue.png": "", "red.png": "red"}
    shots = [Picture(name, "page.html", 60, 40, view, "") for name, view in views.items()]
    take(shots, tmp_path, tmp_path / "new")
    blue, red = (Image.open(tmp_path / "new" / name).convert("RGB") for name in views)
    assert blue.size == red.size == (60, 40)
    assert blue.getpixel((30, 20)) == (0, 0, 255)
    assert red.getpixel((30, 20)) == (255, 0, 0)

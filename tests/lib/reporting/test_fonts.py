"""A chart has the same bytes whatever fonts the machine has, one of the name that is measured too."""

import os
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

FOLDER = Path("/usr/share/fonts")
CODE = """
import sys
import altair as alt
import pandas as pd
from stages.lib.reporting import charts
if sys.argv[1:]:
    charts._FONTCONFIG = "UNUSED"
rows = pd.DataFrame({"name": ["mmmmmmmmmm", "iiiiiiiiii"], "value": [1, 2]})
drawing = alt.Chart(rows).mark_bar().encode(x="value:Q", y="name:N", color="name:N")
print(charts.svg_figure(drawing, "two bars"))
"""


def renamed(font, name):
    """Return the bytes of a TrueType font under another family name, which may not be longer."""
    changed = bytearray(font)
    (tables,) = struct.unpack(">H", font[4:6])
    for number in range(tables):
        tag, _, offset, _ = struct.unpack(">4sIII", font[12 + 16 * number : 28 + 16 * number])
        if tag != b"name":
            continue
        _, count, texts = struct.unpack(">HHH", font[offset : offset + 6])
        for record in range(offset + 6, offset + 6 + 12 * count, 12):
            platform, _, _, kind, size, place = struct.unpack(">6H", font[record : record + 12])
            # Kinds 1 and 16 are the family. Platform 1 has one byte a letter, the others two.
            text = name.encode("latin-1" if platform == 1 else "utf-16-be")
            if kind in (1, 16) and len(text) <= size:
                start = offset + texts + place
                changed[start : start + len(text)] = text
                changed[record + 8 : record + 10] = struct.pack(">H", len(text))
    return bytes(changed)


@pytest.fixture
def home(tmp_path):
    """Return a home folder with a wide font that has the name of the font that is measured."""
    font = next(iter(sorted(FOLDER.rglob("DejaVuSansMono.ttf"))), None)
    if font is None:
        pytest.skip("no DejaVu Sans Mono on this machine: apt-get install fonts-dejavu-core")
    if any(FOLDER.rglob("LiberationSans-Regular.ttf")):
        pytest.skip("the Liberation Sans of this machine comes before one of a home folder")
    folder = tmp_path / ".local/share/fonts"
    folder.mkdir(parents=True)
    (folder / "own.ttf").write_bytes(renamed(font.read_bytes(), "Liberation Sans"))
    return tmp_path


def drawn(home, *arguments):
    environment = {**os.environ, "HOME": str(home), "PYTHONPATH": str(ROOT)}
    environment.pop("XDG_DATA_HOME", None)
    done = subprocess.run(
        [sys.executable, "-c", CODE, *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


@pytest.mark.slow
def test_an_installed_font_of_the_same_name_changes_nothing(home, tmp_path_factory):
    without = drawn(tmp_path_factory.mktemp("home"))
    assert drawn(home) == without
    # Without the guard the wide font would be measured.
    assert drawn(home, "no guard") != without

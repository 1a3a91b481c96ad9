"""`python -m stages plots`: DVC's plots in a page that needs no network."""

import base64
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import pytest
from dvc_render.vega import VegaRenderer
from typer.testing import CliRunner

from stages.commands.plots import app, plots_page, specifications_of
from stages.lib.core.errors import UserError
from stages.lib.schemas.runs import SYSTEMS

ROOT = Path(__file__).parents[2]


class Tags(HTMLParser):
    """Collects the names of the tags, as a browser would read them."""

    def __init__(self, text):
        super().__init__()
        self.names = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.names.append(tag)

    def count(self, name):
        return self.names.count(name)


class Addresses(HTMLParser):
    """Collects the addresses in tags. The inside of a script is text, as in a browser."""

    def __init__(self, text):
        super().__init__()
        self.found = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.found += [value for name, value in attributes if name in {"src", "href"}]


def outside(text):
    """Return what a browser would load from elsewhere."""
    return Addresses(text).found


def test_dvcs_own_page_would_need_the_network():
    # A reason for this command. When this fails, DVC brings its scripts.
    assert all(address.startswith("https://") for address in outside(VegaRenderer.SCRIPTS))
    assert len(outside(VegaRenderer.SCRIPTS)) == 3


HOSTILE = [
    "</script><script>alert(1)</script>",
    "<img/src=x/onerror=alert(1)>",
    "a'b\"c",
    "<!--<script>",
    "]]>",
    "&lt;script&gt;",
    "\u2028",
    "{plot_divs}",
    "${alert(1)}",
]


def text_of_page(names):
    return plots_page({name: {"data": {"values": [{"rev": name}]}, "mark": name} for name in names})


@pytest.mark.slow
def test_no_name_in_a_page_becomes_a_tag_or_ends_a_script():
    text = text_of_page(HOSTILE)
    tags = Tags(text)
    assert tags.count("script") == 3
    assert tags.count("img") == 0
    assert tags.count("div") == tags.count("figure") == len(HOSTILE)
    _, data, _ = re.findall(r"<script[^>]*>(.*?)</script>", text, re.DOTALL)
    assert [spec["mark"] for spec in json.loads(data)] == HOSTILE


@pytest.mark.slow
def test_the_page_contains_vega_and_its_policy_names_its_scripts_alone():
    text = text_of_page(["loss"])
    assert outside(text) == []
    bundle, _, draw = re.findall(r"<script[^>]*>(.*?)</script>", text, re.DOTALL)
    assert "window.vegaEmbed" in bundle and "vegaEmbed(" in draw
    policy = unescape(re.search(r'Security-Policy" content="([^"]*)"', text)[1])
    scripts = [
        base64.b64encode(hashlib.sha256(part.encode()).digest()).decode() for part in (bundle, draw)
    ]
    assert policy.startswith(
        f"default-src 'none'; script-src 'sha256-{scripts[0]}' 'sha256-{scripts[1]}' 'unsafe-eval';"
    )


@pytest.mark.parametrize(
    ("printed", "fact"),
    [
        ('{"data": {}}', "dvc has no plot to draw"),
        ("{}", "dvc has no plot to draw"),
        ('{"data": {"a.png": [{"type": "image", "url": "a.png"}]}}', "dvc has no plot to draw"),
        ('{"errors": [{"name": "loss", "rev": "main"}]}', "dvc could not draw 1 plots"),
    ],
)
def test_what_dvc_cannot_draw_is_named(printed, fact):
    with pytest.raises(UserError, match=fact):
        specifications_of(printed)


@pytest.mark.parametrize("name", ["--help", "-o", "--out=/tmp/x"])
def test_a_revision_is_never_an_option(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copy(ROOT / "pyproject.toml", "pyproject.toml")
    result = CliRunner().invoke(app, ["--", name])
    assert result.exit_code == 1
    assert "is no revision" in result.stderr


def test_every_system_has_a_colour_in_the_plot_of_recall():
    # Vega leaves out what a scale does not name, without a warning.
    drawn = json.loads((ROOT / ".dvc/plots/recall.json").read_text("utf-8"))["spec"]["encoding"][
        "color"
    ]["scale"]
    assert drawn["domain"] == list(SYSTEMS)
    assert len(set(drawn["range"])) == len(SYSTEMS)


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """Make a DVC repository with the four plots of the pipeline, committed once and then changed."""
    monkeypatch.chdir(tmp_path)
    environment = {
        **os.environ,
        "DVC_NO_ANALYTICS": "1",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "PYTHONPATH": str(ROOT),
    }

    def run(*words):
        return subprocess.run(words, env=environment, capture_output=True, text=True, check=False)

    run("git", "init", "-q")
    assert run(sys.executable, "-m", "dvc", "init", "-q").returncode == 0
    shutil.copytree(ROOT / ".dvc/plots", ".dvc/plots")
    shutil.copy(ROOT / "pyproject.toml", "pyproject.toml")
    plots = Path("metrics/plots")
    plots.mkdir(parents=True)
    (plots / "loss.tsv").write_text("step\tloss\n1\t2.5\n2\t1.5\n")
    (plots / "recall.tsv").write_text(
        "split\tsystem\tk\trecall\ntest\tbase\t1\t0.5\ntest\tbase\t10\t0.75\n"
    )
    (plots / "separation.tsv").write_text(
        "panel\tkind\tcosine\tshare\nrandom\tpositive\t0.5\t1.0\n"
    )
    (plots / "margins.tsv").write_text("margin\tmeasure\tvalue\n0.0\trelated negatives\t0.25\n")
    Path("dvc.yaml").write_text(
        "plots:\n"
        "  - metrics/plots/loss.tsv: {x: step, y: loss, template: linear}\n"
        "  - metrics/plots/margins.tsv: {x: margin, y: value, template: margins}\n"
        "  - metrics/plots/recall.tsv: {x: k, y: recall, template: recall}\n"
        "  - metrics/plots/separation.tsv: {x: cosine, y: share, template: separation}\n"
    )
    run("git", "add", "-A")
    assert (
        run("git", "-c", "user.name=t", "-c", "user.email=t@t", "commit", "-qm", "one").returncode
        == 0
    )
    (plots / "loss.tsv").write_text("step\tloss\n1\t2.25\n2\t1.25\n")
    return run


@pytest.mark.slow
def test_plots_of_the_workspace_open_without_a_network(repository):
    done = repository(sys.executable, "-m", "stages.commands.plots")
    assert done.returncode == 0, done.stderr
    text = Path("dvc_plots/index.html").read_text("utf-8")
    assert outside(text) == []
    assert Tags(text).count("figure") == 4


@pytest.mark.slow
def test_two_revisions_are_in_one_plot(repository):
    done = repository(sys.executable, "-m", "stages.commands.plots", "HEAD", "--out", "elsewhere")
    assert done.returncode == 0, done.stderr
    text = Path("elsewhere/index.html").read_text("utf-8")
    assert "2.5" in text and "2.25" in text
    assert '"rev": "HEAD"' in text and '"rev": "workspace"' in text
    # The pipeline's own templates: what belongs to different systems or panels is not joined by a line.
    assert (
        '"field": "system"' in text and '"field": "panel"' in text and '"field": "measure"' in text
    )


@pytest.mark.slow
def test_an_unknown_revision_is_a_short_error(repository):
    done = repository(sys.executable, "-m", "stages.commands.plots", "no-such-revision")
    assert done.returncode == 1
    assert "no-such-revision" in done.stderr and "Traceback" not in done.stderr
    assert not Path("dvc_plots").exists()


@pytest.mark.slow
def test_a_branch_that_is_named_like_a_script_stays_text(repository):
    name = "<script>alert(1)</script>"
    assert repository("git", "branch", name).returncode == 0
    done = repository(sys.executable, "-m", "stages.commands.plots", name)
    assert done.returncode == 0, done.stderr
    text = Path("dvc_plots/index.html").read_text("utf-8")
    assert "<script>alert" not in text
    assert Tags(text).count("script") == 3
    assert "script\\u003ealert(1)" in text


@pytest.mark.slow
def test_the_page_replaces_no_file_of_the_user(repository):
    Path("mine").mkdir()
    Path("mine/index.html").write_text("my notes", "utf-8")
    done = repository(sys.executable, "-m", "stages.commands.plots", "--out", "mine")
    assert done.returncode == 1
    assert "mine/index.html is no HTML page" in done.stderr
    done = repository(sys.executable, "-m", "stages.commands.plots", "--out", "mine/index.html")
    assert done.returncode == 1
    assert "mine/index.html is a file, not a folder" in done.stderr
    assert Path("mine/index.html").read_text("utf-8") == "my notes"

"""`python -m stages plots`: DVC's plots in a page that needs no network."""

import json
import os
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
from dvc_render.vega import VegaRenderer

from stages.commands.plots import template
from stages.lib.schemas.runs import SYSTEMS

ROOT = Path(__file__).parents[2]


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
    # The reason for this command. When this fails, DVC brings its scripts and the template can go.
    assert all(address.startswith("https://") for address in outside(VegaRenderer.SCRIPTS))
    assert len(outside(VegaRenderer.SCRIPTS)) == 3


@pytest.mark.slow
def test_the_template_contains_vega_and_room_for_the_plots():
    text = template()
    assert outside(text) == []
    assert "window.vegaEmbed" in text
    assert text.count("{plot_divs}") == 1
    # The script ends where the template ends it.
    assert text.count("<script>") == text.count("</script>") == 1


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
    assert len(re.findall(r"vegaEmbed\('#", text)) == 4
    assert "{plot_divs}" not in text


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

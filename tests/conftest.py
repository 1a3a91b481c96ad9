"""A tiny project: a copy of this one with a small FAQ as its data, run once for all tests that need a run."""

import csv
import os
import shutil
import signal
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from ruamel.yaml import YAML

import tests.properties  # noqa: F401  registers the profiles of Hypothesis

ROOT = Path(__file__).parent.parent

# A shell starts what runs in the background with SIGINT ignored, and the tests send it.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_make_parametrize_id(val, argname):
    """Name bytes by their argument: compressed ones hold the time, and the processes of a run would differ."""
    return argname if isinstance(val, bytes) else None


@cache
def group_of_file(file):
    """Return the name of the tests that must share a process: all that need the run of the tiny project, or a file."""
    return "tiny project" if "tiny_project" in (ROOT / file).read_text("utf-8") else file


def pytest_collection_modifyitems(items):
    """Begin with the longest tests, so that none is left for one process alone."""
    first = {
        "tiny project": 0,
        "tests/finetune/test_checkpoints.py": 1,
        "tests/test_end_to_end.py": 2,
    }
    items.sort(key=lambda item: first.get(group_of_file(item.nodeid.split("::")[0]), len(first)))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Return a scheduler that gives a process whole files, and the run of the tiny project to one process."""
    from xdist.scheduler import LoadFileScheduling

    class ByGroup(LoadFileScheduling):
        def _split_scope(self, nodeid):
            return group_of_file(nodeid.split("::")[0])

    return ByGroup(config, log)


def pytest_runtest_setup(item):
    """Skip a test that needs a GPU where torch finds none."""
    if item.get_closest_marker("gpu"):
        import torch

        if not torch.cuda.is_available():
            pytest.skip(f"torch {torch.__version__} finds no GPU (cuda) on this machine")


THINGS = (
    "coffee grinder", "rice cooker", "desk lamp", "bicycle pump", "garden hose", "sewing machine", "hair dryer",
    "toaster",
    "smoke alarm", "water kettle", "vacuum cleaner", "card reader", "baby monitor", "electric fence", "heated blanket",
    "record player", "pressure washer", "tent stove", "label printer", "ice maker",
)  # fmt: skip
TASKS = (
    ("How do I clean my {}?", "Wipe the {} with a damp cloth, then let every part dry in open air."),
    ("What voids the warranty of the {}?", "Opening the sealed case ends all cover that came with your {}."),
    ("Which spare parts fit the {}?", "Parts are listed by serial number; look for the sticker below the {}."),
    ("Can I return a {} after thirty days?", "A used {} cannot go back later than a month, unless it arrived broken."),
    ("Why does the {} smell of burning?", "Unplug the {} at once: dust on the motor overheats and must be removed."),
    ("Is there a manual for the {} in Spanish?", "Manuals in nine languages come with the {} as a leaflet."),
    ("Where was the {} made?", "Since last year our factory in Porto assembles each {} by hand."),
    ("How loud is the {}?", "At one metre the {} reaches about sixty decibels, like people talking."),
    ("Does the {} work abroad?", "The {} accepts between 100 and 240 volts; only the plug needs an adapter."),
    ("Who repairs a broken {}?", "Send the {} to our workshop, or bring it to any dealer near you."),
)  # fmt: skip


def faq_rows():
    """Return questions and answers as a help desk exports them: with markup, copies and abbreviations."""
    rows = [
        {
            "id": f"{at:02}-{thing:02}",
            "question": asked.format(name),
            "answer": told.format(name),
            "product": name,
        }
        for thing, name in enumerate(THINGS)
        for at, (asked, told) in enumerate(TASKS)
    ]
    rows[0]["answer"] = f"<p>{rows[0]['answer'][:-1]} &amp; wait.</p><ul><li>Use no soap.</li></ul>"
    rows[1]["question"] = "Does an MRI scanner void the warranty of the coffee grinder?"
    copies = [
        {**row, "id": "copy-" + row["id"], "answer": row["answer"].upper()} for row in rows[5:9]
    ]
    return [*rows, *copies]


def write_csv(rows, path):
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def use_faq(project):
    """Point the project at data/raw/faq.csv: the section `collect` is all that changes."""
    yaml = YAML()
    params = yaml.load((project / "params.yaml").read_text("utf-8"))
    columns = {"key": "id", "anchor": "question", "text": "answer", "topic": "product"}
    source = {"reader": "table", "path": "data/raw/faq.csv", "columns": columns}
    params["collect"] = {"sources": {"faq": source}, "out_of_domain": None}
    with (project / "params.yaml").open("w", encoding="utf-8") as file:
        yaml.dump(params, file)


def copy_project(target):
    """Copy what git knows or would take, without results, and commit it in a repository of its own."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in listed.stdout.splitlines():
        made = name == "dvc.lock" or (
            name.startswith("metrics/") and not name.endswith(("glossary.yaml", "README.md"))
        )
        if not made and (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, target / name)
    git(target, "init", "-q")
    git(target, "add", "-A")
    git(target, "-c", "user.name=test", "-c", "user.email=test@localhost", "commit", "-qm", "start")


def git(folder, *arguments):
    return subprocess.run(
        ["git", *arguments], cwd=folder, capture_output=True, text=True, check=True
    ).stdout


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Stand in an empty project with the real parameters."""
    monkeypatch.chdir(tmp_path)
    for name in ("params.yaml", "pyproject.toml"):
        Path(name).write_bytes((ROOT / name).read_bytes())
    return tmp_path


@pytest.fixture
def own_cache(tmp_path, monkeypatch):
    """Let a stage keep its embeddings in this test's folder, and work alone."""
    monkeypatch.setenv("PAIRSMITH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PAIRSMITH_WORKERS", "1")


@pytest.fixture(scope="session")
def cached_drawing():
    """Return the function that draws a chart, which draws equal charts once."""
    import vl_convert

    return cache(vl_convert.vegalite_to_svg)


@pytest.fixture
def charts_once(request, monkeypatch, cached_drawing):
    """Draw equal charts of several pages once. A test that is marked slow draws each anew."""
    if "slow" not in request.keywords:
        monkeypatch.setattr("vl_convert.vegalite_to_svg", cached_drawing)


@pytest.fixture(scope="session")
def environment(tmp_path_factory):
    """Return the environment of commands in a tiny project: this virtual environment, a cache of its own."""
    places = {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "CI": "1",
        "PYTHONPATH": "",
    }
    return {
        **os.environ,
        **places,
        "PAIRSMITH_CACHE": str(tmp_path_factory.mktemp("cache")),
        "DVC_NO_ANALYTICS": "1",
    }


@pytest.fixture(scope="session")
def dvc(environment):
    """Return a function that runs DVC in a folder and returns what came of it."""

    def run(folder, *arguments, timeout=1500, **extra):
        return subprocess.run(
            [sys.executable, "-m", "dvc", *arguments],
            cwd=folder,
            env={**environment, **extra},
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    return run


@pytest.fixture(scope="session")
def tiny_project(tmp_path_factory, dvc):
    """Return the folder of a finished run; tests that write work on a copy."""
    project = tmp_path_factory.mktemp("tiny")
    copy_project(project)
    write_csv(faq_rows(), project / "data/raw/faq.csv")
    use_faq(project)
    result = dvc(project, "repro")
    assert result.returncode == 0, result.stdout[-2000:] + result.stderr[-3000:]
    git(project, "add", "-A")
    git(project, "-c", "user.name=test", "-c", "user.email=test@localhost", "commit", "-qm", "run")
    return project

"""The command as a package of its own: built offline, installed beside NumPy and Typer alone."""

import re
import shutil
import subprocess
import sys
import zipfile
from importlib.metadata import distribution
from pathlib import Path

import pytest

from stages.commands.verdict.standalone import app as standalone_app
from tests.commands.verdict.made_runs import ranked, simulated, trec, verdict
from tests.conftest import ROOT

PACKAGE = ROOT / "packages/verdict"
PAGE = (ROOT / "docs/verdict-in-ci.md").read_text("utf-8")
README = (PACKAGE / "README.md").read_text("utf-8")


def closure(*names):
    """Return the installed distributions that the named ones need, and these."""
    needed = {}
    waiting = list(names)
    while waiting:
        name = re.split(r"[^\w.-]", waiting.pop())[0].lower()
        if name not in needed:
            needed[name] = distribution(name)
            requirements = needed[name].requires or []
            waiting += [text for text in requirements if ";" not in text]
    return needed


def run(*command, folder, **variables):
    environment = {"PIP_NO_INDEX": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1", **variables}
    return subprocess.run(
        list(map(str, command)),
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """Return a fresh environment with NumPy, Typer and pip alone."""
    folder = tmp_path_factory.mktemp("environment")
    made = run(sys.executable, "-m", "venv", "--without-pip", folder, folder=folder)
    assert made.returncode == 0, made.stderr
    (packages,) = folder.glob("lib/python*/site-packages")
    for wheel in closure("numpy", "typer", "pip").values():
        tops = {Path(str(file)).parts[0] for file in wheel.files} - {"..", "__pycache__"}
        for top in tops:
            origin = Path(str(wheel.locate_file(top)))
            if not (packages / top).exists():
                (packages / top).symlink_to(origin)
    return folder


@pytest.fixture(scope="module")
def installed(environment, tmp_path_factory):
    """Return the environment with the package in it."""
    folder = tmp_path_factory.mktemp("wheels")
    path = f"{environment}/bin:/usr/bin:/bin"
    for words in (
        ("wheel", "--no-deps", "--no-build-isolation", "-w", folder, PACKAGE),
        ("install", folder / "pairsmith_verdict-0.2.0-py3-none-any.whl"),
    ):
        done = run(environment / "bin/python", "-m", "pip", *words, folder=folder, PATH=path)
        assert done.returncode == 0, done.stdout + done.stderr
    return environment


def test_the_program_says_what_the_command_says(files):
    from typer.testing import CliRunner

    arguments = ["base.run", "new.run", "--qrels", "qrels.txt"]
    result = CliRunner().invoke(standalone_app, arguments)
    assert result.exit_code == 0
    assert result.output == verdict("base.run", "new.run").output
    wrong = CliRunner().invoke(standalone_app, ["base.run", "none.run", "--qrels", "qrels.txt"])
    assert wrong.exit_code == 1
    assert wrong.stderr == "error: none.run does not exist\n  remedy: name a file\n"


@pytest.mark.slow
def test_it_runs_beside_numpy_and_typer_alone(installed, tmp_path):
    qrels, first, second = simulated(120, gain=0.4)
    (tmp_path / "base.run").write_text(trec(first), "utf-8")
    (tmp_path / "new.run").write_text(trec(second), "utf-8")
    (tmp_path / "test.qrels").write_text("".join(f"{query} 0 right 1\n" for query in qrels))
    texts = "".join(f'{{"_id": "{query}", "text": "Where is {query}?"}}\n' for query in qrels)
    (tmp_path / "queries.jsonl").write_text(texts)

    program = installed / "bin/pairsmith-verdict"
    judged = run(program, "base.run", "new.run", "--qrels", "test.qrels", folder=tmp_path)
    assert judged.returncode == 0, judged.stderr
    assert "new is better than base: +0.1" in judged.stdout
    grouped = run(
        *(program, "base.run", "new.run", "--qrels", "test.qrels", "--groups", "queries.jsonl"),
        *("--judge", "3", "--sheet", "sheet.csv"),
        folder=tmp_path,
    )
    assert grouped.returncode == 0, grouped.stderr
    assert (tmp_path / "sheet.csv").exists()

    as_module = run(installed / "bin/python", "-m", "pairsmith_verdict", "--help", folder=tmp_path)
    assert "--qrels" in as_module.stdout

    # What it lacks it names, and the pipeline is not there.
    page = run(
        *(program, "base.run", "new.run", "--qrels", "test.qrels", "--html", "page.html"),
        folder=tmp_path,
    )
    assert page.returncode == 1
    assert "--html needs pandas" in page.stderr
    for name in ("stages", "pandas", "pyarrow"):
        missing = run(installed / "bin/python", "-c", f"import {name}", folder=tmp_path)
        assert "ModuleNotFoundError" in missing.stderr


@pytest.mark.slow
def test_the_example_of_the_readme_prints_what_it_says(installed, tmp_path):
    (code,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    done = run(installed / "bin/python", "-c", code, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    (printed,) = re.findall(r"It prints `(.*)`", README)
    assert done.stdout.strip() == printed


@pytest.mark.slow
def test_the_wheel_holds_code_and_no_module_named_stages(installed, tmp_path):
    sys.path.insert(0, str(PACKAGE))
    try:
        import backend
    finally:
        sys.path.remove(str(PACKAGE))
    name = backend.build_wheel(str(tmp_path))
    first = (tmp_path / name).read_bytes()
    backend.build_wheel(str(tmp_path))
    assert (tmp_path / name).read_bytes() == first

    with zipfile.ZipFile(tmp_path / name) as wheel:
        names = wheel.namelist()
        assert {Path(entry).parts[0] for entry in names} == {
            "pairsmith_verdict",
            "pairsmith_verdict-0.2.0.dist-info",
        }
        code = b"".join(wheel.read(entry) for entry in names if entry.endswith(".py"))
    assert re.search(rb"^\s*(from|import) stages\b", code, re.MULTILINE) is None
    version = re.search(r'(?m)^version = "(.*)"$', (ROOT / "pyproject.toml").read_text("utf-8"))
    assert version is not None
    assert version.group(1) in name


@pytest.mark.parametrize(
    "module", ["pandas", "pyarrow", "pydantic", "duckdb", "torch", "stages.lib.core.params"]
)
def test_the_command_does_not_load_what_the_package_lacks(module):
    code = (
        "import sys; from stages.commands.verdict import standalone, judge; "
        f"sys.exit({module!r} in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


# The page of docs: what a stranger does, word by word.


def blocks(language, text=PAGE):
    """Return the blocks of code of one language, in their order."""
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def git(*words, folder):
    done = run("git", *words, folder=folder, PATH="/usr/bin:/bin", HOME=str(folder))
    assert done.returncode == 0, done.stderr


@pytest.fixture
def stranger(environment, tmp_path):
    """Return the repository of a stranger with two runs, and a function that runs a block in it."""
    own = tmp_path / "environment"
    shutil.copytree(environment, own, symlinks=True)
    for name in ("python", "python3"):
        assert (own / "bin" / name).exists()
    origin = tmp_path / "origin"
    origin.mkdir()
    qrels, first, second = simulated(120, gain=0.4)
    (origin / "current.run").write_text(trec(first), "utf-8")
    (origin / "test.qrels").write_text("".join(f"{query} 0 right 1\n" for query in qrels))
    (origin / "pairsmith").symlink_to(ROOT)
    git("init", "-q", "-b", "main", folder=origin)
    git("config", "user.email", "a@example.org", folder=origin)
    git("config", "user.name", "A", folder=origin)
    git("add", "current.run", "test.qrels", folder=origin)
    git("commit", "-q", "-m", "Keep the run", folder=origin)
    git("init", "-q", "--bare", str(tmp_path / "server"), folder=origin)
    git("remote", "add", "origin", str(tmp_path / "server"), folder=origin)
    git("push", "-q", "origin", "main", folder=origin)
    # The change of a pull request.
    (origin / "base.run").write_text(trec(first), "utf-8")
    (origin / "new.run").write_text(trec(second), "utf-8")

    def shell(block, **variables):
        path = f"{own}/bin:/usr/bin:/bin"
        return run(
            *("bash", "-euo", "pipefail", "-c", block),
            folder=origin,
            PATH=path,
            HOME=str(origin),
            VIRTUAL_ENV=str(own),
            **variables,
        )

    return origin, shell


@pytest.mark.slow
def test_the_page_from_two_runs_to_a_check(stranger):
    _, shell = stranger
    build, judge, check = blocks("sh")
    done = shell(build)
    assert done.returncode == 0, done.stdout + done.stderr

    (printed,) = blocks("text")
    judged = shell(judge)
    assert judged.returncode == 0, judged.stderr
    assert judged.stdout == printed

    # Green, and red with the runs the other way round.
    assert shell(check).returncode == 0
    red = shell(check.replace("base.run new.run", "new.run base.run"))
    assert red.returncode == 1
    assert "base is worse than new" in red.stdout


def steps_of(text):
    """Return the shell commands of a GitHub action or a GitLab job, in their order."""
    from ruamel.yaml import YAML

    content = YAML(typ="safe", pure=True).load(text)
    (job,) = content["jobs"].values() if "jobs" in content else content.values()
    if "script" in job:
        return job["script"]
    return [step["run"] for step in job["steps"] if "run" in step]


@pytest.mark.slow
@pytest.mark.parametrize("number", [0, 1])
def test_the_templates_are_green_and_red(stranger, number):
    folder, shell = stranger
    template = blocks("yaml")[number]
    assert len(template.splitlines()) <= 14
    assert shell(blocks("sh")[0]).returncode == 0

    commands = steps_of(template)
    install, *_ = commands
    assert "pip install" in install
    variables = {"GITHUB_BASE_REF": "main", "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main"}
    # A run that finds the right document last.
    last = ["w0", "w1", "w2", "w3", "w4", "right"]
    qrels, *_ = simulated(120, gain=0.0)
    (folder / "worse.run").write_text(trec({query: ranked(last) for query in qrels}), "utf-8")
    results = []
    for name in ("new.run", "worse.run"):
        shutil.copy(folder / name, folder / "current.run")
        results.append(shell("\n".join(commands), **variables))
    assert [result.returncode for result in results] == [0, 1], results[0].stderr
    assert "is better than" in results[0].stdout
    assert "is worse than" in results[1].stdout

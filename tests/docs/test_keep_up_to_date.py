"""The page on newer versions is followed word by word: in a clone with data, parameters and results of its own."""

import re
import subprocess
from pathlib import Path

import pytest

from stages.lib.core.yaml_files import read_yaml
from tests.conftest import ROOT, copy_project, faq_rows, git, use_faq, write_csv

PAGE = (ROOT / "docs/how-to/keep-up-to-date.md").read_text("utf-8")
NAME_UPSTREAM, MERGE, RUN = re.findall(r"(?ms)^```sh\n(.*?)^```$", PAGE)
RESULTS = {
    "dvc.lock": "schema: '2.0'\nstages:\n  collect: {}\n  split: {}\n",
    "metrics/evaluate.json": '{"gain": 0.1}\n',
    "metrics/queries/test.tsv": "query_id\tndcg\nq1\t0.5\n",
}
IDENTITY = ("-c", "user.name=test", "-c", "user.email=test@localhost")


def commit(folder, message):
    git(folder, "add", "-A")
    git(folder, *IDENTITY, "commit", "-qm", message)


def write(folder, files):
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, "utf-8")


def replace(file, before, after):
    text = file.read_text("utf-8")
    assert text.count(before) == 1, before
    file.write_text(text.replace(before, after), "utf-8")


def shell(folder, script):
    """Run the lines of a block in one shell, as a person does: a merge with conflicts stops nothing."""
    names = {"GIT_AUTHOR_NAME": "test", "GIT_COMMITTER_NAME": "test"}
    emails = {"GIT_AUTHOR_EMAIL": "test@localhost", "GIT_COMMITTER_EMAIL": "test@localhost"}
    return subprocess.run(
        [
            "env",
            *(f"{key}={value}" for key, value in (names | emails).items()),
            "bash",
            "-c",
            script,
        ],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def upstream(tmp_path):
    """Return the project at its older version, with results of its default data."""
    folder = tmp_path / "upstream"
    folder.mkdir()
    copy_project(folder)
    git(folder, "branch", "-m", "main")
    write(folder, RESULTS)
    commit(folder, "older version")
    return folder


@pytest.fixture
def clone(upstream, tmp_path):
    """Return a clone whose user has data, parameters and results of their own."""
    git(tmp_path, "clone", "-q", str(upstream), "clone")
    folder = tmp_path / "clone"
    write_csv(faq_rows(), folder / "data/raw/faq.csv")
    use_faq(folder)
    replace(folder / "params.yaml", "\n  relative_margin: 0.05\n", "\n  relative_margin: 0.1\n")
    (folder / "metrics/queries/test.tsv").unlink()
    own = {
        "dvc.lock": "schema: '2.0'\nstages:\n  collect: {mine: 1}\n",
        "metrics/evaluate.json": '{"gain": 0.3}\n',
        "metrics/plots/own.tsv": "a\tb\n",
    }
    write(folder, own)
    commit(folder, "my own data")
    return folder


@pytest.fixture
def newer(upstream):
    """Bring the project to a newer version: code, a parameter, an explanation and results change."""
    mining = upstream / "stages/mine/mining.py"
    mining.write_text(mining.read_text("utf-8") + "\n\nADDED = 1\n", "utf-8")
    (upstream / "stages/report/advice.py").unlink()
    replace(upstream / "params.yaml", "\n  seed: 13\n", "\n  seed: 13\n  # New.\n  added: 1\n")
    changed = {
        "stages/mine/added.py": "ADDED = 2\n",
        "dvc.lock": RESULTS["dvc.lock"].replace("collect: {}", "collect: {theirs: 1}"),
        "metrics/evaluate.json": '{"gain": 0.2}\n',
        "metrics/queries/test.tsv": "query_id\tndcg\nq1\t0.9\n",
        "metrics/plots/theirs.tsv": "a\tb\n",
        "metrics/glossary.yaml": (upstream / "metrics/glossary.yaml").read_text("utf-8")
        + "# New.\n",
    }
    write(upstream, changed)
    commit(upstream, "newer version")
    return upstream


def name_upstream(clone, upstream):
    url = re.search(r"https://\S+", NAME_UPSTREAM).group()
    process = shell(clone, NAME_UPSTREAM.replace(url, str(upstream)))
    assert process.returncode == 0, process.stderr


def unmerged(folder):
    lines = git(folder, "ls-files", "-u").splitlines()
    return sorted({line.partition("\t")[2] for line in lines})


@pytest.mark.slow
def test_the_merge_conflicts_in_results_alone(clone, newer):
    name_upstream(clone, newer)
    first, second = MERGE.splitlines()[:2]
    process = shell(clone, f"{first}\n{second}\n")
    assert process.returncode == 1, "without the rule the clone cannot be merged"
    assert unmerged(clone) == ["dvc.lock", "metrics/evaluate.json", "metrics/queries/test.tsv"]


@pytest.mark.slow
def test_the_rule_takes_their_code_and_keeps_our_results(clone, newer):
    name_upstream(clone, newer)
    before = {file: (clone / file).read_bytes() for file in ("dvc.lock", "metrics/evaluate.json")}
    process = shell(clone, MERGE)
    assert process.returncode == 0, process.stderr
    assert git(clone, "status", "--porcelain") == ""
    assert len(git(clone, "show", "-s", "--format=%P", "HEAD").split()) == 2

    # Code and explanations are those of the newer version.
    ours = git(clone, "ls-tree", "-r", "HEAD", "stages", "tests", "docs", "metrics/glossary.yaml")
    theirs = git(newer, "ls-tree", "-r", "HEAD", "stages", "tests", "docs", "metrics/glossary.yaml")
    assert ours == theirs
    assert "stages/mine/added.py" in ours and "stages/report/advice.py" not in ours

    # Results are our own: the changed ones, the deleted one, and none that only they have.
    assert {file: (clone / file).read_bytes() for file in before} == before
    names = {path.name for path in Path(clone / "metrics").rglob("*") if path.is_file()}
    assert names == {"README.md", "glossary.yaml", "evaluate.json", "own.tsv"}

    # Parameters are both: our data and value, their new key.
    params = read_yaml(clone / "params.yaml")
    assert list(params["collect"]["sources"]) == ["faq"]
    assert params["mine"]["relative_margin"] == 0.1
    assert params["run"]["added"] == 1


@pytest.mark.slow
def test_a_second_newer_version_merges_too(clone, newer):
    name_upstream(clone, newer)
    assert shell(clone, MERGE).returncode == 0
    write(
        newer, {"metrics/evaluate.json": '{"gain": 0.25}\n', "stages/mine/added.py": "ADDED = 3\n"}
    )
    commit(newer, "newest version")
    assert shell(clone, MERGE).returncode == 0
    assert (clone / "metrics/evaluate.json").read_text("utf-8") == '{"gain": 0.3}\n'
    assert (clone / "stages/mine/added.py").read_text("utf-8") == "ADDED = 3\n"


def test_the_page_says_what_to_run_afterwards():
    assert RUN.splitlines() == ["make repro", "dvc metrics diff", "python -m stages compare HEAD"]

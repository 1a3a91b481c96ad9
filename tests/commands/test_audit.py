"""The audit finds every planted leak, by kind, and says what a split by row would have leaked."""

from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from stages.commands.audit.__main__ import app, by_row, read_splits
from stages.commands.audit.leaks import KINDS, World, audit, judged
from stages.lib import tables
from stages.lib.contracts.splits import Splits
from stages.lib.errors import Problem
from stages.lib.text import normal_form, similarity
from tests.conftest import ROOT
from tests.split.faq import LONG, d, documents, p, pairs, run, splits, text, with_params

# Two pairs per kind of leak: (anchor, text, group) of each; of a shared document the second has no text.
PLANTED = {
    "exact anchor": ("{a}?", "{a}", "", "{a}?", "{b}", ""),
    "normalised anchor": ("{a}?", "{a}", "", "{a}!!", "{b}", ""),
    "near anchor": ("{a} {c}?", "{a}", "", "{a} {c} please", "{b}", ""),
    "shared document": ("{a}?", "{a}", "", "{b}?", None, ""),
    "exact text": ("{a}?", "{c}", "", "{b}?", "{c}", ""),
    "normalised text": ("{a}?", "{c}", "", "{b}?", "{c}!", ""),
    "near text": ("{a}?", "{a} {c}", "", "{b}?", "{a} {c} please", ""),
    "shared group": ("{a}?", "{a}", "{a}", "{b}?", "{b}", "{a}"),
}


def planted(kind, at):
    """Return the world of one leak: its held-out pair and the pair that gives it away."""
    names = {letter: text(f"{kind} {at} {letter}") for letter in "abc"}
    asked, told, group, other_asked, other_told, other_group = (
        part if part is None else part.format(**names) for part in PLANTED[kind]
    )
    held, other = f"{kind} {at} held", f"{kind} {at} other"
    answers = {p(held): d(held), p(other): d(held) if other_told is None else d(other)}
    texts = {d(held): [told]} | ({} if other_told is None else {d(other): [other_told]})
    return World(
        {p(held): [asked], p(other): [other_asked]},
        answers,
        texts,
        {d(held): group, d(other): other_group},
    )


def together(*worlds):
    return World(
        *({key: value for world in worlds for key, value in world[at].items()} for at in range(4))
    )


@settings(max_examples=30, deadline=None)
@given(
    st.dictionaries(st.sampled_from(list(PLANTED)), st.integers(1, 4), min_size=1),
    st.sampled_from([("test", "train"), ("validation", "train"), ("test", "validation")]),
)
def test_every_planted_leak_is_found_under_its_kind_and_nothing_else(counts, sides):
    made = {kind: [planted(kind, at) for at in range(count)] for kind, count in counts.items()}
    world = together(*(one for worlds in made.values() for one in worlds))
    held_of = {kind: [f"{kind} {at}" for at in range(count)] for kind, count in counts.items()}
    split_of = {
        p(f"{name} {side}"): split
        for names in held_of.values()
        for name in names
        for side, split in zip(("held", "other"), sides, strict=True)
    }
    found = audit(world, split_of, 0.8, [sides[0]])
    expected = {
        kind: {p(f"{n} held"): p(f"{n} other") for n in held_of.get(kind, [])} for kind in KINDS
    }
    assert found == expected
    # A pair that nobody trains on, or that shares the split, gives nothing away.
    for same in ("corpus", "protected", sides[0]):
        assert not any(
            audit(
                world, {i: sides[0] if s == sides[0] else same for i, s in split_of.items()}, 0.8
            ).values()
        )


POOL = [
    LONG,
    LONG + " please",
    LONG.upper(),
    "Reset it",
    "reset it!",
    "C++",
    "C#",
    text(1),
    text(2),
]
ROWS = st.lists(
    st.tuples(
        st.sampled_from(POOL),
        st.integers(0, 5),
        st.sampled_from(["train", "validation", "test", "corpus"]),
    ),
    min_size=1,
    max_size=12,
)


@settings(max_examples=100, deadline=None)
@given(
    ROWS, st.lists(st.sampled_from(POOL), min_size=6, max_size=6), st.sampled_from([0.5, 0.8, 1.0])
)
def test_the_audit_is_brute_force(rows, told, threshold):
    world = World(
        {p(at): [anchor] for at, (anchor, _, _) in enumerate(rows)},
        {p(at): d(about) for at, (_, about, _) in enumerate(rows)},
        {d(at): [one] for at, one in enumerate(told)},
        {},
    )
    split_of = {p(at): split for at, (_, _, split) in enumerate(rows)}

    def alike(left, right):
        equal = normal_form(left) == normal_form(right)
        return equal or similarity(left, right) >= threshold

    def leaking(pair_id, texts):
        others = [i for i, s in split_of.items() if s not in ("corpus", split_of[pair_id])]
        return any(alike(texts(pair_id), texts(other)) for other in others)

    held = [i for i, split in split_of.items() if split in ("validation", "test")]
    found = audit(world, split_of, threshold)
    assert {i for kind in KINDS[:3] for i in found[kind]} == {
        i for i in held if leaking(i, lambda one: world.anchors[one][0])
    }
    assert {i for kind in KINDS[3:7] for i in found[kind]} == {
        i for i in held if leaking(i, lambda one: world.texts[world.answers[one]][0])
    }


def test_each_unit_answers_for_what_it_keeps_apart():
    assert judged("component") == KINDS[:7]
    assert judged("group") == tuple(kind for kind in KINDS[:7] if not kind.startswith("near"))
    assert judged("anchor") == judged("time") == KINDS[:3]


def test_a_split_by_row_has_the_same_shares_in_any_order():
    answers = {p(at): d(at) for at in range(200)}
    found = by_row(answers, with_params(), 13)
    assert pd.Series(found).value_counts().to_dict() == {"train": 160, "validation": 20, "test": 20}
    assert by_row(dict(reversed(list(answers.items()))), with_params(), 13) == found
    assert by_row(answers, with_params(), 14) != found


# --- the command


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Stand in a project whose split has run: 40 documents with two questions each."""
    monkeypatch.chdir(tmp_path)
    for name in ("params.yaml", "pyproject.toml"):
        Path(name).write_bytes((ROOT / name).read_bytes())
    names = [f"{at}" for at in range(40)]
    frame = documents(*((name, text(name)) for name in names))
    asked = pairs(
        *((f"{name} {which}", text(f"{name} {which}?"), name) for name in names for which in "ab")
    )
    assert run(frame, asked).exit_code == 0
    return tmp_path


def counts(output):
    lines = [line.split() for line in output.splitlines()[3:12]]
    return {" ".join(line[:2]): (line[2], line[4]) for line in lines[:8]}, lines[8][1:]


def test_our_splits_leak_nothing_and_stand_beside_a_split_by_row(project):
    result = CliRunner().invoke(app, [])
    assert result.exit_code == 0, result.output
    told, of = counts(result.output)
    assert list(told) == list(KINDS)
    assert {mine for mine, _ in told.values()} == {"0"}
    held = sum(
        i.startswith("p") and split in ("validation", "test") for i, split in splits().items()
    )
    assert of == [f"{held}", "16"]
    assert int(told["shared document"][1]) > 8
    assert "of the 8 test pairs of a split by row" in result.output
    assert result.output.endswith("nothing leaks that split.unit: component keeps apart\n")


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_split_of_ones_own_is_audited_with_examples(project, suffix):
    # By row: every first question trains, every second is the test.
    frame = pd.DataFrame(
        {
            "id": [p(f"{at} {which}") for at in range(40) for which in "ab"],
            "split": ["train", "test"] * 40,
        }
    )
    path = project / f"mine{suffix}"
    frame.to_csv(path, index=False) if suffix == ".csv" else frame.to_parquet(path)
    result = CliRunner().invoke(app, ["--splits", str(path)])
    assert result.exit_code == 1
    assert counts(result.output)[0]["shared document"][0] == "40"
    examples = result.output.partition("shared document, for example\n")[2].splitlines()
    first = min((p(f"{at} b"), p(f"{at} a")) for at in range(40))
    assert examples[0] == f"  {first[0]} (test) and {first[1]} (train)"
    assert [line.startswith("  p") for line in examples[:6]] == [True] * 5 + [False]
    assert result.output.endswith("held-out text leaks\n")


def test_a_leak_in_our_own_splits_is_an_error(project):
    table = tables.read(Path("data/split/splits.parquet"), Splits)
    table.loc[table["id"] == p("0 a"), "split"] = "test"
    table.loc[table["id"] == p("0 b"), "split"] = "train"
    tables.write(table, Path("data/split/splits.parquet"), Splits)
    assert CliRunner().invoke(app, []).exit_code == 1


@pytest.mark.parametrize(
    ("content", "fact"),
    [
        ("pair,split\np1,test\n", "is no table of splits"),
        (f"id,split\n{p(1)},train\n{p(1)},test\n", f"{p(1)} stands in two splits"),
        (f"id,split\n{p(1)},dev\n", "'dev' is none of train, validation, test"),
        ("id,split\np1,test\n", "none of its 1 ids is a held-out pair"),
        (f"id,split\n{p(1)},train\n", "none of its 1 ids is a held-out pair"),
    ],
)
def test_a_file_that_is_no_split_is_a_problem(tmp_path, content, fact):
    path = tmp_path / "mine.csv"
    path.write_text(content, "utf-8")
    with pytest.raises(Problem, match=fact):
        read_splits(path, {p(1): d(1)})


def test_a_missing_or_broken_file_is_a_problem(tmp_path):
    with pytest.raises(Problem, match="does not exist"):
        read_splits(tmp_path / "mine.csv", {})
    (tmp_path / "mine.parquet").write_text("x")
    with pytest.raises(Problem, match="is no table of splits"):
        read_splits(tmp_path / "mine.parquet", {})

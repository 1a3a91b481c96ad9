"""The audit finds every planted leak, by kind, and says what a random split by row would leak."""

import json
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from stages.commands.audit.__main__ import app, random_row_split, read_splits
from stages.commands.audit.leaks import (
    ANCHOR_KINDS,
    KINDS,
    TEXT_KINDS,
    AuditData,
    enforced_kinds,
    find_leaks,
)
from stages.lib.core import tables
from stages.lib.core.errors import UserError
from stages.lib.schemas.splits import Splits
from stages.lib.text.normal_form import normal_form, similarity
from tests.conftest import ROOT
from tests.properties import examples
from tests.split.faq import LONG, d, documents, p, pairs, run, splits, text, with_params

# Two pairs per kind of leak: (anchor, text, group) of each; of a shared document the second has no text.
# {r} is a run of 54 words; the texts around it make two texts that are not near.
PLANTED = {
    "exact anchor": ("{a}?", "{d}", "", "{a}?", "{b}", ""),
    "normalised anchor": ("{a}?", "{d}", "", "{a}!!", "{b}", ""),
    "near anchor": ("{a} {c}?", "{d}", "", "{a} {c} please", "{b}", ""),
    "overlapping anchor": ("{r} {a}?", "{d}", "", "{c} {r}", "{b}", ""),
    "anchor equals text": ("{a}?", "{d}", "", "{b}?", "{a}", ""),
    "anchor nears text": ("{a} {c}?", "{d}", "", "{b}?", "{a} {c} please", ""),
    "anchor overlaps text": ("{r} {a}?", "{d}", "", "{b}?", "{c} {r}", ""),
    "shared document": ("{a}?", "{d}", "", "{b}?", None, ""),
    "exact text": ("{a}?", "{c}", "", "{b}?", "{c}", ""),
    "normalised text": ("{a}?", "{c}", "", "{b}?", "{c}!", ""),
    "near text": ("{a}?", "{d} {c}", "", "{b}?", "{d} {c} please", ""),
    "overlapping text": ("{a}?", "{r} {c}", "", "{b}?", "{d} {r}", ""),
    "shared group": ("{a}?", "{d}", "{a}", "{b}?", "{c}", "{a}"),
}


def planted(kind, number):
    """Return the data of one leak: a held-out pair, and the pair of another split that leaks it."""
    texts_of_letter = {letter: text(f"{kind} {number} {letter}") for letter in "abcd"}
    texts_of_letter["r"] = " ".join(text(f"{kind} {number} run {part}") for part in range(6))
    parts = [part and part.format(**texts_of_letter) for part in PLANTED[kind]]
    anchor, document_text, group, other_anchor, other_text, other_group = parts

    held_out = f"{kind} {number} held"
    other = f"{kind} {number} other"
    # Without a text of its own, the other pair shares the document.
    other_document = d(held_out) if other_text is None else d(other)
    texts = {d(held_out): [document_text]}
    if other_text is not None:
        texts[d(other)] = [other_text]
    return AuditData(
        {p(held_out): [anchor], p(other): [other_anchor]},
        {p(held_out): d(held_out), p(other): other_document},
        texts,
        {d(held_out): group, d(other): other_group},
    )


def merged(parts):
    fields = []
    for index in range(4):
        field = {}
        for part in parts:
            field.update(part[index])
        fields.append(field)
    return AuditData(*fields)


@examples(30)
@given(
    st.dictionaries(st.sampled_from(list(PLANTED)), st.integers(1, 4), min_size=1),
    st.sampled_from([("test", "train"), ("validation", "train"), ("test", "validation")]),
)
def test_every_planted_leak_is_found_and_nothing_else(counts, splits):
    planted_leaks = [(kind, number) for kind in counts for number in range(counts[kind])]
    data = merged([planted(kind, number) for kind, number in planted_leaks])
    split, other_split = splits
    split_of_pair = {}
    expected = {kind: {} for kind in KINDS}
    for kind, number in planted_leaks:
        held_out = p(f"{kind} {number} held")
        other = p(f"{kind} {number} other")
        split_of_pair |= {held_out: split, other: other_split}
        expected[kind][held_out] = other
    matches = data.matches(0.8)
    assert find_leaks(data, matches, split_of_pair, held_out=[split]) == expected

    # A pair outside training and evaluation, or of the same split, leaks nothing.
    for harmless in ("corpus", "protected", split):
        moved = {pair: split if of == split else harmless for pair, of in split_of_pair.items()}
        assert not any(find_leaks(data, matches, moved).values())


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


@examples(100)
@given(
    ROWS, st.lists(st.sampled_from(POOL), min_size=6, max_size=6), st.sampled_from([0.5, 0.8, 1.0])
)
def test_the_audit_equals_brute_force(rows, document_texts, threshold):
    data = AuditData(
        {p(index): [anchor] for index, (anchor, _, _) in enumerate(rows)},
        {p(index): d(document) for index, (_, document, _) in enumerate(rows)},
        {d(index): [document_text] for index, document_text in enumerate(document_texts)},
        {},
    )
    split_of_pair = {p(index): split for index, (_, _, split) in enumerate(rows)}

    def alike(left, right):
        equal = normal_form(left) == normal_form(right)
        return equal or similarity(left, right) >= threshold

    def is_leaked(pair, text_of):
        others = [
            other
            for other, split in split_of_pair.items()
            if split not in ("corpus", split_of_pair[pair])
        ]
        return any(alike(text_of(pair), text_of(other)) for other in others)

    def anchor_of(pair):
        return data.anchors[pair][0]

    def document_text_of(pair):
        return data.texts[data.document_of_pair[pair]][0]

    leaks = find_leaks(data, data.matches(threshold), split_of_pair)
    held_out = [pair for pair, split in split_of_pair.items() if split in ("validation", "test")]
    anchor_leaks = {pair for kind in ANCHOR_KINDS for pair in leaks[kind]}
    assert anchor_leaks == {pair for pair in held_out if is_leaked(pair, anchor_of)}
    text_leaks = {pair for kind in TEXT_KINDS for pair in leaks[kind]}
    assert text_leaks == {pair for pair in held_out if is_leaked(pair, document_text_of)}


def test_each_unit_enforces_what_it_keeps_apart():
    assert enforced_kinds("component") == KINDS[:-1]
    assert enforced_kinds("group") == (
        *("exact anchor", "normalised anchor", "anchor equals text"),
        *("shared document", "exact text", "normalised text"),
    )
    assert enforced_kinds("anchor") == enforced_kinds("time") == ANCHOR_KINDS


def test_a_split_by_row_has_the_same_shares_in_any_order():
    pair_ids = [p(index) for index in range(200)]
    split_of_pair = random_row_split(pair_ids, with_params(), 13)
    counts = pd.Series(split_of_pair).value_counts().to_dict()
    assert counts == {"train": 160, "validation": 20, "test": 20}
    assert random_row_split(pair_ids[::-1], with_params(), 13) == split_of_pair
    assert random_row_split(pair_ids, with_params(), 14) != split_of_pair


# --- the command


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Enter a project after its stage split: 40 documents with two questions each."""
    monkeypatch.chdir(tmp_path)
    for name in ("params.yaml", "pyproject.toml"):
        Path(name).write_bytes((ROOT / name).read_bytes())
    names = [f"{index}" for index in range(40)]
    frame = documents(*((name, text(name)) for name in names))
    questions = pairs(
        *((f"{name} {which}", text(f"{name} {which}?"), name) for name in names for which in "ab")
    )
    assert run(frame, questions).exit_code == 0
    return tmp_path


def counts(output):
    lines = output.splitlines()[3 : 4 + len(KINDS)]
    cells = [line[26:].split() for line in lines]
    names = [line[:26].strip() for line in lines]
    return {
        name: (cell[0], cell[2]) for name, cell in zip(names[:-1], cells[:-1], strict=True)
    }, cells[-1]


def test_our_splits_leak_nothing_beside_a_split_by_row(project):
    result = CliRunner().invoke(app, [])
    assert result.exit_code == 0, result.output
    counts_of_kind, totals = counts(result.output)
    assert list(counts_of_kind) == list(KINDS)
    assert {count for count, _ in counts_of_kind.values()} == {"0"}
    held_out = sum(
        i.startswith("p") and split in ("validation", "test") for i, split in splits().items()
    )
    assert totals == [f"{held_out}", "16"]
    assert int(counts_of_kind["shared document"][1]) > 8
    assert "of the 8 test pairs of a split by row" in result.output
    assert result.output.endswith("nothing leaks that split.unit: component keeps apart\n")


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_given_split_is_audited_with_examples(project, suffix):
    # By row: every first question is in training, every second in the test split.
    frame = pd.DataFrame(
        {
            "id": [p(f"{index} {which}") for index in range(40) for which in "ab"],
            "split": ["train", "test"] * 40,
        }
    )
    path = project / f"mine{suffix}"
    frame.to_csv(path, index=False) if suffix == ".csv" else frame.to_parquet(path)
    result = CliRunner().invoke(app, ["--splits", str(path)])
    assert result.exit_code == 1
    assert counts(result.output)[0]["shared document"][0] == "40"
    examples = result.output.partition("shared document, for example\n")[2].splitlines()
    first = min((p(f"{index} b"), p(f"{index} a")) for index in range(40))
    assert examples[0] == f"  {first[0]} (test) and {first[1]} (train)"
    assert [line.startswith("  p") for line in examples[:6]] == [True] * 5 + [False]
    assert result.output.endswith("held-out text leaks\n")


@pytest.mark.slow
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
def test_a_file_that_is_no_table_of_splits_is_an_error(tmp_path, content, fact):
    path = tmp_path / "mine.csv"
    path.write_text(content, "utf-8")
    with pytest.raises(UserError, match=fact):
        read_splits(path, {p(1): d(1)})


def test_a_missing_or_broken_file_is_an_error(tmp_path):
    with pytest.raises(UserError, match="does not exist"):
        read_splits(tmp_path / "mine.csv", {})
    (tmp_path / "mine.parquet").write_text("x")
    with pytest.raises(UserError, match="is no table of splits"):
        read_splits(tmp_path / "mine.parquet", {})


@pytest.mark.parametrize(
    ("mode", "code", "line"),
    [
        ("repair", 0, "2 more pairs are held out by their sources; 0 of them have the anchor"),
        (
            "trust",
            0,
            "1 of them have the anchor of a training pair, which split.given: trust allows",
        ),
    ],
)
def test_given_splits_share_documents_and_no_anchors(project, mode, code, line):
    table = pairs(
        ("dev", "does not begin", "a"),
        ("test", "off switch", "a"),
        ("repeated", "Off switch!", "b"),
        *((f"train {index}", text(index), "a") for index in range(4)),
    )
    held_out = [(p("dev"), "validation"), (p("test"), "test")]
    training = [(p(name), "train") for name in ("repeated", *(f"train {i}" for i in range(4)))]
    run(
        documents(("a", text("a")), ("b", text("b"))),
        table,
        given=[*held_out, *training],
        given_mode=mode,
    )
    result = CliRunner().invoke(app, [])
    assert result.exit_code == code, result.output
    assert line in result.output


def test_json_holds_the_counts_of_the_table(project):
    plain = CliRunner().invoke(app, []).output
    result = CliRunner().invoke(app, ["--json", "-"])
    assert result.exit_code == 0, result.output
    figures = json.loads(result.stdout)
    counts_of_kind, totals = counts(plain)
    assert list(counts_of_kind) == list(KINDS)
    by_kind = {
        kind: (str(values["count"]), str(values["count_by_row"]))
        for kind, values in figures["kinds"].items()
    }
    assert by_kind == counts_of_kind
    assert [f"{figures['held_out']}", f"{figures['held_out_by_row']}"] == totals
    assert (figures["pairs"], figures["unit"], figures["leaking"]) == (80, "component", False)
    assert result.stderr == plain

    # A file gets the same.
    assert CliRunner().invoke(app, ["--json", "leaks.json"]).stdout == plain
    assert json.loads(Path("leaks.json").read_text("utf-8")) == figures


@pytest.mark.slow
def test_json_names_the_pairs_that_leak_and_is_kept(project):
    table = tables.read(Path("data/split/splits.parquet"), Splits)
    table.loc[table["id"] == p("0 a"), "split"] = "test"
    table.loc[table["id"] == p("0 b"), "split"] = "train"
    tables.write(table, Path("data/split/splits.parquet"), Splits)
    assert CliRunner().invoke(app, ["--json", "leaks.json"]).exit_code == 1
    figures = json.loads(Path("leaks.json").read_text("utf-8"))
    assert figures["leaking"] is True
    assert figures["kinds"]["shared document"]["pairs"] == {p("0 a"): p("0 b")}

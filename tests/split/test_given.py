"""Splits that a source gives: what is held out, what leaves training, and what the audit allows."""

from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from stages.commands.freeze import app as freeze_app
from stages.lib.core import tables
from stages.lib.schemas.evaluation_set import Masked, Qrels, Queries, QueryGrades
from stages.lib.schemas.ledger import Ledger
from stages.lib.schemas.splits import Fingerprints, Splits
from stages.split.__main__ import app
from stages.split.constraints import Constraints
from stages.split.given import GivenRows, SplitTask, assign_with_given
from tests.properties import examples
from tests.split.faq import (
    LONG,
    d,
    documents,
    edges_of,
    leaks,
    matches_of,
    metrics,
    named,
    near,
    p,
    pairs,
    rows_of,
    run,
    splits,
    text,
    with_params,
    written,
)

# Two documents with a training and a held-out query each, as public sets have them.
DOCUMENTS = documents(*((name, text(name)) for name in "abcd"))
PAIRS = pairs(
    ("train a", "how to start", "a"),
    ("train b", "how to stop", "b"),
    ("train b2", "switch it off", "b"),
    ("train c", "how to clean", "c"),
    ("train d", "how to fold", "d"),
    ("dev a", "does not begin", "a"),
    ("test b", "off switch", "b"),
    ("test b again", "off switch", "c"),
)
GIVEN = [
    *((p(f"train {name}"), "train") for name in ("a", "b", "b2", "c", "d")),
    (p("dev a"), "validation"),
    (p("test b"), "test"),
    (p("test b again"), "test"),
]


def with_pairs(*rows):
    return pd.concat([PAIRS, pairs(*rows)], ignore_index=True)


def component_of(name: str) -> str:
    table = written(Splits, "splits").set_index("id")["component_id"]
    return table[p(name)]


def left_out() -> dict[str, str]:
    ledger = written(Ledger, "ledger").query("action == 'drop'")
    assert set(ledger["reason"]) <= {"repeats_held_out", "not_sampled"}
    is_repeat = ledger["reason"] == "repeats_held_out"
    return dict(
        zip(ledger.loc[is_repeat, "row_id"], ledger.loc[is_repeat, "partner_id"], strict=True)
    )


@pytest.mark.parametrize("unit", ["component", "group", "anchor", "time"])
def test_pairs_are_where_their_source_puts_them_and_each_query_is_a_component(project, unit):
    result = run(DOCUMENTS, PAIRS, given=GIVEN, unit=unit)
    assert (result.exit_code, result.output) == (0, "")
    assert {row_id: splits()[row_id] for row_id, _ in GIVEN} == dict(GIVEN)
    assert component_of("test b") == component_of("test b again")
    assert len({component_of(f"train {name}") for name in ("a", "b", "b2", "c", "d")}) == 5
    for split, raw in (("validation", "does not begin"), ("test", "off switch")):
        queries = written(Queries, f"{split}/queries")
        assert queries["raw"].tolist() == [raw]
        assert queries["component_id"].is_unique
    assert written(Qrels, "test/qrels")["doc_id"].tolist() == sorted([d("b"), d("c")])
    assert leaks() == {"leaks": 0}
    assert metrics()["given.shared_document_queries"] == 2
    assert metrics()["given.shared_documents"] == 3
    assert metrics()["given.shared_document_share"] == 1.0
    assert metrics()["shared_documents"] == 3
    assert "held_out_of_requested" not in metrics(), "a given split need not have the shares"


def test_a_given_query_is_searched_as_collected(project):
    cleaned = PAIRS.assign(anchor=PAIRS["anchor"].str.replace("off", "Off (cleaned)"))
    result = run(
        DOCUMENTS, PAIRS, cleaned=(DOCUMENTS, cleaned), built=(DOCUMENTS, cleaned), given=GIVEN
    )
    assert (result.exit_code, result.output) == (0, "")
    assert written(Queries, "test/queries")["text"].tolist() == ["off switch"]


def test_one_huge_component_of_given_pairs_stops_nothing(project):
    many = pairs(*((f"t{index}", text(f"q{index}"), "a") for index in range(60)))
    held_out = [(p("t0"), "validation"), (p("t1"), "test")]
    labels = [*held_out, *((p(f"t{index}"), "train") for index in range(2, 60))]
    result = run(DOCUMENTS, many, given=labels, max_component_share=0.02)
    assert (result.exit_code, result.output) == (0, "")
    assert metrics()["largest_component_share"] == 0.0167
    assert metrics()["components"] == 60


# Leaks

LEAKING = [("leak 1", "Off  SWITCH!", "d"), ("leak 2", "does not begin", "d")]
LEAKING_GIVEN = [*GIVEN, (p("leak 1"), "train"), (p("leak 2"), "train")]
MORE = [(f"more {index}", text(f"more {index}"), "d") for index in range(4)]
MORE_GIVEN = [(p(name), "train") for name, _, _ in MORE]


def held_out_anchors_in_training(pair_table) -> set[str]:
    """Count leaks by other means than the stage: the letters of the anchors, in lower case."""
    split_of = splits()
    letters = {
        pair_id: "".join(filter(str.isalnum, anchor.lower()))
        for pair_id, anchor in zip(pair_table["pair_id"], pair_table["anchor"], strict=True)
    }
    held_out = {letters[i] for i in letters if split_of[i] in ("validation", "test")}
    return {letters[i] for i in letters if split_of[i] == "train"} & held_out


def test_repair_leaves_out_training_pairs_that_repeat_a_held_out_query(project):
    table = with_pairs(*LEAKING, *MORE)
    result = run(DOCUMENTS, table, given=[*LEAKING_GIVEN, *MORE_GIVEN])
    assert (result.exit_code, result.output) == (0, "")
    assert left_out() == {p("leak 1"): min(p("test b"), p("test b again")), p("leak 2"): p("dev a")}
    assert {splits()[p("leak 1")], splits()[p("leak 2")]} == {"corpus"}
    assert held_out_anchors_in_training(table) == set()
    assert metrics()["dropped.repeats_held_out"] == 2
    assert metrics()["given.repeated_pairs"] == metrics()["given.left_out"] == 2
    assert leaks() == {"leaks": 0}
    # The held-out queries are as given.
    assert written(Queries, "test/queries")["raw"].tolist() == ["off switch"]


def test_repair_stops_where_more_than_a_fifth_would_be_left_out(project):
    result = run(DOCUMENTS, with_pairs(*LEAKING), given=LEAKING_GIVEN)
    assert result.exit_code == 1
    assert "2 of 7 training pairs have the anchor of a query" in result.stderr
    assert "a fifth is the most that is left out" in result.stderr
    assert f"{p('leak 2')} 'does not begin' is {p('dev a')} in validation" in result.stderr
    assert "set split.given to 'trust'" in result.stderr
    assert not Path("data/split").exists()


def test_exactly_a_fifth_is_left_out(project):
    table = with_pairs(*LEAKING, *MORE[:3])
    result = run(DOCUMENTS, table, given=[*LEAKING_GIVEN, *MORE_GIVEN[:3]])
    assert (result.exit_code, result.output) == (0, "")
    assert metrics()["given.left_out"] == 2


def test_refuse_stops_at_the_first_repeated_query(project):
    table = with_pairs(*LEAKING[:1], *MORE)
    labels = [*LEAKING_GIVEN[:-1], *MORE_GIVEN]
    result = run(DOCUMENTS, table, given_mode="refuse", given=labels)
    assert result.exit_code == 1
    assert "1 of 10 training pairs have the anchor" in result.stderr
    assert f"  {p('leak 1')} " in result.stderr
    assert "set split.given to 'repair' to leave them out" in result.stderr
    result = run(DOCUMENTS, PAIRS, given_mode="refuse", given=GIVEN)
    assert (result.exit_code, result.output) == (0, "")


def test_trust_trains_on_given_pairs_all_the_same_and_counts_them(project):
    table = with_pairs(*LEAKING)
    result = run(DOCUMENTS, table, given_mode="trust", given=LEAKING_GIVEN)
    assert (result.exit_code, result.output) == (0, "")
    assert {splits()[p("leak 1")], splits()[p("leak 2")]} == {"train"}
    assert held_out_anchors_in_training(table) == {"offswitch", "doesnotbegin"}
    assert metrics()["given.repeated_pairs"] == 2
    assert metrics()["given.left_out"] == 0
    assert leaks() == {"leaks": 0}
    # Later stages would refuse what the user trusts, if it had fingerprints.
    assert len(written(Fingerprints, "fingerprints")) == 0


def test_a_rule_that_misses_repeats_is_noticed_by_the_audit(project, monkeypatch):
    monkeypatch.setattr("stages.split.given.repeated_anchors", lambda task, given: {})
    table = with_pairs(*LEAKING[1:], *MORE)
    result = run(DOCUMENTS, table, given=[*GIVEN, (p("leak 2"), "train"), *MORE_GIVEN])
    assert (result.exit_code, result.output) == (0, "")
    assert leaks() == {"leaks": 1}


@pytest.mark.parametrize("mode", ["repair", "trust"])
def test_rows_that_are_split_as_ever_never_repeat_a_given_query(project, mode):
    free = [(f"free {name}", text(f"free {name}"), name) for name in named("train", 20)]
    homes = documents(*((name, text(name)) for _, _, name in free))
    table = with_pairs(*free, ("free leak", "off switch", free[0][2]))
    everything = pd.concat([DOCUMENTS, homes], ignore_index=True)
    result = run(everything, table, given_mode=mode, given=GIVEN)
    assert (result.exit_code, result.output) == (0, "")
    assert left_out() == {p("free leak"): min(p("test b"), p("test b again"))}
    assert splits()[p(free[0][0])] == "train"
    assert held_out_anchors_in_training(table) == set()


def test_rows_that_are_split_as_ever_go_to_training_with_given_training_pairs(project):
    """What would be held out by its hash shares a document, an anchor or a near one with training."""
    held_out = named("test", 4)
    homes = documents(*((name, text(name)) for name in held_out))
    table = with_pairs(
        ("by document", text("x"), held_out[0]),
        ("by anchor", "how to start", held_out[1]),
        ("by near anchor", LONG + " please", held_out[2]),
        ("free", text("y"), held_out[3]),
        ("given 1", text("z"), held_out[0]),
        ("given 2", LONG, "d"),
    )
    everything = pd.concat([DOCUMENTS, homes], ignore_index=True)
    labels = [*GIVEN, (p("given 1"), "train"), (p("given 2"), "train")]
    result = run(everything, table, given=labels)
    assert (result.exit_code, result.output) == (0, "")
    names = ("by document", "by anchor", "by near anchor", "free")
    assert {name: splits()[p(name)] for name in names} == {
        "by document": "train",
        "by anchor": "train",
        "by near anchor": "train",
        "free": "test",
    }
    assert leaks() == {"leaks": 0}


def test_a_given_training_pair_leaves_a_frozen_held_out_component_alone(project):
    home = named("train")[0]
    everything = pd.concat([DOCUMENTS, documents((home, text(home)))], ignore_index=True)
    table = with_pairs(("frozen", text("x"), home), ("given", text("y"), home))
    result = run(
        everything, table, given=[*GIVEN, (p("given"), "train")], frozen=[(p("frozen"), "test")]
    )
    assert (result.exit_code, result.output) == (0, "")
    assert splits()[p("frozen")] == "test"
    assert left_out() == {p("given"): d(home)}
    assert leaks() == {"leaks": 0}


def test_a_frozen_id_of_a_given_pair_does_not_decide(project):
    frozen = [(p("train a"), "test"), (d("a"), "test"), (p("test b"), "train")]
    result = run(DOCUMENTS, PAIRS, given=GIVEN, frozen=frozen)
    assert (result.exit_code, result.output) == (0, "")
    assert {row_id: splits()[row_id] for row_id, _ in GIVEN} == dict(GIVEN)
    assert metrics()["frozen_moved"] == 0


def test_a_synthetic_pair_of_a_held_out_query_leaves_training(project):
    built = with_pairs()
    made = pairs(("made", "a name", "d")).assign(source="pair.synonyms")
    built = pd.concat([built, made], ignore_index=True)
    result = run(
        DOCUMENTS,
        PAIRS,
        built=(DOCUMENTS, built),
        origins={p("made"): p("test b")},
        given=GIVEN,
    )
    assert (result.exit_code, result.output) == (0, "")
    assert left_out() == {p("made"): p("test b")}


def test_where_recipes_alone_repeat_queries_their_pairs_are_named(project):
    made = pairs(("made", "a name", "d"), ("made too", "another name", "d"))
    built = pd.concat([with_pairs(), made.assign(source="pair.synonyms")], ignore_index=True)
    result = run(
        DOCUMENTS,
        PAIRS,
        built=(DOCUMENTS, built),
        origins={p("made"): p("test b"), p("made too"): p("test b")},
        given=GIVEN,
    )
    assert result.exit_code == 1
    assert "2 of 7 training pairs have the anchor of a query" in result.stderr
    assert f"  {p('made')} 'a name' is {p('test b')} in test" in result.stderr
    assert f"  {p('made too')} 'another name' is {p('test b')} in test" in result.stderr


# Documents


def test_a_document_of_held_out_queries_alone_is_held_out_and_no_leak(project):
    everything = documents(("a", LONG), ("b", LONG + " please"), ("c", text("c")), ("d", text("d")))
    table = pairs(
        ("train a", "how to start", "a"),
        ("dev c", "does not begin", "c"),
        ("test b", "off switch", "b"),
    )
    labels = [(p("train a"), "train"), (p("dev c"), "validation"), (p("test b"), "test")]
    result = run(everything, table, given=labels, near_duplicates=near((d("a"), d("b"))))
    assert (result.exit_code, result.output) == (0, "")
    assert {name: splits()[d(name)] for name in "abcd"} == {
        "a": "train",
        "b": "test",
        "c": "validation",
        "d": "corpus",
    }
    assert leaks() == {"leaks": 0}
    # Near texts are allowed: a fingerprint has the exact anchor of a query, and nothing else.
    fingerprints = written(Fingerprints, "fingerprints")
    assert set(fingerprints["id"]) == {p("dev c"), p("test b")}
    assert {len(shingles) for shingles in fingerprints["shingles"]} == {0}


def test_near_anchors_are_counted_and_stay(project):
    table = with_pairs(("train near", LONG, "d"), ("test near", LONG + " please", "a"))
    labels = [*GIVEN, (p("train near"), "train"), (p("test near"), "test")]
    result = run(DOCUMENTS, table, given=labels)
    assert (result.exit_code, result.output) == (0, "")
    assert metrics()["given.near_queries"] == 1
    assert splits()[p("train near")] == "train"
    assert leaks() == {"leaks": 0}


def test_a_query_of_two_held_out_splits_is_in_both_and_counted(project):
    table = with_pairs(("dev copy", "off switch", "d"))
    result = run(DOCUMENTS, table, given=[*GIVEN, (p("dev copy"), "validation")])
    assert (result.exit_code, result.output) == (0, "")
    assert written(Queries, "validation/queries")["raw"].tolist().count("off switch") == 1
    assert metrics()["given.queries_in_both"] == 1
    assert component_of("dev copy") != component_of("test b")


# Grades


def test_qrels_have_grades_and_grade_0_is_no_answer(project):
    table = with_pairs(("test d", "off switch", "d"), ("test 0", "never answered", "a"))
    table["score"] = [
        0.0 if pair_id in (p("test d"), p("test 0")) else 1.0 for pair_id in table["pair_id"]
    ]
    labels = [*GIVEN, (p("test d"), "test"), (p("test 0"), "test")]
    grades = [
        (p("test b"), 3, "positive"),
        (p("test b again"), 1, "relevant"),
        (p("test d"), 0, "irrelevant"),
        (p("test 0"), 0, "irrelevant"),
    ]
    result = run(DOCUMENTS, table, given=labels, grades=grades)
    assert (result.exit_code, result.output) == (0, "")
    qrels = written(Qrels, "test/qrels")
    assert dict(zip(qrels["doc_id"], qrels["grade"], strict=True)) == {d("b"): 3.0, d("c"): 1.0}
    graded = written(QueryGrades, "test/grades")
    query_id = written(Queries, "test/queries")["query_id"].item()
    graded = graded[graded["query_id"] == query_id]
    assert dict(zip(graded["doc_id"], graded["grade"], strict=True)) == {
        d("b"): 3,
        d("c"): 1,
        d("d"): 0,
    }
    assert metrics()["given.queries_without_answers"] == 1
    assert len(written(Queries, "test/queries")) == 1


def test_grade_0_ties_nothing(project):
    """A judgement "not relevant" does not join two components, with or without given splits."""
    train, test = named("train")[0], named("test")[0]
    dev = named("validation")[0]
    everything = documents(*((name, text(name)) for name in (train, test, dev)))
    table = pairs(
        ("1", text("q1"), train),
        ("2", text("q2"), test),
        ("3", text("q3"), dev),
        ("0", text("q1"), test),
        ("00", text("alone"), test),
    )
    table.loc[table["pair_id"].isin([p("0"), p("00")]), "score"] = 0.0
    grades = [
        *((p(name), 2, "positive") for name in "123"),
        (p("0"), 0, "irrelevant"),
        (p("00"), 0, "irrelevant"),
    ]
    result = run(everything, table, grades=grades)
    assert (result.exit_code, result.output) == (0, "")
    assert (splits()[d(train)], splits()[d(test)]) == ("train", "test")
    assert splits()[p("0")] == "train", "it follows its query"
    assert splits()[p("00")] == "corpus"
    assert leaks() == {"leaks": 0}


def test_the_bytes_do_not_depend_on_the_order_of_the_rows(project):
    table = with_pairs(*LEAKING, *MORE)
    labels = [*LEAKING_GIVEN, *MORE_GIVEN]
    written_bytes = []
    for reverse in (False, True):
        step = -1 if reverse else 1
        assert run(DOCUMENTS[::step], table[::step], given=labels[::step]).exit_code == 0
        files = sorted(Path("data/split").rglob("*.parquet"))
        written_bytes.append([file.read_bytes() for file in files])
    assert written_bytes[0] == written_bytes[1]
    assert tables.read(Path("data/split/splits.parquet"), Splits)["id"].is_unique


LABEL = st.sampled_from(["train", "validation", "test", ""])
ANCHOR = st.sampled_from(["reset", "Reset!", "no sound", "no  sound?", "dark", "too loud", "beeps"])


@examples(60)
@given(
    rows_drawn=st.lists(
        st.tuples(ANCHOR, st.integers(0, 5), LABEL, st.integers(0, 2)), min_size=1, max_size=14
    ),
    unit=st.sampled_from(["component", "group", "anchor"]),
)
def test_no_pair_in_use_repeats_a_given_query_and_given_rows_stay(rows_drawn, unit):
    """Counted from the letters of the anchors, over any mixture of given and other rows."""
    names = [f"{index}" for index in range(len(rows_drawn))]
    table = pairs(*((name, row[0], row[1]) for name, row in zip(names, rows_drawn, strict=True)))
    split_of = {p(name): row[2] for name, row in zip(names, rows_drawn, strict=True) if row[2]}
    irrelevant = {p(name) for name, row in zip(names, rows_drawn, strict=True) if row[3] == 0}
    home = documents(*((index, text(index)) for index in range(6)))
    params = with_params(
        unit=unit, given="trust", train=0.4, validation=0.3, max_component_share=1.0
    )
    everything = rows_of(home, table)
    task = SplitTask(everything, edges_of(home, table, params), matches_of(everything, params))
    own = GivenRows(split_of, frozenset(irrelevant), frozenset(table["pair_id"]), frozenset())
    assignment = assign_with_given(task, own, Constraints({}, {}), params)
    split_by_row = assignment.split_by_row()

    # Every pair is somewhere, and given pairs are where they should be.
    assert set(table["pair_id"]) <= set(split_by_row)
    assert {pair_id: split_by_row[pair_id] for pair_id in split_of} == split_of

    # No other pair has the letters of a given held-out query.
    letters = {
        pair_id: "".join(filter(str.isalnum, anchor.lower()))
        for pair_id, anchor in zip(table["pair_id"], table["anchor"], strict=True)
    }
    held_out = {letters[i] for i, split in split_of.items() if split in ("validation", "test")}
    for pair_id in set(letters) - split_of.keys() - irrelevant:
        if split_by_row[pair_id] in ("train", "validation", "test"):
            assert letters[pair_id] not in held_out

    # No relevant pair that is held out by its hash shares a document with a given training pair.
    if unit != "anchor":
        documents_of_training = {
            everything.document_of_pair[i]
            for i, split in split_of.items()
            if split == "train" and i not in irrelevant
        }
        for pair_id in set(letters) - split_of.keys() - irrelevant:
            if split_by_row[pair_id] in ("validation", "test"):
                assert everything.document_of_pair[pair_id] not in documents_of_training


@pytest.mark.parametrize("giants", ["auto", "train", "cut"])
def test_a_giant_of_other_rows_leaves_given_rows_alone(project, giants):
    """Eighty questions with two of forty documents each hang together; some documents are given too."""
    names = [f"giant {index}" for index in range(40)]
    homes = documents(*((name, text(name)) for name in names))
    free = [
        (f"q{index} {step}", text(f"q{index}"), names[(index + step) % 40])
        for index in range(80)
        for step in (0, 1)
    ]
    others = named("validation", 8) + named("test", 8)
    small = [(f"small {name}", text(f"small {name}"), name) for name in others]
    asked = [(f"given {name}", text(f"v {name}"), name) for name in names[::4]]
    table = with_pairs(*free, *small, *asked, ("given train", text("t"), names[3]))
    everything = pd.concat(
        [DOCUMENTS, homes, documents(*((name, text(name)) for name in others))], ignore_index=True
    )
    labels = [*GIVEN, (p("given train"), "train"), *((p(row[0]), "test") for row in asked)]
    result = run(everything, table, given=labels, giants=giants, max_component_share=0.2)
    assert result.exit_code == 0, result.output
    assert {row_id: splits()[row_id] for row_id, _ in labels} == dict(labels)
    qrels = written(Qrels, "test/qrels")
    assert {d(name) for name in names[::4]} <= set(qrels["doc_id"]), "no answer is masked"
    masked = set(written(Masked, "test/masked")["query_id"])
    queries = written(Queries, "test/queries")
    assert not masked & set(queries.loc[queries["raw"].isin([row[1] for row in asked]), "query_id"])
    assert held_out_anchors_in_training(table) == set()
    assert leaks() == {"leaks": 0}
    # No held-out row of the giant shares a document with training, given or not.
    split_of = splits()
    trained = {
        doc_id
        for pair_id, doc_id in zip(table["pair_id"], table["doc_id"], strict=True)
        if split_of[pair_id] == "train"
    }
    is_free = {p(name) for name, _, _ in free}
    if giants == "cut":
        assert {split_of[row_id] for row_id in is_free} >= {"train", "validation", "test"}
        assert len(written(Masked, "test/masked")), "queries of the giant have masked documents"
    for pair_id, doc_id in zip(table["pair_id"], table["doc_id"], strict=True):
        if pair_id in is_free and split_of[pair_id] in ("validation", "test"):
            assert doc_id not in trained

    # Frozen, everything stays where it is, given rows too.
    before = Path("data/split/splits.parquet").read_bytes()
    assert CliRunner().invoke(freeze_app, []).exit_code == 0
    assert CliRunner().invoke(app, []).exit_code == 0
    assert Path("data/split/splits.parquet").read_bytes() == before

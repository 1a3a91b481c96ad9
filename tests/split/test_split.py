"""What is tied stays together, nothing that existed moves, and the exam is made of real questions."""

import json
import math
from types import SimpleNamespace

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.lib.contracts.fingerprints import Fingerprints
from stages.lib.contracts.made import Made
from stages.lib.contracts.pairs import Pairs
from stages.lib.contracts.splits import HELD_OUT, Splits
from stages.lib.contracts.table import check
from stages.lib.errors import Problem
from stages.lib.text import hash_hex, hash_shingles, normal_form, shingles
from stages.split.assignment import keep_sample
from stages.split.audit import alike, leaks
from stages.split.components import Tie, assign
from stages.split.exam import Labelled, ask, fingerprints, variants
from stages.split.measures import measure
from tests.split.faq import (
    LONG,
    PARAMS,
    aliases,
    assigned,
    d,
    documents,
    named,
    near,
    p,
    pairs,
    rows_of,
    text,
    ties,
)


def tied(found):
    return [(one.left, one.right) for one in found]


# --- what is tied

KINDS = {
    "equal documents": lambda a, b: (
        [text(a), text(a).upper() + "!"],
        [text(a + "?"), text(b + "?")],
        "",
        [],
    ),
    "equal anchors": lambda a, b: (
        [text(a), text(b)],
        [text(a + "?"), text(a + "?") + "?"],
        "",
        [],
    ),
    "anchor equals document": lambda a, b: (
        [text(a), text(b)],
        [text(b).upper(), text(b + "?")],
        "",
        [],
    ),
    "near documents": lambda a, b: (
        [text(a), text(a) + " please"],
        [text(a + "?"), text(b + "?")],
        "",
        [],
    ),
    "near anchors": lambda a, b: (
        [text(a), text(b)],
        [text(a + "?"), text(a + "?") + " please"],
        "",
        [],
    ),
    "shared group": lambda a, b: ([text(a), text(b)], [text(a + "?"), text(b + "?")], a, []),
    "alias": lambda a, b: ([text(a), text(b)], [text(a + "?"), text(b + "?")], "", ["alias"]),
    "near edge": lambda a, b: ([text(a), text(b)], [text(a + "?"), text(b + "?")], "", ["edge"]),
}
SEEN_IN_TEXT = {
    "equal documents",
    "equal anchors",
    "anchor equals document",
    "near documents",
    "near anchors",
}


def planted(each: int = 15):
    """Plant `each` leaks of every kind: two documents with a pair each, and a document that two pairs share.

    Returns the assignment, the anchors and texts, all pairs, and per kind the ids of each leak.
    """
    told, asked, edges, copies = [], [], [], []
    ids: dict[str, list[tuple[str, ...]]] = {"shared document": []}
    for kind, recipe in KINDS.items():
        ids[kind] = []
        for at in range(each):
            a, b = f"{kind} {at} a", f"{kind} {at} b"
            bodies, anchors, group, tied = recipe(a, b)
            told += [(a, bodies[0], group), (b, bodies[1], group)]
            asked += [(a, anchors[0], a), (b, anchors[1], b)]
            copies += [(d(a), d(b))] if "alias" in tied else []
            edges += [(d(a), d(b))] if "edge" in tied else []
            ids[kind].append((d(a), d(b), p(a), p(b)))
    for at in range(each):
        a, b = f"shared {at} a", f"shared {at} b"
        told.append((a, text(a), ""))
        asked += [(a, text(a + "?"), a), (b, text(b + "?"), a)]
        ids["shared document"].append((d(a), p(a), p(b)))
    frame, questions = documents(*told), pairs(*asked)
    found = assigned(frame, questions, PARAMS, edges=near(*edges), copies=aliases(*copies))
    return SimpleNamespace(
        assignment=found, kinds=list(rows_of(frame, questions)[:2]), pairs=questions, ids=ids
    )


def test_planted_leaks_of_every_kind_end_in_one_split():
    world = planted()
    split_of = world.assignment.where()
    for kind, leaked in world.ids.items():
        for members in leaked:
            assert len({split_of[identity] for identity in members}) == 1, kind
            # Near texts that no edge ties may lie in two training components: the audit ties what would leak.
            if not kind.startswith("near ") or kind == "near edge":
                assert (
                    len({world.assignment.component_of[identity] for identity in members}) == 1
                ), kind
    assert leaks(alike(world.kinds, 0.8), split_of) == []
    assert set(split_of.values()) == {"train", "validation", "test"}


def test_in_a_split_by_row_the_audit_finds_every_planted_leak():
    world = planted()
    by_row = {identity: assign(identity, 0.4, 0.3) for identity in world.assignment.component_of}
    found = set(tied(leaks(alike(world.kinds, 0.8), by_row)))
    for kind in SEEN_IN_TEXT:
        at = {
            "equal anchors": (2, 3),
            "near anchors": (2, 3),
            "anchor equals document": (2, 1),
        }.get(kind, (0, 1))
        ends = [tuple(sorted((members[at[0]], members[at[1]]))) for members in world.ids[kind]]
        apart = {
            (a, b)
            for a, b in ends
            if by_row[a] != by_row[b] and {by_row[a], by_row[b]} & {"validation", "test"}
        }
        assert apart and apart <= found, kind
        found -= apart
    assert not found  # and accuses nothing else

    # What is tied by more than text is in no text audit: its components are torn, and counted.
    leaked = [
        members for kind in world.ids if kind not in SEEN_IN_TEXT for members in world.ids[kind]
    ]
    torn_ties = [Tie(members[0], other, "group") for members in leaked for other in members[1:]]
    ids = sorted(by_row)
    components = [world.assignment.component_of[identity] for identity in ids]
    splits = pd.DataFrame(
        {"id": ids, "component_id": components, "split": [by_row[identity] for identity in ids]}
    )
    torn = sum(len({by_row[identity] for identity in members}) > 1 for members in leaked)
    assert torn > 40
    assert (
        measure(world.assignment, torn_ties, splits, world.pairs, world.pairs)["leaked_components"]
        == torn
    )


def test_a_row_is_tied_by_its_text_as_collected_and_as_cleaned():
    raw, clean = (
        documents(("a", "<p>Reset it</p>"), ("b", "reset it")),
        documents(("a", "Reset it"), ("b", "reset it")),
    )
    assert variants((raw, "doc_id", "text"), (clean, "doc_id", "text")) == {
        d("a"): ["<p>Reset it</p>", "Reset it"],
        d("b"): ["reset it"],
    }


def test_groups_tie_within_a_source_only():
    frame = documents(
        ("a", text("a"), "g"), ("b", text("b"), "g"), ("c", text("c"), "g"), ("d", text("d"))
    )
    frame.loc[2, "source"] = "manual"
    assert ties(frame, Pairs.empty()) == [Tie(d("a"), d("b"), "group")]


def test_texts_that_only_the_audit_finds_are_tied_and_told():
    a, b = named("train")[0], named("test")[0]
    frame = documents((a, LONG), (b, LONG + " please"))
    found = assigned(frame, pairs((a, text("1"), a), (b, text("2"), b)), PARAMS)
    assert found.added == [Tie(*sorted([d(a), d(b)]), "near text")]
    assert len(set(found.component_of.values())) == 1


# --- what never moves

POOL = [
    LONG,
    LONG.upper(),
    LONG + " please",
    "Reset it",
    "reset it!",
    "C++",
    "C#",
    *(text(at) for at in range(12)),
]
TOLD = st.lists(
    st.tuples(st.sampled_from(POOL), st.sampled_from(["", "", "", "g", "h"])),
    min_size=1,
    max_size=8,
)
ASKED = st.lists(st.tuples(st.sampled_from(POOL), st.integers(0, 7)), max_size=10)
quick = settings(max_examples=40, deadline=None)


def make(told, asked):
    return (
        documents(*((str(at), *row) for at, row in enumerate(told))),
        pairs(
            *((str(at), anchor, str(about % len(told))) for at, (anchor, about) in enumerate(asked))
        ),
    )


@quick
@given(TOLD, ASKED, st.randoms(use_true_random=False))
def test_no_component_is_torn_nothing_leaks_and_order_changes_nothing(told, asked, chance):
    frame, questions = make(told, asked)
    found = assigned(frame, questions)
    splits = check(keep_sample(found, questions, None), Splits, "splits")
    assert set(splits["id"]) == {*frame["doc_id"], *questions["pair_id"]}
    assert (splits.groupby("component_id")["split"].nunique() == 1).all()
    split_of = found.where()
    assert leaks(alike(rows_of(frame, questions)[:2], 0.8), split_of) == []
    for pair_id, doc_id in zip(questions["pair_id"], questions["doc_id"], strict=True):
        assert found.component_of[pair_id] == found.component_of[doc_id]
        assert split_of[pair_id] != "corpus"
    asked_for = {found.component_of[pair_id] for pair_id in questions["pair_id"]}
    assert {name for name, split in found.split_of.items() if split == "corpus"} == {
        *found.split_of
    } - asked_for

    seed = chance.randrange(2**32)
    shuffled = [
        table.sample(frac=1.0, random_state=seed, ignore_index=True) for table in (frame, questions)
    ]
    again = assigned(*shuffled)
    assert (again.component_of, again.split_of, again.added) == (
        found.component_of,
        found.split_of,
        found.added,
    )


@quick
@given(TOLD, ASKED, st.lists(st.integers(0, 7), max_size=4), st.integers(0, 3))
def test_new_rows_move_nothing_that_existed(told, asked, more, fresh):
    frame, questions = make(told, asked)
    before = assigned(frame, questions)
    # New questions for documents that had some, and new documents, with and without questions.
    known = sorted(
        {
            doc_id
            for doc_id in frame["doc_id"]
            if before.split_of[before.component_of[doc_id]] != "corpus"
        }
    )
    new = pairs(*((f"new {at}", text(f"new question {at}"), f"new {at}") for at in range(fresh)))
    if known:
        extra = pairs(*((f"more {at}", text(f"more {at}"), "") for at in range(len(more))))
        new = pd.concat(
            [new, extra.assign(doc_id=[known[at % len(known)] for at in more]).astype(new.dtypes)]
        )
    grown = documents(*((f"new {at}", text(f"new document {at}")) for at in range(fresh + 1)))
    after = assigned(pd.concat([frame, grown]), pd.concat([questions, new]))
    assert after.where().items() >= before.where().items()
    assert after.component_of.items() >= before.component_of.items()


def test_a_document_without_questions_is_searched_in_and_never_held_out():
    held_out = named("test", 2)
    frame = documents(*((name, text(name)) for name in held_out))
    found = assigned(frame, pairs(("1", "no signal", held_out[0])), PARAMS).where()
    assert found == {d(held_out[0]): "test", p("1"): "test", d(held_out[1]): "corpus"}


@quick
@given(TOLD, ASKED, st.integers(1, 10), st.integers(1, 10))
def test_a_larger_sample_contains_the_smaller_one_and_the_exam_is_complete(told, asked, one, other):
    frame, questions = make(told, asked)
    found = assigned(frame, questions)
    full = keep_sample(found, questions, None).set_index("id")["split"]
    small, large = (
        keep_sample(found, questions, most).set_index("id")["split"]
        for most in (min(one, other), max(one, other))
    )
    assert set(small.index[small == "train"]) <= set(large.index[large == "train"])
    for sampled in (small, large):
        # Only training rows leave, and they become corpus.
        assert set(zip(full[full != sampled], sampled[full != sampled], strict=True)) <= {
            ("train", "corpus")
        }


def test_shares_are_met_within_three_standard_errors():
    count = 3000
    frame = documents(*((str(at), hash_hex(str(at))) for at in range(count)))
    questions = pairs(*((str(at), hash_hex("?", str(at)), str(at)) for at in range(count)))
    found = assigned(frame, questions, PARAMS)
    assert len(found.split_of) == count
    splits = keep_sample(found, questions, 100)
    measured = measure(found, [], splits, questions, questions)
    for name, share in {"train": 0.8, "validation": 0.1, "test": 0.1}.items():
        assert abs(measured[f"{name}_share"] - share) <= 3 * math.sqrt(
            share * (1 - share) / count
        ), name
    # Shares are those of all pairs; what is trained on is the sample.
    assert measured["train_pairs"] == 100
    assert measured["test_pairs"] == round(measured["test_share"] * count)


def test_the_largest_component_is_measured_in_pairs():
    frame = documents(("a", text("a")), ("b", text("b")))
    questions = pairs(
        ("1", text("1"), "a"), ("2", text("2"), "a"), ("3", text("3"), "a"), ("4", text("4"), "b")
    )
    found = assigned(frame, questions)
    measured = measure(found, [], keep_sample(found, questions, None), questions, questions)
    assert {key: measured[key] for key in ("components", "largest_component_share")} == {
        "components": 2,
        "largest_component_share": 0.75,
    }


# --- the exam


UNLABELLED = Labelled(documents(("a", "any")), Made.empty())


def splits_of(**split: str) -> pd.DataFrame:
    return pd.DataFrame(
        {"id": [p(name) for name in split], "component_id": d("c"), "split": list(split.values())}
    )


def test_questions_are_scored_as_cleaned_and_raw_where_cleaning_dropped_them():
    asked = pairs(("v", "<b>No</b> signal", "a"), ("e", "??", "b"), ("t", "no sound", "c"))
    splits = splits_of(v="validation", e="test", t="train")
    sets = ask(asked, {p("v"): "No signal", p("t"): "no sound"}, splits, UNLABELLED)
    assert sets["validation"][0][["raw", "text"]].to_numpy().tolist() == [
        ["<b>No</b> signal", "No signal"]
    ]
    assert sets["test"][0][["raw", "text"]].to_numpy().tolist() == [["??", "??"]]
    assert sets["test"][1]["doc_id"].tolist() == [d("b")]


@pytest.mark.parametrize("empty", HELD_OUT)
def test_an_empty_held_out_split_is_a_problem(empty):
    other = {"validation": "test", "test": "validation"}[empty]
    with pytest.raises(Problem, match=f"the 2 collected pairs leave the {empty} split empty"):
        ask(
            pairs(("1", "no signal", "a"), ("2", "dark", "b")),
            {},
            splits_of(**{"1": other, "2": "train"}),
            UNLABELLED,
        )


def test_questions_that_nothing_answers_do_not_fill_a_split():
    asked = pd.concat([pairs(("1", "no signal", "a")), pairs(("2", "dark", "b"), score=0.0)])
    with pytest.raises(Problem, match="leave the test split empty"):
        ask(asked, {}, splits_of(**{"1": "validation", "2": "test"}), UNLABELLED)


def test_fingerprints_know_every_held_out_text_and_hold_none():
    anchors = {
        p("v"): ["<b>Secret</b> anchor", "Secret anchor", "secret  anchor!"],
        p("t"): ["Trained anchor"],
    }
    texts = {d("e"): ["Confidential document"], d("c"): ["Corpus document"]}
    split_of = {p("v"): "validation", p("t"): "train", d("e"): "test", d("c"): "corpus"}
    found = check(fingerprints([anchors, texts], split_of), Fingerprints, "fingerprints")
    expected = [
        (identity, split_of[identity], hash_hex(normal_form(body)), hash_shingles(shingles(body)))
        for identity, body in [
            (p("v"), "<b>Secret</b> anchor"),
            (p("v"), "Secret anchor"),
            (d("e"), "Confidential document"),
        ]
    ]
    rows = list(found.itertuples(index=False, name=None))
    assert sorted(rows) == sorted(expected)
    kept = json.dumps(rows).lower()
    assert not [word for word in ("secret", "anchor", "confidential", "document") if word in kept]


def test_without_held_out_texts_there_are_no_fingerprints():
    assert (
        len(check(fingerprints([{p("t"): ["a"]}], {p("t"): "train"}), Fingerprints, "fingerprints"))
        == 0
    )

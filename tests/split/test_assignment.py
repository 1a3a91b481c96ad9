"""Components stay in one split, and new rows move no row that existed."""

from types import SimpleNamespace

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from stages.lib.core.tables import check_table
from stages.lib.schemas.splits import Splits
from stages.lib.text.matches import match_texts
from stages.split.assignment import sample_training
from stages.split.components import Edge, split_of_component
from stages.split.leakage import find_leaks
from stages.split.metrics import split_metrics
from tests.properties import examples
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
)


def edge_ends(assignment):
    return [(edge.left, edge.right) for edge in assignment]


# --- planted leaks

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


def plant_leaks(each: int = 15):
    """Plant `each` leaks of every kind: two documents with a pair each, and a document that two pairs share.

    Returns the assignment, the anchors and texts, all pairs, and per kind the ids of each leak.
    """
    document_rows, pair_rows, near_pairs, alias_pairs = [], [], [], []
    ids: dict[str, list[tuple[str, ...]]] = {"shared document": []}
    for kind, make_texts in KINDS.items():
        ids[kind] = []
        for index in range(each):
            a, b = f"{kind} {index} a", f"{kind} {index} b"
            bodies, anchors, group, edge_ends = make_texts(a, b)
            document_rows += [(a, bodies[0], group), (b, bodies[1], group)]
            pair_rows += [(a, anchors[0], a), (b, anchors[1], b)]
            alias_pairs += [(d(a), d(b))] if "alias" in edge_ends else []
            near_pairs += [(d(a), d(b))] if "edge" in edge_ends else []
            ids[kind].append((d(a), d(b), p(a), p(b)))
    for index in range(each):
        a, b = f"shared {index} a", f"shared {index} b"
        document_rows.append((a, text(a), ""))
        pair_rows += [(a, text(a + "?"), a), (b, text(b + "?"), a)]
        ids["shared document"].append((d(a), p(a), p(b)))
    document_table = documents(*document_rows)
    pair_table = pairs(*pair_rows)
    assignment = assigned(
        document_table,
        pair_table,
        PARAMS,
        near_duplicates=near(*near_pairs),
        alias_table=aliases(*alias_pairs),
    )
    return SimpleNamespace(
        assignment=assignment,
        kinds=list(rows_of(document_table, pair_table)[:2]),
        pairs=pair_table,
        ids=ids,
    )


def test_planted_leaks_of_every_kind_end_in_one_split():
    planted_data = plant_leaks()
    split_of = planted_data.assignment.split_by_row()
    for kind, leaked in planted_data.ids.items():
        for members in leaked:
            assert len({split_of[identity] for identity in members}) == 1, kind
            components = {planted_data.assignment.component_of[identity] for identity in members}
            assert len(components) == 1, kind
    assert find_leaks(match_texts(planted_data.kinds, 0.8), split_of) == []
    assert set(split_of.values()) == {"train", "validation", "test"}


def test_in_a_split_by_row_the_audit_finds_every_planted_leak():
    planted_data = plant_leaks()
    by_row = {
        identity: split_of_component(identity, 0.4, 0.3)
        for identity in planted_data.assignment.component_of
    }
    leaks = set(edge_ends(find_leaks(match_texts(planted_data.kinds, 0.8), by_row)))
    for kind in SEEN_IN_TEXT:
        left, right = {
            "equal anchors": (2, 3),
            "near anchors": (2, 3),
            "anchor equals document": (2, 1),
        }.get(kind, (0, 1))
        ends = [
            tuple(sorted((members[left], members[right]))) for members in planted_data.ids[kind]
        ]
        apart = {
            (a, b)
            for a, b in ends
            if by_row[a] != by_row[b] and {by_row[a], by_row[b]} & {"validation", "test"}
        }
        assert apart and apart <= leaks, kind
        leaks -= apart
    assert not leaks  # and nothing else is reported

    # The audit of texts cannot see other edges. The components that they leave are counted.
    leaked = [
        members
        for kind in planted_data.ids
        if kind not in SEEN_IN_TEXT
        for members in planted_data.ids[kind]
    ]
    group_edges = [Edge(members[0], other, "group") for members in leaked for other in members[1:]]
    ids = sorted(by_row)
    components = [planted_data.assignment.component_of[identity] for identity in ids]
    splits = pd.DataFrame(
        {"id": ids, "component_id": components, "split": [by_row[identity] for identity in ids]}
    )
    torn = sum(len({by_row[identity] for identity in members}) > 1 for members in leaked)
    assert torn > 40
    assert (
        split_metrics(
            planted_data.assignment,
            group_edges,
            splits,
            every_pair=planted_data.pairs,
            built_pairs=planted_data.pairs,
        )["leaked_components"]
        == torn
    )


def test_near_texts_have_an_edge_whatever_splits_they_would_fall_into():
    train, test = named("train", 2), named("test")
    for a, b in (train, (train[0], test[0])):
        document_table = documents((a, LONG), (b, LONG + " please"))
        pair_table = pairs((a, text("1"), a), (b, text("2"), b))
        assignment = assigned(document_table, pair_table, PARAMS)
        assert Edge(*sorted([d(a), d(b)]), "near text") in assignment.edges
        assert len(set(assignment.component_of.values())) == 1


def test_an_anchor_near_another_document_ties_and_one_near_its_own_adds_no_edge():
    a, b = named("train")[0], named("test")[0]
    document_table = documents((a, text(a)), (b, LONG))
    pair_table = pairs((a, LONG + " please", a), (b, LONG + " soon", b))
    assignment = assigned(document_table, pair_table, PARAMS)
    kinds = {edge.ends: edge.kind for edge in assignment.edges if "text" in edge.kind}
    assert kinds == {(d(b), p(a)): "near text"}
    assert len(set(assignment.component_of.values())) == 1


# --- what never moves

POOL = [
    LONG,
    LONG.upper(),
    LONG + " please",
    "Reset it",
    "reset it!",
    "C++",
    "C#",
    *(text(index) for index in range(12)),
]
DOCUMENT_ROWS = st.lists(
    st.tuples(st.sampled_from(POOL), st.sampled_from(["", "", "", "g", "h"])),
    min_size=1,
    max_size=8,
)
PAIR_ROWS = st.lists(st.tuples(st.sampled_from(POOL), st.integers(0, 7)), max_size=10)
quick = examples(40)


def make(document_rows, pair_rows):
    return (
        documents(*((str(index), *row) for index, row in enumerate(document_rows))),
        pairs(
            *(
                (str(index), anchor, str(about % len(document_rows)))
                for index, (anchor, about) in enumerate(pair_rows)
            )
        ),
    )


@quick
@given(DOCUMENT_ROWS, PAIR_ROWS, st.randoms(use_true_random=False))
def test_components_have_one_split_no_leak_and_ignore_order(document_rows, pair_rows, random):
    document_table, pair_table = make(document_rows, pair_rows)
    assignment = assigned(document_table, pair_table)
    splits = check_table(sample_training(assignment, pair_table, None), Splits, "splits")
    assert set(splits["id"]) == {*document_table["doc_id"], *pair_table["pair_id"]}
    assert (splits.groupby("component_id")["split"].nunique() == 1).all()
    split_of = assignment.split_by_row()
    assert find_leaks(match_texts(rows_of(document_table, pair_table)[:2], 0.8), split_of) == []
    for pair_id, doc_id in zip(pair_table["pair_id"], pair_table["doc_id"], strict=True):
        assert assignment.component_of[pair_id] == assignment.component_of[doc_id]
        assert split_of[pair_id] != "corpus"
    asked_for = {assignment.component_of[pair_id] for pair_id in pair_table["pair_id"]}
    assert {name for name, split in assignment.split_of.items() if split == "corpus"} == {
        *assignment.split_of
    } - asked_for

    seed = random.randrange(2**32)
    shuffled = [
        table.sample(frac=1.0, random_state=seed, ignore_index=True)
        for table in (document_table, pair_table)
    ]
    again = assigned(*shuffled)
    assert (again.component_of, again.split_of, again.edges) == (
        assignment.component_of,
        assignment.split_of,
        assignment.edges,
    )


@quick
@given(DOCUMENT_ROWS, PAIR_ROWS, st.lists(st.integers(0, 7), max_size=4), st.integers(0, 3))
def test_new_rows_move_nothing_that_existed(document_rows, pair_rows, more, fresh):
    document_table, pair_table = make(document_rows, pair_rows)
    before = assigned(document_table, pair_table)
    # New questions for documents that had some, and new documents, with and without questions.
    known = sorted(
        {
            doc_id
            for doc_id in document_table["doc_id"]
            if before.split_of[before.component_of[doc_id]] != "corpus"
        }
    )
    new = pairs(
        *((f"new {index}", text(f"new question {index}"), f"new {index}") for index in range(fresh))
    )
    if known:
        extra = pairs(*((f"more {index}", text(f"more {index}"), "") for index in range(len(more))))
        new = pd.concat(
            [
                new,
                extra.assign(doc_id=[known[index % len(known)] for index in more]).astype(
                    new.dtypes
                ),
            ]
        )
    grown = documents(
        *((f"new {index}", text(f"new document {index}")) for index in range(fresh + 1))
    )
    after = assigned(pd.concat([document_table, grown]), pd.concat([pair_table, new]))
    assert after.split_by_row().items() >= before.split_by_row().items()
    assert after.component_of.items() >= before.component_of.items()


def test_a_document_without_pairs_is_corpus_and_never_held_out():
    held_out = named("test", 2)
    document_table = documents(*((name, text(name)) for name in held_out))
    assignment = assigned(
        document_table, pairs(("1", "no signal", held_out[0])), PARAMS
    ).split_by_row()
    assert assignment == {d(held_out[0]): "test", p("1"): "test", d(held_out[1]): "corpus"}


@quick
@given(DOCUMENT_ROWS, PAIR_ROWS, st.integers(1, 10), st.integers(1, 10))
def test_a_larger_sample_contains_the_smaller_one_of_training(
    document_rows, pair_rows, edge, other
):
    document_table, pair_table = make(document_rows, pair_rows)
    assignment = assigned(document_table, pair_table)
    full = sample_training(assignment, pair_table, None).set_index("id")["split"]
    small, large = (
        sample_training(assignment, pair_table, most).set_index("id")["split"]
        for most in (min(edge, other), max(edge, other))
    )
    assert set(small.index[small == "train"]) <= set(large.index[large == "train"])
    for sampled in (small, large):
        # Only training rows leave, and they become corpus.
        assert set(zip(full[full != sampled], sampled[full != sampled], strict=True)) <= {
            ("train", "corpus")
        }

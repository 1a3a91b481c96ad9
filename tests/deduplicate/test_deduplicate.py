"""The command: copies go, what says something else stays, and every row has its line."""

from pathlib import Path

import pandas as pd
import pytest
from ruamel.yaml import YAML
from typer.testing import CliRunner

from stages.deduplicate.__main__ import app
from stages.deduplicate.representatives import DuplicateEdge
from stages.lib.core import tables
from stages.lib.reporting.details import read_details
from stages.lib.schemas.documents import Documents
from stages.lib.schemas.duplicates import Aliases, NearDuplicates
from stages.lib.schemas.ledger import Ledger
from stages.lib.schemas.pairs import PairGrades, Pairs
from stages.lib.schemas.reviews import NEAR_EDGES
from tests.deduplicate.rows import d, documents, p, pairs

LONG = "hold the small button on the back of the router for ten seconds"


def rows(frame: pd.DataFrame) -> list[tuple]:
    return [(row.pair_id, row.anchor, row.doc_id, row.score) for row in frame.itertuples()]


def typed(records, table) -> pd.DataFrame:
    return pd.DataFrame(records, columns=list(table.empty().columns)).astype(
        table.empty().dtypes.to_dict()
    )


def run(frame: pd.DataFrame, pair_frame: pd.DataFrame, grades=(), verdicts=(), **changed: object):
    params, yaml = Path("params.yaml"), YAML()
    values = yaml.load(params.read_text("utf-8"))
    values["deduplicate"].update(changed)
    with params.open("w", encoding="utf-8") as out:
        yaml.dump(values, out)
    tables.write(frame, Path("data/clean/documents.parquet"), Documents)
    tables.write(pair_frame, Path("data/clean/pairs.parquet"), Pairs)
    tables.write(
        typed(grades, PairGrades) if grades else PairGrades.empty(),
        Path("data/collect/grades.parquet"),
        PairGrades,
    )
    review = Path("data/review/near_edges.csv")
    review.parent.mkdir(parents=True, exist_ok=True)
    lines = [
        f"{left},{right},{verdict},{''.join(judge)}," for left, right, verdict, *judge in verdicts
    ]
    review.write_text("\n".join([",".join(NEAR_EDGES), *lines]) + "\n", "utf-8")
    return CliRunner().invoke(app, [])


def written(table, name):
    return tables.read(Path(f"data/deduplicate/{name}.parquet"), table)


def test_the_command_drops_copies_and_links_what_is_near(project):
    frame = documents(
        ("a", "hpo", "Reset it", "Reset", "devices"),
        ("b", "faq", "reset it!"),
        ("c", "hpo", "RESET IT", "Restart"),
        ("d", "faq", LONG),
        ("e", "faq", LONG + " firmly"),
    )
    pair_frame = pairs(
        ("1", "no signal", "a", 1.0),
        ("2", "No signal", "b", 0.5),
        ("3", "no sound", "b", 1.0),
        ("4", "dark", "d", 1.0),
    )
    result = run(frame, pair_frame, near_threshold=0.8, authoritative=["hpo"])
    assert (result.exit_code, result.output) == (0, "")
    assert written(Aliases, "aliases").to_dict("records") == [{"doc_id": d("b"), "kept_id": d("a")}]
    assert set(written(Documents, "documents")["doc_id"]) == {d("a"), d("c"), d("d"), d("e")}
    assert sorted(rows(written(Pairs, "pairs"))) == sorted(
        [
            (p("1"), "no signal", d("a"), 1.0),
            (p("3"), "no sound", d("a"), 1.0),
            (p("4"), "dark", d("d"), 1.0),
        ]
    )
    near = written(NearDuplicates, "near_duplicates")
    assert sorted(zip(near["left_id"], near["right_id"], near["rule"], strict=True)) == sorted(
        [
            (d("b"), d("a"), "equal"),  # b has the smallest id
            (d("b"), d("c"), "equal"),
            (*sorted([p("1"), p("2")]), "equal"),
            (*sorted([d("d"), d("e")]), "near"),
        ]
    )
    ledger = written(Ledger, "ledger")
    assert sorted(
        zip(ledger["row_id"], ledger["action"], ledger["partner_id"], strict=True)
    ) == sorted(
        [
            (d("b"), "drop", d("a")),
            (p("2"), "repoint", d("a")),
            (p("2"), "drop", p("1")),
            (p("3"), "repoint", d("a")),
        ]
    )
    assert read_details(Path("metrics/details/deduplicate.json")) == {
        "dropped.near_copy": 0,
        "dropped.semantic_copy": 0,
        "dropped.judged_copy": 0,
        "pairs.dropped.near_pair": 0,
        "pairs.dropped.judged_pair": 0,
        "semantic_edges": 0,
        "crowd_texts": 0,
        "rows_in": 5,
        "rows_out": 4,
        "dropped.exact_copy": 1,
        "pairs.rows_in": 4,
        "pairs.rows_out": 3,
        "pairs.dropped.duplicate_pair": 1,
        "near_edges": 1,
        "equal_edges": 3,
        "unsupported_drops": 0,
        "dangling_pairs": 0,
        "relabelled_pairs": 0,
    }


@pytest.mark.slow
def test_documents_without_pairs_pass(project):
    result = run(documents(("a", "faq", "Reset it"), ("b", "faq", "reset it")), Pairs.empty())
    assert (result.exit_code, result.output) == (0, "")
    assert len(written(Documents, "documents")) == 1
    assert len(written(Pairs, "pairs")) == 0
    assert list(written(NearDuplicates, "near_duplicates")["rule"]) == ["equal"]


EMPTY = ("c", "faq", f"please {LONG}")
OTHER = ("d", "faq", LONG.replace("back", "front"))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("near", "stay", "relabelled"),
    [("link", "abcd", 0), ("drop_empty_difference", "acd", 0), ("drop", "ac", 1)],
)
def test_near_decides_which_near_duplicates_are_dropped(project, near, stay, relabelled):
    frame = documents(("a", "faq", "Reset it"), ("b", "faq", LONG), EMPTY, OTHER)
    result = run(frame, pairs(("1", "no signal", "d", 1.0)), near=near, near_threshold=0.5)
    assert (result.exit_code, result.output) == (0, "")
    assert set(written(Documents, "documents")["doc_id"]) == {d(name) for name in stay}
    details = read_details(Path("metrics/details/deduplicate.json"))
    assert (details["relabelled_pairs"], details["unsupported_drops"], details["near_edges"]) == (
        relabelled,
        0,
        3,
    )
    assert details["dropped.near_copy"] == 4 - len(stay)


@pytest.mark.slow
def test_semantic_duplicates_are_flagged_or_dropped(project):
    frame = documents(
        ("a", "faq", "How can I reset my password?"), ("b", "faq", "How do I reset my password?")
    )
    for semantic, stay in (("flag", 2), ("drop", 1)):
        result = run(frame, Pairs.empty(), semantic=semantic, semantic_threshold=0.9)
        assert (result.exit_code, result.output) == (0, "")
        assert len(written(Documents, "documents")) == stay
        ledger = written(Ledger, "ledger")
        assert list(ledger.loc[ledger["action"] == "note", "reason"]) == ["semantic_duplicate"]
        details = read_details(Path("metrics/details/deduplicate.json"))
        assert (details["semantic_edges"], details["dropped.semantic_copy"]) == (1, 2 - stay)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"near_threshold": 0.3}, "deduplicate.near_threshold"),
        ({"near_threshold": "0.8"}, "deduplicate.near_threshold"),
        ({"authoritative": "hpo"}, "deduplicate.authoritative"),
        ({"authorative": ["hpo"]}, "unknown key deduplicate.authorative"),
    ],
)
def test_a_bad_parameter_is_a_short_error_and_writes_nothing(project, changed, message):
    result = run(documents(("a", "faq", "Reset it")), Pairs.empty(), **changed)
    assert result.exit_code == 1
    assert message in result.stderr
    assert len(result.output.splitlines()) <= 10
    assert not Path("data/deduplicate").exists() and not Path("metrics").exists()


@pytest.mark.slow
def test_the_copies_in_a_crowd_are_dropped_and_supported(project):
    # Six hundred texts of one template. The first hundred have a copy with a stop word more.
    template = " ".join(f"word{number}" for number in range(40))
    texts = [f"{template} in case {number} alone" for number in range(600)]
    texts += [f"{template} in the case {number} alone" for number in range(100)]
    frame = documents(*[(str(index), "faq", text) for index, text in enumerate(texts)])
    result = run(frame, pairs(("1", "no signal", "1", 1.0)), near="drop_empty_difference")
    assert (result.exit_code, result.output) == (0, "")

    details = read_details(Path("metrics/details/deduplicate.json"))
    assert details["crowd_texts"] == 700
    assert details["near_edges"] == 699
    assert (details["dropped.near_copy"], details["unsupported_drops"]) == (100, 0)


# --- what people said of near-duplicates

STARTS = "the device starts again when you hold the button for ten seconds and then wait"
BOOTS = STARTS.replace("starts", "boots")
NO_BUTTON = "the device has no button any more"


def run_judged(*verdicts, documents_of=(STARTS, BOOTS), **changed):
    """Return the dropped rows with reason and partner, for two documents and three pairs."""
    frame = documents(("a", "faq", documents_of[0], "title"), ("b", "faq", documents_of[1]))
    asked = pairs(
        ("1", "how do I restart it when it hangs at night", "a", 1.0),
        ("2", "how do I restart it when it freezes at night", "a", 0.5),
        ("3", "how can it be restarted", "b", 1.0),
    )
    result = run(frame, asked, verdicts=verdicts, near_threshold=0.6, **changed)
    assert (result.exit_code, result.output) == (0, "")
    ledger = written(Ledger, "ledger")
    drops = ledger[ledger["action"] == "drop"]
    details = read_details(Path("metrics/details/deduplicate.json"))
    counts = [details[key] for key in ("unsupported_drops", "dangling_pairs", "relabelled_pairs")]
    return sorted(zip(drops["row_id"], drops["reason"], drops["partner_id"], strict=True)), counts


def test_without_a_verdict_texts_that_differ_in_a_word_stay(project):
    assert run_judged() == ([], [0, 0, 0])


@pytest.mark.parametrize("verdict", [(d("a"), d("b"), "yes"), (d("b"), d("a"), "yes")])
@pytest.mark.parametrize("near", ["link", "drop_empty_difference"])
def test_documents_that_a_person_calls_the_same_are_one(project, verdict, near):
    drops, violations = run_judged(verdict, near=near)
    assert drops == [(d("b"), "judged_copy", d("a"))]
    assert violations == [0, 0, 0]
    kept = written(Pairs, "pairs")
    assert dict(zip(kept["pair_id"], kept["doc_id"], strict=True)) == dict.fromkeys(
        (p("1"), p("2"), p("3")), d("a")
    )
    details = read_details(Path("metrics/details/deduplicate.json"))
    assert details["dropped.judged_copy"] == 1


def test_documents_that_a_person_calls_different_both_stay(project):
    drops, _ = run_judged(near="drop")
    assert (d("b"), "near_copy", d("a")) in drops
    drops, violations = run_judged((d("a"), d("b"), "no"), near="drop")
    assert not [row for row in drops if row[0] in (d("a"), d("b"))]
    assert violations == [0, 0, 0]


def test_pairs_of_one_document_that_a_person_calls_the_same_are_one(project):
    drops, violations = run_judged((p("2"), p("1"), "yes"))
    assert drops == [(p("2"), "judged_pair", p("1"))]
    assert violations == [0, 0, 0]


def test_pairs_of_two_documents_are_never_one(project):
    assert run_judged((p("1"), p("3"), "yes")) == ([], [0, 0, 0])


def test_a_verdict_on_a_text_that_has_changed_says_nothing(project):
    changed = run_judged((d("a"), d("b"), "yes"), documents_of=(STARTS, NO_BUTTON))
    assert changed == ([], [0, 0, 0])


def test_people_who_disagree_decide_nothing(project):
    verdicts = [(d("a"), d("b"), "yes", "ann"), (d("a"), d("b"), "no", "ben")]
    assert run_judged(*verdicts) == ([], [0, 0, 0])
    drops, _ = run_judged(*verdicts, (d("a"), d("b"), "yes", "agreed"))
    assert drops == [(d("b"), "judged_copy", d("a"))]


def test_a_rule_that_follows_no_verdict_is_caught(project, monkeypatch):
    """The guard looks the verdict up by itself: a drop without one is not supported."""
    monkeypatch.setattr(
        "stages.deduplicate.__main__.judged_edges",
        lambda edges, documents_of_text, *_, **__: [
            *edges,
            DuplicateEdge(d("a"), d("b"), "judged_copy", 1.0),
        ],
    )
    assert run_judged() == ([(d("b"), "judged_copy", d("a"))], [1, 0, 0])

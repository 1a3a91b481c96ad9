"""Copies go, what says something else stays, and no pair loses its answer."""

import json
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML
from typer.testing import CliRunner

from stages.deduplicate import app, count_faults, find_copies, repoint, text_key
from stages.lib import tables
from stages.lib.contracts.aliases import Aliases
from stages.lib.contracts.documents import Documents
from stages.lib.contracts.ledger import Ledger as LedgerTable
from stages.lib.contracts.near import Near
from stages.lib.contracts.pairs import Pairs
from stages.lib.ledger import Ledger
from stages.lib.text import hash_hex, normal_form

ROOT = Path(__file__).parents[1]
LONG = "hold the small button on the back of the router for ten seconds"


def d(name: str) -> str:
    return "d" + hash_hex(name)


def p(name: str) -> str:
    return "p" + hash_hex(name)


def documents(*rows: tuple[str, ...]) -> pd.DataFrame:
    """Make documents of (name, source, text) and, where given, title, topic and group."""
    made = []
    for name, source, text, *more in rows:
        title, topic, group = [*more, "", "", ""][:3]
        made.append((d(name), source, title, text, topic, group))
    return pd.DataFrame(made, columns=list(Documents.empty().columns)).astype(Documents.empty().dtypes.to_dict())


def pairs(*rows: tuple[str, str, str, float]) -> pd.DataFrame:
    """Make pairs of (name, anchor, name of the document, score)."""
    made = [(p(name), anchor, d(document), "exact", score, "faq") for name, anchor, document, score in rows]
    return pd.DataFrame(made, columns=list(Pairs.empty().columns)).astype(Pairs.empty().dtypes.to_dict())


def copies(frame: pd.DataFrame, *authoritative: str) -> dict[str, str]:
    """Return dropped id to kept id, as the engine would have it found."""
    (found,) = find_copies(frozenset(authoritative), frame.assign(group_key=text_key(frame)))
    return dict(zip(found["doc_id"], found["kept_id"], strict=True))


def rows(frame: pd.DataFrame) -> list[tuple]:
    return [(row.pair_id, row.anchor, row.doc_id, row.score) for row in frame.itertuples()]


def lines(ledger: Ledger) -> list[tuple[str, ...]]:
    frame = ledger.frame()
    return sorted(zip(frame["row_id"], frame["action"], frame["reason"], frame["partner_id"], strict=True))


def test_texts_are_copies_when_they_are_equal_but_for_case_punctuation_and_spacing():
    frame = documents(("a", "faq", "Reset it, please!"), ("b", "faq", "reset  it please"), ("c", "faq", "Reset him"))
    assert copies(frame) == {d("b"): d("a")}


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("Upper extremity hypokinesia", "Lower extremity hypokinesia"),
        ("CD4+ T cells", "CD4- T cells"),
        ("Significant (p < 0.05)", "Significant (p > 0.05)"),
        ("How to start with C++", "How to start with C#"),
        ("Keep it at -5 degrees", "Keep it at 5 degrees"),
    ],
)
def test_what_says_something_else_is_no_copy(left, right):
    assert copies(documents(("a", "faq", left), ("b", "faq", right))) == {}


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        (("hpo", "reset it"), ("faq", "Reset it!!!", "title", "topic", "group")),  # authoritative before complete
        (("faq", "reset it", "title"), ("faq", "Reset it!!!")),  # complete before long
        (("faq", "reset it", "", "topic", "group"), ("faq", "Reset it!!!", "title")),
        (("faq", "Reset it!"), ("faq", "reset it")),  # the longer text
    ],
)
@pytest.mark.parametrize("names", ["ab", "ba"])
def test_the_best_copy_is_kept(better, worse, names):
    kept, dropped = names
    assert copies(documents((kept, *better), (dropped, *worse)), "hpo") == {d(dropped): d(kept)}


def test_of_copies_that_are_equally_good_the_smallest_hash_of_the_id_is_kept():
    names = ["a", "b", "c", "d", "e"]
    kept = min(names, key=lambda name: hash_hex(d(name)))
    found = copies(documents(*((name, "faq", "reset it") for name in names)))
    assert found == {d(name): d(kept) for name in names if name != kept}


def test_an_authoritative_source_keeps_documents_of_equal_text_apart():
    frame = documents(("a", "hpo", "Short stature."), ("b", "hpo", "short stature"), ("c", "faq", "Short stature!?"))
    assert copies(frame, "hpo") == {d("c"): d("a")}
    assert copies(frame) == {d("a"): d("c"), d("b"): d("c")}


def test_a_second_authoritative_source_keeps_its_documents_too():
    frame = documents(("a", "hpo", "Short stature."), ("b", "orpha", "short stature"), ("c", "orpha", "Short stature"))
    assert copies(frame, "hpo", "orpha") == {}


def test_a_pair_of_a_dropped_copy_names_the_kept_document():
    ledger = Ledger()
    found = repoint(
        pairs(("1", "no signal", "copy", 1.0), ("2", "no sound", "other", 0.5)), {d("copy"): d("a")}, ledger
    )
    assert rows(found) == [(p("1"), "no signal", d("a"), 1.0), (p("2"), "no sound", d("other"), 0.5)]
    (line,) = ledger.frame().to_dict("records")
    assert (line["row_id"], line["action"], line["field"]) == (p("1"), "repoint", "doc_id")
    assert (line["before"], line["after"]) == (d("copy"), d("a"))


def test_pairs_that_came_to_say_the_same_are_merged_and_the_best_score_stays():
    ledger = Ledger()
    frame = pairs(("1", "No signal", "a", 0.5), ("2", "no signal?", "copy", 1.0))
    assert rows(repoint(frame, {d("copy"): d("a")}, ledger)) == [(p("2"), "no signal?", d("a"), 1.0)]
    assert lines(ledger) == sorted(
        [(p("2"), "repoint", "exact_copy", d("a")), (p("1"), "drop", "duplicate_pair", p("2"))]
    )


def test_of_pairs_with_one_score_the_smallest_hash_of_the_id_stays():
    names = ["1", "2", "3", "4"]
    kept = min(names, key=lambda name: hash_hex(p(name)))
    found = repoint(pairs(*((name, "no signal", "a", 1.0) for name in names)), {}, Ledger())
    assert list(found["pair_id"]) == [p(kept)]


def test_an_anchor_keeps_all_documents_that_answer_it():
    frame = pairs(("1", "no signal", "a", 1.0), ("2", "No signal", "b", 1.0), ("3", "no signal", "copy of b", 1.0))
    found = repoint(frame, {d("copy of b"): d("b")}, Ledger())
    assert sorted(found["doc_id"]) == sorted([d("a"), d("b")])


def test_each_fault_is_counted():
    frame = documents(("a", "faq", "reset it"), ("b", "faq", "Reset it"), ("c", "faq", "call us"))
    before = pairs(("1", "broken", "b", 1.0), ("2", "help", "c", 1.0))
    sound = pairs(("1", "broken", "a", 1.0), ("2", "help", "c", 1.0))
    none = {"unsupported_drops": 0, "dangling_pairs": 0, "relabelled_pairs": 0}
    assert count_faults(frame, {d("b"): d("a")}, before, sound) == none
    # Dropped for a document that says something else.
    assert count_faults(frame, {d("b"): d("c")}, before, sound) == {**none, "unsupported_drops": 1}
    # Dropped for one that is dropped itself: two drops, and the other one stands on nothing else either.
    assert count_faults(frame, {d("b"): d("a"), d("a"): d("b")}, sound.iloc[1:], sound.iloc[1:]) == {
        **none,
        "unsupported_drops": 2,
    }
    # Left on the dropped copy.
    assert count_faults(frame, {d("b"): d("a")}, before, before) == {**none, "dangling_pairs": 1}
    # Sent to another answer.
    wrong = pairs(("1", "broken", "c", 1.0), ("2", "help", "c", 1.0))
    assert count_faults(frame, {d("b"): d("a")}, before, wrong) == {**none, "relabelled_pairs": 1}


TEXTS = st.sampled_from(["Reset it", "reset it!", "RESET  it", "Call us", "call us.", "p < 0.05", "p > 0.05"])
DOCUMENTS = st.lists(
    st.tuples(st.sampled_from(["faq", "hpo", "orpha"]), TEXTS, st.sampled_from(["", "Title"])), min_size=1, max_size=8
)
PAIRS = st.lists(
    st.tuples(
        st.sampled_from(["no signal", "No signal?", "no sound", "C++", "C#"]),
        st.integers(0, 7),
        st.sampled_from([0.5, 1.0]),
    ),
    max_size=10,
)


def make(made, asked):
    frame = documents(*((str(at), *row) for at, row in enumerate(made)))
    return frame, pairs(
        *((str(at), anchor, str(document % len(made)), score) for at, (anchor, document, score) in enumerate(asked))
    )


def deduplicated(frame, asked, *authoritative):
    """Return aliases, kept documents, kept pairs (in order of their ids) and the ledger."""
    kept, ledger = copies(frame, *authoritative), Ledger()
    found = repoint(asked, kept, ledger).sort_values("pair_id", ignore_index=True)
    return kept, frame[~frame["doc_id"].isin(kept)], found, ledger


@settings(max_examples=60, deadline=None)
@given(DOCUMENTS, PAIRS, st.randoms(use_true_random=False))
def test_the_order_of_the_input_changes_nothing(made, asked, chance):
    frame, asked = make(made, asked)
    kept, _, found, ledger = deduplicated(frame, asked, "hpo")
    seed = chance.randrange(2**32)
    shuffled = [table.sample(frac=1.0, random_state=seed, ignore_index=True) for table in (frame, asked)]
    again, _, found_again, ledger_again = deduplicated(*shuffled, "hpo")
    assert again == kept
    pd.testing.assert_frame_equal(found_again, found)
    assert lines(ledger_again) == lines(ledger)


@settings(max_examples=60, deadline=None)
@given(DOCUMENTS)
@example([("hpo", "Reset it", "Title"), ("orpha", "reset it!", ""), ("orpha", "RESET  it", "")])
def test_a_dropped_document_has_a_kept_partner_that_says_the_same(made):
    frame, _ = make(made, [])
    kept = copies(frame, "hpo", "orpha")
    texts, sources = (dict(zip(frame["doc_id"], frame[column], strict=True)) for column in ("text", "source"))
    for gone, partner in kept.items():
        assert partner in texts and partner not in kept
        assert normal_form(texts[gone]) == normal_form(texts[partner])
        assert sources[gone] == "faq"  # the others are authoritative: all their documents stay
    standing = [(normal_form(texts[doc_id]), sources[doc_id]) for doc_id in texts if doc_id not in kept]
    faq = [form for form, source in standing if source == "faq"]
    assert len(faq) == len(set(faq))
    assert not set(faq) & {form for form, source in standing if source != "faq"}


@settings(max_examples=60, deadline=None)
@given(DOCUMENTS, PAIRS)
def test_every_pair_keeps_its_answer_or_has_a_partner_that_gives_it(made, asked):
    frame, asked = make(made, asked)
    kept, standing, found, ledger = deduplicated(frame, asked, "hpo")
    assert set(count_faults(frame, kept, asked, found).values()) == {0}
    assert set(found["doc_id"]) <= set(standing["doc_id"])
    assert len(asked) == len(found) + ledger.dropped()["duplicate_pair"]

    best = {}
    for anchor, doc_id, score in zip(asked["anchor"], asked["doc_id"], asked["score"], strict=True):
        key = normal_form(anchor), kept.get(doc_id, doc_id)
        best[key] = max(score, best.get(key, 0.0))
    after = zip(found["anchor"], found["doc_id"], found["score"], strict=True)
    assert sorted((normal_form(anchor), doc_id, score) for anchor, doc_id, score in after) == sorted(
        (form, doc_id, score) for (form, doc_id), score in best.items()
    )
    dropped = ledger.frame().query("action == 'drop'")
    assert set(dropped["partner_id"]) <= set(found["pair_id"])


@settings(max_examples=30, deadline=None)
@given(DOCUMENTS, PAIRS)
def test_what_is_deduplicated_stays_as_it_is(made, asked):
    _, standing, found, _ = deduplicated(*make(made, asked), "hpo")
    kept, again, found_again, ledger = deduplicated(standing, found, "hpo")
    assert kept == {} and len(ledger.frame()) == 0
    pd.testing.assert_frame_equal(again, standing)
    pd.testing.assert_frame_equal(found_again, found)


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Stand in an empty project with the real parameters."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PAIRSMITH_WORKERS", "1")
    for name in ("params.yaml", "pyproject.toml"):
        Path(name).write_bytes((ROOT / name).read_bytes())
    return tmp_path


def run(frame: pd.DataFrame, asked: pd.DataFrame, **changed: object):
    params, yaml = Path("params.yaml"), YAML()
    values = yaml.load(params.read_text("utf-8"))
    values["deduplicate"].update(changed)
    with params.open("w", encoding="utf-8") as out:
        yaml.dump(values, out)
    tables.write(frame, Path("data/clean/documents.parquet"), Documents)
    tables.write(asked, Path("data/clean/pairs.parquet"), Pairs)
    return CliRunner().invoke(app, [])


def written(table, name):
    return tables.read(Path(f"data/deduplicate/{name}.parquet"), table)


def test_the_command_drops_copies_and_links_what_is_near(project):
    frame = documents(
        ("a", "hpo", "Reset it", "Reset", "devices"),
        ("b", "faq", "reset it!"),
        ("c", "hpo", "RESET IT", "Restart"),
        ("d", "faq", LONG),
        ("e", "faq", LONG + " please"),
    )
    asked = pairs(
        ("1", "no signal", "a", 1.0), ("2", "No signal", "b", 0.5), ("3", "no sound", "b", 1.0), ("4", "dark", "d", 1.0)
    )
    result = run(frame, asked, near_threshold=0.8, authoritative=["hpo"])
    assert (result.exit_code, result.output) == (0, "")
    assert written(Aliases, "aliases").to_dict("records") == [{"doc_id": d("b"), "kept_id": d("a")}]
    assert set(written(Documents, "documents")["doc_id"]) == {d("a"), d("c"), d("d"), d("e")}
    assert sorted(rows(written(Pairs, "pairs"))) == sorted(
        [(p("1"), "no signal", d("a"), 1.0), (p("3"), "no sound", d("a"), 1.0), (p("4"), "dark", d("d"), 1.0)]
    )
    near = written(Near, "near")
    assert sorted(zip(near["left_id"], near["right_id"], near["rule"], strict=True)) == sorted(
        [(*sorted([d("a"), d("c")]), "equal"), (*sorted([d("d"), d("e")]), "near")]
    )
    ledger = written(LedgerTable, "ledger")
    assert sorted(zip(ledger["row_id"], ledger["action"], ledger["partner_id"], strict=True)) == sorted(
        [
            (d("b"), "drop", d("a")),
            (p("2"), "repoint", d("a")),
            (p("2"), "drop", p("1")),
            (p("3"), "repoint", d("a")),
        ]
    )
    assert json.loads(Path("metrics/deduplicate.json").read_text()) == {
        "rows_in": 5,
        "rows_out": 4,
        "dropped.exact_copy": 1,
        "pairs.rows_in": 4,
        "pairs.rows_out": 3,
        "pairs.dropped.duplicate_pair": 1,
        "near_edges": 1,
        "equal_edges": 1,
        "unsupported_drops": 0,
        "dangling_pairs": 0,
        "relabelled_pairs": 0,
    }


def test_documents_without_pairs_pass(project):
    result = run(documents(("a", "faq", "Reset it"), ("b", "faq", "reset it")), Pairs.empty())
    assert (result.exit_code, result.output) == (0, "")
    assert len(written(Documents, "documents")) == 1
    assert len(written(Pairs, "pairs")) == len(written(Near, "near")) == 0


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"near_threshold": 0.3}, "deduplicate.near_threshold"),
        ({"near_threshold": "0.8"}, "deduplicate.near_threshold"),
        ({"authoritative": "hpo"}, "deduplicate.authoritative"),
        ({"authorative": ["hpo"]}, "unknown key deduplicate.authorative"),
    ],
)
def test_a_bad_parameter_is_told_in_ten_lines_and_nothing_is_written(project, changed, told):
    result = run(documents(("a", "faq", "Reset it")), Pairs.empty(), **changed)
    assert result.exit_code == 1
    assert told in result.stderr
    assert len(result.output.splitlines()) <= 10
    assert not Path("data/deduplicate").exists() and not Path("metrics").exists()

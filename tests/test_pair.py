"""Pairs are built from what the sources gave, by recipe, and none is invented."""

import json
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from ruamel.yaml import YAML
from typer.testing import CliRunner

from stages.clean.passages import passages
from stages.lib import tables
from stages.lib.contracts.documents import Documents
from stages.lib.contracts.ledger import Ledger as LedgerTable
from stages.lib.contracts.pairs import Pairs
from stages.lib.contracts.passages import Passages
from stages.lib.ledger import Ledger
from stages.lib.text import hash_hex, normal_form
from stages.pair import PairParams, app, cap, drop_irrelevant, drop_repeated, render, shortcuts, titles

ROOT = Path(__file__).parents[1]


def d(name: str) -> str:
    return "d" + hash_hex(name)


def p(name: str) -> str:
    return "p" + hash_hex(name)


def documents(*rows: tuple[str, ...]) -> pd.DataFrame:
    """Make documents of (name, title, text) and, where given, topic."""
    made = [(d(name), "faq", title, text, "".join(topic), "") for name, title, text, *topic in rows]
    return pd.DataFrame(made, columns=list(Documents.empty().columns)).astype(Documents.empty().dtypes.to_dict())


def pairs(*rows: tuple[str, str, str], source: str = "faq") -> pd.DataFrame:
    """Make pairs of (name, anchor, name of the document)."""
    made = [(p(name), anchor, d(document), "exact", 1.0, source) for name, anchor, document in rows]
    return pd.DataFrame(made, columns=list(Pairs.empty().columns)).astype(Pairs.empty().dtypes.to_dict())


def test_a_titled_document_is_paired_with_its_title():
    ledger = Ledger()
    made = titles(documents(("a", "Reset", "Hold the button."), ("b", "", "Call us."), ("c", "  ", "Wait.")), ledger)
    (row,) = made.to_dict("records")
    pair_id = row.pop("pair_id")
    assert row == {"anchor": "Reset", "doc_id": d("a"), "relation": "title", "score": 1.0, "source": "pair.title"}
    (line,) = ledger.frame().to_dict("records")
    assert (line["row_id"], line["action"], line["reason"], line["partner_id"]) == (pair_id, "add", "title", d("a"))


def test_a_pair_that_scores_0_is_no_answer_and_leaves():
    ledger = Ledger()
    frame = pairs(("1", "How to reset?", "a"), ("2", "Is it red?", "a")).assign(score=[0.1, 0.0])
    assert list(drop_irrelevant(frame, ledger)["pair_id"]) == [p("1")]
    assert ledger.frame()[["row_id", "action", "reason"]].to_numpy().tolist() == [[p("2"), "drop", "not_relevant"]]


def test_the_id_of_a_made_pair_depends_on_its_document_alone():
    first = titles(documents(("a", "Reset", "Hold the button.")), Ledger())
    edited = titles(documents(("0", "Other", "Other."), ("a", "How to reset", "Hold it.")), Ledger())
    assert first["pair_id"][0] in set(edited["pair_id"])


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{text}", "Hold {it}."),
        ("{title}: {text}", "Reset: Hold {it}."),
        ("{topic}\n{title}\n{text}", "devices\nReset\nHold {it}."),
        (" {{{text}}} ", "{Hold {it}.}"),
    ],
)
def test_documents_are_rendered_by_the_template(template, text):
    frame = documents(("a", "Reset", "Hold {it}.", "devices"))
    rendered = render(frame, template)
    assert list(rendered["text"]) == [text]
    pd.testing.assert_frame_equal(rendered.drop(columns="text"), frame.drop(columns="text"))


def test_what_is_missing_leaves_no_space_at_the_ends():
    assert list(render(documents(("a", "", "Hold it.")), "{title} {text} {topic}")["text"]) == ["Hold it."]


@pytest.mark.parametrize(
    "template",
    [
        *["", "text", "{title}", "{{text}}"],  # no text
        *["{text} {group}", "{text} {}", "{text} {0}", "{text.x}", "{text[0]}"],  # nothing of the kind
        *["{text", "text}", "{text} }"],  # broken braces
        *["{text!r}", "{text!z}", "{text:d}", "{text:>9}", "{text:{title}}"],  # only filled in, not converted
    ],
)
def test_a_template_that_cannot_be_filled_in_is_refused(template):
    with pytest.raises(ValidationError, match="document_text"):
        PairParams(document_text=template, title_to_text=False, max_pairs_per_document=None)


def test_a_made_pair_that_was_given_is_dropped_and_the_given_one_stays():
    given_pairs, ledger = pairs(("1", "reset?", "a"), ("2", "Reset", "b")), Ledger()
    made = pairs(("3", "Reset", "a"), ("4", "Signal", "b"), source="pair.title")
    found = drop_repeated(pd.concat([made, given_pairs], ignore_index=True), ledger)
    assert sorted(found["pair_id"]) == sorted([p("1"), p("2"), p("4")])
    (line,) = ledger.frame().to_dict("records")
    assert (line["row_id"], line["reason"], line["partner_id"]) == (p("3"), "already_given", p("1"))


def test_pairs_over_the_cap_go_by_the_hash_of_their_ids():
    names = ["1", "2", "3", "4", "5"]
    frame = pairs(*((name, f"anchor {name}", "a") for name in names), ("6", "anchor", "b"))
    ledger = Ledger()
    found = cap(frame, 2, ledger)
    kept = sorted(names, key=lambda name: hash_hex(p(name)))[:2]
    assert sorted(found["pair_id"]) == sorted([*map(p, kept), p("6")])
    assert ledger.dropped() == {"over_document_cap": 3}


def test_without_a_cap_all_pairs_stay():
    frame, ledger = pairs(*((str(at), f"anchor {at}", "a") for at in range(5))), Ledger()
    pd.testing.assert_frame_equal(cap(frame, None, ledger), frame)
    assert not ledger.dropped()


ROWS = st.lists(st.sampled_from("abc"), max_size=12)


@settings(max_examples=50, deadline=None)
@given(ROWS, st.integers(1, 4), st.randoms(use_true_random=False))
def test_the_cap_does_not_depend_on_order_and_a_larger_one_keeps_what_a_smaller_one_kept(rows, most, chance):
    frame = pairs(*((str(at), f"anchor {at}", document) for at, document in enumerate(rows)))
    shuffled = frame.sample(frac=1.0, random_state=chance.randrange(2**32), ignore_index=True)
    ledger, ledger_again = Ledger(), Ledger()
    kept = set(cap(frame, most, ledger)["pair_id"])
    assert kept == set(cap(shuffled, most, ledger_again)["pair_id"])
    pd.testing.assert_frame_equal(ledger.frame(), ledger_again.frame())
    assert len(kept) == sum(min(most, rows.count(document)) for document in set(rows))
    assert len(kept) + ledger.dropped()["over_document_cap"] == len(frame)
    assert kept <= set(cap(frame, most + 1, Ledger())["pair_id"])


TITLES = st.sampled_from(["Reset", "reset!", "Signal", "", " ", "C++", "C#"])


@settings(max_examples=50, deadline=None)
@given(
    st.lists(TITLES, max_size=6),
    st.lists(st.tuples(TITLES.filter(str.strip), st.integers(0, 5)), max_size=6, unique=True),
    st.randoms(use_true_random=False),
)
def test_made_pairs_say_what_is_true_and_new_whatever_the_order(named, asked, chance):
    frame = documents(*((str(at), title, f"Text {at}.") for at, title in enumerate(named)))
    given_pairs = pairs(
        *((f"{at}", anchor, str(document)) for at, (anchor, document) in enumerate(asked) if document < len(named))
    )
    results = []
    for _ in range(2):
        ledger, seed = Ledger(), chance.randrange(2**32)
        made = titles(frame.sample(frac=1.0, random_state=seed), ledger)
        everything = pd.concat([given_pairs.sample(frac=1.0, random_state=seed), made], ignore_index=True)
        found = drop_repeated(everything, ledger)
        results.append(sorted(zip(found["pair_id"], found["anchor"], found["doc_id"], strict=True)))
        assert len(everything) == len(found) + ledger.dropped()["already_given"]
        assert set(given_pairs["pair_id"]) <= set(found["pair_id"])
        known = set(zip(given_pairs["anchor"].map(normal_form), given_pairs["doc_id"], strict=True))
        title_of = dict(zip(frame["doc_id"], frame["title"], strict=True))
        new = found[found["source"] == "pair.title"]
        assert not known & set(zip(new["anchor"].map(normal_form), new["doc_id"], strict=True))
        assert all(anchor == title_of[doc_id] for anchor, doc_id in zip(new["anchor"], new["doc_id"], strict=True))
        covered = known | set(zip(new["anchor"].map(normal_form), new["doc_id"], strict=True))
        assert {(normal_form(title), doc_id) for doc_id, title in title_of.items() if title.strip()} <= covered
    assert results[0] == results[1]


@pytest.mark.parametrize(
    ("anchor", "contained", "uncommon"),
    [
        ("the button", 1, 0),  # as it stands there
        ("THE button?", 1, 0),
        ("button the", 0, 0),  # the words, in another order
        ("butt", 0, 1),  # part of a word
        ("no signal", 0, 1),
        ("signal button", 0, 0),
    ],
)
def test_shortcuts_are_counted(anchor, contained, uncommon):
    found = shortcuts(pairs(("1", anchor, "a")), {d("a"): "Hold the button."})
    assert found == {"anchor_in_positive_share": contained, "no_common_word_share": uncommon}


def test_shortcuts_are_shares_of_all_pairs():
    frame = pairs(("1", "hold", "a"), ("2", "no signal", "a"), ("3", "dark screen", "a"), ("4", "hold signal", "a"))
    found = shortcuts(frame, {d("a"): "Hold the button."})
    assert found == {"anchor_in_positive_share": 0.25, "no_common_word_share": 0.5}


def run(frame: pd.DataFrame, asked: pd.DataFrame, **changed: object):
    params, yaml = Path("params.yaml"), YAML()
    values = yaml.load(params.read_text("utf-8"))
    values["pair"].update(changed)
    with params.open("w", encoding="utf-8") as out:
        yaml.dump(values, out)
    tables.write(frame, Path("data/deduplicate/documents.parquet"), Documents)
    tables.write(passages(frame, None, 0, None), Path("data/clean/passages.parquet"), Passages)
    tables.write(asked, Path("data/deduplicate/pairs.parquet"), Pairs)
    return CliRunner().invoke(app, [])


FRAME = documents(("a", "Reset", "Hold the button."), ("b", "Signal", "Check the cable."), ("c", "", "Call us."))


def test_the_command_builds_pairs_and_renders_documents(project):
    asked = pairs(("1", "reset", "a"), ("2", "start anew", "a"), ("3", "check the cable", "b"))
    result = run(FRAME, asked, document_text="{title}: {text}", title_to_text=True, max_pairs_per_document=1)
    assert (result.exit_code, result.output) == (0, "")
    rendered = tables.read(Path("data/pair/documents.parquet"), Documents)
    assert set(rendered["text"]) == {"Reset: Hold the button.", "Signal: Check the cable.", ": Call us."}
    built = tables.read(Path("data/pair/pairs.parquet"), Pairs)
    assert sorted(built["doc_id"]) == sorted([d("a"), d("b")])
    metrics = json.loads(Path("metrics/pair.json").read_text())
    shares = {key: metrics.pop(key) for key in ("anchor_in_positive_share", "no_common_word_share")}
    assert all(0.0 <= share <= 1.0 for share in shares.values())
    assert metrics == {
        "rows_in": 3,
        "added.title": 2,
        "dropped.already_given": 1,
        "dropped.not_relevant": 0,
        "dropped.over_document_cap": 2,
        "rows_out": 2,
        "documents": 3,
        "passages": 3,
        "paired_documents": 2,
        "largest_document_share": 0.5,
    }
    ledger = tables.read(Path("data/pair/ledger.parquet"), LedgerTable)
    assert ledger["action"].value_counts().to_dict() == {"drop": 3, "add": 2}


def test_titles_can_be_the_only_pairs(project):
    result = run(FRAME, Pairs.empty(), title_to_text=True)
    assert (result.exit_code, result.output) == (0, "")
    built = tables.read(Path("data/pair/pairs.parquet"), Pairs)
    assert sorted(built["anchor"]) == ["Reset", "Signal"]


def test_no_pairs_at_all_is_a_problem_with_a_remedy(project):
    result = run(FRAME, Pairs.empty(), title_to_text=False)
    assert result.exit_code == 1
    assert "data/deduplicate/pairs.parquet holds no pairs" in result.stderr
    assert "pair.title_to_text: true" in result.stderr
    assert not Path("data/pair").exists() and not Path("metrics").exists()


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"document_text": "{title}"}, "pair.document_text"),
        ({"document_text": "{text:d}"}, "pair.document_text"),
        ({"max_pairs_per_document": 0}, "pair.max_pairs_per_document"),
        ({"max_pairs_per_document": 1.5}, "pair.max_pairs_per_document"),
        ({"title_to_text": "yes"}, "pair.title_to_text"),
        ({"titles": True}, "unknown key pair.titles"),
    ],
)
def test_a_bad_parameter_is_told_in_ten_lines_and_nothing_is_written(project, changed, told):
    result = run(FRAME, pairs(("1", "reset", "a")), **changed)
    assert result.exit_code == 1
    assert told in result.stderr
    assert len(result.output.splitlines()) <= 10
    assert not Path("data/pair").exists() and not Path("metrics").exists()

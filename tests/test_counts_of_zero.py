"""For each count that must be 0 a rule is broken, and the command of its stage shows the count.

So no count can be replaced by its constant unnoticed.
"""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from stages.commands.headline import INVARIANTS as SHOWN
from stages.deduplicate import __main__ as deduplicate
from stages.finetune import __main__ as finetune
from stages.lib.reporting.details import read_details
from stages.lib.text.normal_form import normal_form
from stages.mine import __main__ as mine
from stages.mine import verdicts as mine_verdicts
from stages.report.advice import INVARIANTS as REPORTED
from stages.split.components import connected_components
from tests.deduplicate import rows as deduplicate_rows
from tests.deduplicate import test_deduplicate
from tests.finetune.cases import ranking_tokens, write_tokens
from tests.mine import test_command as mine_command
from tests.mine.cases import name
from tests.split import faq
from tests.validate import test_validate

pytestmark = pytest.mark.usefixtures("project", "own_cache")

# Every count has a test below.
PLANTED = {
    "split": ("leaked_components", "leaked_texts"),
    "deduplicate": ("unsupported_drops", "dangling_pairs", "relabelled_pairs"),
    "mine": ("known_positives_as_negatives", "judged_negatives.left"),
    "validate": ("leaked_rows",),
    "finetune": ("conflicts.planned",),
}


def details(stage):
    return read_details(Path(f"metrics/details/{stage}.json"))


def succeeds(result):
    assert result.exit_code == 0, result.output


def test_every_count_that_is_shown_is_planted_here():
    assert SHOWN == PLANTED
    assert {(stage, key) for stage, key, _ in REPORTED} <= {
        (stage, key) for stage, keys in PLANTED.items() for key in keys
    }


# --- split: a training document and one of validation


def near_documents():
    """Return nine documents, of which the first of training and the first of validation are near."""
    names, documents, pairs = faq.nine_documents()
    trained = faq.d(names[0])
    held_out = faq.d(names[6])
    documents.loc[documents["doc_id"] == trained, "text"] = faq.LONG
    documents.loc[documents["doc_id"] == held_out, "text"] = f"{faq.LONG} please"
    return documents, pairs


def test_texts_that_nothing_ties_leak(monkeypatch):
    monkeypatch.setattr("stages.split.assignment.match_edges", lambda *_: [])
    succeeds(faq.run(*near_documents()))
    assert faq.splits()[faq.d(faq.named("train")[0])] == "train"
    assert details("split")["leaked_texts"] == 1
    assert details("split")["leaked_components"] == 0
    assert faq.leaks() == {"leaks": 1}


def test_a_join_that_forgets_an_edge_tears_a_component(monkeypatch):
    def forgetful(row_ids, ends, namer):
        kept = [(left, right) for left, right in ends if not left[0] == right[0] == "d"]
        return connected_components(row_ids, kept, namer)

    names, documents, pairs = faq.nine_documents()
    one_group = documents["doc_id"].isin([faq.d(names[0]), faq.d(names[6])])
    documents.loc[one_group, "group"] = "router"
    succeeds(faq.run(documents, pairs))
    assert details("split")["leaked_components"] == 0

    monkeypatch.setattr("stages.split.assignment.connected_components", forgetful)
    succeeds(faq.run(documents, pairs))
    assert details("split")["leaked_components"] == 1
    assert faq.leaks() == {"leaks": 1}


# --- deduplicate: two documents that a coarse rule takes for copies


def run_deduplicate():
    frame = deduplicate_rows.documents(
        ("a", "faq", "grade 5-7", "title"), ("b", "faq", "grade 5.7")
    )
    pairs = deduplicate_rows.pairs(("1", "no signal", "a", 1.0), ("2", "no sound", "b", 1.0))
    succeeds(test_deduplicate.run(frame, pairs))
    return {key: details("deduplicate")[key] for key in PLANTED["deduplicate"]}


def test_two_documents_that_say_something_else_both_stay():
    assert run_deduplicate() == dict.fromkeys(PLANTED["deduplicate"], 0)


def test_a_coarse_rule_drops_without_support_and_relabels(monkeypatch):
    for module in ("representatives", "repeated_pairs"):
        monkeypatch.setattr(f"stages.deduplicate.{module}.strict_form", normal_form)
    assert run_deduplicate() == {
        "unsupported_drops": 1,
        "dangling_pairs": 0,
        "relabelled_pairs": 1,
    }


def test_pairs_that_are_not_repointed_dangle(monkeypatch):
    repoint = deduplicate.deduplicate_pairs
    for module in ("representatives", "repeated_pairs"):
        monkeypatch.setattr(f"stages.deduplicate.{module}.strict_form", normal_form)
    monkeypatch.setattr(
        deduplicate,
        "deduplicate_pairs",
        lambda pairs, _, *arguments, **options: repoint(pairs, {}, *arguments, **options),
    )
    counts = run_deduplicate()
    assert counts["dangling_pairs"] == 1


# --- mine, finetune, validate


@pytest.mark.slow
def test_a_positive_that_the_filters_do_not_know_becomes_a_negative(monkeypatch):
    # Document 4 answers "itchy rash" as document 2 does.
    mine_command.change(
        ("relative_margin: 0.05", "relative_margin: null"), ("negatives: 1", "negatives: 5")
    )
    mine_command.lay_out(
        mine_command.TRAINING, mine_command.EVERY, mine_command.TEXTS, mine_command.WHERE
    )
    read = mine.read_relations

    def forgetful(inputs, known, corpus, **options):
        positives = {**known.positives, "itchy rash": frozenset([name("d", 2)])}
        return read(inputs, known._replace(positives=positives), corpus, **options)

    monkeypatch.setattr(mine, "read_relations", forgetful)
    succeeds(CliRunner().invoke(mine.app))
    assert details("mine")["known_positives_as_negatives"] == 1


@pytest.mark.slow
def test_a_negative_that_a_person_called_false_is_counted_if_it_stays(monkeypatch):
    mine_command.change(
        ("relative_margin: 0.05", "relative_margin: null"), ("negatives: 1", "negatives: 5")
    )
    mine_command.lay_out(
        mine_command.TRAINING,
        mine_command.EVERY,
        mine_command.TEXTS,
        mine_command.WHERE,
        verdicts=[f"{name('p', 1)},{name('d', 5)},yes,,"],
    )
    succeeds(CliRunner().invoke(mine.app))
    assert details("mine")["judged_negatives.removed"] == 1
    assert details("mine")["judged_negatives.left"] == 0

    def deaf(rows, *_):
        return mine_verdicts.JudgedRows(rows, [frozenset()] * len(rows), [])

    monkeypatch.setattr(mine, "remove_false_negatives", deaf)
    succeeds(CliRunner().invoke(mine.app))
    assert details("mine")["judged_negatives.left"] == 1


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_batches_that_ignore_conflicts_are_counted(monkeypatch):
    tokens = ranking_tokens()
    tokens["positive_ids"] = [[f"d{index // 2:016x}"] for index in range(len(tokens))]
    tokens["in_batch_ids"] = tokens["positive_ids"]
    write_tokens(tokens)
    Path("data/validate").mkdir()
    Path("data/validate/verdict.json").write_text('{"passed": true}', "utf-8")
    monkeypatch.setattr(
        finetune,
        "plan_batches",
        lambda rows, size, epochs, seed: [list(range(len(rows)))] * epochs,
    )
    succeeds(CliRunner().invoke(finetune.app))
    assert details("finetune")["conflicts.planned"] == 12


@pytest.mark.slow
def test_a_training_row_that_equals_a_query_is_leaked():
    test_validate.lay_out(triplet_anchor="FEVER")
    metrics, _ = test_validate.run_stage()
    assert metrics["leaked_rows"] == 1

"""Hard negatives are hard, never a hidden positive, and come with who proposed them."""

import json
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from stages.clean.passages import passages
from stages.lib import tables
from stages.lib.contracts.documents import Documents
from stages.lib.contracts.ledger import Ledger as LedgerTable
from stages.lib.contracts.pairs import Pairs
from stages.lib.contracts.passages import Passages
from stages.lib.contracts.splits import Splits
from stages.lib.contracts.triplets import Triplets
from stages.lib.ledger import Ledger
from stages.lib.retrieval import Hits
from stages.lib.text import normal_form
from stages.mine import (
    Answers,
    Candidate,
    Corpus,
    MineParams,
    app,
    best_passage,
    closest_passage,
    count_known_positives,
    known_positives,
    main,
    mine,
    propose,
    refusal,
)

ROOT = Path(__file__).parents[1]
BY_MARGIN = MineParams(negatives=2, candidates=10, relative_margin=0.05)
ANYTHING = MineParams(negatives=10, candidates=10, relative_margin=None)


def name(letter, number):
    """Return an id such as d000000000000000a."""
    return f"{letter}{number:016x}"


def at(cosine):
    """Return the unit vector whose cosine to (1, 0) is `cosine`."""
    return np.array([cosine, np.sqrt(1.0 - cosine**2)], dtype=np.float32)


def corpus(*documents):
    """Make a corpus of (number, text, cosine to an anchor at (1, 0)), numbers ascending."""
    ids, texts, cosines = zip(*[(name("d", number), text, cosine) for number, text, cosine in documents], strict=True)
    forms = [frozenset([normal_form(text)]) for text in texts]
    return Corpus(list(ids), list(texts), forms, np.stack([at(c) for c in cosines]), np.arange(len(ids)))


def pairs(*rows):
    """Make pairs of (number, anchor, number of the document)."""
    made = [(name("p", number), anchor, name("d", doc), "exact", 1.0, "s") for number, anchor, doc in rows]
    return pd.DataFrame(made, columns=list(Pairs.empty().columns)).astype(Pairs.empty().dtypes.to_dict())


def run(asked, documents, params, held=(), every=None):
    """Mine for pairs whose anchors all stand at (1, 0); `held` are documents outside the corpus."""
    searched = corpus(*documents)
    known = [(name("d", number), text, cosine) for number, text, cosine in (*documents, *held)]
    answers = Answers(
        {doc_id: [text] for doc_id, text, _ in known},
        {doc_id: np.stack([at(cosine)]) for doc_id, _, cosine in known},
        {doc_id: frozenset([normal_form(text)]) for doc_id, text, _ in known},
    )
    ledger = Ledger()
    positives = known_positives(asked if every is None else every, {})
    rows, refused = mine(asked, positives, searched, np.stack([at(1.0)] * len(asked)), answers, params, ledger)
    return pd.DataFrame(rows), refused, ledger.frame()


def numbers(row):
    return [int(doc_id[1:], 16) for doc_id in row["negative_ids"]]


# Document 1 is the answer; its cosine of 0.8 puts the threshold of a 5 % margin at 0.76.
DOCUMENTS = [
    (1, "Fever that lasts.", 0.8),
    (2, "A short fever.", 0.79),
    (3, "Chills with fever.", 0.7),
    (4, "Rash.", 0.5),
    (5, "Cough.", 0.6),
]


def test_what_a_cap_left_out_is_a_positive_all_the_same():
    given = pairs((1, "fever", 1), (2, "Fever", 2))
    assert known_positives(given, {})[normal_form("fever")] == frozenset(given["doc_id"])


def test_a_variant_has_the_positives_of_the_anchor_it_varies():
    every = pairs((1, "tumor", 1), (2, "tumor", 2), (3, "tumour", 1))
    positives = known_positives(every, {every["pair_id"][2]: every["pair_id"][0]})
    assert positives[normal_form("tumour")] == frozenset(every["doc_id"][:2])


def test_negatives_below_the_margin_are_taken_hardest_first():
    rows, refused, _ = run(pairs((1, "fever", 1)), DOCUMENTS, BY_MARGIN)
    row = rows.iloc[0]
    assert numbers(row) == [3, 5]
    assert row["negatives"] == ["Chills with fever.", "Cough."]
    assert row["negative_scores"] == pytest.approx([0.7, 0.6], abs=1e-5)
    assert row["positive"] == "Fever that lasts."
    assert row["positive_score"] == pytest.approx(0.8, abs=1e-5)
    assert refused == Counter(known_positive=1, margin=1)


def test_without_a_margin_only_what_answers_is_refused():
    rows, refused, _ = run(pairs((1, "fever", 1)), DOCUMENTS, ANYTHING)
    assert numbers(rows.iloc[0]) == [2, 3, 5, 4]
    assert refused == Counter(known_positive=1)


def test_each_negative_names_its_miners_its_best_rank_and_the_rules_it_passed():
    rows, _, _ = run(pairs((1, "chills with fever or so", 1)), DOCUMENTS, BY_MARGIN)
    row = rows.iloc[0]
    # BM25 puts document 3 first (three shared words) and gives document 5 nothing; by cosine they are third and fourth.
    assert numbers(row) == [3, 5]
    assert row["negative_miners"] == ["bm25+dense", "dense"]
    assert row["negative_ranks"] == [1, 4]
    assert row["negative_rules"] == ["known_positive+equal_to_anchor+margin"] * 2
    without, _, _ = run(pairs((1, "fever", 1)), DOCUMENTS, ANYTHING)
    assert set(without.iloc[0]["negative_rules"]) == {"known_positive+equal_to_anchor"}


@pytest.mark.parametrize("copy", ["Fever that lasts.", "FEVER THAT LASTS.", "Fever  that\tlasts", "fever, that lasts!"])
def test_the_answer_under_another_id_is_refused(copy):
    documents = [*DOCUMENTS, (6, copy, 0.1)]
    rows, refused, _ = run(pairs((1, "fever", 1)), documents, ANYTHING)
    assert 6 not in numbers(rows.iloc[0])
    assert refused == Counter(known_positive=2)


@pytest.mark.parametrize("anchor", ["fever", "FEVER", " Fever "])
def test_the_answer_of_another_pair_with_the_same_anchor_is_refused(anchor):
    asked = pairs((1, "fever", 1), (2, anchor, 3))
    rows, _, _ = run(asked, DOCUMENTS, ANYTHING)
    assert [numbers(row) for _, row in rows.iterrows()] == [[2, 5, 4], [2, 5, 4]]


def test_an_answer_known_from_a_pair_that_is_not_trained_on_is_refused():
    rows, _, _ = run(pairs((1, "fever", 1)), DOCUMENTS, ANYTHING, every=pairs((1, "fever", 1), (2, "Fever", 4)))
    assert numbers(rows.iloc[0]) == [2, 3, 5]


def test_the_margin_is_taken_from_the_weakest_answer_even_outside_the_corpus():
    every = pairs((1, "fever", 1), (2, "fever", 9))
    rows, refused, _ = run(pairs((1, "fever", 1)), DOCUMENTS, BY_MARGIN, held=[(9, "Heat.", 0.6)], every=every)
    assert numbers(rows.iloc[0]) == [4]  # below 0.57
    assert refused["margin"] == 3


@pytest.mark.parametrize("text", ["Fever", "fever!", "FEVER"])
def test_the_text_of_the_anchor_itself_is_no_negative(text):
    documents = [*DOCUMENTS, (6, text, 0.3)]
    rows, refused, _ = run(pairs((1, "fever", 1)), documents, ANYTHING)
    assert 6 not in numbers(rows.iloc[0])
    assert refused["equal_to_anchor"] == 1


@pytest.mark.parametrize(
    ("weakest", "cosine", "reason"),
    [
        (0.8, 0.77, "margin"),  # the threshold is 0.76
        (0.8, 0.75, None),
        (-0.4, -0.41, "margin"),  # the threshold is -0.42, below the answer and not above it
        (-0.4, -0.43, None),
        (0.0, 0.0, None),
        (0.0, 0.01, "margin"),
    ],
)
def test_the_margin_lies_below_the_weakest_answer_whatever_its_sign(weakest, cosine, reason):
    searched = corpus((1, "Rash.", 0.5))
    candidate = Candidate(0, cosine, "dense", 1)
    assert refusal(candidate, searched, "fever", frozenset(["heat"]), weakest, 0.05) == reason
    assert refusal(candidate, searched, "fever", frozenset(["heat"]), weakest, None) is None


@given(st.floats(-1, 1), st.floats(-1, 1), st.floats(0, 1))
def test_no_margin_lets_through_what_scores_above_the_answer(weakest, cosine, margin):
    reason = refusal(Candidate(0, cosine, "dense", 1), corpus((1, "Rash.", 0.5)), "", frozenset(), weakest, margin)
    if cosine > weakest:
        assert reason == "margin"


def test_equal_cosines_are_ordered_by_id():
    documents = [(number, f"Text {number}.", 0.5) for number in range(1, 7)]
    rows, _, _ = run(pairs((1, "fever", 4)), documents, ANYTHING)
    assert numbers(rows.iloc[0]) == [1, 2, 3, 5, 6]


def test_a_short_anchor_stays_unpadded_and_is_noted():
    documents = [(1, "Fever that lasts.", 0.8), (2, "A short fever.", 0.79), (3, "Chills.", 0.7)]
    rows, _, ledger = run(pairs((1, "fever", 1), (2, "heat", 3)), documents, BY_MARGIN)
    assert [numbers(row) for _, row in rows.iterrows()] == [[3], []]
    noted = ledger[["row_id", "action", "reason", "score"]].to_numpy().tolist()
    assert noted == [[name("p", 1), "note", "too_few_negatives", 1.0], [name("p", 2), "note", "too_few_negatives", 0.0]]


def test_miners_are_merged_with_the_best_rank():
    searched = corpus(*DOCUMENTS)
    bm25 = Hits(np.array([[2, 0]]), np.array([[1.5, 0.5]], dtype=np.float32))
    dense = Hits(np.array([[0, 1, 2]]), np.array([[0.8, 0.79, 0.7]], dtype=np.float32))
    proposed = propose(at(1.0), [("dense", dense, 0), ("bm25", bm25, 0)], searched)
    assert [(found.position, found.miner, found.rank) for found in proposed] == [
        (0, "bm25+dense", 1),
        (1, "dense", 2),
        (2, "bm25+dense", 1),
    ]


def test_what_bm25_scores_zero_is_no_candidate_and_a_negative_cosine_is_one():
    searched = corpus((1, "One.", 0.2), (2, "Two.", -0.5))
    bm25 = Hits(np.array([[0, 1]]), np.array([[2.0, 0.0]], dtype=np.float32))
    assert [found.position for found in propose(at(1.0), [("bm25", bm25, 0)], searched)] == [0]
    dense = Hits(np.array([[0, 1]]), np.array([[0.2, -0.5]], dtype=np.float32))
    assert [found.position for found in propose(at(1.0), [("dense", dense, 0)], searched)] == [0, 1]
    none = Hits(np.array([[0, 1]]), np.zeros((1, 2), dtype=np.float32))
    assert propose(at(1.0), [("bm25", none, 0)], searched) == []


def test_a_planted_positive_is_counted_by_id_and_by_text():
    texts = {name("d", 1): "Fever that lasts.", name("d", 2): "Heat.", name("d", 3): "Rash."}
    positives = known_positives(pairs((1, "fever", 1), (2, "Fever", 2)), {})
    triplets = pd.DataFrame(
        {
            "anchor": ["fever"] * 4,
            "negative_ids": [[name("d", 3)], [name("d", 2)], [name("d", 8)], [name("d", 3), name("d", 1)]],
            "negatives": [["Rash."], ["Some other text."], ["FEVER THAT  LASTS"], ["Rash.", "Fever that lasts."]],
        }
    )
    forms = {doc_id: frozenset([normal_form(text)]) for doc_id, text in texts.items()}
    assert [count_known_positives(triplets.iloc[[row]], positives, forms) for row in range(4)] == [0, 1, 1, 1]
    assert count_known_positives(triplets, positives, forms) == 3


# Document 1 comes in three passages, whose cosines to the anchor are 0.2, 0.8 and 0.9.
LONG = ["Doses for adults.", "Fever that lasts for weeks.", "Tables and figures."]


def test_of_a_long_answer_the_passage_that_bm25_ranks_best_is_the_positive_and_is_noted():
    answers = Answers(
        {name("d", 1): LONG, name("d", 2): ["Rash."]},
        {name("d", 1): np.stack([at(0.2), at(0.8), at(0.9)]), name("d", 2): np.stack([at(0.5)])},
        {name("d", 1): frozenset(map(normal_form, LONG)), name("d", 2): frozenset(["rash"])},
    )
    searched = Corpus(
        [name("d", 1), name("d", 2)],
        [*LONG, "Rash."],
        [answers.forms[name("d", 1)], answers.forms[name("d", 2)]],
        np.stack([at(0.2), at(0.8), at(0.9), at(0.5)]),
        np.array([0, 3]),
    )
    ledger, asked = Ledger(), pairs((1, "lasting fever that lasts", 1))
    rows, _ = mine(asked, known_positives(asked, {}), searched, np.stack([at(1.0)]), answers, ANYTHING, ledger)
    assert rows[0]["positive"] == "Fever that lasts for weeks."
    assert rows[0]["positive_score"] == pytest.approx(0.8, abs=1e-5)
    assert rows[0]["negatives"] == ["Rash."]
    noted = ledger.frame()[["reason", "partner_id", "score"]].to_numpy().tolist()
    assert ["best_passage", f"{name('d', 1)}-0001", 1.0] in noted
    # As a negative stands the passage closest to the anchor; as a candidate the document scores like it.
    assert closest_passage(at(1.0), searched, 0) == "Tables and figures."
    hits = Hits(np.array([[0, 1]]), np.array([[2.0, 1.0]], dtype=np.float32))
    found = propose(at(1.0), [("bm25", hits, 0)], searched)
    assert [round(one.cosine, 3) for one in found] == [0.9, 0.5]


def test_a_document_any_of_whose_passages_says_what_the_answer_says_is_refused():
    searched = Corpus([name("d", 1)], LONG, [frozenset(map(normal_form, LONG))], np.stack([at(0.1)] * 3), np.array([0]))
    candidate = Candidate(0, 0.1, "dense", 1)
    assert refusal(candidate, searched, "cough", frozenset(["tables and figures"]), 0.9, None) == "known_positive"
    assert refusal(candidate, searched, "doses for adults", frozenset(["heat"]), 0.9, None) == "equal_to_anchor"
    assert refusal(candidate, searched, "cough", frozenset(["heat"]), 0.9, None) is None


def test_the_first_of_equal_passages_is_the_best():
    assert best_passage("fever", ["Rash.", "Fever.", "Fever."]) == 1
    assert best_passage("cough", ["Rash.", "Fever."]) == 0


WORDS = st.sampled_from(["fever", "Fever", "rash", "RASH!", "cough", "fever rash", "cough  fever"])


@st.composite
def problems(draw):
    """Return documents and pairs in which equal texts and equal anchors are common."""
    documents = [
        (number, draw(WORDS), draw(st.sampled_from([-0.5, 0.0, 0.3, 0.31, 0.6, 0.9])))
        for number in range(1, draw(st.integers(2, 8)) + 1)
    ]
    asked = [
        (number, draw(WORDS), draw(st.integers(1, len(documents)))) for number in range(1, draw(st.integers(1, 6)) + 1)
    ]
    return documents, asked


@settings(max_examples=60, deadline=None)
@given(problems(), st.sampled_from([None, 0.0, 0.05, 1.0]), st.randoms(use_true_random=False))
def test_no_negative_is_a_positive_and_the_order_of_pairs_changes_nothing(problem, margin, chance):
    documents, asked = problem
    params = MineParams(negatives=2, candidates=5, relative_margin=margin)
    rows, refused, ledger = run(pairs(*asked), documents, params)
    texts = {name("d", number): text for number, text, _ in documents}
    assert len(rows) == len(asked)
    for _, row in rows.iterrows():
        answers = [doc for _, anchor, doc in asked if normal_form(anchor) == normal_form(row["anchor"])]
        said = {normal_form(texts[name("d", doc)]) for doc in answers} | {normal_form(row["anchor"])}
        assert said.isdisjoint(normal_form(text) for text in row["negatives"])
        assert row["negatives"] == [texts[doc_id] for doc_id in row["negative_ids"]]
        assert len(set(row["negative_ids"])) == len(row["negative_ids"]) <= 2
        assert row["negative_scores"] == sorted(row["negative_scores"], reverse=True)

    shuffled = chance.sample(asked, len(asked))
    again, refused_again, ledger_again = run(pairs(*shuffled), documents, params)
    assert again.sort_values("pair_id").to_dict("records") == rows.sort_values("pair_id").to_dict("records")
    assert refused_again == refused
    assert sorted(ledger_again["row_id"]) == sorted(ledger["row_id"])


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Make a folder in which the stage can be run, without its inputs."""
    for file in ("params.yaml", "pyproject.toml"):
        shutil.copy(ROOT / file, tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PAIRSMITH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PAIRSMITH_WORKERS", "1")
    return tmp_path


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ("negatives: 1", "negatives: 0", "mine.negatives = '0'"),
        ("candidates: 50", 'candidates: "50"', "mine.candidates = '50'"),
        ("relative_margin: 0.05", "relative_margin: 1.5", "mine.relative_margin = '1.5'"),
        ("relative_margin: 0.05", "margin: 0.05", "unknown key mine.margin"),
    ],
)
def test_a_bad_parameter_is_told_by_name_and_leaves_nothing(project, old, new, key):
    params = Path("params.yaml")
    params.write_text(params.read_text().replace(f"  {old}\n", f"  {new}\n"))
    result = CliRunner().invoke(app)
    assert result.exit_code == 1
    assert f"params.yaml: {key}" in result.stderr
    assert len(result.stderr.splitlines()) <= 10
    assert sorted(path.name for path in project.iterdir()) == ["params.yaml", "pyproject.toml"]


def documents_table(*rows):
    made = [(name("d", number), "s", "", text, "", "") for number, text in rows]
    return pd.DataFrame(made, columns=list(Documents.empty().columns)).astype(Documents.empty().dtypes.to_dict())


def lay_out(training, every, documents, splits):
    """Write the stage's inputs; `splits` gives an id its split, and each id is its own component."""
    tables.write(training, Path("data/augment/pairs.parquet"), Pairs)
    tables.write(every, Path("data/pair/pairs.parquet"), Pairs)
    tables.write(every, Path("data/deduplicate/pairs.parquet"), Pairs)
    tables.write(LedgerTable.empty(), Path("data/augment/ledger.parquet"), LedgerTable)
    tables.write(documents, Path("data/pair/documents.parquet"), Documents)
    tables.write(passages(documents, None, 0, None), Path("data/pair/passages.parquet"), Passages)
    where = [(identity, identity, split) for identity, split in splits.items()]
    tables.write(
        pd.DataFrame(where, columns=["id", "component_id", "split"]), Path("data/split/splits.parquet"), Splits
    )


def test_no_training_pairs_are_told_with_the_remedy(project):
    lay_out(Pairs.empty(), Pairs.empty(), documents_table((1, "Fever.")), {name("d", 1): "corpus"})
    result = CliRunner().invoke(app)
    assert result.exit_code == 1
    assert "data/augment/pairs.parquet holds no training pairs" in result.stderr
    assert not Path("data/mine").exists()
    assert not Path("metrics").exists()


@pytest.mark.slow
def test_the_stage_never_takes_a_held_out_document_and_accounts_for_every_row(project):
    training = pairs((1, "high fever", 1), (2, "itchy rash", 2))
    every = pairs((1, "high fever", 1), (2, "itchy rash", 2), (3, "fever at night", 3), (4, "Itchy  Rash", 4))
    documents = documents_table(
        (1, "A high body temperature."),
        (2, "Red skin that itches."),
        (3, "High fever that comes at night."),  # the best negative there is, but held out
        (4, "Itchy rash on the skin."),  # an answer of "itchy rash" that is not trained on
        (5, "A cough that brings up phlegm."),
        (6, "A high fever rash."),  # held out as well
    )
    splits = {
        name("d", number): split for number, split in enumerate(["train", "train", "test", "corpus", "corpus"], 1)
    }
    splits |= {name("d", 6): "validation", name("p", 1): "train", name("p", 2): "train"}
    params = Path("params.yaml")
    text = params.read_text().replace("  relative_margin: 0.05\n", "  relative_margin: null\n")
    params.write_text(text.replace("  negatives: 1\n", "  negatives: 5\n"))

    written = []
    for order in (slice(None), slice(None, None, -1)):
        lay_out(training.iloc[order], every.iloc[order], documents.iloc[order], splits)
        main()
        files = [*sorted(Path("data/mine").iterdir()), Path("metrics/mine.json")]
        written.append({file.name: file.read_bytes() for file in files})
    assert written[0] == written[1]

    triplets = tables.read(Path("data/mine/triplets.parquet"), Triplets)
    assert [sorted(numbers(row)) for _, row in triplets.iterrows()] == [[2, 4, 5], [1, 5]]
    assert list(triplets["component_id"]) == [name("d", 1), name("d", 2)]
    assert all("dense" in miner for miners in triplets["negative_miners"] for miner in miners)
    metrics = json.loads(Path("metrics/mine.json").read_text())
    assert metrics == {
        "corpus_documents": 4,
        "known_positives_as_negatives": 0,
        "negatives_per_anchor": 2.5,
        "refused.equal_to_anchor": 0,
        "refused.known_positive": 3,
        "refused.margin": 0,
        "rows_in": 2,
        "rows_out": 2,
        "short_anchors_share": 1.0,
    }
    assert list(tables.read(Path("data/mine/ledger.parquet"), LedgerTable)["score"]) == [3.0, 2.0]

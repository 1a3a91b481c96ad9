"""What the benchmarks count, on cases one can check by eye."""

import json
import random
from collections import Counter

import numpy as np
import pandas as pd
import pytest

from bench import augmentation, cranfield, fusion, judged_copies, mispaired, probe, seeds
from bench.faults import abbreviations, boilerplate, corruptions, paraphrases, typos
from bench.mine import agreement
from bench.negatives import summary
from stages.clean.spelling.correction import english
from stages.lib.retrieval.bm25 import BM25Index
from stages.lib.retrieval.search import Hits


def test_a_planted_slip_is_one_edit_away_and_no_word():
    texts = ["the abnormal development of the skeleton " * 400]
    planted = typos.plant(texts, random.Random(3))
    (pairs,) = planted.pairs
    assert pairs.total() > 0
    assert len(planted.texts[0].split()) == len(texts[0].split())
    assert all(typo not in english() and abs(len(typo) - len(right)) <= 1 for typo, right in pairs)


def test_hits_wrong_edits_and_edits_on_untouched_text_are_told_apart():
    planted = typos.Planted(["teh cat sta"], [Counter({("teh", "the"): 1, ("sta", "sat"): 1})])

    def corrector(texts):
        made = {("the cat sat", "teh cat sta")[at]: text for at, text in enumerate(["x", "y"])}
        edits = {
            "x": Counter({("cat", "car"): 1}),
            "y": Counter({("teh", "the"): 1, ("sta", "star"): 1}),
        }
        return [edits[made[text]] for text in texts]

    counts = typos.compare(["the cat sat"], planted, corrector, set())
    assert counts == Counter(tokens=3, hit=1, wrong=1, planted=2, bad=1)
    assert typos.compare(["the cat sat"], planted, corrector, {("cat", "car")})["bad"] == 0


def test_definitions_are_scored_by_short_form_and_long_form():
    rows = [
        ("An electrocardiogram (ECG) was made.", frozenset([("ECG", "electrocardiogram")])),
        ("Nothing (see below) here.", frozenset([("X", "missed")])),
    ]
    assert abbreviations.score(rows) == {
        "abbreviations.f1": pytest.approx(2 / 3),
        "abbreviations.precision": 1.0,
        "abbreviations.recall": 0.5,
    }
    assert len(abbreviations.gold()) == 200


def test_planted_lines_are_told():
    page, held = boilerplate.plant("Fever is high.", random.Random(1))
    assert held and all(piece in page for piece in held)
    assert "Fever is high." in page


def test_anchors_agree_when_their_negatives_do_or_score_the_same():
    left = [[(1, 0.5), (2, 0.4)], [(1, 0.5)], [(1, 0.5)], []]
    right = [[(2, 0.4), (1, 0.5)], [(3, 0.5000001)], [(3, 0.49)], [(1, 0.2)]]
    assert agreement(left, right) == 0.5


def test_variants_are_compared_seed_by_seed():
    told = summary({"in_batch": [0.60, 0.64], "margin": [0.62, 0.65]})
    assert told["margin.ndcg_at_10"] == pytest.approx(0.635)
    assert told["margin.over_in_batch"] == pytest.approx(0.015)
    assert told["margin.se"] == pytest.approx(0.005)
    assert told["in_batch.spread"] == pytest.approx(0.04)


@pytest.mark.slow
def test_the_probe_agrees_where_fine_tunes_differ_by_more_than_chance():
    components = np.array([str(at) for at in range(60)])
    noise = np.random.default_rng(1).normal(0, 0.01, 60)
    full = {
        "good": 0.20 + noise,
        "same": 0.20 - noise,
        "close": 0.19 + noise / 9,
        "bad": 0.10 + noise,
    }
    foretold = {
        "good": 0.12 + noise,
        "same": 0.13 + noise,
        "close": 0.14 + noise,
        "bad": 0.05 + noise,
    }
    told = probe.summary(foretold, full, components)
    assert told["variants"] == 4 and told["spread"] == pytest.approx(0.1, abs=0.005)
    # good, same and close are near each other; all but good and same differ by more than chance.
    assert (told["close_pairs"], told["decided_pairs"], told["decided_close_pairs"]) == (3, 5, 2)
    assert told["pair_agreement"] == 3 / 5 and told["close_agreement"] == 0
    assert told["spearman"] == pytest.approx(
        0.4 if full["good"].mean() < full["same"].mean() else 0.2
    )
    assert told["spearman_low"] <= told["spearman"] <= told["spearman_high"]


def rows(count):
    return pd.DataFrame(
        {
            "component_id": [f"c{at}" for at in range(count)],
            "anchor": [f"abnormal finding number {at}" for at in range(count)],
            "doc_id": [f"d{at}" for at in range(count)],
            "negatives": [[f"text {at}"] for at in range(count)],
            "negative_ids": [["n"] for _ in range(count)],
            "in_batch_ids": [["n", f"d{at}"] for at in range(count)],
        }
    )


def test_variants_of_the_rows_are_what_their_names_say():
    given = rows(1000)
    half, eighth = (
        probe.share_of_components(share)(given)["component_id"] for share in (0.5, 0.125)
    )
    assert 450 < len(half) < 550 and 90 < len(eighth) < 160
    assert set(eighth) < set(half)
    moved = probe.mispaired(0.2)(given)
    assert (moved["anchor"] != given["anchor"]).sum() == 200
    assert sorted(moved["anchor"]) == sorted(given["anchor"]) and moved["doc_id"].equals(
        given["doc_id"]
    )
    slipped = probe.typed_badly(0.3)(given)
    assert (slipped["anchor"] != given["anchor"]).sum() == 300
    bare = probe.without_negatives(given)
    assert bare["negatives"].map(len).sum() == bare["negative_ids"].map(len).sum() == 0
    assert bare["in_batch_ids"].iloc[7] == ["c7", "d7"]


_DENIALS = ("No", "Absence of", "Not", "Without", "Never")


@pytest.mark.parametrize(
    ("kind", "text", "found"),
    [
        ("negation", "Fever is high", {"Fever is not high"}),
        ("negation", "Absent teeth", {"teeth"}),
        (
            "number",
            "third toe",
            {
                "second toe",
                "fourth toe",
                "fifth toe",
                "sixth toe",
                "seventh toe",
                "eighth toe",
                "ninth toe",
            },
        ),
        ("number", "5 mg", {"6 mg", "7 mg", "15 mg"}),
        ("number", "a toe", {None}),
        ("side", "left arm", {"right arm"}),
        ("side", "an arm", {None}),
        ("unit", "5 mg", {"5 g"}),
        ("unit", "5 apples", {None}),
        ("comparison", "above 5", {"below 5"}),
        ("quantifier", "every valve", {"some valve"}),
        ("modality", "it may fail", {"it must fail"}),
        ("obligation", "you shall pay", {"you may pay"}),
        ("obligation", "you pay", {None}),
        ("negation", "the northern route", {f"{word} the northern route" for word in _DENIALS}),
        ("entity", "hepatic cyst", {"renal cyst", "biliary cyst"}),
        ("entity", "a cyst", {None}),
        ("truncated", "hepatic cyst", {"hepatic", "cyst"}),
        ("truncated", "cyst", {None}),
        ("copied", "a cyst", {"a cyst", "A CYST", "a cyst.", '"a cyst"'}),
    ],
)
def test_a_corruption_is_small_and_changes_what_is_said(kind, text, found):
    mates = {"hepatic": ["biliary", "renal"]}
    assert {
        corruptions.corrupt(kind, text, mates, random.Random(seed)) for seed in range(200)
    } == found


def test_what_an_entity_is_swapped_for_is_neither_its_synonym_nor_another_form_of_it():
    rows = [
        ("hepatic cyst", "a"),
        ("liver cyst", "a"),
        ("renal cyst", "b"),
        ("kidney cyst", "b"),
        ("renals cyst", "c"),
    ]
    found = corruptions.entities(pd.DataFrame(rows, columns=["anchor", "doc_id"]))
    assert found["hepatic"] == ["kidney", "renal", "renals"]
    assert found["renal"] == ["hepatic", "liver"]


def test_four_hundred_and_thirty_back_translations_were_judged():
    rows = paraphrases.judged("chosen", "held")
    assert rows["set"].value_counts().to_dict() == {"chosen": 320, "held": 110}
    assert set(rows["verdict"]) == {"same", "different"}
    assert set(rows["kind"]) == set(paraphrases.DOMAINS) - {"written"}
    assert not rows.duplicated(["parent"]).any()


def test_the_gain_of_a_method_is_the_mean_over_seeds_and_its_interval_is_over_components():
    scores = {
        "none": [np.zeros(4)],
        "spelling": [np.array([0.1, 0.1, 0.3, 0.3]), np.array([0.1, 0.1, 0.1, 0.1])],
    }
    told = augmentation.summary(scores, np.array(["a", "a", "b", "b"]))
    assert told["spelling.gain"] == pytest.approx(0.15)
    assert (told["spelling.low"], told["spelling.high"]) == pytest.approx((0.1, 0.2))


def test_seeds_that_differ_by_chance_give_no_verdict_and_one_that_ruins_the_model_does():
    names = np.array([f"c{at}" for at in range(60)])
    found = {13: np.tile([0.4, 0.6], 30), 14: np.tile([0.6, 0.4], 30), 15: np.zeros(60)}
    told = seeds.summary(found, names, 0.002, 0.01, component_weight=10)
    assert (told["pairs"], told["worse"], told["no_evidence"]) == (3, 2, 1)
    assert (told["better"], told["equivalent"]) == (0, 0)
    assert told["sd"] == pytest.approx(np.std([0.5, 0.5, 0.0], ddof=1))
    assert (told["smallest"], told["largest"], told["largest_difference"]) == (0.0, 0.5, 0.5)


def test_what_was_measured_is_kept_and_not_measured_again(tmp_path):
    made = judged_copies.kept(tmp_path / "new" / "a.npz", lambda: {"scores": [0.5, 1.0], "rows": 2})
    again = judged_copies.kept(tmp_path / "new" / "a.npz", lambda: {}["measured twice"])
    assert made["scores"].tolist() == again["scores"].tolist() == [0.5, 1.0]
    assert judged_copies.kept(None, lambda: {"rows": 2})["rows"] == 2
    with pytest.raises(KeyError):
        judged_copies.kept(tmp_path / "b.npz", lambda: {}["fails"])
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["a.npz", "new"]


def test_a_small_collection_is_measured_as_ir_measures_does(tmp_path):
    documents = {"1": "red wine", "2": "white wine", "3": "red bricks", "4": "a wall"}
    write_lines(
        tmp_path / "corpus.jsonl",
        [{"_id": key, "title": "", "text": text} for key, text in documents.items()],
    )
    write_lines(
        tmp_path / "queries.jsonl", [{"_id": "a", "text": "red"}, {"_id": "b", "text": "wine"}]
    )
    (tmp_path / "qrels").mkdir()
    judged = [("a", "3", 4), ("a", "1", 1), ("a", "4", 2), ("b", "2", 1), ("b", "3", 0)]
    lines = "".join(f"{query}\t{doc}\t{grade}\n" for query, doc, grade in judged)
    (tmp_path / "qrels/test.tsv").write_text(f"query-id\tcorpus-id\tscore\n{lines}")
    corpus, held, theirs = cranfield.read(tmp_path)
    assert sorted(len(of) for of in held.qrels.values()) == [1, 3]  # of grade 0 is no answer
    hits = BM25Index(corpus.texts, corpus.passage_starts).search(list(held.queries["text"]), 4)
    told = cranfield.compare(hits, corpus, held, theirs)
    assert told["largest_difference"] < 1e-9
    assert told["compared"] == 2 * len(cranfield.DEPTHS) * 5  # queries, depths, measures
    assert told["hit_at_5"] == 1.0


def write_lines(path, rows):
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))


def test_fusion_by_ranks_counts_ranks_and_leaves_out_what_shares_no_word():
    lexical = Hits(np.array([[7, 1, 0]]), np.array([[30.0, 2.0, 0.0]], dtype=np.float32))
    near = Hits(np.array([[2, 7, 0]]), np.array([[0.9, 0.8, 0.1]], dtype=np.float32))
    # 7: 1/61 + 1/62; 2: 1/61; 1: 1/62; 0: 1/63, for its cosine alone.
    assert fusion.by_ranks(lexical, near).positions.tolist() == [[7, 2, 1]]


def test_rows_that_changed_places_are_as_near_as_random_ones(tmp_path):
    # Each query is the first word of its document, and no two documents share a word.
    facts = [f"{word} {word}" for word in ("apple", "brick", "cloud", "drum", "eagle", "flute")]
    documents = [{"_id": f"d{at}", "title": "", "text": text} for at, text in enumerate(facts)]
    queries = [{"_id": f"q{at}", "text": text.split()[0]} for at, text in enumerate(facts)]
    judged = [f"q{at}\td{at}\t1" for at in range(len(facts))]
    (tmp_path / "qrels").mkdir()
    (tmp_path / "corpus.jsonl").write_text("\n".join(map(json.dumps, documents)))
    (tmp_path / "queries.jsonl").write_text("\n".join(map(json.dumps, queries)))
    header = "query-id\tcorpus-id\tscore"
    (tmp_path / "qrels/test.tsv").write_text("\n".join([header, *judged, "q0\td1\t0"]))

    class OneHot:
        def encode(self, texts):
            words = [text.split()[0] for text in facts]
            return np.array([[float(word in text) for word in words] for text in texts])

    areas = mispaired.measure(tmp_path, OneHot(), seed=1)
    assert areas[0.0] == 1.0
    assert areas[1.0] == 0.5
    assert 0.5 < areas[0.5] < 1.0

"""A row that each table accepts, and for each rule of each table one that breaks it."""

import pandas as pd

from stages.lib.contracts.aliases import Aliases
from stages.lib.contracts.documents import Documents
from stages.lib.contracts.fingerprints import Fingerprints
from stages.lib.contracts.hierarchy import Hierarchy
from stages.lib.contracts.knowledge import Knowledge
from stages.lib.contracts.ledger import Ledger
from stages.lib.contracts.made import Made
from stages.lib.contracts.near import Near
from stages.lib.contracts.pairs import Pairs
from stages.lib.contracts.passages import Passages
from stages.lib.contracts.qrels import Qrels
from stages.lib.contracts.queries import Queries
from stages.lib.contracts.query_results import QueryResults
from stages.lib.contracts.runs import Runs
from stages.lib.contracts.scored import Scored
from stages.lib.contracts.splits import Splits
from stages.lib.contracts.times import Times
from stages.lib.contracts.tokens import Tokens
from stages.lib.contracts.triplets import Triplets


def number(letter, digit):
    """Return an id that is easy to read, such as d1111111111111111."""
    return letter + str(digit) * 16


D1 = number("d", 1)
D2 = number("d", 2)
D3 = number("d", 3)
P1 = number("p", 1)
Q1 = number("q", 1)
Q2 = number("q", 2)

# One row that each table accepts.
GOOD = {
    Documents: {
        "doc_id": D1,
        "source": "faq",
        "title": "",
        "text": "Press reset.",
        "topic": "",
        "group": "",
    },
    Passages: {"passage_id": f"{D1}-0000", "doc_id": D1, "position": 0, "text": "Press reset."},
    Knowledge: {"kind": "word", "source": "", "item": "reset", "documents": 1},
    Pairs: {
        "pair_id": P1,
        "anchor": "reset?",
        "doc_id": D1,
        "relation": "",
        "score": 1.0,
        "source": "faq",
    },
    Times: {"id": P1, "time": "2026-01-31T00:00:00.000000Z"},
    Hierarchy: {"doc_id": D1, "parent_id": D2},
    Near: {"left_id": D1, "right_id": D2, "similarity": 0.9, "rule": "near"},
    Aliases: {"doc_id": D2, "kept_id": D1},
    Splits: {"id": P1, "component_id": D1, "split": "train"},
    Queries: {
        "query_id": Q1,
        "component_id": D1,
        "raw": "Reset?",
        "text": "reset?",
        "relation": "",
        "source": "faq",
    },
    Made: {"pair_id": P1, "origin_id": D1, "positive": ""},
    Scored: {"pair_id": P1, "component_id": D1, "anchor": "reset?", "doc_id": D1, "score": 0.0},
    Qrels: {"query_id": Q1, "doc_id": D1, "grade": 1.0},
    Fingerprints: {
        "id": P1,
        "split": "test",
        "normal_hash": "0123456789abcdef",
        "shingles": [1, 2**63],
    },
    Ledger: {
        "row_id": "faq:7",
        "seq": 0,
        "field": "",
        "action": "drop",
        "reason": "too_short",
        "partner_id": "",
        "score": float("nan"),
        "start": -1,
        "end": -1,
        "before": "?",
        "after": "",
    },
    Triplets: {
        "pair_id": P1,
        "component_id": D1,
        "anchor": "reset?",
        "doc_id": D1,
        "positive": "Press reset.",
        "positive_score": 0.8,
        "negative_ids": [D2, D3],
        "negatives": ["Press start.", "Call us."],
        "negative_scores": [0.5, 0.4],
        "negative_cross_scores": [0.1, float("nan")],
        "negative_miners": ["bm25", "both"],
        "negative_ranks": [1, 2],
        "negative_rules": ["margin", "margin"],
        "answer_ids": [D1],
        "shown_ids": [D1, D2, D3],
    },
    Tokens: {
        "pair_id": P1,
        "component_id": D1,
        "score": 1.0,
        "negatives": 0,
        "answer_ids": [D1],
        "shown_ids": [D1],
        "anchor_input_ids": [101, 102],
        "anchor_attention_mask": [1, 1],
        "positive_input_ids": [101, 102],
        "positive_attention_mask": [1, 1],
    },
    QueryResults: {
        "query_id": Q1,
        "split": "test",
        "system": "bm25",
        "component_id": D1,
        "ndcg_at_10": 0.0,
        "mrr_at_10": 0.0,
        "recall_at_10": 0.0,
        "recall_at_100": 0.0,
        "first_rank": 0,
        "first_score": float("nan"),
    },
    Runs: {
        "split": "test",
        "system": "bm25",
        "query_id": Q1,
        "rank": 1,
        "doc_id": D1,
        "score": 0.5,
    },
}

# What breaks: table, the values that make the row wrong, what the message says of the rule.
BROKEN = [
    (Hierarchy, {"doc_id": P1}, "doc_id: str_matches"),
    (Hierarchy, {"parent_id": P1}, "parent_id: str_matches"),
    (Hierarchy, {"parent_id": D1}, "row: no_document_stands_above_itself"),
    (Documents, {"doc_id": "doc-1"}, "doc_id: str_matches"),
    (Documents, {"doc_id": P1}, "doc_id: str_matches"),
    (Documents, {"source": ""}, "source: str_length(1"),
    (Documents, {"title": None}, "title: not_nullable"),
    (Documents, {"text": ""}, "text: str_length(1"),
    (Documents, {"topic": None}, "topic: not_nullable"),
    (Documents, {"group": None}, "group: not_nullable"),
    (Passages, {"passage_id": D1}, "passage_id: str_matches"),
    (Passages, {"doc_id": P1}, "doc_id: str_matches"),
    (Passages, {"position": -1}, "position: greater_than_or_equal_to(0"),
    (Passages, {"text": ""}, "text: str_length(1"),
    (Knowledge, {"kind": "sentence"}, "kind: isin"),
    (Knowledge, {"source": None}, "source: not_nullable"),
    (Knowledge, {"item": None}, "item: not_nullable"),
    (Knowledge, {"documents": 0}, "documents: greater_than_or_equal_to(1"),
    (Pairs, {"pair_id": D1}, "pair_id: str_matches"),
    (Pairs, {"anchor": ""}, "anchor: str_length(1"),
    (Pairs, {"doc_id": "d1"}, "doc_id: str_matches"),
    (Pairs, {"relation": None}, "relation: not_nullable"),
    (Pairs, {"score": -0.01}, "score: greater_than_or_equal_to(0"),
    (Pairs, {"score": 1.01}, "score: less_than_or_equal_to(1"),
    (Pairs, {"score": float("nan")}, "score: not_nullable"),
    (Pairs, {"source": ""}, "source: str_length(1"),
    (Times, {"id": Q1}, "id: str_matches"),
    (Times, {"time": ""}, "time: str_matches"),
    (Times, {"time": "2026-01-31"}, "time: str_matches"),
    (Near, {"left_id": "x1"}, "left_id: str_matches"),
    (Near, {"right_id": "x1"}, "right_id: str_matches"),
    (Near, {"similarity": -0.5}, "similarity: greater_than_or_equal_to(0"),
    (Near, {"similarity": 1.5}, "similarity: less_than_or_equal_to(1"),
    (Near, {"rule": "similar"}, "rule: isin"),
    (Near, {"left_id": D3}, "row: left_is_smaller_than_right"),
    (Near, {"left_id": D2}, "row: left_is_smaller_than_right"),
    (Aliases, {"doc_id": P1}, "doc_id: str_matches"),
    (Aliases, {"kept_id": P1}, "kept_id: str_matches"),
    (Aliases, {"kept_id": D2}, "row: kept_is_not_dropped"),
    (Splits, {"id": Q1}, "id: str_matches"),
    (Splits, {"component_id": ""}, "component_id: str_matches"),
    (Splits, {"split": "dev"}, "split: isin"),
    (Queries, {"query_id": D1}, "query_id: str_matches"),
    (Queries, {"component_id": None}, "component_id: not_nullable"),
    (Queries, {"raw": ""}, "raw: str_length(1"),
    (Queries, {"text": ""}, "text: str_length(1"),
    (Queries, {"relation": None}, "relation: not_nullable"),
    (Queries, {"source": ""}, "source: str_length(1"),
    (Made, {"pair_id": D1}, "pair_id: str_matches"),
    (Made, {"origin_id": Q1}, "origin_id: str_matches"),
    (Made, {"positive": None}, "positive: not_nullable"),
    (Scored, {"pair_id": D1}, "pair_id: str_matches"),
    (Scored, {"component_id": None}, "component_id: not_nullable"),
    (Scored, {"anchor": ""}, "anchor: str_length(1"),
    (Scored, {"doc_id": P1}, "doc_id: str_matches"),
    (Scored, {"score": -0.1}, "score: greater_than_or_equal_to(0"),
    (Scored, {"score": 1.1}, "score: less_than_or_equal_to(1"),
    (Qrels, {"query_id": P1}, "query_id: str_matches"),
    (Qrels, {"doc_id": Q1}, "doc_id: str_matches"),
    (Qrels, {"grade": 0.0}, "grade: greater_than(0"),
    (Qrels, {"grade": 2.0}, "grade: less_than_or_equal_to(1"),
    (Fingerprints, {"id": Q1}, "id: str_matches"),
    (Fingerprints, {"split": "train"}, "split: isin"),
    (Fingerprints, {"normal_hash": "0123456789ABCDEF"}, "normal_hash: str_matches"),
    (Fingerprints, {"shingles": None}, "shingles: not_nullable"),
    (Ledger, {"row_id": ""}, "row_id: str_length(1"),
    (Ledger, {"seq": -1}, "seq: greater_than_or_equal_to(0"),
    (Ledger, {"field": None}, "field: not_nullable"),
    (Ledger, {"action": "delete"}, "action: isin"),
    (Ledger, {"reason": ""}, "reason: str_length(1"),
    (Ledger, {"partner_id": None}, "partner_id: not_nullable"),
    (Ledger, {"start": -2}, "start: greater_than_or_equal_to(-1"),
    (Ledger, {"end": -2}, "end: greater_than_or_equal_to(-1"),
    (Ledger, {"before": None}, "before: not_nullable"),
    (Ledger, {"after": None}, "after: not_nullable"),
    (Triplets, {"pair_id": D1}, "pair_id: str_matches"),
    (Triplets, {"component_id": None}, "component_id: not_nullable"),
    (Triplets, {"anchor": ""}, "anchor: str_length(1"),
    (Triplets, {"doc_id": P1}, "doc_id: str_matches"),
    (Triplets, {"positive": ""}, "positive: str_length(1"),
    (Triplets, {"positive_score": 1.5}, "positive_score: less_than_or_equal_to(1.01"),
    (Triplets, {"positive_score": -1.5}, "positive_score: greater_than_or_equal_to(-1.01"),
    (Triplets, {"negative_ids": [D2]}, "row: lists_are_equally_long"),
    (Triplets, {"negatives": ["Call us."]}, "row: lists_are_equally_long"),
    (Triplets, {"negative_scores": []}, "row: lists_are_equally_long"),
    (Triplets, {"negative_miners": ["bm25"]}, "row: lists_are_equally_long"),
    (Triplets, {"negative_ranks": [1, 2, 3]}, "row: lists_are_equally_long"),
    (Triplets, {"negative_rules": ["margin"]}, "row: lists_are_equally_long"),
    (Triplets, {"negative_cross_scores": [0.5]}, "row: lists_are_equally_long"),
    (Triplets, {"answer_ids": [D2]}, "row: batches_know_positive_and_negatives"),
    (Triplets, {"shown_ids": [D1, D2]}, "row: batches_know_positive_and_negatives"),
    (Triplets, {"shown_ids": [D2, D3]}, "row: batches_know_positive_and_negatives"),
    (
        Triplets,
        {"negatives": ["reset?", "Call us."]},
        "row: negative_differs_from_anchor_and_positive",
    ),
    (
        Triplets,
        {"negatives": ["Call us.", "Press reset."]},
        "row: negative_differs_from_anchor_and_positive",
    ),
    (Triplets, {"negative_ids": [D2, D1]}, "row: negative_differs_from_anchor_and_positive"),
    (Tokens, {"pair_id": D1}, "pair_id: str_matches"),
    (Tokens, {"component_id": None}, "component_id: not_nullable"),
    (Tokens, {"answer_ids": None}, "answer_ids: not_nullable"),
    (Tokens, {"shown_ids": None}, "shown_ids: not_nullable"),
    (Tokens, {"score": -0.1}, "score: greater_than_or_equal_to(0"),
    (Tokens, {"score": 1.1}, "score: less_than_or_equal_to(1"),
    (Tokens, {"negatives": -1}, "negatives: greater_than_or_equal_to(0"),
    (Runs, {"split": "train"}, "split: isin"),
    (Runs, {"system": "oracle"}, "system: isin"),
    (Runs, {"query_id": P1}, "query_id: str_matches"),
    (Runs, {"rank": 0}, "rank: greater_than_or_equal_to(1"),
    (Runs, {"rank": 101}, "rank: less_than_or_equal_to(100"),
    (Runs, {"doc_id": P1}, "doc_id: str_matches"),
    (Runs, {"score": None}, "score: not_nullable"),
    (QueryResults, {"query_id": P1}, "query_id: str_matches"),
    (QueryResults, {"split": "train"}, "split: isin"),
    (QueryResults, {"system": "oracle"}, "system: isin"),
    (QueryResults, {"component_id": None}, "component_id: not_nullable"),
    (QueryResults, {"ndcg_at_10": 1.1}, "ndcg_at_10: less_than_or_equal_to(1"),
    (QueryResults, {"mrr_at_10": -0.1}, "mrr_at_10: greater_than_or_equal_to(0"),
    (QueryResults, {"recall_at_10": 1.1}, "recall_at_10: less_than_or_equal_to(1"),
    (QueryResults, {"recall_at_100": 1.1}, "recall_at_100: less_than_or_equal_to(1"),
    (QueryResults, {"first_rank": -1}, "first_rank: greater_than_or_equal_to(0"),
]

TABLES = list(GOOD)


def one_row(table, **changes):
    return pd.DataFrame([GOOD[table] | changes])

"""The tables that flow between stages: a file per table, every column described, every rule checked twice.

Start at `documents.py` and follow the pipeline: documents, pairs, times, near, aliases, splits, queries, qrels,
fingerprints, triplets, tokens, runs, query_results; `ledger.py` is written beside each of them.
"""

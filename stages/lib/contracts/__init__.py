"""The tables between stages, one file each. Each column is described, and each rule is checked.

A table is checked when it is written and when it is read. Read the files in the order of the
pipeline: documents, pairs, times, near, aliases, splits, queries, qrels, fingerprints, triplets,
tokens, runs, query_results. Most stages also write a `ledger.py` table.
"""

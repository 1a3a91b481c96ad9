"""Generated sets with one component that has a given part of the pairs, and counts of leaks by plain sets."""

import random

from stages.lib.text.matches import TextMatches
from stages.split.assign import assign
from stages.split.constraints import Constraints
from stages.split.frozen_giants import FrozenGiants
from stages.split.rows import Assignment
from tests.split.faq import (
    documents,
    edges_of,
    p,
    pairs,
    rows_of,
    text,
    with_params,
)

AUTO = with_params(giants="auto")


def table_of(links):
    """Return Documents and Pairs of `links`: (name of the query, name of the document)."""
    names = sorted({document for _, document in links})
    return (
        documents(*((name, text(name)) for name in names)),
        pairs(*((f"{query} {name}", text(f"{query}?"), name) for query, name in links)),
    )


def chain(name, count):
    """Return `count` links that hang together: each query asks for two neighbours in a line."""
    return [(f"{name}{(index + 1) // 2}", f"{name}{index // 2}") for index in range(count)]


def singles(name, count):
    """Return `count` links that have nothing in common."""
    return [(f"{name}{index}", f"{name}{index}") for index in range(count)]


def label_graph(questions, seed=0):
    """Return links of questions of which a quarter have two to six answers, a few of them far off.

    Answers are popular or not, so that nearly all of the questions hang together.
    """
    draw = random.Random(seed)
    size = 60
    topics = questions // size
    links = set()
    for question in range(questions):
        answers = draw.randint(2, 6) if draw.random() < 0.25 else 1
        topic = question % topics
        for _ in range(answers):
            place = min(int(draw.paretovariate(0.8)), size) - 1
            where = draw.randrange(topics) if draw.random() < 0.05 else topic
            links.add((f"q{question}", f"t{where}.{place}"))

    return sorted(links)


def click_log(clicks, seed=0):
    """Return links of a click log: two documents a query, and 2 % of the clicks anywhere."""
    draw = random.Random(seed)
    count = clicks // 6
    links = set()
    for _ in range(clicks):
        query = draw.randrange(count)
        document = (query + draw.randint(0, 1)) % count
        if draw.random() < 0.02:
            document = draw.randrange(count)
        links.add((f"q{query}", f"c{document}"))

    return sorted(links)


def divided(
    document_table, pair_table, params=AUTO, *, frozen=None, giants=None, matches=None
) -> Assignment:
    """Return the assignment of all rows, giants divided. Texts are equal or have nothing in common."""
    rows = rows_of(document_table, pair_table)
    edges = edges_of(document_table, pair_table, params)
    constraints = Constraints(frozen or {}, {}, frozen_giants=giants or FrozenGiants())
    matches = matches or equal_anchors(pair_table)
    return assign(rows, edges, matches, constraints=constraints, params=params)


def equal_anchors(pair_table) -> TextMatches:
    """Return the matches of a table in which two anchors are equal or have nothing in common."""
    groups = pair_table.groupby("anchor")["pair_id"].apply(sorted)
    return TextMatches({form: ids for form, ids in groups.items() if len(ids) > 1}, [], [])


def frozen_as(assignment: Assignment, limit: int):
    """Return what freezing `assignment` keeps: id to split, and the giants."""
    splits = {
        row_id: split
        for row_id, split in assignment.split_by_row().items()
        if split in ("train", "validation", "test") or row_id in assignment.giant_of
    }
    handling_of = {giant.name: giant.handling for giant in assignment.giants}
    return splits, FrozenGiants(limit, handling_of, dict(assignment.giant_of))


def shared_between_splits(split_of, links):
    """Return how many documents and anchors stand in pairs of two splits, counted with plain sets."""
    documents_of = {"train": set(), "validation": set(), "test": set()}
    anchors_of = {"train": set(), "validation": set(), "test": set()}
    for query, document in links:
        split = split_of[p(f"{query} {document}")]
        if split in documents_of:
            documents_of[split].add(document)
            anchors_of[split].add(query)

    shared = 0
    for left, right in (("train", "validation"), ("train", "test"), ("validation", "test")):
        shared += len(documents_of[left] & documents_of[right])
        shared += len(anchors_of[left] & anchors_of[right])
    return shared


def shares(split_of, links):
    """Return the share of the links in each split, rounded to two digits."""
    splits = [split_of[p(f"{query} {document}")] for query, document in links]
    return {name: round(splits.count(name) / len(splits), 2) for name in sorted(set(splits))}

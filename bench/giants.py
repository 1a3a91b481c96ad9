"""What cutting a giant component costs: pairs lost and seconds of CPU, for METIS and for simpler placings.

    python bench/giants.py [--pairs 20000 200000 850000] [--kinds topics services] [--cranfield FOLDER]

A component above `split.max_component_share` is cut into training, validation and test at 80, 10 and 10 %. A pair is
lost if its query and its document lie in different parts. Four kinds of graphs, each beyond the percolation threshold:
`topics`, questions of which a quarter have two to six answers, popular passages, and one answer in fifty from any other
topic; `stray`, a click log in which 2 % of the clicks fall on any document; `chance`, questions of which one in twenty
has several answers, drawn from all passages by popularity alone, which no cut can take apart well; `services`, a few
documents with many queries each, of which one in twenty asks for two, and the two largest have 27 % of the pairs.

`metis` is what the stage does. `hash` places documents by a hash and each query with most of its pairs. `majority`
places documents one after the other where most of their queries lie already, as long as the part is not full (Stanton
and Kliot 2012). Lost pairs are counted from the pairs, not from the graph. `se` is the standard error that the
components of the held-out queries give for a mean in which each document has an effect of its own, as a share of the
true one.
"""

from __future__ import annotations

import argparse
import csv
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

sys.path.insert(0, str(Path(__file__).parent.parent))

from stages.lib.core.ids import hash_hex
from stages.split.components import Edge, connected_components, split_of_component
from stages.split.giants import home_nodes
from stages.split.graph_cut import GiantGraph, build_graph, cut_graph
from stages.split.straddling import LeftOut

Integers = npt.NDArray[np.int64]
SHARES = (0.8, 0.1, 0.1)
PARTS = ("train", "validation", "test")
SIMULATIONS = 200


class Pairs(NamedTuple):
    """The query and the document of each pair, as numbers, both (pairs,)."""

    queries: Integers
    documents: Integers


# --- graphs


def topics(count: int, random: np.random.Generator) -> Pairs:
    """Return about `count` pairs of questions with topics; a fiftieth of the answers is stray."""
    queries, document_count = _questions(count, 0.25, random)
    size = 200
    topic_of_query = random.integers(0, max(1, document_count // size), queries.max() + 1)
    popular = (random.pareto(1.0, len(queries)) * 8).astype(np.int64) % size
    documents = topic_of_query[queries] * size + popular
    is_stray = random.random(len(queries)) < 0.02
    others = random.integers(0, document_count, len(queries))
    return Pairs(queries, np.where(is_stray, others, documents))


def stray(count: int, random: np.random.Generator) -> Pairs:
    """Return `count` clicks: each query has two documents, and 2 % of the clicks fall anywhere."""
    document_count = count // 8
    queries = random.integers(0, count // 4, count)
    home_of_query = random.integers(0, document_count, count // 4)
    documents = (home_of_query[queries] + random.integers(0, 2, count)) % document_count
    is_stray = random.random(count) < 0.02
    return Pairs(queries, np.where(is_stray, random.integers(0, document_count, count), documents))


def chance(count: int, random: np.random.Generator) -> Pairs:
    """Return about `count` pairs of questions whose answers have nothing in common."""
    queries, document_count = _questions(count, 0.05, random)
    weights = random.pareto(1.5, document_count) + 0.1
    return Pairs(queries, random.choice(document_count, len(queries), p=weights / weights.sum()))


def _questions(count: int, several: float, random: np.random.Generator) -> tuple[Integers, int]:
    """Return the question of each pair, and how many documents there are."""
    question_count = int(count / (1 + 3 * several))
    answers = np.where(
        random.random(question_count) < several, random.integers(2, 7, question_count), 1
    )
    return np.repeat(np.arange(question_count), answers), count // 3


def cranfield(folder: Path) -> Pairs:
    """Return the judged pairs of a test collection with qrels/test.tsv."""
    with (folder / "qrels" / "test.tsv").open(encoding="utf-8") as stream:
        rows = [row for row in csv.DictReader(stream, delimiter="\t") if float(row["score"]) > 0]

    query_number = {
        name: number for number, name in enumerate(sorted({r["query-id"] for r in rows}))
    }
    document_number = {
        name: number for number, name in enumerate(sorted({r["corpus-id"] for r in rows}))
    }
    return Pairs(
        np.array([query_number[row["query-id"]] for row in rows]),
        np.array([document_number[row["corpus-id"]] for row in rows]),
    )


def services(count: int, random: np.random.Generator) -> Pairs:
    """Return about `count` pairs of 40 documents; two of these are too large to hold out."""
    shares = random.pareto(1.1, 38) + 0.2
    shares = np.concatenate([[0.15, 0.12], 0.73 * shares / shares.sum()])
    documents = random.choice(len(shares), count, p=shares)
    queries = np.arange(count)

    # One query in twenty has a second answer, in any other document.
    second = np.flatnonzero(random.random(count) < 0.05)
    return Pairs(
        np.concatenate([queries, queries[second]]),
        np.concatenate([documents, random.integers(0, len(shares), len(second))]),
    )


KINDS: dict[str, Callable[[int, np.random.Generator], Pairs]] = {
    "topics": topics,
    "stray": stray,
    "chance": chance,
    "services": services,
}


# --- the giant as rows and edges


def giant(pairs: Pairs) -> tuple[list[str], list[Edge], dict[str, str]]:
    """Return the rows and edges of the largest component, and pair id to document id."""
    pair_ids = ["p" + hash_hex("pair", str(number)) for number in range(len(pairs.queries))]
    document_ids = ["d" + hash_hex("document", str(number)) for number in pairs.documents]
    document_of_pair = dict(zip(pair_ids, document_ids, strict=True))

    first_of_query: dict[int, str] = {}
    edges = [
        Edge(pair_id, document_id, "shared document")
        for pair_id, document_id in document_of_pair.items()
    ]
    for pair_id, query in zip(pair_ids, pairs.queries.tolist(), strict=True):
        first = first_of_query.setdefault(query, pair_id)
        if first != pair_id:
            edges.append(Edge(first, pair_id, "equal anchor"))

    rows = [*pair_ids, *sorted(set(document_ids))]
    component_of = connected_components(rows, [edge.ends for edge in edges], min)
    largest = Counter(component_of[pair_id] for pair_id in pair_ids).most_common(1)[0][0]
    inside = {row_id for row_id in rows if component_of[row_id] == largest}
    return (
        sorted(inside),
        [edge for edge in edges if edge.left in inside],
        {pair_id: name for pair_id, name in document_of_pair.items() if pair_id in inside},
    )


# --- placings


def by_hash(graph: GiantGraph) -> list[str]:
    """Return the part of each node: documents by hash, queries with most of their pairs."""
    node_splits = [split_of_component(members[0], *SHARES[:2]) for members in graph.members]
    return _queries_with_most(graph, node_splits)


def by_majority(graph: GiantGraph) -> list[str]:
    """Return the part of each node: each document where most of its queries lie, if there is room."""
    documents = sorted({document for _, document in graph.pair_nodes.values()})
    queries_of: dict[int, list[int]] = {document: [] for document in documents}
    for query, document in graph.pair_nodes.values():
        queries_of[document].append(query)

    total = len(graph.pair_nodes)
    filled = [0, 0, 0]
    seen: dict[int, Counter[int]] = {}
    node_splits = ["train"] * len(graph.members)
    for document in sorted(documents, key=lambda node: hash_hex("order", graph.members[node][0])):
        attached: Counter[int] = Counter()
        for query in queries_of[document]:
            attached.update(seen.get(query, Counter()))

        room = [1 - filled[part] / (SHARES[part] * total) for part in range(3)]
        part = max(range(3), key=lambda part: ((attached[part] + 0.01) * room[part], -part))
        node_splits[document] = PARTS[part]
        filled[part] += len(queries_of[document])
        for query in queries_of[document]:
            seen.setdefault(query, Counter())[part] += 1

    return _queries_with_most(graph, node_splits)


def _queries_with_most(graph: GiantGraph, node_splits: list[str]) -> list[str]:
    """Return `node_splits` with each query in the part that has most of its documents."""
    counts: dict[int, Counter[str]] = {}
    for query, document in graph.pair_nodes.values():
        counts.setdefault(query, Counter())[node_splits[document]] += 1

    placed = list(node_splits)
    for query, count_by_part in counts.items():
        placed[query] = max(PARTS, key=lambda part: (count_by_part[part], -PARTS.index(part)))

    return placed


PLACINGS: dict[str, Callable[[GiantGraph], list[str]]] = {
    "metis": lambda graph: cut_graph(graph, SHARES),
    "hash": by_hash,
    "majority": by_majority,
}


# --- measures


def lost_share(graph: GiantGraph, node_splits: list[str]) -> float:
    """Return the share of the pairs whose query and document lie in different parts."""
    lost = sum(
        node_splits[query] != node_splits[document] for query, document in graph.pair_nodes.values()
    )
    return lost / len(graph.pair_nodes)


def held_out_share(graph: GiantGraph, node_splits: list[str]) -> float:
    """Return the share of the pairs that are held out as a whole."""
    held_out = sum(
        node_splits[query] == node_splits[document] != "train"
        for query, document in graph.pair_nodes.values()
    )
    return held_out / len(graph.pair_nodes)


def error_ratio(graph: GiantGraph, node_splits: list[str], random: np.random.Generator) -> float:
    """Return the estimated standard error of a mean over held-out queries, by the true one.

    The result of a query is the mean effect of its documents and noise of its own, both of
    variance 1. The estimate sums the results of each component, as the intervals do.
    """
    left_out = LeftOut(
        {
            pair_id
            for pair_id, (query, document) in graph.pair_nodes.items()
            if node_splits[query] != node_splits[document]
        },
        {},
    )
    home_of = home_nodes(graph, node_splits, left_out)
    held_out = [
        (*graph.pair_nodes[pair_id], home)
        for pair_id, home in home_of.items()
        if node_splits[graph.pair_nodes[pair_id][1]] != "train"
    ]
    query_number, queries = _numbered([query for query, _, _ in held_out])
    document_number, documents = _numbered([document for _, document, _ in held_out])
    components = np.zeros(queries, dtype=np.int64)
    components[query_number] = [home for _, _, home in held_out]
    _, component_number = np.unique(components, return_inverse=True)

    degree = np.bincount(query_number, minlength=queries)
    means, estimates = [], []
    for _ in range(SIMULATIONS):
        effects = random.normal(size=documents)[document_number]
        results = np.bincount(query_number, weights=effects) / degree + random.normal(size=queries)
        means.append(results.mean())
        sums = np.bincount(component_number, weights=results - results.mean())
        estimates.append(np.sqrt((sums**2).sum()) / queries)

    return float(np.mean(estimates) / np.std(means))


def _numbered(names: list[int]) -> tuple[Integers, int]:
    unique, numbers = np.unique(names, return_inverse=True)
    return numbers, len(unique)


def show(name: str, pairs: Pairs, placings: list[str]) -> None:
    """Print a line for each placing of the largest component of `pairs`."""
    rows, edges, document_of_pair = giant(pairs)
    start = time.process_time()
    graph = build_graph(rows, edges, document_of_pair, SHARES)
    building = time.process_time() - start
    share = len(graph.pair_nodes) / len(pairs.queries)
    print(f"{name}: {len(pairs.queries):,} pairs, {share:.1%} in one component")
    for placing in placings:
        start = time.process_time()
        node_splits = PLACINGS[placing](graph)
        seconds = time.process_time() - start
        line = f"  {placing:<9} lost {lost_share(graph, node_splits):7.2%}  "
        line += f"held out {held_out_share(graph, node_splits):.1%}  {seconds:6.1f} s"
        if placing == "metis":
            ratio = error_ratio(graph, node_splits, np.random.default_rng(1))
            line += f"  (graph {building:.1f} s)  se {ratio:.2f}"
        print(line, flush=True)


def main() -> None:
    """Run the bench."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, nargs="+", default=[20_000, 200_000, 850_000])
    parser.add_argument("--kinds", nargs="+", choices=sorted(KINDS), default=list(KINDS))
    parser.add_argument("--placings", nargs="+", choices=list(PLACINGS), default=list(PLACINGS))
    parser.add_argument("--cranfield", type=Path, help="folder with qrels/test.tsv")
    arguments = parser.parse_args()

    for count in arguments.pairs:
        for kind in arguments.kinds:
            pairs = KINDS[kind](count, np.random.default_rng(1))
            show(f"{kind} {count:,}", pairs, arguments.placings)

    if arguments.cranfield:
        show("cranfield", cranfield(arguments.cranfield), arguments.placings)


if __name__ == "__main__":
    main()

"""What ties rows whatever their texts say: documents, copies, near edges, groups, topics; by the unit of the split."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

import pandas as pd

from stages.lib.errors import Problem
from stages.split.audit import equal_groups
from stages.split.components import Texts, Tie, star, tie
from stages.split.params import SplitParams

SMALLEST = (
    20  # pairs; a component of fewer is never too large, or tiny data could not be split at all
)
SHOWN = 2
_EASIEST = (
    "topic",
    "group",
    "near text",
    "near anchor",
    "equal anchor",
    "equal text",
    "copy",
    "shared document",
    "recipe",
)

_LEVEL = re.compile(r"[/>]")


def ties_of(
    edges: pd.DataFrame,
    copies: pd.DataFrame,
    documents: pd.DataFrame,
    pairs: pd.DataFrame,
    params: SplitParams,
) -> list[Tie]:
    """Return the ties among `documents` and `pairs` under the unit of `params`.

    `edges` is a Near table, `copies` the Aliases. Without documents in the unit only near anchors are tied; with
    dates nothing is, since a date decides for each pair.
    """
    if params.unit == "time":
        return []
    near = [
        Tie(
            left,
            right,
            f"{'equal' if rule == 'equal' else 'near'} {'anchor' if left.startswith('p') else 'text'}",
        )
        for left, right, rule in zip(
            edges["left_id"], edges["right_id"], edges["rule"], strict=True
        )
    ]
    if params.unit == "anchor":
        return [one for one in near if one.left.startswith("p") and one.right.startswith("p")]
    return [
        *(
            Tie(*ends, "shared document")
            for ends in zip(pairs["pair_id"], pairs["doc_id"], strict=True)
        ),
        *(Tie(*ends, "copy") for ends in zip(copies["doc_id"], copies["kept_id"], strict=True)),
        *(near if params.unit == "component" else []),
        *(Tie(*ends, "group") for ends in star(groups(documents))),
        *(Tie(*ends, "topic") for ends in star(topics(documents, params.topic_levels))),
    ]


def made_ties(made: pd.DataFrame, answers: Mapping[str, str], params: SplitParams) -> list[Tie]:
    """Return the ties of made pairs, a Made table, to what they were made from, as far as the unit splits that.

    An anchor that is the positive of a made pair, and the text that is its anchor, must not be held out from it. That
    text is mostly the document itself, which `answers` gives of each pair.
    """
    if params.unit == "time":
        return []
    return [
        Tie(pair_id, origin_id, "recipe")
        for pair_id, origin_id in zip(made["pair_id"], made["origin_id"], strict=True)
        if origin_id != answers[pair_id] and (params.splits_documents or origin_id.startswith("p"))
    ]


def equal_ties(kinds: Sequence[Texts]) -> list[Tie]:
    """Return what ties the ids that have a text in common, in normal form."""
    return [
        Tie(
            left,
            right,
            "equal anchor" if left.startswith("p") and right.startswith("p") else "equal text",
        )
        for left, right in star(equal_groups(*kinds))
    ]


def groups(documents: pd.DataFrame) -> dict[str, list[str]]:
    """Return the documents of each group; groups are those of a source. Documents without one are in none."""
    found: dict[str, list[str]] = defaultdict(list)
    for doc_id, source, group in zip(
        documents["doc_id"], documents["source"], documents["group"], strict=True
    ):
        if group:
            found[f"{source}\n{group}"].append(doc_id)
    return dict(found)


def topics(documents: pd.DataFrame, levels: int | None) -> dict[str, list[str]]:
    """Return the documents whose topics begin with the same `levels` parts; none for None.

    Parts end with "/" or ">". A topic of fewer parts is compared as it is; documents without one are in none.
    """
    found: dict[str, list[str]] = defaultdict(list)
    for doc_id, topic in (
        zip(documents["doc_id"], documents["topic"], strict=True) if levels is not None else ()
    ):
        parts = [part for whole in _LEVEL.split(topic) if (part := whole.strip())]
        if parts:
            found["\n".join(parts[:levels])].append(doc_id)
    return dict(found)


def check_size(
    component_of: Mapping[str, str], pairs: Iterable[str], ties: Sequence[Tie], params: SplitParams
) -> None:
    """Refuse a component that holds more than the allowed share of `pairs`, and more than SMALLEST of them.

    Whichever split it falls into, that split is mostly this one thing. Raises Problem, which names its size,
    what made it, and what would take it apart.
    """
    sizes = Counter(component_of[pair_id] for pair_id in pairs)
    name, size = max(sizes.items(), key=lambda item: (item[1], item[0]), default=("", 0))
    total = sizes.total()
    if size <= SMALLEST or size <= params.max_component_share * total:
        return
    inside = sorted(one for one in ties if component_of[one.left] == name)
    pairs_of = Counter(one.right for one in inside if one.kind == "shared document")
    # A document with one pair joins nothing to anything.
    joining = [one for one in inside if one.kind != "shared document" or pairs_of[one.right] > 1]
    counts = Counter(one.kind for one in joining)
    # What matters is what the component would fall apart without, not what it has most of; of several such kinds
    # the one that is easiest to do without.
    rest = {kind: _largest([one for one in inside if one.kind != kind]) for kind in counts}
    most = max(SMALLEST, int(params.max_component_share * total))
    kinds = sorted(
        counts, key=lambda kind: (rest[kind] > most, max(rest[kind], most), _EASIEST.index(kind))
    )
    shown = [next(one for one in joining if one.kind == kind) for kind in kinds[:SHOWN]]
    shown = shown if len(shown) == SHOWN else joining[:SHOWN]
    # Anchors that are whole documents are tied to these by their text as well.
    cause = (
        "recipe"
        if any(one.kind == "recipe" and one.right.startswith("d") for one in joining)
        else kinds[0]
    )
    told = ", ".join(f"{kind} {counts[kind]:,} ({rest[kind]:,})" for kind in kinds)
    raise Problem(
        f"{size:,} of {total:,} pairs ({size / total:.1%}) are tied into one component, {name}; "
        f"split.max_component_share is {params.max_component_share}\n"
        f"  tied by (in brackets the largest piece without it): {told}\n"
        + "\n".join(f"  {one.kind}: {one.left} and {one.right}" for one in shown),
        f"{_remedy(cause, params)};\n"
        "  or raise split.max_component_share, if the data is like that ('python -m stages explain ID' shows a row)",
    )


def _largest(ties: Sequence[Tie]) -> int:
    """Return how many pairs the largest component of `ties` has; a pair that nothing ties is one."""
    ids = sorted({end for one in ties for end in (one.left, one.right)})
    sizes = Counter(
        name for i, name in tie(ids, [one[:2] for one in ties], min).items() if i.startswith("p")
    )
    return max(sizes.values(), default=1)


def _remedy(kind: str, params: SplitParams) -> str:
    if kind == "group":
        return "map a finer column to 'group' under collect.sources, or none"
    if kind == "topic":
        return "raise split.topic_levels, or set it to null"
    if kind == "recipe":
        return "map a finer column to 'topic', or take same_label out of pair.recipes: it ties documents of one topic"
    if kind.startswith("near"):
        unit = "set split.unit to 'group', or " if params.unit == "component" else ""
        return f"{unit}raise deduplicate.near_threshold and split.near_threshold"
    if kind in ("shared document", "equal anchor") and params.splits_documents:
        return "set split.unit to 'anchor', if documents may be shared between splits (click logs)"
    return "see whether this text should be there so often (section clean removes boilerplate)"

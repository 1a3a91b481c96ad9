"""The recipes by name. None invents a positive: each pairs a document with a part of itself, or with its like."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from stages.pair.cuts import first_sentence, neighbours, title
from stages.pair.proposals import Made
from stages.pair.render import Source
from stages.pair.rings import same_label, synonyms
from stages.pair.sections import heading, question

ALONE: Mapping[str, Callable[[Source], Iterator[Made]]] = {
    "title": title,
    "question": question,
    "first_sentence": first_sentence,
    "neighbours": neighbours,
}


def propose(
    wanted: Sequence[str],
    found: Sequence[Source],
    raw: Mapping[str, str],
    asked: Mapping[str, Sequence[tuple[str, str]]],
) -> Iterator[Made]:
    """Yield what the `wanted` recipes make of the documents; `raw` is the text of each as it was collected."""
    for source in found:
        for name in wanted:
            if name in ALONE:
                yield from ALONE[name](source)
        if "heading" in wanted:
            yield from heading(source, raw[source.doc_id])
    if "same_label" in wanted:
        yield from same_label(found)
    if "synonyms" in wanted:
        yield from synonyms(found, asked)

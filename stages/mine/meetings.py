"""Which rows may meet in a batch: what answers each row, and what it shows to the others as wrong.

In a batch the positive and the negatives of every row are negatives of all others. So no row may show what answers
another: the same document, one of its component, a near-duplicate, another answer to an equal or near anchor, or, where
the anchor asks for any document of a topic, one of that topic.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from stages.mine.answers import Neighbours


class Meetings:
    """Knows components, answers and near-duplicates, and tells them of each row.

    `component_of` maps pairs and documents to components; `parents` maps a made pair to the one it varies; `answers`
    maps each pair, trained on or not, to its document; `near` has the near-duplicates of pairs and documents. `asked`
    has the topic of each pair that any document of it answers, `topic_of` that of each document.
    """

    def __init__(
        self,
        component_of: Mapping[str, str],
        parents: Mapping[str, str],
        answers: Mapping[str, str],
        near: Neighbours,
        asked: Mapping[str, str],
        topic_of: Mapping[str, str],
    ) -> None:
        self._component_of, self._parents, self._answers, self._near = (
            component_of,
            parents,
            answers,
            near,
        )
        self._asked = asked
        wanted = set(asked.values())
        self._topic_of = {doc_id: topic for doc_id, topic in topic_of.items() if topic in wanted}

    def component(self, pair_id: str, doc_id: str) -> str:
        """Return the component of a pair, which for a made one is that of its parent; else that of its document."""
        return (
            self._component_of.get(self._parents.get(pair_id, pair_id))
            or self._component_of[doc_id]
        )

    def answer_ids(self, pair_id: str, doc_id: str, positives: frozenset[str]) -> list[str]:
        """Return the documents, components and topics that answer a pair whose anchor has the documents `positives`."""
        like = self._near.get(self._parents.get(pair_id, pair_id), frozenset())
        right = {
            doc_id,
            *positives,
            *(self._answers[other] for other in like if other in self._answers),
        }
        right = right.union(*(self._near.get(one, frozenset()) for one in right))
        topic = {_named(self._asked[pair_id])} if pair_id in self._asked else set[str]()
        return sorted({self.component(pair_id, doc_id), *right, *self._components(right), *topic})

    def shown_ids(self, pair_id: str, doc_id: str, negatives: Sequence[str]) -> list[str]:
        """Return the documents, components and topics that a pair brings into a batch, with its negatives."""
        shown = {doc_id, *negatives}
        topics = {_named(self._topic_of[one]) for one in shown if one in self._topic_of}
        return sorted({self.component(pair_id, doc_id), *shown, *self._components(shown), *topics})

    def _components(self, doc_ids: set[str]) -> set[str]:
        return {name for doc_id in doc_ids if (name := self._component_of.get(doc_id))}


def _named(topic: str) -> str:
    """Return what a topic is called beside ids, which have no blank."""
    return f"topic {topic}"


def meet(
    rows: pd.DataFrame, meetings: Meetings, positives: Sequence[frozenset[str]]
) -> pd.DataFrame:
    """Return `rows` with component_id, answer_ids and shown_ids; `positives` are the documents of each anchor."""
    pairs = list(zip(rows["pair_id"], rows["doc_id"], strict=True))
    answers = [
        meetings.answer_ids(*pair, known) for pair, known in zip(pairs, positives, strict=True)
    ]
    shown = [
        meetings.shown_ids(*pair, ids)
        for pair, ids in zip(pairs, rows["negative_ids"], strict=True)
    ]
    return rows.assign(
        component_id=[meetings.component(*pair) for pair in pairs],
        answer_ids=pd.Series(answers, index=rows.index, dtype=object),
        shown_ids=pd.Series(shown, index=rows.index, dtype=object),
    )

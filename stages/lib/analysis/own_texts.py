"""Documents that hold the text of a query itself. They are no negatives of that query.

A recipe may take a document for an anchor, and a user may ask with a text that is a document too.
Then the nearest document is the query itself, and a panel would count it as an error.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from stages.lib.retrieval.corpus import Corpus
from stages.lib.text.normal_form import normal_form, words

# A query of fewer words may stand in a passage that says something else ("fever", "high fever").
MIN_QUOTED_WORDS = 8


class OwnTexts:
    """Looks for the text of a query in the passages of a document, by their normal forms.

    >>> import numpy as np
    >>> corpus = Corpus(np.array(["d1", "d2"]), ["Fever.", "High fever."])
    >>> list(OwnTexts(corpus).without("fever", [0, 1]))
    [1]
    """

    def __init__(self, corpus: Corpus) -> None:
        """Start without any normal form. A document is read when it is first asked for."""
        self._corpus = corpus
        self._forms_of_document: dict[int, list[str]] = {}

    def without(self, query: str, positions: Iterable[int]) -> Iterator[int]:
        """Yield those of the documents at `positions` that do not hold the text of `query`.

        A document holds it if a passage has the same normal form, or if the query has
        MIN_QUOTED_WORDS words or more that stand in a passage in this order.
        """
        form = normal_form(query)
        is_long = len(words(query)) >= MIN_QUOTED_WORDS
        for position in positions:
            forms = self._forms(position)
            is_quoted = is_long and any(f" {form} " in f" {other} " for other in forms)
            if form not in forms and not is_quoted:
                yield position

    def _forms(self, position: int) -> list[str]:
        """Return the normal forms of the passages of the document at `position`."""
        if position not in self._forms_of_document:
            texts = self._corpus.passages(position)
            self._forms_of_document[position] = [normal_form(text) for text in texts]

        return self._forms_of_document[position]

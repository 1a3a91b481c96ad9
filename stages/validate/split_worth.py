"""What the split measures: relevant documents that are trained, and documents that are labels.

Few documents with many anchors each are labels, intents or categories. A split that holds out whole
documents then holds out whole labels, and measures something that may never happen in production.
"""

from __future__ import annotations

from typing import NamedTuple

from stages.lib.analysis.intervals import MIN_COMPONENTS
from stages.lib.reporting.details import StageDetails

# A document with this many anchors on average is a label rather than a text that is searched for.
MIN_ANCHORS_PER_LABEL = 10.0


class SplitWorth(NamedTuple):
    """What validation queries ask for.

    Attributes:
        trained_share: the share of validation queries of which a document was trained on.
        labels: the number of documents, if they are labels; else 0.
        anchors_per_document: the anchors of a document on average.
    """

    trained_share: float
    labels: int
    anchors_per_document: float

    def metrics(self) -> dict[str, float]:
        """Return the metrics. `labels.untrained_share` is 0 where documents are no labels."""
        return {
            "trained_documents_share": self.trained_share,
            "labels.documents": self.labels,
            "labels.anchors_per_document": self.anchors_per_document,
            "labels.untrained_share": 1.0 - self.trained_share if self.labels else 0.0,
        }


def split_worth(trained_share: float, upstream: StageDetails) -> SplitWorth:
    """Return what the split is worth.

    Documents are labels if they have MIN_ANCHORS_PER_LABEL anchors on average, and if there are so
    few that the validation share of them gives no interval. The number is the effective one, since
    a few rare documents change nothing. Pairs that recipes made do not count: the headings of a
    manual make it no label.

    Args:
        trained_share: the share of validation queries of which a document was trained on.
        upstream: the details of `pair` and `split`.
    """
    pairs = min(upstream.require("pair", "rows_out"), upstream.require("pair", "rows_in"))
    documents = upstream.require("pair", "paired_documents")
    effective_documents = upstream.require("pair", "balance.after.document.effective_number")
    held_out_share = upstream.require("split", "validation_share")

    anchors_per_document = pairs / max(1.0, documents)
    has_many_anchors = anchors_per_document >= MIN_ANCHORS_PER_LABEL
    are_few = effective_documents * held_out_share < MIN_COMPONENTS
    return SplitWorth(
        trained_share=trained_share,
        labels=int(documents) if has_many_anchors and are_few else 0,
        anchors_per_document=anchors_per_document,
    )

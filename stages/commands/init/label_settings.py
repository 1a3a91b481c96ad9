"""Settings for classified texts, of which those of one label find each other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any, NamedTuple

from stages.collect.records import DocumentRow, SourceRows
from stages.lib.core.params import load_section
from stages.split.interface import SplitParams

# Texts of one label need not be near before training: with 18 categories of products the area is
# 0.73, and a linear layer gains 0.16 nDCG@10. Rows that are mixed up at random have 0.5.
_RANDOM_AUC = 0.6
_BM25_AUC = 0.0


class Labels(NamedTuple):
    """The labels of all documents, in numbers.

    Attributes:
        different: how many there are.
        divided: labels with more pairs than one component may have, which `split` divides.
    """

    different: int
    divided: int


def labels_of(sources: Iterable[SourceRows]) -> Labels:
    """Return the labels of the documents of all sources. There must be few different ones."""
    texts_of_label: Counter[str] = Counter()
    for rows in sources:
        for document in map(DocumentRow._make, rows.documents):
            if document.topic:
                texts_of_label[document.topic] += 1

    limit = load_section(SplitParams).max_component_share * texts_of_label.total()
    divided = sum(count > limit for count in texts_of_label.values())
    return Labels(len(texts_of_label), divided)


def label_settings(labels: Labels) -> tuple[dict[str, Any], list[str]]:
    """Return the values of params.yaml that suit labels by dotted key, and sentences on them."""
    values = {
        "validate.min_random_auc": _RANDOM_AUC,
        "validate.doubtful_random_auc": _RANDOM_AUC,
        "validate.min_bm25_auc": _BM25_AUC,
    }
    sentences = [
        "Texts of one label may differ more than questions and answers do, so two gates ask for "
        "less: validate.min_random_auc, validate.doubtful_random_auc, validate.min_bm25_auc."
    ]
    if labels.divided:
        sentences.append(
            f"{labels.divided} of {labels.different} labels hold more of the texts than one "
            "component may (split.max_component_share). Their texts are divided between the "
            "splits or all trained on, as split.giants says."
        )
    return values, sentences

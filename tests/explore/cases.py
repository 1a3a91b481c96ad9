"""Pages of made-up documents."""

import numpy as np
import pandas as pd

from stages.explore.clusters import Region
from stages.explore.layout import Neighbours
from stages.explore.page import PageRows
from stages.explore.shown import ShownRow, SimilarDocument

HOSTILE = (
    "<script>document.title = 'run'</script>",
    "<img src=x onerror=\"document.title = 'run'\">",
    "]]> --> </script></textarea>",
    "\u202eright to left \u05d0\u05d1",
    "family \U0001f468\u200d\U0001f469\u200d\U0001f467",
    "x" * 10_000,
    "y" * 1_000_000,
    '"; alert(1); "',
)


def page_rows(texts, seed=1):
    """Return what a page shows of documents with these texts."""
    count = len(texts)
    random = np.random.default_rng(seed)
    splits = ["train", "validation", "corpus"]
    documents = pd.DataFrame(
        {
            "doc_id": [f"d{number:016x}" for number in range(count)],
            "source": "faq",
            "title": [f"Title {number}" for number in range(count)],
            "text": texts,
            "topic": [f"topic {number % 12}" for number in range(count)],
            "group": "",
            "split": [splits[number % 3] for number in range(count)],
        }
    )
    nearest = (np.arange(count)[:, None] + np.arange(1, 7)) % count
    return PageRows(
        documents=documents,
        positions=random.normal(size=(count, 2)).round(5) * 10,
        neighbours=Neighbours(nearest, np.ones(nearest.shape, dtype=np.float32)),
        queries={1: ["A query of validation?"]},
        training={0: [ShownRow("An anchor?", 0.125, [2])]},
        near={0: [SimilarDocument(3, 0.9)], 3: [SimilarDocument(0, 0.9)]},
        regions=[Region(0.0, 0.0, "some words", count)],
        left_out=0,
    )

"""Pages of made-up documents."""

import numpy as np
import pandas as pd

from stages.explore.clusters import Region
from stages.explore.layout import Neighbours
from stages.explore.page import BASE_MODEL, FINETUNED_MODEL
from stages.explore.page_rows import DocumentChanges, GoneDocument, ModelMap, PageRows
from stages.explore.shown import ShownRow, SimilarDocument
from stages.explore.story import OtherRows, PipelineStory

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
    regions = [Region(0.0, 0.0, "some words", count)]
    positions = random.normal(size=(count, 2)).round(5) * 10
    return PageRows(
        documents=documents,
        maps=[ModelMap(BASE_MODEL, positions, following(count, 1), regions)],
        queries={1: ["A query of validation?"]},
        training={0: [ShownRow("An anchor?", 0.125, [2])]},
        near={0: [SimilarDocument(3, 0.9)], 3: [SimilarDocument(0, 0.9)]},
        story=PipelineStory(
            ["clean: edit text, typo", "deduplicate: drop, exact copy"],
            own={2: [(0, 3)]},
            others={2: [OtherRows(1, 21, ["d00000000000000aa", "d00000000000000ab"])]},
        ),
        left_out=0,
    )


def following(count, first):
    """Return as the neighbours of each document the six that follow it, from the `first` on."""
    nearest = (np.arange(count)[:, None] + np.arange(first, first + 6)) % count
    return Neighbours(nearest, np.ones(nearest.shape, dtype=np.float32))


def with_second_model(rows):
    """Return rows that a fine-tuned model places too: on one line, with other neighbours."""
    count = len(rows.documents)
    line = np.array([[float(number), 0.0] for number in range(count)])
    regions = [Region(0.0, 0.0, "one line", count)]
    second = ModelMap(FINETUNED_MODEL, line, following(count, 2), regions)
    return rows._replace(maps=[*rows.maps, second])


def with_changes(rows, revision="v1"):
    """Return rows of which the first four differ from a version; three of its documents are gone."""
    states = ["new", "edited", "moved to another split", "edited and moved"]
    unchanged = ["unchanged"] * (len(rows.documents) - 4)
    changes = DocumentChanges(
        revision,
        states=[*states, *unchanged],
        old_splits={2: "validation", 3: "test"},
        old_texts={1: ("Title 1", "text 1 before"), 3: ("Old title 3", "text 3")},
        gone=[
            GoneDocument("d00000000000000a1", "A copy", "deduplicate: exact copy, kept d7"),
            GoneDocument("d00000000000000a2", "<b>Bold</b>", ""),
        ],
        hidden=1,
    )
    return rows._replace(changes=changes)

"""What a split is worth, in one sentence: the share of queries whose document was trained on."""

from __future__ import annotations


def trained_documents_sentence(share: float, queries: str, unit: str) -> str:
    """Return one sentence on the queries that ask for a document of the training rows.

    Args:
        share: the share of queries of which a relevant document was trained on.
        queries: what the queries are, such as "validation queries".
        unit: `split.unit`.

    >>> trained_documents_sentence(0.0, "test queries", "component")
    'None of the test queries asks for a document that was trained on.'
    >>> trained_documents_sentence(0.69, "test queries", "anchor").partition(":")[0]
    '69.0 % of the test queries ask for a document that was trained on'
    """
    if not share:
        return f"None of the {queries} asks for a document that was trained on."

    # A small share is not rounded to nothing.
    shown = "Less than 0.1 %" if share < 0.001 else f"{share:.1%}".replace("%", " %")
    return (
        f"{shown} of the {queries} ask for a document that was trained on: `split.unit` is "
        f"`{unit}`, and these queries show how well the model knows its documents, not how it "
        "reads new ones."
    )

"""Read a source from files that a test writes, as `collect` does."""

import json
import tempfile
from pathlib import Path

from pydantic import TypeAdapter

from stages.collect.kinds.registry import AnySource, kind_of
from stages.collect.source import ReadRequest

ADAPTER = TypeAdapter(AnySource)


def lines(*values):
    """Return JSONL."""
    return "".join(json.dumps(value, ensure_ascii=False) + "\n" for value in values)


def read(settings, files, sources=None, known_documents=(), max_rejected_share=1.0):
    """Write `files` under data/raw and return the rows of the source `set`.

    Args:
        settings: its settings, as params.yaml would hold them.
        files: path under data/raw to content, text or bytes.
        sources: settings of other sources by name.
        known_documents: ids of the documents that its pairs lead to.
        max_rejected_share: the largest share that may be rejected.
    """
    source = ADAPTER.validate_python(settings)
    others = {name: ADAPTER.validate_python(other) for name, other in (sources or {}).items()}
    with tempfile.TemporaryDirectory() as folder:
        for name, content in files.items():
            path = Path(folder) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))

        kind = kind_of(source)
        kind.check("set", source, {"set": source, **others})
        request = ReadRequest(
            "set", Path(folder), known_documents, max_rejected_share=max_rejected_share
        )
        return kind.read(source, request)


def pairs_of(rows):
    """Return (anchor, text of the document, grade or score) of each pair, sorted."""
    grade_of_pair = dict(zip(rows.grades["pair_id"], rows.grades["grade"], strict=True))
    text_of_document = dict(zip(rows.documents["doc_id"], rows.documents["text"], strict=True))
    return sorted(
        (pair.anchor, text_of_document[pair.doc_id], grade_of_pair.get(pair.pair_id, pair.score))
        for pair in rows.pairs.frame().itertuples()
    )


def texts_of(rows):
    """Return the texts of the documents, sorted."""
    return sorted(rows.documents["text"])


def left_out(rows):
    """Return (reason, place without the folder) of each record that is left out, sorted."""
    frame = rows.ledger.frame().query("action == 'drop'")
    places = frame["after"].str.replace("data/raw/", "")
    return sorted(zip(frame["reason"], places, strict=True))


def contents(rows):
    """Return all that does not depend on where a record stands."""
    ledger = rows.ledger.frame().drop(columns="after").sort_values(["row_id", "seq"])
    tables = [rows.documents, rows.pairs, rows.grades, rows.given_splits, rows.times]
    parts = [list(table) for table in tables]
    return [*parts, ledger.astype(str).to_dict("records"), rows.records_read, rows.records_kept]

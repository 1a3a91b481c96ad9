"""The reader of one's own files, on a file that a test writes."""

import pytest

from stages.collect import table
from stages.lib.ledger import Ledger
from tests.collect.reading import FAQ, source


@pytest.fixture
def read(tmp_path):
    """Write a file and read it: what was collected, and the ledger."""

    def written_and_read(
        content: str | bytes, file: str = "faq.csv", columns: dict = FAQ, known=(), **others
    ):
        (tmp_path / file).write_bytes(
            content if isinstance(content, bytes) else content.encode("utf-8")
        )
        ledger = Ledger()
        return table.read("faq", source(file, columns, **others), tmp_path, ledger, known), ledger

    return written_and_read

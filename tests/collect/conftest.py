"""The reader of the user's own files, on a file that a test writes."""

import pytest

from stages.collect.kinds import table
from stages.collect.source import ReadRequest
from tests.collect.sources import FAQ, table_source


@pytest.fixture
def read(tmp_path):
    """Write a file and read it as source `faq`."""

    def write_and_read(
        content: str | bytes,
        file: str = "faq.csv",
        columns: dict = FAQ,
        known_documents=(),
        template: str = "{text}",
        max_rejected_share: float = 1.0,
        **settings,
    ):
        raw_bytes = content if isinstance(content, bytes) else content.encode("utf-8")
        (tmp_path / file).write_bytes(raw_bytes)
        source = table_source(file, columns, **settings)
        return table.read_files(
            source,
            ReadRequest(
                "faq",
                tmp_path,
                known_documents,
                template=template,
                max_rejected_share=max_rejected_share,
            ),
        )

    return write_and_read

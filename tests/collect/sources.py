"""Settings of sources that are tables."""

from stages.collect.table_source import TableSource

FAQ = {"anchor": "question", "text": "answer"}


def table_source(file: str = "faq.csv", columns: dict = FAQ, **settings) -> TableSource:
    """Return the settings of a table under data/raw/."""
    values = {"reader": "table", "path": f"data/raw/{file}", "columns": columns, **settings}
    return TableSource.model_validate(values)

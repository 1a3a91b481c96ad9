"""Tables of one's own, written and read."""

from stages.collect.formats import TableSource

FAQ = {"anchor": "question", "text": "answer"}


def source(file: str = "faq.csv", columns: dict = FAQ, **others) -> TableSource:
    return TableSource.model_validate(
        {"reader": "table", "path": f"data/raw/{file}", "columns": columns, **others}
    )

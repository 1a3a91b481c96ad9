"""Questions and documents that stand in two tables of a database, and what links them.

Foreign keys say which rows belong together, or else names such as `question_id` beside a table
`questions`. Which of the two tables asks follows from its name, or from its texts. Answers that
name their question become one table with it. Questions that name their document stay a source of
their own, so that documents without a question are kept.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from stages.commands.init.column_facts import column_facts
from stages.commands.init.column_names import name_rank, plain_name
from stages.commands.init.columns import QUESTIONS, ColumnGuess
from stages.commands.init.database_tables import DatabaseTable, ForeignKey, JoinedTable
from stages.commands.init.formats import TableSample

# Tables whose rows are answered, and tables whose rows answer or are read, beside the names of
# columns for questions and texts.
_ASKING = frozenset(("ticket", "thread", "case", "inquiry", "enquiry", "conversation"))
_DOCUMENTS = frozenset(
    ("page", "entry", "product", "item", "faq", "post", "doc", "section", "guide")
)
# The field of the text of a question, best first.
_ASKED_FIELDS = ("anchor", "title", "text")
_WORDS = re.compile(r"[A-Z]?[^\W_A-Z]+|[A-Z]+(?![a-z])")


class LookedAt(NamedTuple):
    """A table that holds texts: its first rows, and what its columns are taken for."""

    table: DatabaseTable
    sample: TableSample
    guess: ColumnGuess

    @property
    def is_complete(self) -> bool:
        """Whether its rows hold both questions and documents."""
        return "anchor" in self.guess.columns and not self.guess.uncertain

    @property
    def asked(self) -> str:
        """The column of the text that asks, if the table is one of questions."""
        columns = self.guess.columns
        return next(columns[field] for field in _ASKED_FIELDS if field in columns)


class Link(NamedTuple):
    """A table of documents, the table that asks for them, and the foreign key between them.

    Attributes:
        documents: the table of documents.
        questions: the table of questions.
        key: the foreign key, which stands in `holder`.
        holder: the table of documents, of questions, or one that links both.
        question_key: the foreign key to the questions, where a third table links both.
    """

    documents: LookedAt
    questions: LookedAt
    key: ForeignKey
    holder: DatabaseTable
    question_key: ForeignKey | None = None


def find_links(tables: Sequence[DatabaseTable], looked_at: Sequence[LookedAt]) -> list[Link]:
    """Return how tables of questions and of documents are linked, at most once for two tables.

    Args:
        tables: all tables.
        looked_at: those that hold texts.
    """
    known = {(held.table.schema, held.table.name): held for held in looked_at}
    links: dict[tuple[str, str], Link] = {}
    for table in tables:
        keys = [key for key in keys_of(table, tables) if (key.schema, key.table) in known]
        others = {key: known[key.schema, key.table] for key in keys}
        own = known.get((table.schema, table.name))
        links_of_table = _links_of_texts(own, others) if own else _links_of_third(table, others)
        for link in links_of_table:
            names = (link.documents.table.full_name, link.questions.table.full_name)
            links.setdefault(names, link)
    return list(links.values())


def keys_of(table: DatabaseTable, tables: Sequence[DatabaseTable]) -> list[ForeignKey]:
    """Return the foreign keys of a table: those that it declares, and those that names say.

    >>> questions = DatabaseTable("", "questions", ["id", "title"])
    >>> answers = DatabaseTable("", "answers", ["id", "question_id", "body"])
    >>> keys_of(answers, [answers, questions])
    [ForeignKey(column='question_id', schema='', table='questions', key='id')]
    """
    keys = [key for key in table.foreign_keys if (key.schema, key.table) != table[:2]]
    declared = {key.column for key in table.foreign_keys}
    for column in table.columns:
        if column in declared:
            continue
        for other in tables:
            named = {f"{plain_name(name)}id" for name in (other.name, _singular(other.name))}
            own_key = next((name for name in other.columns if plain_name(name) == "id"), None)
            is_named = plain_name(column) in named and other.schema == table.schema
            if is_named and other is not table:
                key = own_key or (column if column in other.columns else None)
                if key:
                    keys.append(ForeignKey(column, other.schema, other.name, key))
    return keys


def joined(link: Link) -> tuple[JoinedTable, ColumnGuess]:
    """Return the answers of a link with their questions, and what the columns are taken for."""
    documents = link.documents
    questions = link.questions
    join = JoinedTable(
        documents.table,
        link.key,
        questions.table,
        _column_names(documents, questions, link.key.key),
    )
    name_of_column = {place: name for name, place in join.column_of_name.items()}
    columns = {
        field: name_of_column[False, column]
        for field, column in documents.guess.columns.items()
        if field not in ("anchor", "title")
    }
    columns["anchor"] = name_of_column[True, questions.asked]
    for field in ("topic", "time"):
        column = questions.guess.columns.get(field)
        if column and field not in columns and column != questions.asked:
            columns[field] = name_of_column[True, column]
    return join, ColumnGuess(columns)


def question_columns(link: Link) -> tuple[DatabaseTable | JoinedTable, dict[str, str]]:
    """Return the questions of a link that name a document, and what the columns are taken for."""
    questions = link.questions
    if link.question_key is None:
        return questions.table, {"anchor": questions.asked, "document_key": link.key.column}

    # A third table links them: its rows, each with its question.
    held = LookedAt(link.holder, questions.sample, ColumnGuess({}))
    names = _column_names(held, questions, link.question_key.key)
    join = JoinedTable(link.holder, link.question_key, questions.table, names)
    name_of_column = {place: name for name, place in names.items()}
    return join, {
        "anchor": name_of_column[True, questions.asked],
        "document_key": name_of_column[False, link.key.column],
    }


def _links_of_texts(own: LookedAt, others: Mapping[ForeignKey, LookedAt]) -> list[Link]:
    """Return the links of a table of texts to the tables that it names."""
    links: list[Link] = []
    for key, other in others.items():
        if _asks(other, own) and not own.is_complete:
            links.append(Link(documents=own, questions=other, key=key, holder=own.table))
        elif _asks(own, other) and _is_key(other, key):
            links.append(Link(documents=other, questions=own, key=key, holder=own.table))
    return links


def _links_of_third(table: DatabaseTable, others: Mapping[ForeignKey, LookedAt]) -> list[Link]:
    """Return the links between two tables that a third one names, as judgements do."""
    links: list[Link] = []
    for key, documents in others.items():
        for question_key, questions in others.items():
            is_pair = documents is not questions and _asks(questions, documents)
            if is_pair and _is_key(documents, key):
                links.append(Link(documents, questions, key, table, question_key))
    return links


def _is_key(held: LookedAt, key: ForeignKey) -> bool:
    return held.guess.columns.get("key") == key.key


def _asks(questions: LookedAt, documents: LookedAt) -> bool:
    """Return whether one table holds questions, and another the documents that answer them."""
    asking = questions.table.name
    answering = documents.table.name
    if _is_named(asking, "text", _DOCUMENTS) or not _is_named(answering, "text", _DOCUMENTS):
        return False

    facts = column_facts(questions.sample.values[questions.asked])
    is_asked = facts.question_share >= QUESTIONS
    return _is_named(asking, "anchor", _ASKING) or is_asked


def _is_named(table: str, field: str, others: frozenset[str]) -> bool:
    """Return whether the name of a table, or its last word, is one of a field or of others.

    >>> _is_named("kb_answers", "text", _DOCUMENTS), _is_named("Users", "text", _DOCUMENTS)
    (True, False)
    """
    last = (_WORDS.findall(table) or [table])[-1]
    names = {_singular(table).casefold(), _singular(last).casefold(), table.casefold()}
    return any(plain_name(name) in others or name_rank(name, field) is not None for name in names)


def _singular(name: str) -> str:
    """Return a name without the ending of the plural.

    >>> _singular("answers"), _singular("replies"), _singular("searches"), _singular("faq")
    ('answer', 'reply', 'search', 'faq')
    """
    for ending, singular in (("ies", "y"), ("ches", "ch"), ("ses", "s"), ("s", "")):
        if name.casefold().endswith(ending) and len(name) > len(ending) + 1:
            return name[: -len(ending)] + singular
    return name


def _column_names(
    documents: LookedAt, questions: LookedAt, key: str
) -> dict[str, tuple[bool, str]]:
    """Return a name for each column of both tables; with that of the table where both have it."""
    column_of_name: dict[str, tuple[bool, str]] = {}
    for is_other, table in ((False, documents.table), (True, questions.table)):
        twins = (questions if not is_other else documents).table.columns
        # The key of the other table stands in both.
        read = [column for column in table.columns if not is_other or column != key]
        for column in read:
            name = column if column not in twins else f"{_singular(table.name)}_{column}"
            while name in column_of_name:
                name += "_"
            column_of_name[name] = (is_other, column)
    return column_of_name

"""Recognise what each argument of `init` is: the kind of source, and its settings.

A recogniser is a function of an argument, such as a path, and the names that are used already. It
returns a guess, or None if the argument is of another kind. The first guess counts. What no
recogniser takes is a table, or a folder or pattern of tables.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from stages.commands.init.beir import recognise_beir
from stages.commands.init.data_sets import recognise_data_set
from stages.commands.init.databases import DatabaseGuess, recognise_database
from stages.commands.init.documents import recognise_documents, recognise_files
from stages.commands.init.guess import SourceGuess
from stages.commands.init.paths import expand
from stages.commands.init.search_log import linked_logs, recognise_search_log
from stages.commands.init.tables import guess_tables
from stages.commands.init.trainer import recognise_trainer

Recogniser = Callable[[str, Collection[str]], SourceGuess | None]

RECOGNISERS: Sequence[Recogniser] = (
    recognise_data_set,
    recognise_database,
    recognise_beir,
    recognise_trainer,
    recognise_search_log,
    recognise_documents,
)


def guess_sources(arguments: Sequence[str]) -> list[SourceGuess]:
    """Return a guess for each source that `arguments` name.

    Raises:
        UserError: an argument names nothing that can be read.
    """
    guesses: list[SourceGuess] = []
    table_arguments: list[str] = []

    # Several documents are one source, as a shell gives them for a pattern.
    documents = recognise_files(arguments, ())
    if documents is not None:
        guesses.append(documents)
        taken = {file.path for file in documents.listing.files}
        arguments = [argument for argument in arguments if Path(argument) not in taken]

    for argument in arguments:
        guess = _recognise(argument, [guess.name for guess in guesses])
        if guess is None:
            table_arguments.append(argument)
        else:
            guesses.append(guess)
        # Questions of a database may stand in tables of their own.
        if isinstance(guess, DatabaseGuess):
            guesses += guess.questions

    # Tables are looked at together: one may hold questions for the documents of another.
    if table_arguments:
        guesses += guess_tables(expand(table_arguments), [guess.name for guess in guesses])
    return linked_logs(guesses)


def _recognise(argument: str, used: Collection[str]) -> SourceGuess | None:
    for recognise in RECOGNISERS:
        guess = recognise(argument, used)
        if guess is not None:
            return guess

    return None

"""Take your own files as the data: guess the settings, track the files, take the demo away.

    python -m stages init faq.csv
    python -m stages init exports/ --yes
    python -m stages init sql:HELPDESK_URL
    python -m stages init hf:OWNER/NAME

The command looks at the files, guesses encoding, delimiter and columns, shows three records, and
asks. Then it copies the files to data/raw/, tracks them with DVC, writes params.yaml, and takes the
default data away with its results. Run again it shows what would change, and changes nothing
without --force.
"""

from __future__ import annotations

import difflib
import filecmp
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from stages.commands.init.guess import Copies, FolderCopy, SourceGuess
from stages.commands.json_output import AsJson, message_printer, say_json
from stages.lib.core.errors import UserError
from stages.lib.core.params import PARAMS_FILE, ScoreThreshold, load_section
from stages.lib.core.stage import command
from stages.lib.core.yaml_files import read_yaml


@dataclass(frozen=True)
class Plan:
    """Everything that would be written.

    Attributes:
        copies: path under data/raw/ to the file or the folder that is copied there.
        changes: path to its new content; None: it is removed.
        removes_demo: whether the default data is taken away.
        report: lines on the sizes, on settings, and on what to run.
        settings: key of params.yaml to its new value, without the sources.
    """

    copies: Copies
    changes: Mapping[Path, bytes | None]
    removes_demo: bool
    report: Sequence[str]
    settings: Mapping[str, object]

    def figures(self) -> dict[str, object]:
        """Return what would be written, for JSON."""
        removed = [path for path, content in self.changes.items() if content is None]
        return {
            "settings": self.settings,
            "report": self.report,
            "copies": list(self.copies),
            "written": [path for path in self.changes if path not in removed],
            "removed": removed,
            "removes_demo": self.removes_demo,
        }


def make_plan(sources: Sequence[SourceGuess]) -> tuple[list[SourceGuess], Plan]:
    """Return the sources as they can be read, and what has to be written for them.

    Raises:
        UserError: a file cannot be read by `collect`.
    """
    from stages.commands.init.demo import demo_changes, is_demo
    from stages.commands.init.estimate import estimate
    from stages.commands.init.limits import limits_for
    from stages.commands.init.params_text import set_values
    from stages.commands.init.search_log import positive_from
    from stages.commands.init.sizes import measure, settings_for

    readable, rows_of_source = read_sources(sources)
    # The score of an answer comes first: a share of clicks is small.
    least_score = positive_from(readable, rows_of_source)
    threshold = load_section(ScoreThreshold).positive_from if least_score is None else least_score
    sizes = measure(list(rows_of_source.values()), threshold)
    values, sentences = settings_for(rows_of_source, sizes)
    if least_score is not None:
        values["pair.positive_from"] = least_score
    limits, limit_sentences = limits_for(rows_of_source, read_yaml(PARAMS_FILE))
    values |= limits
    sentences += limit_sentences
    settings = {source.name: source.settings() for source in readable}

    # The default data goes with the first data of the user's own, whose names are private.
    removes_demo = is_demo(read_yaml(PARAMS_FILE))
    if removes_demo:
        values["git.texts"] = "nothing"
    text = PARAMS_FILE.read_text("utf-8")
    new_text = set_values(text, {"collect.sources": settings, **values})
    changes: dict[Path, bytes | None] = demo_changes() if removes_demo else {}
    if new_text != text:
        changes[PARAMS_FILE] = new_text.encode()
    copies: dict[Path, Path | FolderCopy] = {}
    for source in readable:
        for target, origin in source.copies.items():
            if not _is_tracked_copy(origin, target):
                copies[target] = origin

    rejected = {name: rows.ledger.dropped() for name, rows in rows_of_source.items()}
    report = [
        sizes.sentence,
        *_rejection_lines(rejected),
        "Settings:",
        *[f"  {key}: {_shown(value)}" for key, value in values.items()],
        *sentences,
        *_model_lines(),
        "Next, on this machine (from rates of the default data; see docs/stages/collect.md):",
        *estimate(sizes, values["split.train"]).lines,
    ]
    return readable, Plan(copies, changes, removes_demo, report, values)


def main(
    paths: Annotated[
        list[str],
        typer.Argument(help="Files, folders, patterns, sql:VARIABLE, or hf:OWNER/NAME."),
    ],
    yes: Annotated[
        bool, typer.Option("--yes", help="Take every guess without a question.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Replace sources of your own, or uncommitted edits.")
    ] = False,
    query: Annotated[
        str | None, typer.Option("--query", help="The query for the database sql:VARIABLE.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Take your own files as the data: guess the settings, track the files, take the demo away."""
    from stages.commands.init.changes import apply
    from stages.commands.init.recognition import guess_sources

    if as_json and not yes:
        raise UserError("questions would stand in the JSON", "add --yes to take the guesses")
    if not yes and not sys.stdin.isatty():
        raise UserError("there is no terminal to ask questions on", "add --yes to take the guesses")
    _check_repository()

    # What the files hold, as guessed and as a person sees it.
    guesses = guess_sources(_with_query(paths, query))
    if not yes:
        guesses = [guess.ask() for guess in guesses]
    readable, plan = make_plan(guesses)
    tell = message_printer(as_json)
    descriptions = {source.name: source.description() for source in readable}
    for lines in (*descriptions.values(), plan.report):
        tell("\n".join(lines))

    # Whatever would be lost is shown, and stays without --force.
    is_applied = False
    if not plan.copies and not plan.changes:
        tell("Nothing to change: params.yaml and data/raw/ say this already.")
    elif not plan.removes_demo and not force:
        tell("\n".join(_difference_lines(plan)))
        tell("Nothing was changed. Add --force to change it.")
    else:
        if not force:
            _check_committed(plan)
        apply(plan.copies, plan.changes)
        is_applied = True
        tell("\n".join(_outcome_lines(plan)))
    if as_json:
        say_json({"sources": descriptions, **plan.figures(), "is_applied": is_applied})


def _model_lines() -> list[str]:
    """Return what is used of the base model: its length, pooling and prompts."""
    from stages.commands.fetch.model_report import model_lines
    from stages.lib.core.params import ModelParams

    first, *notes = model_lines(load_section(ModelParams)) or [""]
    return [line for line in (first[:1].upper() + first[1:], *notes) if line]


def _with_query(arguments: Sequence[str], query: str | None) -> list[str]:
    """Return the arguments; the one of a database holds the query."""
    if query is None:
        return list(arguments)

    databases = [argument for argument in arguments if argument.startswith("sql:")]
    if len(databases) != 1 or not query.strip():
        raise UserError(
            "--query is the query of one database, and goes with one argument sql:VARIABLE",
            'write: init sql:HELPDESK_URL --query "SELECT ..."',
        )
    return [f"{argument} {query}" if argument in databases else argument for argument in arguments]


def read_sources(
    sources: Sequence[SourceGuess],
) -> tuple[list[SourceGuess], dict[str, Any]]:
    """Return the sources and their rows by name. Documents are read before their questions."""
    from pydantic import TypeAdapter

    from stages.collect.id_set import IdSet
    from stages.collect.kinds.registry import AnySource

    adapter: TypeAdapter[Any] = TypeAdapter(AnySource)
    settings = {source.name: adapter.validate_python(source.settings()) for source in sources}
    readable: dict[str, SourceGuess] = {}
    rows_of_source: dict[str, Any] = {}
    for source in sorted(sources, key=lambda source: source.documents_of != ""):
        documents = rows_of_source[source.documents_of].documents if source.documents_of else ()
        known = IdSet(document[0] for document in documents)
        corrected, rows = source.read(settings, known)
        readable[source.name] = corrected
        rows_of_source[source.name] = rows
        settings[source.name] = adapter.validate_python(corrected.settings())
    return [readable[source.name] for source in sources], rows_of_source


def _is_tracked_copy(origin: Path | FolderCopy, target: Path) -> bool:
    """Return whether DVC tracks a file or folder that holds what would be copied."""
    if not Path(f"{target}.dvc").exists() or not target.exists():
        return False
    if isinstance(origin, Path):
        return filecmp.cmp(target, origin, shallow=False)

    # A folder that lies there is tracked as it is.
    if target.samefile(origin.base):
        return True
    present = {
        path.relative_to(target).as_posix() for path in target.rglob("*") if not path.is_dir()
    }
    return present == set(origin.files) and all(
        filecmp.cmp(target / key, path, shallow=False) for key, path in origin.files.items()
    )


def _check_repository() -> None:
    for folder, remedy in ((".git", "'git clone' the project"), (".dvc", "restore it from git")):
        if not Path(folder).exists():
            raise UserError(f"there is no {folder} here", f"{remedy}, and run from its root")


def _check_committed(plan: Plan) -> None:
    """Raise UserError if a file would be lost that git does not hold."""
    paths = [str(path) for path in plan.changes]
    status = subprocess.run(
        ["git", "status", "--porcelain", "--", *paths],
        capture_output=True,
        text=True,
        check=True,
    )
    edited = [line[3:] for line in status.stdout.splitlines()]
    if edited:
        named = ", ".join(edited[:3])
        raise UserError(
            f"{named} {'and others ' if len(edited) > 3 else ''}would be replaced, "
            "and git does not hold them",
            "commit them first, or add --force",
        )
    for target, origin in plan.copies.items():
        place = origin if isinstance(origin, Path) else origin.base
        if target.exists() and not target.samefile(place):
            raise UserError(f"{target} exists already", "rename your file, or add --force")


def _difference_lines(plan: Plan) -> list[str]:
    """Return what would change: files under data/raw/, and lines of params.yaml."""
    lines: list[str] = []
    for target, origin in plan.copies.items():
        if isinstance(origin, Path):
            lines.append(f"would copy {origin} to {target}")
        else:
            lines.append(f"would copy {len(origin.files):,} files of {origin.base} to {target}")
    new_text = plan.changes.get(PARAMS_FILE)
    if new_text is not None:
        old_lines = PARAMS_FILE.read_text("utf-8").splitlines()
        new_lines = new_text.decode().splitlines()
        lines += difflib.unified_diff(
            old_lines, new_lines, "params.yaml", "params.yaml (new)", lineterm=""
        )
    return lines


def _outcome_lines(plan: Plan) -> list[str]:
    lines = [f"Tracked by DVC: {target}" for target in plan.copies]
    if not plan.removes_demo:
        return [*lines, "Changed: params.yaml"]

    removed = sum(content is None for content in plan.changes.values())
    return [
        *lines,
        f"The default data is gone: its source, abbreviations and medical spellings, and {removed} "
        "result files. git keeps them.",
        "Run now:",
        "  git add -A && git commit -m 'Start on my own data'",
        "  make data    then open data/validate/index.html",
    ]


def _rejection_lines(rejected: Mapping[str, Mapping[str, int]]) -> list[str]:
    lines: list[str] = []
    for name, count_by_reason in rejected.items():
        for reason, count in sorted(count_by_reason.items()):
            lines.append(f"  rejected of '{name}': {count:,} {reason.replace('_', ' ')}")
    return lines


def _shown(value: object) -> str:
    if value is None:
        return "null"
    return f"[{', '.join(map(str, value))}]" if isinstance(value, list) else str(value)


app = command(main, edits_params=True)

if __name__ == "__main__":
    app()

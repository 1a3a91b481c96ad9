"""Files of trainers as `init` recognises them: by the names of their columns."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, get_args

import typer

from stages.collect.kinds.trainer import TrainerSource, check_trainer, read_trainer
from stages.collect.kinds.trainer_layouts import (
    Layout,
    TrainerFiles,
    guess_layout,
    label_column,
    names_ids,
    text_columns,
    unread_columns,
)
from stages.collect.kinds.whole_rows import dialect
from stages.collect.labels import is_number
from stages.collect.raw_files import COMPRESSIONS, RawFile, table_format
from stages.collect.records import SourceRows
from stages.collect.source import ReadRequest, Source
from stages.commands.init.columns import SCALES
from stages.commands.init.encodings import guess_encoding
from stages.commands.init.formats import read_sample
from stages.commands.init.names import free_name, source_name
from stages.commands.init.raw_copies import (
    common_encoding,
    linked_raw,
    listed,
    raw_target,
    record_lines,
)
from stages.lib.core.errors import UserError
from stages.lib.core.terminal import say

LAYOUTS: Sequence[Layout] = get_args(Layout)
_FORMATS = (".csv", ".tsv", ".jsonl", ".json", ".parquet")
# Names that texts have in the examples of Sentence Transformers; others may be those of a table.
_TEXT_NAMES = re.compile(r"anchor|query|(positive|negative)(_\d+)?|sentence_?[12ab]|set", re.I)
_SIGNS = re.compile(r"(positive|negative)(_\d+)?|sentence_?[2b]|set", re.I)
# More values of a column `label` are classes, and no scores.
_MOST_LABELS = 2


@dataclass(frozen=True)
class TrainerGuess:
    """A file of a trainer as a source of params.yaml.

    Attributes:
        name: its name.
        origin: the file that the user named.
        layout: its layout.
        corpus: the files of the passages that its rows name by ids.
        text_settings: encoding and delimiter, where they are not the usual ones.
        score_range: the scale of its scores; None for 0 to 1.
        rows: the rows, once they have been read.
    """

    name: str
    origin: Path
    layout: Layout
    corpus: Sequence[Path] = ()
    text_settings: Mapping[str, Any] = field(default_factory=dict)
    score_range: Sequence[float] | None = None
    rows: SourceRows | None = field(default=None, compare=False)

    @property
    def documents_of(self) -> str:
        """The documents are its own."""
        return ""

    @property
    def target(self) -> Path:
        """The path under data/raw/."""
        return raw_target(self.origin, f"{self.name}{_suffixes(self.origin)}")

    @property
    def copies(self) -> Mapping[Path, Path]:
        """The path under data/raw/ of each file, and the file that is copied there."""
        corpus = dict(zip(self._corpus_targets(), self.corpus, strict=True))
        return {self.target: self.origin, **corpus}

    def settings(self) -> dict[str, Any]:
        """Return the settings of the source as they stand in params.yaml."""
        settings: dict[str, Any] = {
            "reader": "trainer",
            "layout": self.layout,
            "path": self.target.as_posix(),
        }
        targets = self._corpus_targets()
        if len(targets) == 1:
            settings["corpus"] = targets[0].as_posix()
        elif targets:
            settings["corpus"] = f"{targets[0].parent.as_posix()}/*{_suffixes(targets[0])}"
        if self.score_range is not None:
            settings["score_range"] = list(self.score_range)
        return settings | dict(self.text_settings)

    def description(self) -> list[str]:
        """Return lines that show the file: its layout, what is not read, three records."""
        lines = [
            f"Source '{self.name}': {self.origin}, a file of trainers "
            f"(reader: trainer, layout: {self.layout})"
        ]
        if self.corpus:
            lines.append(f"  corpus    {listed([str(path) for path in self.corpus])}")
        if self.score_range is not None:
            lines.append(f"  scores from {self.score_range[0]:g} to {self.score_range[1]:g}")
        lines += self._column_lines()
        return lines if self.rows is None else lines + record_lines(self.rows)

    def ask(self) -> TrainerGuess:
        """Return the file as a person confirms it, or with the layout that they name."""
        guess, _ = self.read({}, set())
        say("\n".join(guess.description()))
        if typer.confirm("Is this right?", default=True):
            return guess

        say(f"Layouts: {', '.join(LAYOUTS)}.")
        layout = typer.prompt("  layout", default=self.layout)
        while layout not in LAYOUTS:
            say(f"  there is no layout '{layout}'")
            layout = typer.prompt("  layout", default=self.layout)
        return replace(self, layout=layout, rows=None).ask()

    def read(
        self, sources: Mapping[str, Source], known_documents: Collection[str]
    ) -> tuple[TrainerGuess, SourceRows]:
        """Return the file and its rows, as `collect` reads them."""
        if self.rows is not None:
            return self, self.rows

        settings = TrainerSource.model_validate(self.settings())
        check_trainer(self.name, settings, sources)
        with linked_raw(self.copies) as raw:
            rows = read_trainer(settings, ReadRequest(self.name, raw))
        return replace(self, rows=rows), rows

    def _column_lines(self) -> list[str]:
        files = _files(self.origin, self.text_settings)
        lines: list[str] = []
        if self.layout == "sentence_transformers":
            columns = files.columns()
            texts = text_columns(columns)
            names = ["anchor", "positive", *["negative"] * (len(texts) - 2)]
            pairs = list(zip(names, texts, strict=False))
            label = label_column(columns)
            lines += [f"  {name:<8}  '{column}'" for name, column in pairs]
            lines += [f"  score     '{label}'"] if label else []
        unread = unread_columns(files, self.layout)
        return [*lines, f"  not read: {listed(unread)}"] if unread else lines

    def _corpus_targets(self) -> list[Path]:
        folder = f"{self.name}_corpus"
        return [raw_target(path, f"{folder}/{path.name}") for path in self.corpus]


def recognise_trainer(argument: str, used: Collection[str]) -> TrainerGuess | None:
    """Return the guess for a file of a trainer; None for anything else.

    Raises:
        UserError: its rows name passages by ids, and there is no corpus beside it.
    """
    path = _trainer_file(Path(argument))
    if path is None:
        return None

    # What is no file of a trainer is reported by the kind that it belongs to.
    text_settings = _text_settings(path)
    if text_settings.keys() - {"encoding", "delimiter"}:
        return None
    files = _files(path, text_settings)
    try:
        layout = guess_layout(files)
        columns = files.columns() if layout == "sentence_transformers" else []
        is_by_id = layout == "nemo" or (layout == "tevatron" and names_ids(files.names()))
    except UserError:
        return None
    if layout == "sentence_transformers" and not _is_named(columns):
        return None

    score_range = _score_range(files, columns)
    if score_range == []:
        return None
    corpus = _corpus_of(path, files, layout) if is_by_id else []
    if corpus:
        encoding = common_encoding([path, *corpus])
        text_settings = {} if encoding == "utf-8" else {"encoding": encoding}
    return TrainerGuess(
        free_name(source_name(path.name.partition(".")[0]), list(used)),
        path,
        layout,
        corpus=corpus,
        text_settings=text_settings,
        score_range=score_range,
    )


def _trainer_file(path: Path) -> Path | None:
    """Return the file, or the one file of questions in a folder of NeMo; None if there is none."""
    if path.is_file():
        return path if table_format(path.name) in _FORMATS and path.stat().st_size else None
    if not path.is_dir():
        return None

    # A folder of NeMo holds a file of questions beside the folder of its corpus.
    questions = sorted(path.glob("*.json"))
    metadata = list(path.glob("*/merlin_metadata.json"))
    return questions[0] if metadata and len(questions) == 1 else None


def _is_named(columns: Sequence[str]) -> bool:
    texts = text_columns(columns)
    is_array = bool(texts) and texts == [str(number) for number in range(1, len(texts) + 1)]
    has_names = all(_TEXT_NAMES.fullmatch(name) for name in texts)
    return (has_names or is_array) and any(is_array or _SIGNS.fullmatch(name) for name in texts)


def _score_range(files: TrainerFiles, columns: Sequence[str]) -> Sequence[float] | None:
    """Return the scale of the scores; None for 0 to 1, [] for numbers that are no scores."""
    label = label_column(columns)
    if label is None:
        return None

    values = [str(values.get(label)) for _, values in files.rows()]
    numbers = [float(value) for value in values if is_number(value)]
    if not numbers:
        return None
    is_class = label.startswith("label") and len(set(numbers)) > _MOST_LABELS
    if is_class and all(number.is_integer() for number in numbers):
        return []

    scale = next(
        (scale for scale in SCALES if scale[0] <= min(numbers) and max(numbers) <= scale[1]), None
    )
    if scale is None:
        return (min(numbers), max(numbers))
    return None if scale == SCALES[0] else scale


def _corpus_of(path: Path, files: TrainerFiles, layout: Layout) -> list[Path]:
    """Return the files of the passages: those that NeMo names, or those beside a Tevatron file."""
    places = [path.parent / name for name in _named_corpora(files)] if layout == "nemo" else []
    if len(places) > 1:
        raise UserError(
            f"{path}: it names {len(places)} corpora, and ids of two corpora may clash",
            "write the questions of each corpus to a file of its own",
        )

    candidates = places or sorted(path.parent.glob("*corpus*"))
    for place in candidates:
        inside = sorted(place.iterdir()) if place.is_dir() else [place]
        texts = [
            file
            for file in inside
            if file.is_file() and table_format(file.name) in (".jsonl", ".parquet", ".csv", ".tsv")
        ]
        if texts:
            return texts

    where = str(places[0]) if places else f"{path.parent}/corpus.jsonl"
    raise UserError(
        f"{path}: its rows name passages by ids, and there is no corpus at {where}",
        "put the file of the passages there: JSONL or Parquet, with docid or id, and text",
    )


def _named_corpora(files: TrainerFiles) -> list[str]:
    corpora: list[str] = []
    for _, value in files.objects():
        named = value["corpus"] if isinstance(value["corpus"], list) else [value["corpus"]]
        corpora += [
            str(item["path"]) for item in named if isinstance(item, dict) and "path" in item
        ]
    return list(dict.fromkeys(corpora))


def _text_settings(path: Path) -> dict[str, Any]:
    file_format = table_format(path.name)
    if file_format == ".parquet" or path.suffix.lower() in COMPRESSIONS:
        return {}
    if file_format in (".csv", ".tsv"):
        try:
            return dict(read_sample(path).settings)
        except UserError:
            return {}

    encoding = guess_encoding(path)
    return {} if encoding == "utf-8" else {"encoding": encoding}


def _files(path: Path, text_settings: Mapping[str, Any]) -> TrainerFiles:
    settings = dialect(
        str(path),
        encoding=text_settings.get("encoding", "utf-8"),
        delimiter=text_settings.get("delimiter"),
    )
    return TrainerFiles([RawFile(path, str(path))], settings, "collect.sources")


def _suffixes(path: Path) -> str:
    """Return the format and the compression of a file, as its name says them."""
    compression = path.suffix if path.suffix.lower() in COMPRESSIONS else ""
    return table_format(path.name) + compression

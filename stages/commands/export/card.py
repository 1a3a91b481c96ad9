"""The data card: where the rows come from, what was left out and why, and what was checked."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stages.commands.export.data_set import DOCUMENTS, DataSet
from stages.commands.headline import INVARIANTS
from stages.lib.core import tables
from stages.lib.core.params import PARAMS_FILE
from stages.lib.core.yaml_files import read_yaml
from stages.lib.reporting.details import read_details
from stages.lib.reporting.funnel import FUNNEL_STAGES, funnel
from stages.lib.schemas.documents import Documents

_DETAILS = Path("metrics/details")
_SPACES = str.maketrans("_.", "  ")
_SPLITS = {"train": "trained on", "dev": "held out, for decisions", "test": "held out, for the end"}


def card(data: DataSet, folder: Path, *, name: str, has_configs: bool) -> str:
    """Return the text of README.md.

    Args:
        data: what was exported.
        folder: the files that were written.
        name: the name of the data set.
        has_configs: whether the head tells the hub which files belong together.
    """
    details = {
        stage: read_details(_DETAILS / f"{stage}.json")
        for stage in (*FUNNEL_STAGES, *INVARIANTS)
        if (_DETAILS / f"{stage}.json").is_file()
    }
    parts = [
        _head(folder, _licence(), has_configs=has_configs),
        f"# {name}",
        "Queries with the documents that answer them, to train and evaluate embedding models. "
        "A document is what the model reads. Its title stands beside it, where the format has "
        "a place for it.",
        _split_table(data),
        _sources(),
        "## How the rows came about",
        f"{funnel(details).line}.",
        "The splits are cut by connected component: rows that share a document, a group or nearly "
        "equal texts are in one split.",
        _checks(details),
        _prompts(data),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _licence() -> str:
    section = read_yaml(PARAMS_FILE).get("finetune", {})
    return str(section.get("licence", "")) if isinstance(section, dict) else ""


def _head(folder: Path, licence: str, *, has_configs: bool) -> str:
    """Return the YAML head that hubs read."""
    lines = ["---"]
    if licence:
        lines.append(f"license: {json.dumps(licence)}")
    lines.append("task_categories: [sentence-similarity, text-retrieval]")

    if has_configs:
        lines.append("configs:")
        for config in ("train", "corpus"):
            lines += _config(config, {config: f"{config}.parquet"})
        for config in ("queries", "qrels"):
            files = sorted(folder.glob(f"{config}-*.parquet"))
            splits = {path.stem.removeprefix(f"{config}-"): path.name for path in files}
            if splits:
                lines += _config(config, splits)
    return "\n".join([*lines, "---"])


def _config(name: str, file_of_split: Mapping[str, str]) -> list[str]:
    lines = [f"- config_name: {name}", "  data_files:"]
    for split, file in file_of_split.items():
        lines += [f"  - split: {split}", f"    path: {file}"]
    return lines


def _split_table(data: DataSet) -> str:
    lines = ["| split | use | queries | answers |", "| --- | --- | --- | --- |"]
    grades_of_split = {
        "train": data.training_grades(),
        **{name: held_out.grades for name, held_out in data.evaluation.items()},
    }
    for name, grades in grades_of_split.items():
        answers = sum(len(grade_of_document) for grade_of_document in grades.values())
        lines.append(f"| {name} | {_SPLITS[name]} | {len(grades):,} | {answers:,} |")
    return "\n".join([*lines, "", f"{len(data.documents):,} documents are searched."])


def _sources() -> str:
    """Return how many documents each source of params.yaml gave."""
    counts = Counter(tables.read(DOCUMENTS, Documents)["source"])
    lines = ["## Sources", "", "| source | documents |", "| --- | --- |"]
    lines += [f"| {source} | {count:,} |" for source, count in sorted(counts.items())]
    return "\n".join([*lines, "", f"Licence: {_licence() or 'those of the sources hold'}."])


def _checks(details: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the counts that must be 0."""
    lines = ["## Checks", "", "| check | count |", "| --- | --- |"]
    for stage, keys in INVARIANTS.items():
        for key in keys:
            count = details.get(stage, {}).get(key, "not measured")
            lines.append(f"| {stage}: {key.translate(_SPACES)} | {count} |")
    return "\n".join(lines)


def _prompts(data: DataSet) -> str:
    if not (data.query_prompt or data.document_prompt):
        return ""
    return (
        f"The base model reads {data.query_prompt!r} before a query and {data.document_prompt!r} "
        "before a document. The texts here are without them."
    )

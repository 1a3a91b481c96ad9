"""The file that Label Studio exports, as JSON or JSON-MIN: who says what of which row.

In JSON each task has its `annotations`, and each of these a `result` with an entry per control. In
JSON-MIN an annotation is an object by itself: the fields of the task, and beside them what each
control holds. The file comes from elsewhere: nothing in it is taken for granted.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from stages.commands.review.label_studio.tasks import NOTE, VERDICT
from stages.commands.review.pages import MAX_NOTE
from stages.lib.core.errors import UserError
from stages.lib.core.plain_names import without_forbidden
from stages.lib.schemas.reviews import RowIds, normal_verdict, one_line

# A larger file is not read. A task of three texts of 5,000 characters takes 16 kB.
MOST_BYTES = 128 * 2**20
_REMEDY = "export the project from Label Studio as JSON or JSON-MIN, and change nothing in the file"
_LABEL_REMEDY = "correct the annotation in Label Studio, and export again"
# The controls: the type of their results, which is also the key of their values in JSON.
_KEY_OF_CONTROL = {VERDICT: "choices", NOTE: "text"}


class ExportedLabel(NamedTuple):
    """What one person says of one row in Label Studio.

    Attributes:
        place: the file and the number of the task, for messages.
        queue: the name of the queue.
        ids: the two ids of the row; not checked yet.
        annotator: the e-mail address or the number of the person; "" if neither is known.
        verdict: `yes`, `no`, or "" for a note alone.
        note: the note in one line.
    """

    place: str
    queue: str
    ids: RowIds
    annotator: str
    verdict: str
    note: str


def read_export(path: Path) -> list[ExportedLabel]:
    """Return what people say in an export. Skipped and empty annotations are left out.

    Raises:
        UserError: the file is missing, too large, or no export, or a choice is no verdict.
    """
    labels: list[ExportedLabel] = []
    for number, task in enumerate(_tasks(path), start=1):
        place = f"{path}, task {number}"
        if not isinstance(task, dict):
            raise UserError(f"{place}: it is no object", _REMEDY)

        # The number that Label Studio shows for the task helps to find it there.
        if isinstance(task.get("id"), int):
            place = f"{place} (id {task['id']})"
        labels += [label for label in _labels(task, place) if label.verdict or label.note]
    return labels


def _tasks(path: Path) -> list[Any]:
    """Return the list that the file holds."""
    if not path.is_file():
        raise UserError(
            f"{path} is no file",
            "name the file that Label Studio exported, or say 'new' or 'all' to write tasks",
        )
    with path.open("rb") as stream:
        content = stream.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise UserError(
            f"{path} is larger than {MOST_BYTES:,} bytes",
            "label in several projects, a queue in each, and export them one by one",
        )

    # A number of thousands of digits is a ValueError.
    try:
        tasks = json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path} is no JSON: {error}", _REMEDY) from None
    if not isinstance(tasks, list):
        raise UserError(f"{path} is no list of tasks", _REMEDY)
    return tasks


def _labels(task: Mapping[str, Any], place: str) -> Iterator[ExportedLabel]:
    """Yield what each annotation of a task says."""
    data = task.get("data")
    annotations = task.get("annotations")
    if isinstance(data, dict) and isinstance(annotations, list):
        for annotation in _objects(annotations, place, "annotations"):
            if not _is_cancelled(annotation, place):
                annotator = annotation.get("completed_by")
                yield _label(place, data, annotator, _result_values(annotation, place))
    elif "annotator" in task or "annotation_id" in task:
        if not _is_cancelled(task, place):
            values = {name: _minimal_values(task.get(name), name) for name in _KEY_OF_CONTROL}
            yield _label(place, task, task.get("annotator"), values)
    else:
        raise UserError(f"{place}: it has no annotations, as an exported task has", _REMEDY)


def _is_cancelled(annotation: Mapping[str, Any], place: str) -> bool:
    """Return whether a person skipped the task."""
    value = annotation.get("was_cancelled")
    if value is not None and not isinstance(value, bool):
        raise UserError(f"{place}: 'was_cancelled' is neither true nor false", _REMEDY)
    return bool(value)


def _result_values(annotation: Mapping[str, Any], place: str) -> dict[str, list[Any]]:
    """Return what each control holds, from an annotation in JSON. Other controls are ignored."""
    values: dict[str, list[Any]] = {name: [] for name in _KEY_OF_CONTROL}
    for result in _objects(annotation.get("result") or [], place, "result"):
        control = result.get("from_name")
        if isinstance(control, str) and control in values:
            values[control] += _value_list(result.get("value"), control)
    return values


def _minimal_values(value: Any, control: str) -> list[Any]:
    """Return what a control holds, from JSON-MIN: one text, or objects where it is not one."""
    if value is None:
        return []
    entries = value if isinstance(value, list) else [value]
    values: list[Any] = []
    for entry in entries:
        values += _value_list(entry, control) if isinstance(entry, dict) else [entry]
    return values


def _value_list(value: Any, control: str) -> list[Any]:
    """Return the list in the value of a result; a value without one stands for itself."""
    inner = value.get(_KEY_OF_CONTROL[control]) if isinstance(value, dict) else None
    if isinstance(inner, list):
        return inner
    return [value if inner is None else inner]


def _label(
    place: str, data: Mapping[str, Any], annotator: Any, values: Mapping[str, list[Any]]
) -> ExportedLabel:
    """Return what one annotation says."""
    queue, query_id, doc_id = (
        data[name] if isinstance(data.get(name), str) else ""
        for name in ("queue", "query_id", "doc_id")
    )
    return ExportedLabel(
        place=place,
        queue=queue,
        ids=(query_id, doc_id),
        annotator=_annotator(annotator),
        verdict=_verdict(values[VERDICT], place),
        note=_note(values[NOTE], place),
    )


def _annotator(value: Any) -> str:
    """Return the address of an annotator, or else the number."""
    if isinstance(value, dict):
        value = value.get("email") or value.get("id")
    if isinstance(value, bool) or not isinstance(value, int | str):
        return ""
    return str(value).strip()


def _verdict(values: list[Any], place: str) -> str:
    """Return the one verdict of an annotation; "" if it has none."""
    verdicts: list[str] = []
    for value in values:
        verdict = normal_verdict(value) if isinstance(value, str) else None
        if not verdict:
            raise UserError(
                f"{place}: the choice {str(value)[:40]!r} is neither yes nor no", _LABEL_REMEDY
            )
        verdicts.append(verdict)
    if len(set(verdicts)) > 1:
        raise UserError(f"{place}: one annotation says both yes and no", _LABEL_REMEDY)
    return verdicts[0] if verdicts else ""


def _note(values: list[Any], place: str) -> str:
    """Return the note of an annotation in one line."""
    texts = [value for value in values if isinstance(value, str)]
    if len(texts) != len(values):
        raise UserError(f"{place}: the note is no text", _REMEDY)
    note = one_line(without_forbidden(" ".join(texts)))
    if len(note) > MAX_NOTE:
        raise UserError(
            f"{place}: the note has {len(note):,} characters, and {MAX_NOTE:,} are taken",
            _LABEL_REMEDY,
        )
    return note


def _objects(values: Any, place: str, name: str) -> list[dict[str, Any]]:
    """Return a list of objects, after checking that it is one."""
    objects = values if isinstance(values, list) else [values]
    for value in objects:
        if not isinstance(value, dict):
            raise UserError(f"{place}: '{name}' is no list of objects", _REMEDY)
    return objects

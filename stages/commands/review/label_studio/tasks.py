"""Tasks for Label Studio: the rows of a queue with their texts, and how they are shown there.

One labelling configuration serves all queues. It names fields of the tasks and holds no text of
them, so that no text is ever parsed as XML. A row has no predictions: scores would lead people.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from stages.commands.review.queues import ReviewItem, ReviewQueue
from stages.commands.review.sheets import WITH_TEXTS
from stages.commands.review.verdict_file import VerdictFile
from stages.lib.core import atomic

# The names of the two controls. An export gives what people say under these names.
VERDICT = "verdict"
NOTE = "note"
# The fields of a task. JSON-MIN puts the controls and names of its own (`id`, `annotator`, ...)
# beside them, so none of these may be one of those.
FIELDS = (
    *("queue", "query_id", "doc_id", "question", "meaning"),
    *("query_label", "query", "known_label", "known", "judged_label", "judged"),
)

# `valueType="text"` keeps a server in secure mode from loading texts as addresses.
LABELLING_CONFIG = f"""\
<View>
  <Style>.htx-text {{ white-space: pre-wrap; }}</Style>
  <Header value="$question"/>
  <Header value="$meaning" size="5"/>
  <Header value="$query_label" size="4"/>
  <Text name="query" value="$query" valueType="text"/>
  <Header value="$known_label" size="4"/>
  <Text name="known" value="$known" valueType="text"/>
  <Header value="$judged_label" size="4"/>
  <Text name="judged" value="$judged" valueType="text"/>
  <Choices name="{VERDICT}" toName="judged" choice="single" required="true" showInline="true">
    <Choice value="yes" hotkey="y"/>
    <Choice value="no" hotkey="n"/>
  </Choices>
  <TextArea name="{NOTE}" toName="judged" rows="2" maxSubmissions="1" editable="true"
            placeholder="Note (git keeps it: quote no text)"/>
</View>
"""


def tasks_path(queue: ReviewQueue, judge: str) -> Path:
    """Return the file of the tasks of a queue, beside its sheet."""
    suffix = f"-{judge}" if judge else ""
    return queue.path.parent / WITH_TEXTS / f"{queue.path.stem}{suffix}.label-studio.json"


def config_path(queue: ReviewQueue) -> Path:
    """Return the file of the labelling configuration, beside the sheet of a queue."""
    return queue.path.parent / WITH_TEXTS / "label-studio.xml"


def write_tasks(queue: ReviewQueue, judge: str, file: VerdictFile, *, every: bool) -> str:
    """Write the tasks of a queue and the labelling configuration; return a line about them.

    Args:
        queue: the rows.
        judge: who will label; "" for anybody.
        file: the verdicts so far.
        every: whether rows are written too that this judge, or anybody, has judged.
    """
    items = queue.items
    if not every:
        judged_ids = {
            line.ids for line in file.lines() if line.verdict and judge in ("", line.judge)
        }
        items = [item for item in queue.items if item.ids not in judged_ids]

    path = tasks_path(queue, judge)
    atomic.write_text(path, tasks_text(queue, items))
    atomic.write_text(config_path(queue), LABELLING_CONFIG)
    return f"{path}: {len(items):,} tasks of {len(queue.items):,} rows"


def tasks_text(queue: ReviewQueue, items: Sequence[ReviewItem]) -> str:
    """Return some rows of a queue as Label Studio imports them: a list of tasks in JSON.

    It is ASCII alone: whatever the texts hold, the file is read in one way.
    """
    return json.dumps([_task(queue, item) for item in items], indent=1) + "\n"


def _task(queue: ReviewQueue, item: ReviewItem) -> dict[str, dict[str, str]]:
    """Return one task as Label Studio imports it."""
    query_id, doc_id = item.ids
    query_label, known_label, judged_label = queue.labels
    query, known, judged_text = item.texts
    yes, no = queue.meanings
    values = (
        *(queue.name, query_id, doc_id, queue.question, f"yes: {yes}; no: {no}"),
        *(query_label, query, known_label, known, judged_label, judged_text),
    )
    return {"data": dict(zip(FIELDS, values, strict=True))}

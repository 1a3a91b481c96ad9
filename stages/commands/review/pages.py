"""The pages of the review: plain forms, which work without the script.

Every text is escaped, once, where it enters a page. The type `Html` marks what is escaped.
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from urllib.parse import quote

from stages.commands.review.session import ReviewProgress, ReviewSession
from stages.commands.review.site import QueueRow
from stages.lib.core.errors import UserError
from stages.lib.core.plain_names import without_forbidden
from stages.lib.reporting.html import Html, inline
from stages.lib.schemas.reviews import Judgement

MAX_NOTE = 2000  # characters

# What is said after an action, by the word in the address.
_FLASHES = {
    "yes": "Saved: yes.",
    "no": "Saved: no.",
    "skip": "Left open.",
    "clear": "The verdict is taken back.",
    "undone": "This change is taken back.",
    "kept": "This row was changed elsewhere since, and stays as it is. Undo again for the change "
    "before.",
    "nothing": "There is nothing to take back.",
}
_KEYS = (
    ("y", "yes, and on to the next row without a verdict"),
    ("n", "no, and on"),
    ("s", "leave it open, and on"),
    ("u", "undo the last change, also one of an earlier day"),
    ("←", "one row back"),
    ("→", "one row forward"),
    ("e", "write a note; Escape leaves the field"),
    ("q", "all queues"),
    ("?", "show or hide this help"),
)
_WORD = re.compile(r"\s+|\S+")
# Words are marked if at most this share of a text differs.
_MARKED_SHARE = 0.5


def item_address(root: str, session: ReviewSession, place: int) -> str:
    """Return the address of a row."""
    query_id, doc_id = session.items[place].ids
    return f"{root}/{session.queue.name}/{quote(query_id, safe='')}/{quote(doc_id, safe='')}"


def index_page(root: str, rows: Sequence[QueueRow], agreement: Sequence[str], judge: str) -> str:
    """Return the list of queues."""
    lines = []
    for number, row in enumerate(rows, 1):
        key = f' data-key="{number}"' if number < 10 else ""
        lines.append(
            f'<li><a href="{root}/{row.name}"{key}>{html.escape(row.title)}</a>'
            f"{_bar(row.progress)}<p>{progress_text(row.progress)}"
            f'<span class="purpose">{html.escape(row.purpose)}</span></p></li>'
        )
    who = f"<p>You judge as <b>{html.escape(judge)}</b>.</p>" if judge else ""
    listed = "".join(f"<li>{html.escape(line)}</li>" for line in agreement)
    shared = f"<h2>Agreement</h2><ul>{listed}</ul>" if agreement else ""
    body = (
        f'<h1>Review</h1>{who}<ol class="queues">{"".join(lines)}</ol>{shared}'
        "<p>Each verdict is saved when it is given. Stop when you like, and go on another day.</p>"
    )
    return _page(root, "Review", Html(body))


def item_page(root: str, session: ReviewSession, place: int, *, flash: str = "") -> str:
    """Return a row, with its verdict if it has one.

    Args:
        root: what every address begins with.
        session: the queue.
        place: the place of the row.
        flash: the word of what was done last.
    """
    line = session.line(session.items[place].ids)
    text = _FLASHES.get(flash, "")
    message = f'<p class="flash" role="status">{html.escape(text)}</p>' if text else ""
    return _row_page(root, session, place, line, Html(message))


def changed_page(
    root: str, session: ReviewSession, place: int, wish: Judgement, current: Judgement
) -> str:
    """Return a row that was changed elsewhere since it was shown: nothing was saved.

    Args:
        root: what every address begins with.
        session: the queue.
        place: the place of the row.
        wish: what the person wanted to save.
        current: what the file holds.
    """
    message = (
        '<div class="flash alarm" role="alert"><p><b>Nothing was saved.</b> '
        f"{html.escape(str(session.file.path))} was changed since this row was shown, in another "
        "tab or by another program.</p>"
        f"<p>The file says <b>{_said(current)}</b>. You said <b>{_said(wish)}</b>. Judge again to "
        "replace what the file says, or move on to keep it.</p></div>"
    )
    return _row_page(root, session, place, current, Html(message), note=wish.note)


def done_page(root: str, session: ReviewSession) -> str:
    """Return what is shown when every row has a verdict."""
    title = html.escape(session.queue.title)
    last = len(session.items) - 1
    back = ""
    if session.items:
        address = item_address(root, session, last)
        back = f'<p><a href="{address}" data-key="ArrowLeft">Back to the last row</a></p>'
    undo = _undo_elsewhere(root, session, last) if session.items and session.undo_count else ""
    body = (
        f"<h1>{title}</h1>{_bar(session.progress())}"
        f'<p role="status">Every row has a verdict: {progress_text(session.progress())}.</p>'
        f"<p>Commit <code>{html.escape(str(session.queue.path))}</code>, and run "
        f"<code>dvc repro</code>.</p>{undo}{back}"
        f'<p><a href="{root}/" data-key="q">All queues</a></p>'
    )
    return _page(root, session.queue.title, Html(body))


def problem_page(root: str, problem: UserError) -> str:
    """Return an error of a file, with its remedy. Nothing was saved."""
    body = (
        "<h1>Nothing was saved</h1>"
        f'<div class="flash alarm" role="alert"><p>{inline(problem.fact)}</p>'
        f"<p>Remedy: {inline(problem.remedy)}.</p></div>"
        "<p>Then go back, and judge again.</p>"
        f'<p><a href="{root}/" data-key="q">All queues</a></p>'
    )
    return _page(root, "Nothing was saved", Html(body))


def message_page(root: str, text: str) -> str:
    """Return a page that says one thing."""
    body = f'<h1>{html.escape(text)}</h1><p><a href="{root}/" data-key="q">All queues</a></p>'
    return _page(root, text, Html(body))


def progress_text(progress: ReviewProgress) -> str:
    """Return how much is judged, and the rate of yes with its interval.

    >>> from stages.lib.schemas.reviews import ClusteredShare
    >>> progress_text(ReviewProgress(31, 200, ClusteredShare(0.04, 0.01, 0.09)))
    '31 of 200; rate 4 % (1 to 9 %)'
    """
    text = f"{progress.judged_rows:,} of {progress.total:,}"
    if progress.share is None:
        return text
    rate, low, high = (f"{100 * value:.0f}" for value in progress.share)
    return f"{text}; rate {rate} % ({low} to {high} %)"


def _row_page(
    root: str,
    session: ReviewSession,
    place: int,
    line: Judgement,
    message: Html,
    *,
    note: str | None = None,
) -> str:
    queue = session.queue
    item = session.items[place]
    query, positive, retrieved = item.texts
    texts = [
        _text(queue.labels[0], Html(html.escape(query)), "query"),
        _text(queue.labels[1], _marked(positive, retrieved), "known"),
        _text(queue.labels[2], _marked(retrieved, positive), "judged"),
    ]
    opinions = "".join(f"<li>{html.escape(text)}</li>" for text in item.opinions)
    shown_opinions = f'<ul class="opinions">{opinions}</ul>' if opinions else ""

    # Scores and rules must not lead the verdict. So they are not in the page before it.
    evidence = ""
    if line.verdict and item.evidence:
        listed = "".join(f"<li>{html.escape(text)}</li>" for text in item.evidence)
        evidence = f"<details><summary>Scores and rules</summary><ul>{listed}</ul></details>"

    heading = (
        f'<div class="head"><h1>{html.escape(queue.title)}</h1>'
        f'<p class="progress">{progress_text(session.progress())}</p></div>'
        f"{_bar(session.progress())}"
    )
    body = (
        f'{heading}{message}<p class="question">{html.escape(queue.question)}</p>'
        f"{''.join(texts)}{shown_opinions}{_form(root, session, place, line, note)}{evidence}"
        f"{_help(root, item.ids)}"
    )
    return _page(root, f"Row {place + 1:,}: {queue.title}", Html(body))


def _text(label: str, content: Html, css_class: str) -> str:
    """Return a text under its label. A long one scrolls by itself, also from the keyboard."""
    name = html.escape(label)
    return (
        f'<section class="text {css_class}"><h2>{name}</h2>'
        f'<div class="scroll" role="region" aria-label="{name}" tabindex="0" dir="auto">{content}'
        "</div></section>"
    )


def _marked(text: str, other: str) -> Html:
    """Return a text, with the words marked that another one lacks, where the two are alike."""
    known = {_plain(word) for word in other.split()}
    words = {_plain(word) for word in text.split()}

    # If most words differ, marks would cover all and say nothing.
    shared = len(words & known)
    if shared < (1 - _MARKED_SHARE) * max(len(words), len(known)):
        return Html(html.escape(text))
    parts = []
    for piece in _WORD.findall(text):
        escaped = html.escape(piece)
        is_new = not piece.isspace() and _plain(piece) not in known
        parts.append(f"<mark>{escaped}</mark>" if is_new else escaped)
    return Html("".join(parts).replace("</mark> <mark>", " "))


def _plain(word: str) -> str:
    return re.sub(r"\W+", "", word.lower()) or word


def _form(root: str, session: ReviewSession, place: int, line: Judgement, note: str | None) -> str:
    """Return the form of a row. Every button sends the note, so that none is lost."""
    yes, no = session.queue.meanings
    clear = _button("clear", "Take the verdict back") if line.verdict else ""
    undo = _button("undo", "Undo", key="u") if session.undo_count else ""
    shown_note = html.escape(line.note if note is None else note)
    return (
        f'<form method="post" action="{item_address(root, session, place)}">'
        f'<input type="hidden" name="seen_verdict" value="{html.escape(line.verdict)}">'
        f'<input type="hidden" name="seen_note" value="{html.escape(line.note)}">'
        '<div class="verdicts">'
        f"{_button('yes', 'Yes', yes, key='y', is_chosen=line.verdict == 'yes')}"
        f"{_button('no', 'No', no, key='n', is_chosen=line.verdict == 'no')}"
        f"{_button('skip', 'Leave open', key='s')}</div>"
        f'<label for="note">Note (git keeps it: quote no text)</label>'
        f'<textarea id="note" name="note" rows="2" maxlength="{MAX_NOTE}">{shown_note}</textarea>'
        f'<div class="moves">{_button("back", "Back", key="ArrowLeft")}'
        f"<span>Row {place + 1:,} of {len(session.items):,}</span>"
        f"{_button('forward', 'Forward', key='ArrowRight')}{undo}{clear}"
        f'<a href="{root}/" data-key="q">All queues</a></div></form>'
    )


def _button(
    action: str, label: str, meaning: str = "", *, key: str = "", is_chosen: bool = False
) -> str:
    shown_key = {"ArrowLeft": "←", "ArrowRight": "→"}.get(key, key)
    data = f' data-key="{key}"' if key else ""
    hint = f" <kbd>{shown_key}</kbd>" if key else ""
    small = f"<small>{html.escape(meaning)}</small>" if meaning else ""
    pressed = ' aria-pressed="true"' if is_chosen else ""
    return (
        f'<button name="action" value="{action}" class="{action}"{data}{pressed}>'
        f"<span>{label}{hint}</span>{small}</button>"
    )


def _undo_elsewhere(root: str, session: ReviewSession, place: int) -> str:
    """Return a form that takes the last change back where no row is shown."""
    line = session.line(session.items[place].ids)
    note = html.escape(line.note)
    return (
        f'<form method="post" action="{item_address(root, session, place)}">'
        f'<input type="hidden" name="seen_verdict" value="{html.escape(line.verdict)}">'
        f'<input type="hidden" name="seen_note" value="{note}">'
        f'<input type="hidden" name="note" value="{note}">'
        f'<div class="moves">{_button("undo", "Undo", key="u")}</div></form>'
    )


def _help(root: str, ids: tuple[str, str]) -> str:
    rows = "".join(
        f"<tr><th scope='row'><kbd>{key}</kbd></th><td>{meaning}</td></tr>"
        for key, meaning in _KEYS
    )
    query_id, doc_id = (html.escape(value) for value in ids)
    return (
        f'<details id="help"><summary>Keys and help <kbd>?</kbd></summary><table>{rows}</table>'
        "<p>Each verdict is on the disk before the next row is shown. The rate is the share of "
        "yes, with its 95 % interval. In texts that are alike, the words are marked that the "
        "other text lacks.</p>"
        f"<p>What happened to the row: <code>python -m stages explain {query_id}</code> and "
        f"<code>python -m stages explain {doc_id}</code></p></details>"
    )


def _said(line: Judgement) -> str:
    note = f" (note: {html.escape(line.note)})" if line.note else ""
    return f"{line.verdict or 'nothing'}{note}"


def _bar(progress: ReviewProgress) -> str:
    return (
        f'<progress value="{progress.judged_rows}" max="{max(progress.total, 1)}" '
        'aria-label="Rows with a verdict"></progress>'
    )


def _page(root: str, title: str, body: Html) -> str:
    text = _TEMPLATE.format(title=html.escape(title), root=root, body=body)
    return without_forbidden(text)


# The frame of a page. The values are escaped.
_TEMPLATE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="{root}/review.css">
<script src="{root}/review.js" defer></script>
</head>
<body>
<main>
{body}
</main>
</body>
</html>
"""

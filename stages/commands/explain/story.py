"""Tell what the tables of a run know about one row."""

from __future__ import annotations

from stages.commands.explain.lookup import Found, Row, Run, quoted
from stages.commands.pipeline import order

KINDS = {"d": "document", "p": "pair", "q": "query", "r": "raw record"}
AT_MOST = 20  # pairs and neighbours that are printed


def story(run: Run, row_id: str) -> list[str]:
    """Return the lines that tell everything the run knows about `row_id`."""
    lines = [f"{KINDS.get(row_id[:1], 'row')} {row_id}"]
    own = run.own(row_id)
    if own:
        lines += _record("as collected" if own[0][0] == "collect" else "as made", own[0])
    lines += _decisions(run, row_id)
    if len(own) > 1:
        lines += _record("as it was last written", own[-1])
    for _, _, row in run.rows("splits", "id", [row_id]):
        lines += ["", f"split: {row['split']}, component {row['component_id']}"]
    if own and "pair_id" in own[-1][2]:
        lines += _of_a_pair(run, row_id, own)
    elif own and "query_id" in own[-1][2]:
        lines += _of_a_query(run, row_id)
    elif own:
        lines += _of_a_document(run, row_id)
    return lines


def _record(title: str, found: Found) -> list[str]:
    _, path, row = found
    shown = {
        name: quoted(value, 2000) if isinstance(value, str) else value
        for name, value in row.items()
    }
    return [
        "",
        f"{title} ({path.as_posix()})",
        *(f"  {name:<12} {value}" for name, value in shown.items()),
    ]


def _decisions(run: Run, row_id: str) -> list[str]:
    lines = run.rows("ledger", "row_id", [row_id])
    told = [
        "",
        "what happened to it",
        *([] if lines else ["  nothing: no stage changed, added or dropped it"]),
    ]
    texts = run.texts(line["partner_id"] for _, _, line in lines)
    for stage, _, line in sorted(
        lines, key=lambda found: (order().index(found[0]), found[2]["seq"])
    ):
        told += [f"  {stage:<12} {_decision(line)}"]
        if text := texts.get(line["partner_id"]):
            told += [f"  {'':<12}   {line['partner_id']} says {text}"]
    over = run.scan("ledger", "partner_id", row_id)
    if over:
        told += ["", f"what happened to others because of it ({len(over)})"]
        told += [
            f"  {stage:<12} {line['row_id']}: {_decision(line)}"
            for stage, _, line in over[:AT_MOST]
        ]
    return told


def _decision(line: Row) -> str:
    told = f"{line['action']} {line['field']}".rstrip() + f", {line['reason']}"
    if line["start"] >= 0:
        told += f" at {line['start']}-{line['end']}"
    if line["partner_id"]:
        told += f", {'to' if line['action'] == 'repoint' else 'partner'} {line['partner_id']}"
    if line["score"] is not None and line["score"] == line["score"]:
        told += f", score {line['score']:.4g}"
    if line["action"] == "edit" and line["start"] < 0 and not line["before"] and not line["after"]:
        return f"{told}: all over; what stood there is the field as collected"
    if line["action"] in {"edit", "repoint"}:
        return f"{told}: {quoted(line['before'])} -> {quoted(line['after'])}"
    return (
        f"{told}: {quoted(line['before'] or line['after'])}"
        if line["before"] or line["after"]
        else told
    )


def _of_a_pair(run: Run, row_id: str, own: list[Found]) -> list[str]:
    doc_id = own[-1][2]["doc_id"]
    lines = [
        "",
        "the document it should find",
        f"  {doc_id}  {run.texts([doc_id]).get(doc_id, '(in no table)')}",
    ]
    for _, _, row in run.rows("made", "pair_id", [row_id]):
        told = f": {quoted(row['positive'])}" if row["positive"] else " any passage of its document"
        lines += ["", f"made from {row['origin_id']}, trained on{told}"]
    for _, path, row in run.rows("triplets", "pair_id", [row_id]):
        lines += ["", f"its {len(row['negatives'])} hard negatives ({path.as_posix()})"]
        lines += [f"  positive: cosine {row['positive_score']:.4f}"]
        columns = ("ids", "scores", "cross_scores", "miners", "ranks", "rules")
        per_negative = zip(
            *(row[f"negative_{name}"] for name in columns), row["negatives"], strict=True
        )
        for negative_id, score, cross, miner, rank, rules, text in per_negative:
            judged = "" if cross is None or cross != cross else f", cross-encoder {cross:.4f}"
            where = f"cosine {score:.4f}{judged}, {miner} rank {rank}"
            lines += [f"  {negative_id}  {where}, passed {rules}: {quoted(text)}"]
    return lines + _neighbours(run, row_id)


def _of_a_document(run: Run, row_id: str) -> list[str]:
    pairs = {
        row["pair_id"]: row["anchor"]
        for name in ("pairs", "out_of_domain_pairs")
        for _, _, row in run.scan(name, "doc_id", row_id)
    }
    lines = ["", f"the {len(pairs)} pairs that should find it"]
    lines += [
        f"  {pair_id}  {quoted(anchor)}" for pair_id, anchor in sorted(pairs.items())[:AT_MOST]
    ]
    if len(pairs) > AT_MOST:
        lines += [f"  and {len(pairs) - AT_MOST} more"]
    return lines + _neighbours(run, row_id)


def _of_a_query(run: Run, row_id: str) -> list[str]:
    answers = [row for _, _, row in run.rows("qrels", "query_id", [row_id])]
    texts = run.texts(row["doc_id"] for row in answers)
    lines = ["", f"the {len(answers)} documents that answer it"]
    return lines + [
        f"  {row['doc_id']}  grade {row['grade']:g}  {texts.get(row['doc_id'], '')}"
        for row in answers
    ]


def _neighbours(run: Run, row_id: str) -> list[str]:
    edges = [(row["right_id"], row) for _, _, row in run.rows("near", "left_id", [row_id])]
    edges += [(row["left_id"], row) for _, _, row in run.scan("near", "right_id", row_id)]
    edges.sort(key=lambda edge: (-edge[1]["similarity"], edge[0]))
    texts = run.texts(other for other, _ in edges[:AT_MOST])
    lines = ["", f"its {len(edges)} near-duplicates"] if edges else []
    for other, row in edges[:AT_MOST]:
        lines += [
            f"  {other}  {row['rule']}, similarity {row['similarity']:.3f}: {texts.get(other, '')}"
        ]
    return lines

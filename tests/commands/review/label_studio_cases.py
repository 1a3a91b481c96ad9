"""What Label Studio makes of tasks: it imports them, people annotate, and it exports both formats."""

import json
from copy import deepcopy

ANN = {"id": 7, "email": "ann@example.org", "first_name": "", "last_name": ""}
BEN = {"id": 8, "email": "ben@example.org", "first_name": "", "last_name": ""}


def result(control, values):
    """Return the result of one control: verdict or note."""
    kind, key = ("choices", "choices") if control == "verdict" else ("textarea", "text")
    return {
        "id": "Dx_aB91ISN",
        "from_name": control,
        "to_name": "judged",
        "type": kind,
        "origin": "manual",
        "value": {key: values},
    }


def annotation(choice="", note="", person=ANN, **changes):
    """Return what one person submitted."""
    results = [result("verdict", [choice])] if choice else []
    if note:
        results.append(result("note", [note]))
    return {
        "id": 1001,
        "completed_by": person,
        "result": results,
        "was_cancelled": False,
        "ground_truth": False,
        "created_at": "2026-11-30T09:00:00.000000Z",
        "updated_at": "2026-11-30T09:00:00.000000Z",
        "lead_time": 4.288,
        **changes,
    }


def exported(tasks, *annotations_of_tasks):
    """Return the export as JSON: the tasks, each with its annotations."""
    return [
        {
            "id": 17 + number,
            "annotations": list(annotations),
            "drafts": [],
            "predictions": [],
            "data": deepcopy(task["data"]),
            "meta": {},
            "total_annotations": len(annotations),
            "project": 1,
        }
        for number, (task, annotations) in enumerate(zip(tasks, annotations_of_tasks, strict=True))
    ]


def minimal(tasks):
    """Return the same export as JSON-MIN: an object for each annotation that was not cancelled."""
    objects = []
    for task in tasks:
        for submitted in task["annotations"]:
            if submitted["was_cancelled"]:
                continue
            record = {**task["data"], "id": task["id"]}
            for entry in submitted["result"]:
                key = "choices" if entry["type"] == "choices" else "text"
                values = entry["value"][key]
                record[entry["from_name"]] = values[0] if len(values) == 1 else {key: values}
            person = submitted["completed_by"]
            record["annotator"] = person["email"] if isinstance(person, dict) else person
            record["annotation_id"] = submitted["id"]
            record["lead_time"] = submitted["lead_time"]
            objects.append(record)
    return objects


def written(folder, content):
    """Write an export, and return its path."""
    path = folder / "export.json"
    path.write_text(json.dumps(content), "utf-8")
    return path

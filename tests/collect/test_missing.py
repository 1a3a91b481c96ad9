"""A typed missing value is missing, a word is a text, and no score is on an unknown scale."""

import json
from decimal import Decimal

import pandas as pd
import pyarrow as arrow
import pyarrow.parquet as parquet
import pytest

from stages.collect.__main__ import collection_metrics, print_left_out
from stages.collect.placeholders import is_placeholder
from stages.lib.core.errors import UserError

SCORED = {"anchor": "q", "text": "a", "score": "s"}
COLUMNS = {"text": "a", "title": "t", "topic": "k"}


def texts(collected) -> list[str]:
    return sorted(collected.documents["text"])


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("NaN", None),
        ("Infinity", None),
        ("-Infinity", None),
        ("null", None),
        ("1e999", None),
        ("-1e999", None),
        ('""', None),
        ('"NaN"', "NaN"),
        ('"nan"', "nan"),
        ('"None"', "None"),
        ('"NA"', "NA"),
        ('"null"', "null"),
        ('"Infinity"', "Infinity"),
        ("0", "0"),
        ("1e3", "1e3"),
        ("5.0", "5.0"),
        ("false", "false"),
    ],
)
def test_values_of_json(read, value, text):
    rows = f'{{"a": {value}, "t": "x", "k": {value}}}\n{{"a": "kept", "t": "y", "k": "z"}}\n'
    collected = read(rows, file="faq.jsonl", columns=COLUMNS)
    assert texts(collected) == sorted(["kept", text] if text else ["kept"])
    assert collected.ledger.dropped() == ({} if text else {"empty_text": 1})


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (arrow.array([1.5, float("nan"), float("inf"), None]), ["1.5"]),
        (arrow.array([float("-inf"), 2.0], arrow.float32()), ["2.0"]),
        (arrow.array(["None", "NA", "nan", None]), ["NA", "None", "nan"]),
        (arrow.array([Decimal("1.50"), None]), ["1.50"]),
        (arrow.array([7, None], arrow.int64()), ["7"]),
        (arrow.array([True, None]), ["true"]),
        (arrow.array(pd.to_datetime(["2026-01-31", None])), ["2026-01-31 00:00:00"]),
        (arrow.array(["x", ""], arrow.large_string()), ["x"]),
        (arrow.array([float("nan"), 0.0], arrow.float16()), ["0.0"]),
    ],
)
def test_values_of_parquet(read, tmp_path, column, expected):
    names = [str(index) for index in range(len(column))]
    parquet.write_table(arrow.table({"a": column, "t": names, "k": names}), tmp_path / "x.parquet")
    content = (tmp_path / "x.parquet").read_bytes()
    assert texts(read(content, file="faq.parquet", columns=COLUMNS)) == expected


def test_a_missing_score_is_no_zero(read):
    rows = [{"q": "a", "a": "One.", "s": 0.5}, {"q": "b", "a": "Two.", "s": float("nan")}]
    content = "\n".join(map(json.dumps, rows))
    collected = read(content, file="faq.jsonl", columns=SCORED)
    assert list(collected.pairs["score"]) == [0.5]
    assert collected.ledger.dropped() == {"bad_score": 1}


def test_words_for_missing_values_stay_and_are_counted(read):
    rows = "a,t,k\n" + "None,Which side effects?,NA\n" * 2 + "Take it.,Dose,nan\nRest.,Care,x\n"
    collected = read(rows, columns=COLUMNS)
    assert texts(collected) == ["None", "None", "Rest.", "Take it."]
    assert sorted(collected.documents["topic"]) == ["NA", "NA", "nan", "x"]
    assert dict(collected.placeholders) == {"text": 2, "topic": 3}
    details = collection_metrics({"faq": collected}, {})
    assert details["source.faq.placeholders.text"] == 2
    assert "source.faq.placeholders.title" not in details


@pytest.mark.parametrize(
    "word",
    [
        "None",
        "none",
        "NA",
        "n/a",
        "NaN",
        "nan",
        "null",
        "NULL",
        "nil",
        "<NA>",
        "#N/A",
        "NaT",
        "k.A.",
    ],
)
def test_words_for_missing_values(word):
    assert is_placeholder(f" {word} ")


@pytest.mark.parametrize(
    "word", ["", "0", "No", "None of them", "Nan Goldin", "NASA", "nicht", "-"]
)
def test_other_words(word):
    assert not is_placeholder(word)


@pytest.mark.parametrize(
    "score",
    [
        "85%",
        "85 %",
        "12,5 %",
        "90 percent",
        "4/5",
        "3 / 4",
        "4 of 5",
        "4.5 out of 5",
        "4.5 stars",
        "1 star",
        "7 points",
        "★★★☆☆",
        "⭐⭐",
        "****",
        "0,85",
        "850‰",
    ],
)
def test_a_score_with_its_scale_stops_the_stage(read, score):
    rows = f'q,a,s\na,One.,0.5\nb,Two.,"{score}"\n'
    with pytest.raises(UserError) as raised:
        read(rows, columns=SCORED)
    assert f"row 2: column 's' holds '{score}'" in raised.value.fact
    assert "set collect.sources.faq.score_range" in raised.value.remedy


@pytest.mark.parametrize("score", ["high", "", "n/a", "nan", "yes", "?"])
def test_a_score_that_is_no_number_is_a_fault_of_its_row(read, score):
    collected = read(f"q,a,s\na,One.,0.5\nb,Two.,{score}\n", columns=SCORED)
    assert collected.ledger.dropped() == {"bad_score": 1}


def test_a_large_share_of_rejected_records_is_printed(capsys):
    reasons = ("empty_text", "empty_anchor", "bad_score", "bad_grade", "bad_time")
    counts = dict.fromkeys([f"dropped.{reason}" for reason in reasons], 0)
    counts |= {"dropped.unknown_document": 0, "dropped.duplicate_key": 0}
    print_left_out({**counts, "rows_in": 1371, "rejected": 1060, "dropped.bad_score": 1060})
    assert capsys.readouterr().err == (
        "WARNING: 1,060 of 1,371 records were rejected (77 %): 1,060 bad_score. "
        "data/collect/ledger.parquet names each of them, with its file and line.\n"
    )
    print_left_out({**counts, "rows_in": 1371, "rejected": 100, "dropped.bad_score": 100})
    assert capsys.readouterr().err == ""

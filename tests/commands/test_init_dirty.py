"""Dirty files from init to clean: no traceback on the way, and no row is lost."""

import gzip
import json
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.clean.__main__ import main as clean
from stages.collect.__main__ import main as collect
from stages.commands.init.tables import guess_tables
from stages.lib.core.errors import UserError
from stages.lib.reporting.details import read_details
from tests.collect.test_dirty import DIRT
from tests.commands.test_init import clone as clone
from tests.commands.test_init import init, params

QUESTIONS = [
    (f"Where is part {n} of it?", f"Part {n} lies on shelf {n % 7}, at the left.")
    for n in range(40)
]
CSV = "question,answer\n" + "".join(f'{q},"{a}"\n' for q, a in QUESTIONS)


def rows_in(content):
    return content + "".join(f"Is it {n}?,It is {n} of the old ones.\n" for n in range(30))


FILES = {
    "marks.csv": b"\xef\xbb\xbf" * 2 + CSV.encode(),
    "two_headers.csv": (CSV + CSV).encode(),
    "zeros.csv": rows_in("question,answer\nWhat \0is it?,It is\0 this one here.\n").encode(),
    "cr.csv": CSV.replace("\n", "\r").encode(),
    "utf16.csv": CSV.encode("utf-16-le"),
    "spaces.csv": rows_in("question,answer\n   ,  \nWho is it?,\t\n").encode(),
    "keys.csv": ("id,question,answer\n" + "".join(f"00{n % 5},{q},{a!r}\n".replace(", at", " at") for n, (q, a) in enumerate(QUESTIONS))).encode(),
    "same.csv": ("question,answer\n" + "".join(f"{q},The same answer for all of you.\n" for q, _ in QUESTIONS)).encode(),
    "group.csv": ("question,answer,group\n" + "".join(f'{q},"{a}",one\n' for q, a in QUESTIONS)).encode(),
    "one_row.csv": b"question,answer\nWhere is it?,It is over there.\n",
    "rtl.csv": ("سؤال,جواب\n" + "".join(f"كيف أغير كلمة المرور رقم {n}؟,افتح الإعدادات رقم {n} ثم غيرها.\n" for n in range(30))).encode(),
    "unspaced.csv": ("问题,答案\n" + "".join(f"如何修改密码{n}？,打开设置{n}并选择修改密码。\n" for n in range(30))).encode(),
    "nan.jsonl.gz": gzip.compress(
        "\n".join([*(json.dumps({"question": q, "answer": a}) for q, a in QUESTIONS), '{"question":"x?","answer":NaN}', '{"question":"\\u0000","answer":"001"}']).encode()
    ),
    "glue.tsv": ("index\tsentence\n" + "".join(f'{n}\t"{a} he said.\n' for n, (_, a) in enumerate(QUESTIONS))).encode(),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.usefixtures("clone", "own_cache")
def test_dirty_files_come_through_init_collect_and_clean(tmp_path_factory):
    folder = tmp_path_factory.mktemp("own")
    for name, content in FILES.items():
        (folder / name).write_bytes(content)
    result = init(folder, "--yes")
    assert result.exit_code == 0, result.output
    assert len(params()["collect"]["sources"]) == len(FILES)

    # Every row of every file is a row of the tables, or in the ledger with its place.
    collect()
    details = read_details(Path("metrics/details/collect.json"))
    ledger = pd.read_parquet("data/collect/ledger.parquet").query("action == 'drop'")
    assert details["rows_in"] == details["rows_out"] + len(ledger)
    assert ledger["after"].str.contains(r", (?:line|row) \d+$").all()
    assert dict(ledger["reason"].value_counts()) == {"empty_text": 3, "repeated_header": 1}

    # Cleaning accounts for all of them.
    clean()
    cleaned = read_details(Path("metrics/details/clean.json"))
    assert cleaned["rows_in"] == details["documents"]
    assert cleaned["pairs.rows_in"] == details["pairs"]
    documents = pd.read_parquet("data/clean/documents.parquet")
    assert cleaned["rows_out"] == len(documents)
    assert not documents["text"].str.contains("\0").any()


@pytest.mark.slow
@settings(max_examples=100, deadline=None)
@given(
    pieces=st.lists(DIRT, max_size=25),
    header=st.sampled_from(["", "question,answer\n", "id;q;a\n", '{"question": "a", "answer": "b"}\n']),
    file=st.sampled_from(["a.csv", "a.tsv", "a.txt", "a.jsonl", "a.json"]),
    encoding=st.sampled_from(["utf-8", "utf-16", "utf-16-be", "cp1252"]),
)  # fmt: skip
def test_any_bytes_are_guessed_or_refused(tmp_path_factory, pieces, header, file, encoding):
    content = (header + "".join(pieces)).encode(
        encoding, "replace" if encoding == "cp1252" else "surrogatepass"
    )
    path = tmp_path_factory.mktemp("own") / file
    path.write_bytes(content)
    try:
        guess, rows = guess_tables([path])[0].read({}, ())
    except UserError as error:
        assert path.stem in error.fact
        return
    assert guess.description()
    assert rows.records_read == rows.records_kept + rows.ledger.dropped().total()

"""Rows leave a raw file, and every other row keeps its bytes."""

import pyarrow as arrow
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from stages.collect.columns import Place
from stages.collect.interface import CollectParams
from stages.commands.forget.raw_rows import cut_rows, rows_by_file

COLUMNS = {"key": "id", "text": "text"}


def settings(path, **more):
    source = {"reader": "table", "path": path, "columns": COLUMNS, **more}
    return CollectParams.model_validate({"sources": {"faq": source}, "out_of_domain": None})


def cut(project, name, content, places, **more):
    """Write a raw file, cut rows out of it, and return its bytes."""
    path = project / "data/raw" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    rows = rows_by_file(
        [Place(f"data/raw/{name}", row, line) for row, line in places],
        settings(f"data/raw/{name}", **more),
        project / "data/raw",
    )
    assert [row.by_hand for row in rows] == [""]
    cut_rows(rows[0])
    return path.read_bytes()


@pytest.mark.parametrize(
    ("name", "content", "places", "left", "more"),
    [
        ("a.csv", b"id,text\n1,x\n2,y\n3,z\n", [(2, 3)], b"id,text\n1,x\n3,z\n", {}),
        # Line ends, a missing one at the end, and bytes of other encodings stay.
        ("a.csv", b"id,text\r\n1,x\r\n2,y", [(1, 2)], b"id,text\r\n2,y", {}),
        ("a.csv", b"id,text\n1,caf\xe9\n2,y\n", [(2, 3)], b"id,text\n1,caf\xe9\n", {"encoding": "cp1252"}),
        # A mark of UTF-8 stands before a quoted name.
        (
            "a.csv",
            b'\xef\xbb\xbf"id","text"\n1,x\n2,y\n',
            [(1, 2)],
            b'\xef\xbb\xbf"id","text"\n2,y\n',
            {},
        ),
        # A quoted field spans lines, and goes whole.
        ("a.csv", b'id,text\n1,"x\n2,no row\n"\n2,y\n', [(1, 2)], b"id,text\n2,y\n", {}),
        ("a.csv", b'id,text\n1,x\n2,"y\n\n"\n3,z\n', [(2, 3)], b"id,text\n1,x\n3,z\n", {}),
        # Lines before the header, another delimiter and quote.
        ("a.csv", b"note\nid;text\n1;'x;\n'\n2;y\n", [(1, 3)], b"note\nid;text\n2;y\n", {"skip_lines": 1, "delimiter": ";", "quote": "'"}),
        ("a.tsv", b"id\ttext\n1\tx\n2\ty\n", [(1, 2), (2, 3)], b"id\ttext\n", {}),
        ("a.jsonl", b'{"id": 1, "text": "x"}\n\n{"id": 2, "text": "y"}\n', [(2, 3)], b'{"id": 1, "text": "x"}\n\n', {}),
        ("a.jsonl", b'{"id": 1, "text": "\xc3\xa9"}\r\n{"id": 2}\r\n', [(2, 2)], b'{"id": 1, "text": "\xc3\xa9"}\r\n', {}),
    ],
)  # fmt: skip
def test_the_row_goes_and_all_other_bytes_stay(project, name, content, places, left, more):
    assert cut(project, name, content, places, **more) == left


def test_rows_of_parquet_go_and_the_others_keep_their_types(project):
    table = arrow.table(
        {"id": [1, 2, 3, 4], "text": ["a", None, "c", "d"], "n": [[1], [], None, [2]]}
    )
    path = project / "data/raw/a.parquet"
    path.parent.mkdir(parents=True)
    parquet.write_table(table, path, row_group_size=2, compression="gzip")
    places = [Place("data/raw/a.parquet", 2), Place("data/raw/a.parquet", 3)]
    (rows,) = rows_by_file(places, settings("data/raw/a.parquet"), project / "data/raw")
    assert rows.where() == "data/raw/a.parquet, rows 2, 3"
    cut_rows(rows)
    left = parquet.read_table(path)
    assert left.equals(table.take([0, 3]))
    assert parquet.ParquetFile(path).metadata.row_group(0).column(0).compression == "GZIP"


@pytest.mark.parametrize(
    ("name", "more", "where", "remedy"),
    [
        ("a.csv.gz", {}, "line 3", "in the program that writes the file"),
        ("a.xlsx", {}, "line 3", "in the program that writes the file"),
        ("a.json", {}, "line 3", "in the program that writes the file"),
        ("a.csv", {"encoding": "utf-16"}, "line 3", "in an editor that keeps the encoding"),
        ("a.csv", {"delimiter": "\xa7"}, "line 3", "in an editor that keeps the encoding"),
        ("snapshots/faq.parquet", {}, "line 3", "'python -m stages fetch faq'"),
    ],
)
def test_a_file_that_cannot_be_edited_safely_is_named_with_the_place(
    project, name, more, where, remedy
):
    path = project / "data/raw" / name
    path.parent.mkdir(parents=True)
    path.write_bytes(b"as it was")
    (rows,) = rows_by_file(
        [Place(f"data/raw/{name}", 2, 3)],
        settings(f"data/raw/{name}", **more),
        project / "data/raw",
    )
    assert rows.where() == f"data/raw/{name}, {where}"
    assert remedy in rows.by_hand
    assert path.read_bytes() == b"as it was"


CELLS = st.text(st.sampled_from('ab,"\n\ré'), max_size=5)


@given(st.lists(CELLS, min_size=1, max_size=8), st.data())
def test_what_is_left_of_any_table_reads_as_the_other_rows(tmp_path_factory, cells, data):
    import csv
    import io

    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n", quoting=csv.QUOTE_ALL)
    writer.writerow(["id", "text"])
    writer.writerows((f"k{number}", cell) for number, cell in enumerate(cells))
    content = out.getvalue().encode()

    # Where each row begins, as the csv module counts lines.
    reader = csv.reader(io.StringIO(out.getvalue(), newline=""))
    starts = []
    line = 1
    for _ in reader:
        starts.append(line)
        line = reader.line_num + 1
    gone = data.draw(st.sets(st.integers(0, len(cells) - 1), min_size=1))
    places = [(number + 1, starts[number + 1]) for number in sorted(gone)]
    left = cut(tmp_path_factory.mktemp("raw"), "a.csv", content, places)
    rows = list(csv.reader(io.StringIO(left.decode(), newline="")))
    assert rows == [
        ["id", "text"],
        *([f"k{number}", cell] for number, cell in enumerate(cells) if number not in gone),
    ]

"""The bytes of a snapshot follow from its rows alone, and every value is a text or a list of texts."""

import random
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from uuid import UUID

import pyarrow.parquet as parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.commands.fetch.snapshot_files import cell_text, write_rows
from stages.lib.core.errors import UserError

BERLIN = timezone(timedelta(hours=2))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, None),
        ("", ""),
        ("None", "None"),
        ("ok 👍 نعم", "ok 👍 نعم"),
        (True, "true"),
        (0, "0"),
        (10**30, "1000000000000000000000000000000"),
        (0.1, "0.1"),
        (5.0, "5.0"),
        (float("nan"), None),
        (float("-inf"), None),
        (Decimal("1E+3"), "1000"),
        (Decimal("0.10"), "0.10"),
        (Decimal("NaN"), None),
        (date(2026, 1, 31), "2026-01-31"),
        (datetime(2026, 1, 31, 1, 2, 3), "2026-01-31T01:02:03"),
        (datetime(2026, 1, 31, 1, tzinfo=BERLIN), "2026-01-30T23:00:00+00:00"),
        (datetime(2026, 1, 31, tzinfo=UTC), "2026-01-31T00:00:00+00:00"),
        (time(9, 30), "09:30:00"),
        (timedelta(minutes=90), "1:30:00"),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (["a", None, 2], '["a",null,"2"]'),
        ({"b": "ü", "a": [1]}, '{"a":[1],"b":"ü"}'),
    ],
)
def test_values_of_databases_as_texts(value, text):
    assert cell_text(value, "column", "query") == text


def test_bytes_are_no_text(tmp_path):
    with pytest.raises(UserError, match="the query: column 'photo' holds bytes, not texts"):
        write_rows(["photo"], [[(b"\xff",)]], tmp_path / "a.parquet", where="the query")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("columns", "fact"),
    [(["id", "id"], "more than one column is called 'id'"), (["id", " "], "a column has no name")],
)
def test_columns_need_names_of_their_own(columns, fact, tmp_path):
    with pytest.raises(UserError, match=fact):
        write_rows(columns, [], tmp_path / "a.parquet", where="the query")


def test_half_of_a_character_is_refused(tmp_path):
    with pytest.raises(UserError, match="column 'a' holds half of a surrogate pair"):
        write_rows(["a"], [[("\ud83d",)]], tmp_path / "a.parquet", where="the query")


def test_rows_are_sorted_by_all_columns_and_lists_stay_lists(tmp_path):
    path = tmp_path / "a.parquet"
    rows = [("b", ["y", "x"]), ("Z", None), (None, []), ("a", ["z"]), ("a", ["b"]), ("a", ["b"])]
    assert write_rows(["Name", "name"], [rows[:2], rows[2:]], path, where="query") == 6
    assert parquet.read_table(path).to_pylist() == [
        {"Name": None, "name": []},
        {"Name": "Z", "name": None},
        {"Name": "a", "name": ["b"]},
        {"Name": "a", "name": ["b"]},
        {"Name": "a", "name": ["z"]},
        {"Name": "b", "name": ["y", "x"]},
    ]


def test_a_column_of_lists_and_texts_holds_texts(tmp_path):
    write_rows(["a"], [[(["x"],), ("y",)]], tmp_path / "a.parquet", where="query")
    assert parquet.read_table(tmp_path / "a.parquet")["a"].to_pylist() == ['["x"]', "y"]


@pytest.mark.slow
@given(
    rows=st.lists(st.tuples(st.none() | st.text(), st.integers(-5, 5)), max_size=20),
    seed=st.integers(0, 100),
    size=st.integers(1, 7),
)
def test_the_bytes_do_not_depend_on_the_order_or_on_the_batches(tmp_path_factory, rows, seed, size):
    folder = tmp_path_factory.mktemp("snapshots")
    shuffled = random.Random(seed).sample(rows, len(rows))
    batches = [shuffled[start : start + size] for start in range(0, len(shuffled), size)]
    write_rows(["a", "b"], [rows], folder / "a.parquet", where="query")
    write_rows(["a", "b"], batches, folder / "b.parquet", where="query")
    assert (folder / "a.parquet").read_bytes() == (folder / "b.parquet").read_bytes()


@pytest.mark.slow
def test_large_snapshots_have_row_groups_of_fixed_size(tmp_path):
    rows = [(f"{index:05}", "x" * (index % 7)) for index in range(10_000)]
    random.Random(1).shuffle(rows)
    write_rows(["a", "b"], [rows[:3], rows[3:5000], rows[5000:]], tmp_path / "a.parquet", where="")
    file = parquet.ParquetFile(tmp_path / "a.parquet")
    sizes = [file.metadata.row_group(index).num_rows for index in range(file.num_row_groups)]
    assert sizes == [4096, 4096, 1808]
    assert file.read()["a"].to_pylist() == [f"{index:05}" for index in range(10_000)]

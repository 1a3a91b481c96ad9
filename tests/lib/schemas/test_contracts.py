"""Each rule of each table has a row here that breaks it, and a message that names row and rule."""

import numpy as np
import pandas as pd
import pytest

from stages.lib.core.errors import UserError
from stages.lib.core.tables import Table, arrow_schema, check_table, key_of
from stages.lib.schemas.documents import Documents
from stages.lib.schemas.duplicates import Aliases, NearDuplicates
from stages.lib.schemas.ledger import Ledger
from stages.lib.schemas.runs import QueryResults
from stages.lib.schemas.splits import Fingerprints
from stages.lib.schemas.training import Triplets, tokens_schema
from tests.lib.schemas.rows import BROKEN, D1, D2, D3, GOOD, TABLES, one_row

# Every table has its rules and columns tested. `make check` takes some: of texts, of pairs of ids,
# of decisions and of lists.
FAST = (Documents, NearDuplicates, Ledger, Triplets)
TABLES_BY_SPEED = [
    table if table in FAST else pytest.param(table, marks=pytest.mark.slow) for table in TABLES
]
BROKEN_BY_SPEED = [
    row if row[0] in FAST else pytest.param(*row, marks=pytest.mark.slow) for row in BROKEN
]


def refusal(frame, table):
    """Return the message that refuses `frame`, which fits a terminal whatever is wrong with it."""
    with pytest.raises(UserError) as caught:
        check_table(frame, table, "data/x/rows.parquet")
    message = str(caught.value)
    assert message.startswith(f"data/x/rows.parquet breaks the contract of {table.__name__}:")
    assert "remedy: " in message
    assert len(message.splitlines()) <= 10
    return message


def named(table, row):
    """Return how a message names `row`: by its whole key."""
    return ", ".join(f"{name} {row[name]}" for name in key_of(table))


def test_every_table_has_a_good_row_here():
    known = {
        table
        for table in Table.__subclasses__()
        if table.__module__.startswith("stages.lib.schemas.")
    }
    assert {table.__name__ for table in known} == {table.__name__ for table in TABLES}


@pytest.mark.parametrize("table", TABLES)
def test_a_good_row_passes_unchanged(table):
    frame = one_row(table)
    pd.testing.assert_frame_equal(check_table(frame, table, "here"), one_row(table))


@pytest.mark.parametrize("table", TABLES)
def test_an_empty_table_passes(table):
    assert len(check_table(table.empty(), table, "here")) == 0


@pytest.mark.parametrize(
    ("table", "changes", "rule"),
    BROKEN_BY_SPEED,
    ids=lambda value: getattr(value, "__name__", str(value)),
)
def test_a_broken_rule_is_named_with_its_row(table, changes, rule):
    message = refusal(one_row(table, **changes), table)
    assert rule in message
    assert f"broken in 1 row(s) (first: {named(table, GOOD[table] | changes)}" in message


def test_every_rule_of_every_column_is_broken_by_a_row_here():
    broken = {
        (table, rule.partition(":")[2].strip().partition("(")[0]) for table, _, rule in BROKEN
    }
    for table in TABLES:
        schema = table.to_schema()
        rules = {rule.name for column in schema.columns.values() for rule in column.checks}
        rules |= {rule.name for rule in schema.checks}
        assert rules <= {rule for of, rule in broken if of is table}, table


@pytest.mark.parametrize("table", TABLES_BY_SPEED)
def test_a_missing_column_is_named(table):
    for name in GOOD[table]:
        assert f"column '{name}' is missing" in refusal(one_row(table).drop(columns=name), table)


@pytest.mark.parametrize("table", TABLES)
def test_each_column_too_many_is_named(table):
    message = refusal(one_row(table, note="?", colour="red"), table)
    assert "column 'note' is not in the contract" in message
    assert "column 'colour' is not in the contract" in message


@pytest.mark.parametrize("table", TABLES)
def test_columns_in_another_order_are_named(table):
    first, second, *rest = GOOD[table]
    message = refusal(one_row(table)[[second, first, *rest]], table)
    assert f"column '{first}' is out of order" in message


@pytest.mark.parametrize("table", TABLES_BY_SPEED)
def test_a_column_of_another_type_is_named_with_both_types(table):
    for name, value in GOOD[table].items():
        if isinstance(value, float):  # a whole number is no float here: nothing is coerced
            assert f"{name}: dtype('float64'), found int64" in refusal(
                one_row(table, **{name: 1}), table
            )
        elif isinstance(value, int):
            assert f"{name}: dtype('int64'), found float64" in refusal(
                one_row(table, **{name: 1.0}), table
            )
        elif isinstance(value, str):
            message = refusal(one_row(table, **{name: 7}), table)
            assert f"{name}: dtype('string" in message
            assert "value '7'" in message


@pytest.mark.parametrize("table", TABLES)
def test_a_key_that_stands_twice_is_named(table):
    message = refusal(pd.concat([one_row(table)] * 2, ignore_index=True), table)
    assert f"row: key_is_unique broken in 2 row(s) (first: {named(table, GOOD[table])})" in message


def test_rows_are_named_whatever_the_index():
    frame = pd.concat([one_row(NearDuplicates), one_row(NearDuplicates)])  # both rows have index 0
    assert f"key_is_unique broken in 2 row(s) (first: left_id {D1}, right_id {D2})" in refusal(
        frame, NearDuplicates
    )


def test_a_chain_of_copies_is_refused():
    chain = pd.DataFrame({"doc_id": [D3, D2], "kept_id": [D2, D1]})
    assert f"row: kept_is_not_dropped broken in 1 row(s) (first: doc_id {D3})" in refusal(
        chain, Aliases
    )


def test_the_first_of_many_rows_is_named_and_all_are_counted():
    frame = pd.DataFrame(
        [
            GOOD[Documents] | {"doc_id": f"d{number:016x}", "source": "" if number else "ok"}
            for number in range(100)
        ]
    )
    message = refusal(frame, Documents)
    assert (
        "source: str_length(1, None) broken in 99 row(s) (first: doc_id d0000000000000001, value '')"
        in message
    )


def test_many_broken_rules_still_fit_ten_lines():
    message = refusal(
        one_row(Ledger, row_id="", seq=-1, action="x", reason="", start=-2, end=-2, note="?"),
        Ledger,
    )
    assert "and 2 more rules" in message


def test_a_value_of_many_lines_takes_one():
    message = refusal(one_row(Documents, doc_id="\n" * 50, source="", text=""), Documents)
    assert len(message.splitlines()) <= 10


def test_missing_triplet_lists_are_refused_by_name():
    assert "negatives: not_nullable broken in 1 row(s)" in refusal(
        one_row(Triplets, negatives=None), Triplets
    )


@pytest.mark.parametrize(
    ("table", "key"),
    [
        (Documents, ["doc_id"]),
        (NearDuplicates, ["left_id", "right_id"]),
        (QueryResults, ["split", "system", "query_id"]),
    ],
)
def test_the_key_is_what_the_config_says(table, key):
    assert key_of(table) == key


def test_columns_have_one_storage_type_and_declared_nulls():
    stored = {field.name: (str(field.type), field.nullable) for field in arrow_schema(Ledger)}
    assert stored["row_id"] == ("string", False)
    assert stored["seq"] == ("int64", False)
    assert stored["score"] == ("double", True)
    assert (
        str(arrow_schema(Fingerprints).field("shingles").type) == "list<item: list<item: uint64>>"
    )


def test_tokens_have_fixed_size_lists_and_negative_columns():
    stored = {field.name: str(field.type) for field in arrow_schema(tokens_schema(256, 2))}
    assert list(stored)[-1] == "negative_2_attention_mask"
    assert stored["negative_1_input_ids"] == "fixed_size_list<item: int32>[256]"
    assert stored["anchor_attention_mask"] == "fixed_size_list<item: int8>[256]"


def test_nothing_is_coerced():
    frame = one_row(Ledger)
    frame["seq"] = np.array([0.5])
    assert "seq: dtype('int64'), found float64" in refusal(frame, Ledger)

"""explain prints the history of a row from the tables that exist."""

import json

import pandas as pd
import pytest
from typer.testing import CliRunner

from stages.commands.explain import app
from stages.commands.run_tables import RunTables, quoted
from stages.lib.core import tables
from stages.lib.schemas.documents import Documents
from stages.lib.schemas.duplicates import NearDuplicates
from stages.lib.schemas.evaluation_set import Qrels, Queries
from stages.lib.schemas.ledger import Ledger, LedgerWriter
from stages.lib.schemas.pairs import Pairs, SyntheticPairs
from stages.lib.schemas.splits import Splits
from stages.lib.schemas.training import Triplets

HEAD, COPY, HAND = "d00000000000000aa", "d00000000000000ab", "d1111111111111111"
BIG, LARGE = "p0000000000000001", "p0000000000000002"
QUERY, REJECTED = "q0000000000000001", "r0000000000000001"


def documents(*rows):
    columns = ["doc_id", "title", "text"]
    return pd.DataFrame(rows, columns=columns).assign(source="hpo", topic="", group="")


def pairs(*rows):
    return pd.DataFrame(rows, columns=["pair_id", "anchor", "doc_id"]).assign(
        relation="lay", score=1.0, source="hpo"
    )


def write_table(data, name, frame, table):
    tables.write(frame, data / name, table)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Two copies of one document, of which deduplicate drops one; a pair that is re-pointed; a rejected record."""
    data = tmp_path_factory.mktemp("project") / "data"
    head = (HEAD, "Macrocephaly", "A  head that is large.")
    copy = (COPY, "", "a head that is large")
    hand = (HAND, "", "A hand.")
    clean_head = (HEAD, "Macrocephaly", "A head that is large.")
    big = (BIG, "Big\nhead", COPY)
    large = (LARGE, "Large hand", HAND)
    for stage, rows in {
        "collect": [head, copy, hand],
        "clean": [clean_head, copy, hand],
        "deduplicate": [clean_head, hand],
    }.items():
        write_table(data, f"{stage}/documents.parquet", documents(*rows), Documents)
    for stage, first in {
        "collect": big,
        "clean": (BIG, "Big head", COPY),
        "deduplicate": (BIG, "Big head", HEAD),
    }.items():
        write_table(data, f"{stage}/pairs.parquet", pairs(first, large), Pairs)
    collected = LedgerWriter()
    cleaned = LedgerWriter()
    deduplicated = LedgerWriter()
    collected.drop(REJECTED, "no_text", before='{"id": 7}')
    cleaned.edit(HEAD, "text", "whitespace", "  ", " ", start=1, end=3)
    cleaned.edit(BIG, "anchor", "whitespace", "\n", " ", start=3, end=4)
    deduplicated.drop(COPY, "exact_copy", partner_id=HEAD, score=1.0)
    deduplicated.repoint(BIG, "doc_id", "exact_copy", COPY, HEAD)
    for stage, ledger in {
        "collect": collected,
        "clean": cleaned,
        "deduplicate": deduplicated,
    }.items():
        write_table(data, f"{stage}/ledger.parquet", ledger.frame(), Ledger)
    made = pd.DataFrame({"pair_id": [LARGE], "origin_id": [HAND], "positive": ["A  hand."]})
    write_table(data, "pair/synthetic_pairs.parquet", made, SyntheticPairs)
    near = pd.DataFrame(
        {"left_id": [BIG], "right_id": [LARGE], "similarity": [0.8], "rule": ["near"]}
    )
    write_table(data, "deduplicate/near_duplicates.parquet", near, NearDuplicates)
    ids = [HEAD, COPY, HAND, BIG, LARGE]
    splits = pd.DataFrame({"id": ids, "component_id": HEAD, "split": "train"})
    write_table(data, "split/splits.parquet", splits, Splits)
    query = pd.DataFrame(
        {
            "query_id": [QUERY],
            "component_id": [HEAD],
            "raw": ["Tiny head"],
            "text": ["tiny head"],
            "relation": ["lay"],
            "source": ["hpo"],
        }
    )
    write_table(data, "split/test/queries.parquet", query, Queries)
    write_table(
        data,
        "split/test/qrels.parquet",
        pd.DataFrame({"query_id": [QUERY], "doc_id": [HAND], "grade": [1.0]}),
        Qrels,
    )
    triplet = {
        "pair_id": BIG, "component_id": HEAD, "anchor": "Big head", "doc_id": HEAD, "positive": "A head that is large.",
        "positive_score": 0.7, "negative_ids": [HAND], "negatives": ["A hand."], "negative_scores": [0.25],
        "negative_cross_scores": [float("nan")],
        "negative_miners": ["dense"], "negative_ranks": [3], "negative_rules": ["margin"],
        "positive_ids": [HEAD], "in_batch_ids": [HEAD, HAND],
    }  # fmt: skip
    write_table(data, "mine/triplets.parquet", pd.DataFrame([triplet]), Triplets)
    return data


def invoke(data, row_id):
    return CliRunner().invoke(app, [row_id, "--data", str(data)])


def output(data, row_id):
    result = invoke(data, row_id)
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.mark.slow
def test_the_history_of_a_pair_goes_from_raw_to_negatives(data):
    assert (
        output(data, BIG).replace(str(data), "data")
        == f'''pair {BIG}

as collected (data/collect/pairs.parquet)
  pair_id      "{BIG}"
  anchor       "Big\\nhead"
  doc_id       "{COPY}"
  relation     "lay"
  score        1.0
  source       "hpo"

what happened to it
  clean        edit anchor, whitespace at 3-4: "\\n" -> " "
  deduplicate  repoint doc_id, exact_copy, to {HEAD}: "{COPY}" -> "{HEAD}"
                 {HEAD} says "Macrocephaly - A head that is large."

as it was last written (data/deduplicate/pairs.parquet)
  pair_id      "{BIG}"
  anchor       "Big head"
  doc_id       "{HEAD}"
  relation     "lay"
  score        1.0
  source       "hpo"

split: train, component {HEAD}

the document it should find
  {HEAD}  "Macrocephaly - A head that is large."

its 1 hard negatives (data/mine/triplets.parquet)
  positive: cosine 0.7000
  {HAND}  cosine 0.2500, dense rank 3, passed margin: "A hand."

its 1 near-duplicates
  {LARGE}  near, similarity 0.800: "Large hand"
'''
    )


def test_a_synthetic_pair_names_what_it_is_trained_on(data):
    assert f'made from {HAND}, trained on: "A  hand."' in output(data, LARGE)


def test_a_dropped_document_names_the_rule_and_the_kept_copy(data):
    assert f"deduplicate  drop, exact_copy, partner {HEAD}, score 1\n" in output(data, COPY)
    assert f'{HEAD} says "Macrocephaly - A head that is large."' in output(data, COPY)


@pytest.mark.slow
def test_a_kept_document_names_what_it_replaced_and_its_pairs(data):
    assert f"deduplicate  {COPY}: drop, exact_copy, partner {HEAD}, score 1\n" in output(data, HEAD)
    assert f'the 1 pairs that should find it\n  {BIG}  "Big head"\n' in output(data, HEAD)


@pytest.mark.slow
def test_a_query_names_its_relevant_documents(data):
    assert "as made" in output(data, QUERY)
    assert f'the 1 documents that answer it\n  {HAND}  grade 1  "A hand."\n' in output(data, QUERY)


def test_a_rejected_record_is_found_in_the_ledger_alone(data):
    assert 'collect      drop, no_text: "{\\"id\\": 7}"' in output(data, REJECTED)


def test_an_untouched_row_says_so(data):
    assert "nothing: no stage changed, added or dropped it" in output(data, LARGE)


def test_the_beginning_of_an_id_is_enough(data):
    assert output(data, "d111") == output(data, HAND)


def test_an_ambiguous_beginning_lists_ids_with_their_texts(data):
    result = invoke(data, "d0000")
    assert result.exit_code == 1
    assert result.stderr == (
        f"2 ids begin with 'd0000':\n"
        f'  {HEAD}  "Macrocephaly - A head that is large."\n'
        f'  {COPY}  "a head that is large"\n'
    )


@pytest.mark.parametrize(
    ("row_id", "fact"),
    [
        ("d99999", "no ledger knows an id that begins with 'd99999'"),
        ("d11", "'d11' is too short to name a row"),
    ],
)
def test_an_unknown_id_is_an_error_with_a_remedy(data, row_id, fact):
    result = invoke(data, row_id)
    assert result.exit_code == 1
    assert fact in result.stderr
    assert "remedy: " in result.stderr


def test_without_tables_it_says_what_to_run(tmp_path):
    assert "run 'dvc repro'" in invoke(tmp_path, "d0000").stderr


def test_only_stages_are_searched_and_never_the_raw_data(data, tmp_path):
    write_table(tmp_path, "raw/documents.parquet", documents((HEAD, "", "Raw")), Documents)
    assert "holds no tables yet" in invoke(tmp_path, HEAD).stderr


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", '"plain"'),
        ("a\tb\x1b[31m", '"a\\tb\\u001b[31m"'),  # no control character reaches the terminal
        ("ä" * 9, '"ääää"... (9 characters)'),
    ],
)
def test_quoting(text, shown):
    assert quoted(text, 4 if len(text) == 9 else 160) == shown


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """10,000 pairs: three row groups, and a hundred pairs a document."""
    data = tmp_path_factory.mktemp("many") / "data"
    rows = [
        (f"p{index * 37:016x}", f"anchor {index}", f"d{index % 100:016x}")
        for index in range(10_000)
    ]
    write_table(data, "collect/pairs.parquet", pairs(*rows), Pairs)
    return RunTables(data), [row[0] for row in rows]


@pytest.mark.parametrize("index", [0, 4095, 4096, 8191, 8192, 9999])
def test_a_row_is_found_in_any_row_group(many, index):
    tables, ids = many
    assert [row["anchor"] for _, _, row in tables.rows("pairs", "pair_id", [ids[index]])] == [
        f"anchor {index}"
    ]


@pytest.mark.parametrize(
    "start", ["p000", "p00000000000", "p0000000000025", "p00000000000251a", "p1", "d0000", "z"]
)
def test_every_id_with_that_beginning_is_found(many, start):
    tables, ids = many
    assert tables.matches(start) == [row_id for row_id in ids if row_id.startswith(start)]


def test_rows_are_found_by_another_column_in_every_row_group(many):
    tables, _ = many
    anchors = [row["anchor"] for _, _, row in tables.scan("pairs", "doc_id", f"d{7:016x}")]
    assert anchors == [f"anchor {index}" for index in range(7, 10_000, 100)]


def figures(data, row_id):
    result = CliRunner().invoke(app, [row_id, "--data", str(data), "--json"])
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout.replace(str(data), "data"))


def test_json_holds_the_rows_of_a_pair(data):
    pair = figures(data, BIG)
    assert (pair["id"], pair["kind"], pair["document"]) == (BIG, "pair", HEAD)
    stages = [(found["stage"], found["row"]["anchor"]) for found in pair["rows"]]
    assert stages == [("collect", "Big\nhead"), ("clean", "Big head"), ("deduplicate", "Big head")]
    decisions = [(found["stage"], found["row"]["action"]) for found in pair["decisions"]]
    assert decisions == [("clean", "edit"), ("deduplicate", "repoint")]
    assert pair["splits"] == [
        {
            "file": "data/split/splits.parquet",
            "row": {"component_id": HEAD, "id": BIG, "split": "train"},
            "stage": "split",
        }
    ]
    # There was no cross-encoder, so its score is no number.
    (triplet,) = pair["triplets"]
    assert triplet["row"]["negative_cross_scores"] == [None]
    assert [edge["id"] for edge in pair["near_duplicates"]] == [LARGE]
    assert (pair["made_from"], pair["decisions_because_of_it"]) == ([], [])


def test_json_holds_what_a_document_did_to_others_and_its_pairs(data):
    document = figures(data, HEAD)
    others = [found["row"]["row_id"] for found in document["decisions_because_of_it"]]
    assert others == [COPY, BIG]
    assert document["pairs"] == {BIG: "Big head"}


def test_json_of_a_query_holds_its_answers(data):
    (answer,) = figures(data, QUERY)["answers"]
    assert answer["row"] == {"doc_id": HAND, "grade": 1.0, "query_id": QUERY}
    assert figures(data, REJECTED)["kind"] == "raw record"


def test_json_of_an_ambiguous_beginning_is_empty(data):
    result = CliRunner().invoke(app, ["d00000000000000a", "--data", str(data), "--json"])
    assert (result.exit_code, result.stdout) == (1, "")
    assert "2 ids begin with" in result.stderr

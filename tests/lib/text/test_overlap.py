"""Texts that share fifty words in a row or a long sentence are found, and no others."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.lib.text import overlap
from stages.lib.text.overlap import run_hashes, shared_runs
from tests.properties import examples


def numbered(name, count):
    return " ".join(f"{name}{index}" for index in range(count))


SECTION = numbered("word", 50)
SENTENCE = numbered("sentence", 20)


def groups(rows, **source_of):
    return shared_runs({name: [text] for name, text in rows.items()}, source_of).groups


@pytest.mark.parametrize(
    ("left", "right", "is_shared"),
    [
        (SECTION, SECTION, True),
        (f"{numbered('a', 90)} {SECTION} {numbered('b', 3)}", f"{SECTION.upper()}!", True),
        (SECTION, SECTION.replace("word25", "word25,\n"), True),  # punctuation within
        (numbered("word", 49), SECTION, False),
        (SECTION, SECTION.replace("word25", "other"), False),
        (SECTION, " ".join(reversed(SECTION.split())), False),
        (f"Before. {SENTENCE}. After.", f"Other text:\n{SENTENCE.title()}\nEnd", True),
        (f"Before. {SENTENCE}. After.", f"Other text {SENTENCE}.", False),  # no whole sentence
        (f"{numbered('sentence', 19)}.", f"{numbered('sentence', 19)}.", False),
        # Scripts without spaces count characters: 51 of them are 50 pairs.
        ("陽性細胞検査結果" * 7, "前文、" + "陽性細胞検査結果" * 7, True),
        ("アレルギー反応の検査は陽性でした。" * 4, "次の文。アレルギー反応の検査は陽性でした。", False),
        ("ผลการตรวจเลือดของผู้ป่วยเป็นบวกและต้องพบแพทย์อีกครั้งในสัปดาห์หน้า", "ก: " + "ผลการตรวจเลือดของผู้ป่วยเป็นบวกและต้องพบแพทย์อีกครั้งในสัปดาห์หน้า", True),
        (numbered("слово", 60), f"начало {numbered('слово', 60)}", True),
        ("one two three", "one two three", False),
        ("", "", False),
    ],
)  # fmt: skip
def test_a_shared_run_is_found(left, right, is_shared):
    assert groups({"d1": left, "d2": right}) == ([["d1", "d2"]] if is_shared else [])


def test_what_recurs_in_ten_rows_of_a_source_is_boilerplate():
    rows = {f"d{index:02}": f"{numbered(f'own{index}', 9)} {SECTION}" for index in range(10)}
    nine = dict(list(rows.items())[:9])
    assert groups(nine) == [sorted(nine)]
    assert groups(rows) == []
    assert len(shared_runs({name: [text] for name, text in rows.items()}, {}).common) == 1
    both = {name: f"{text} {numbered('other', 50)}" for name, text in rows.items()}
    assert groups(both) == []
    assert len(shared_runs({name: [text] for name, text in both.items()}, {}).common) > 1
    # Five of one source and five of another are no boilerplate of either.
    assert groups(rows, **dict.fromkeys(list(rows)[:5], "other")) == [sorted(rows)]


def test_runs_depend_on_no_batch_and_no_other_text(monkeypatch):
    texts = [numbered(f"x{index}", 45 + 7 * index) for index in range(8)] + ["", SENTENCE + "."]
    whole = run_hashes(texts)
    monkeypatch.setattr(overlap, "_BATCH_WORDS", 64)
    parts = run_hashes(texts)
    assert np.array_equal(whole.hashes, parts.hashes)
    assert np.array_equal(whole.owners, parts.owners)
    alone = run_hashes([texts[3]]).hashes
    assert np.array_equal(alone, whole.hashes[whole.owners == 3])


# --- against a comparison of all with all

WORDS = st.sampled_from(["red", "blue", "green"])
TEXTS = st.lists(
    st.one_of(
        st.lists(WORDS, min_size=1, max_size=12),
        st.sampled_from([SECTION.split()[:30], SECTION.split()[25:], SENTENCE.split()]),
    ),
    min_size=1,
    max_size=6,
).map(lambda blocks: "\n".join(" ".join(block) for block in blocks))


def runs_of(text, run_words, sentence_words):
    words = text.split()
    windows = {tuple(words[at : at + run_words]) for at in range(len(words) - run_words + 1)}
    lines = {tuple(line.split()) for line in text.split("\n")}
    return windows, {line for line in lines if len(line) >= sentence_words}


@examples(60)
@given(st.lists(TEXTS, min_size=2, max_size=5))
def test_the_pairs_that_share_a_run_are_those_of_comparing_all_with_all(texts):
    rows = {f"d{index}": text for index, text in enumerate(texts)}
    expected = set()
    for left in rows:
        for right in rows:
            mine, other = (runs_of(rows[name], 50, 20) for name in (left, right))
            if left < right and (mine[0] & other[0] or mine[1] & other[1]):
                expected.add((left, right))

    actual = {
        (left, right) for group in groups(rows) for left in group for right in group if left < right
    }
    assert actual == expected

"""What documents say, and which of them collide."""

import pytest

from stages.clean.collisions import Candidate, coarse_hashes, find_collisions, hash_content
from stages.lib.text.strict_form import strict_form


@pytest.mark.parametrize(
    ("markup", "plain"),
    [
        ("<p>Oak table, <b>20</b> cm</p>", "Oak table, 20 cm"),
        ("AT&amp;T &lt; 5", "AT&T < 5"),
        ("H<sub>2</sub>O and 10<sup>9</sup>", "H₂O and 10⁹"),
        ("<ul><li>red</li><li>blue</li></ul>", "- red\n- blue"),
        ("<script>let a</script><p>tea</p>", "tea"),
        ("see [the docs](https://example.org/a)", "see the docs"),
        ("**Dose**: 5 mg", "Dose 5 mg"),
        ("ﻋﻠﻴﻜﻢ", "عليكم"),
        ("<p>安全须知</p>", "安全须知"),
        ("ﾊﾝｶｸ １２", "ハンカク 12"),
        ("<td>Насос</td><td>5</td>", "Насос | 5"),
    ],
)
def test_markup_says_what_its_text_says(markup, plain):
    assert hash_content(markup, "", is_markup=True) == hash_content(plain, "", is_markup=False)


@pytest.mark.parametrize(
    ("text", "other"),
    [
        ("Oak table, 20 cm", "Oak table, 40 cm"),
        ("the US team", "the us team"),
        ("C++", "C#"),
        ("CD4+ cells", "CD4 cells"),
        ("-5 degrees", "5 degrees"),
        ("p < 0.05", "p > 0.05"),
        ("5 % of it", "5 of it"),
        ("treatment of humors", "treatment of tumors"),
        ("第三章", "第四章"),
        ("Насос 5", "Насос 7"),
        ("5 €", "5 $"),
    ],
)
def test_other_texts_say_other_things(text, other):
    assert hash_content(text, "", is_markup=False) != hash_content(other, "", is_markup=False)
    assert hash_content("", text, is_markup=False) != hash_content("", other, is_markup=False)


@pytest.mark.parametrize(
    ("text", "other"),
    [
        ("How do I RESET it?!", "how do i reset it"),
        ("e\u0301te\u0301", "\u00e9t\u00e9."),
        ("a - b", "a b"),
    ],
)
def test_texts_with_one_strict_form_have_one_coarse_hash(text, other):
    assert strict_form(text) == strict_form(other)
    first, second = coarse_hashes([text, other])
    assert first == second


def test_documents_collide_if_cleaning_changed_what_they_said():
    candidates = [
        Candidate("d3", "x", "said 3", True),
        Candidate("d1", "x", "said 1", True),
        Candidate("d2", "x", "said 1", False),
        Candidate("d4", "y", "said 4", True),
        Candidate("d5", "z", "said 5", False),
        Candidate("d6", "z", "said 6", False),
    ]
    assert find_collisions(candidates) == {"d1": "d3", "d3": "d1"}
    assert find_collisions(reversed(candidates)) == {"d1": "d3", "d3": "d1"}

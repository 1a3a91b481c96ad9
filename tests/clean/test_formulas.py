"""Exponents and indices keep their meaning in one line of text."""

import pytest

from stages.clean.markup import inline_elements
from stages.clean.markup.block_layout import BlockLayout
from stages.clean.rules import markup_rules, repair

RULES = markup_rules(lines=True)


def plain(html):
    return repair(html, RULES).text


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("x<sup>2</sup>+y<sup>2</sup>", "x^2+y^2"),
        ("a BMI of 31 kg/m<sup>2</sup>", "a BMI of 31 kg/m^2"),
        ("3.2 &times; 10<sup>&minus;5</sup>", "3.2 × 10^\u22125"),
        ("J kg<sup>-1</sup> K<sup>-1</sup>", "J kg^-1 K^-1"),
        ("0.5<sup>k</sup>", "0.5^k"),  # a decimal as the base
        ("10<sup>0.75</sup>", "10^0.75"),  # and as the exponent
        ("2<sup>n+1</sup>", "2^(n+1)"),
        ("(1+r)<sup>t</sup>", "(1+r)^t"),  # a bracket as the base
        ("O(n<sup>2</sup>) time", "O(n^2) time"),
        ("2<sup>2<sup>n</sup></sup>", "2^(2^n)"),
        ("<i>x</i><sub>i</sub><sup>2</sup>", "x_i^2"),
        ("<b>10</b><sup> 9 </sup>", "10^9"),
        ("A<sup>T</sup>A", "A^T A"),  # "A^TA" would be another exponent
        ("5 km<sup>2</sup>in", "5 km^2 in"),
        ("&chi;<sup>2</sup> test", "χ^2 test"),
        ("e<sup>i&pi;</sup>", "e^(iπ)"),
        ("sin<sup>2</sup>&theta;", "sin^2θ"),
        ("面积为5m<sup>2</sup>", "面积为5m^2"),
    ],
)
def test_a_power_is_no_digit(html, text):
    assert plain(html) == text


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("the 19<sup>th</sup> century", "the 19th century"),
        ("the n<sup>th</sup> term", "the nth term"),
        ("le XIX<sup>e</sup> siècle", "le XIXe siècle"),
        ("1<sup>er</sup> janvier", "1er janvier"),
        ("M<sup>me</sup> Curie", "Mme Curie"),
        ("2<sup>a</sup> edição", "2ª edição"),
        ("n<sup>o</sup> 5", "nº 5"),
        ("20 <sup>o</sup>C", "20 °C"),
        ("Java<sup>TM</sup>", "Java™"),
        ("Aspirin<sup>&reg;</sup>", "Aspirin®"),
        ("claim.<sup>[3]</sup>", "claim.[3]"),
        ("claim<sup>[2][3]</sup>", "claim[2][3]"),
        ("studies.<sup>12</sup>", "studies.¹²"),
        ("as shown<sup>1-3</sup>", "as shown¹⁻³"),
        ('Also<sup><a href="#fn2">2</a></sup>', "Also²"),
        ("治疗<sup>1</sup>", "治疗¹"),
        ("in 1999<sup>4</sup> the", "in 1999⁴ the"),
        ("Smith<sup>*</sup>", "Smith*"),
        ("<sup>14</sup>C and <sup>99m</sup>Tc", "¹⁴C and 99mTc"),
        ("Ca<sup>2+</sup>, Na<sup>+</sup>, O<sup>2-</sup>", "Ca²⁺, Na⁺, O²⁻"),
        ("CD8<sup>+</sup> T cells", "CD8+ T cells"),
        ("4<sup>1</sup>/<sub>2</sub> cups", "4 1/2 cups"),
        ("Gmail<sup>beta</sup>", "Gmail beta"),
        ("Shoes<sup>now in all our stores</sup>", "Shoes now in all our stores"),
    ],
)
def test_what_usage_reads_otherwise_is_no_power(html, text):
    assert plain(html) == text


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("H<sub>2</sub>O", "H₂O"),
        ("C<sub>6</sub>H<sub>12</sub>O<sub>6</sub>", "C₆H₁₂O₆"),
        ("Al<sub>2</sub>(SO<sub>4</sub>)<sub>3</sub>", "Al₂(SO₄)₃"),
        ("SO<sub>4</sub><sup>2&minus;</sup>", "SO₄²⁻"),
        ("[Fe(CN)<sub>6</sub>]<sup>3-</sup>", "[Fe(CN)₆]³⁻"),
        ("SpO<sub>2</sub> and LD<sub>50</sub>", "SpO₂ and LD₅₀"),
        ("HbA<sub>1c</sub>", "HbA1c"),
        ("x<sub>1</sub>, &hellip;, x<sub>n</sub>", "x_1, …, x_n"),
        ("a<sub>ij</sub>b<sub>jk</sub>", "a_ij b_jk"),
        ("a<sub>n+1</sub> = 2a<sub>n</sub>", "a_(n+1) = 2a_n"),
        ("V<sub>max</sub> and K<sub>m</sub>", "V_max and K_m"),
        ("T<sub>1/2</sub>", "T_(1/2)"),
        ("log<sub>2</sub>(n)", "log_2(n)"),
        ("1011<sub>2</sub>", "1011_2"),
        ("&sum;<sub>i=1</sub><sup>n</sup> x<sub>i</sub>", "∑_(i=1)^n x_i"),
        ("PM<sub>2.5</sub>", "PM_2.5"),
        ("t<sub>0</sub>", "t_0"),
    ],
)
def test_an_index_is_no_digit(html, text):
    assert plain(html) == text


@pytest.mark.parametrize("html", ["10<sup>9</sup>", "H<sub>2</sub>O", "x<sup>n+1</sup>"])
def test_the_meaning_survives_a_second_cleaning(html):
    assert plain(plain(html)) == plain(html)


# Guards that know nothing of the rule: raised digits are neither lost nor part of the number before them.
RAISED = {"10<sup>9</sup>": ("10", "9"), "x<sup>2</sup>": ("x", "2"), "H<sub>2</sub>O": ("H", "2O")}


def _run_together():
    return [html for html, parts in RAISED.items() if "".join(parts) in plain(html)]


def test_a_rule_that_glues_digits_together_is_caught(monkeypatch):
    assert _run_together() == []
    wrong = {"sup": lambda element: element.inner, "sub": lambda element: element.inner}
    monkeypatch.setattr(inline_elements, "SPELLERS", inline_elements.SPELLERS | wrong)
    assert _run_together() == list(RAISED)


def _words_apart(html, words):
    """Return True if every word of a row stands on the line that it belongs to."""
    lines = plain(html).splitlines()
    return all(any(set(line_words) <= set(line.split()) for line in lines) for line_words in words)


def test_a_table_that_forgets_spans_is_caught(monkeypatch):
    html = "<table><tr><td rowspan=2>Fruit</td><td>apple</td></tr><tr><td>pear</td></tr></table>"
    words = [("Fruit", "apple"), ("Fruit", "pear")]
    assert _words_apart(html, words)
    add_tag = BlockLayout.add_tag
    monkeypatch.setattr(
        BlockLayout, "add_tag", lambda self, name, closes, *_: add_tag(self, name, closes)
    )
    assert not _words_apart(html, words)

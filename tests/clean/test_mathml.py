"""MathML becomes one line that a reader can type."""

import pytest

from stages.clean.markup.mathml import linear_text
from stages.clean.rules import markup_rules, repair

X2 = "<msup><mi>x</mi><mn>2</mn></msup>"
AB = "<mrow><mi>a</mi><mo>+</mo><mi>b</mi></mrow>"


@pytest.mark.parametrize(
    ("inside", "text"),
    [
        (f"{X2}<mo>+</mo><msup><mi>y</mi><mn>2</mn></msup>", "x^2 + y^2"),
        ("<mi>E</mi><mo>=</mo><mi>m</mi><msup><mi>c</mi><mn>2</mn></msup>", "E = mc^2"),
        (f"<mfrac>{AB}<mi>c</mi></mfrac>", "(a + b)/c"),
        ("<mfrac><mn>1</mn><mrow><mn>2</mn><mi>a</mi></mrow></mfrac>", "1/(2a)"),
        (f"<msup>{AB}<mn>2</mn></msup>", "(a + b)^2"),
        ("<msqrt><mi>x</mi></msqrt><mo>≥</mo><mn>0</mn>", "√x ≥ 0"),
        (f"<msqrt>{AB}</msqrt>", "√(a + b)"),
        ("<mroot><mi>x</mi><mn>3</mn></mroot>", "x^(1/3)"),
        ("<msub><mi>x</mi><mi>i</mi></msub>", "x_i"),
        ("<msub><mi>H</mi><mn>2</mn></msub><mi>O</mi>", "H₂O"),
        (
            "<msubsup><mo>∫</mo><mn>0</mn><mi>∞</mi></msubsup><mi>x</mi><mi>d</mi><mi>x</mi>",
            "∫_0^∞ xdx",
        ),
        (
            "<munderover><mo>∑</mo><mrow><mi>i</mi><mo>=</mo><mn>1</mn></mrow><mi>n</mi></munderover>"
            "<msub><mi>x</mi><mi>i</mi></msub>",
            "∑_(i = 1)^n x_i",
        ),
        ("<mi>sin</mi><mo>&#x2061;</mo><mi>x</mi>", "sin x"),
        ("<mn>2</mn><mo>&InvisibleTimes;</mo><mi>x</mi>", "2x"),
        ("<mover><mi>x</mi><mo>¯</mo></mover>", "x\u0304"),
        ("<mi>a</mi><mo>&lt;</mo><mi>b</mi>", "a < b"),
        ("<mo>-</mo><mn>5</mn>", "-5"),
        ("<mi>f</mi><mo>(</mo><mi>x</mi><mo>,</mo><mi>y</mi><mo>)</mo>", "f(x, y)"),
        (
            "<mo>(</mo><mtable><mtr><mtd><mi>a</mi></mtd><mtd><mi>b</mi></mtd></mtr>"
            "<mtr><mtd><mi>c</mi></mtd><mtd><mi>d</mi></mtd></mtr></mtable><mo>)</mo>",
            "(a, b; c, d)",
        ),
        ("<mtext>if</mtext><mi>x</mi><mo>=</mo><mn>0</mn>", "if x = 0"),
        (f"<semantics>{AB}<annotation>a+b</annotation></semantics>", "a + b"),
    ],
)
def test_a_formula_is_one_line(inside, text):
    assert linear_text(f"<math>\n  {inside}\n</math>") == text


def test_prefixes_are_left_out_and_an_empty_formula_is_its_alternative_text():
    prefixed = "<mml:math><mml:mfrac><mml:mi>a</mml:mi><mml:mi>b</mml:mi></mml:mfrac></mml:math>"
    assert linear_text(prefixed) == "a/b"
    assert linear_text('<math alttext="{\\displaystyle x^{2}}"></math>') == "x^{2}"
    assert linear_text("<math></math>") == ""


def test_formulas_stand_in_their_sentence():
    html = f"<p>The area is<math>{X2}</math>and grows.</p>"
    assert repair(html, markup_rules(lines=True)).text == "The area is x^2 and grows."


@pytest.mark.parametrize(
    "source", ["<math>" * 5000, "<math><mi>x", "</mi></math>", "<math><mfrac/>"]
)
def test_damaged_formulas_do_not_crash(source):
    assert isinstance(linear_text(source), str)

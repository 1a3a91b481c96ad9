"""Languages: recognized where the text is long and clear enough, and empty otherwise."""

import pytest

from stages.lib.preprocessing.language import detect_language


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("An abnormally increased frequency of infections of the ear.", "en"),
        ("A febre é a elevação da temperatura do corpo acima do normal.", "pt"),
        ("Das Fieber ist eine erhöhte Körpertemperatur des Menschen.", "de"),
        ("发烧是指体温升高超过正常范围的一种症状，常见于感染。", "zh"),
        ("Fever", ""),
        ("HDL 12 mg/dl", ""),
        ("", ""),
    ],
)
def test_language_of_a_text(text, code):
    assert detect_language(text) == code

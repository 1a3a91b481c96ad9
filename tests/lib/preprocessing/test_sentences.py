"""Sentences end at full stops of any script and at line breaks, and no character is lost."""

from stages.lib.preprocessing.language import split_sentences


def test_line_breaks_and_chinese_full_stops_end_sentences():
    assert split_sentences("第一句话。第二句话！\nA title\nText.") == [
        "第一句话。",
        "第二句话！\n",
        "A title\n",
        "Text.",
    ]


def test_a_long_run_of_symbols_is_kept_and_read_in_linear_time():
    row = "*" * 100_000
    assert split_sentences(f"One. {row} Two{row}. Three") == ["One. ", f"{row} Two{row}. ", "Three"]
    marks = "!" * 50
    assert split_sentences(f"Wait{marks} Go") == [f"Wait{marks} ", "Go"]

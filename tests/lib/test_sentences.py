"""Sentences end at stops of any script and at line breaks, and nothing is lost."""

from stages.lib.sentences import sentences


def test_line_breaks_and_chinese_stops_end_sentences():
    assert sentences("第一句话。第二句话！\nA title\nText.") == [
        "第一句话。",
        "第二句话！\n",
        "A title\n",
        "Text.",
    ]

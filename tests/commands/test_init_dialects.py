"""How delimited files are written: quotes, escapes, lines above the header, and the header itself."""

import pytest

from stages.commands.init.dialects import Dialect, guess_dialect

# The text, and the settings that differ from those of a CSV.
TEXTS = {
    "plain": ("id,q,a\n1,How?,So.\n2,Why?,Thus.\n", {}),
    "GLUE": (
        'index\tsentence1\tsentence2\n0\t"I am here, he said.\tHe said so.\n1\tNo" she said.\tNo.\n',
        {"delimiter": "\t", "quote": None},
    ),
    "a whole literal quote and a half one": (
        'id\ttext\n1\t"Quoted" words stay.\n2\tHe said "no".\n3\t"Oh.\n',
        {"delimiter": "\t", "quote": None},
    ),
    "quotes that swallow a line": (
        'q\ta\nA\t"one\nB\ttwo\nC\tthree"\nD\tfour\n',
        {"delimiter": "\t", "quote": None},
    ),
    "quoted lines": ('q,a\nHow?,"one\n\ntwo"\nWhy?,three\n', {}),
    "doubled quotes": ('q,a\n"He said ""hi"", then left",ok\nx,y\n', {}),
    "inches in the middle": ('item,size\nA screen,24" wide\nA desk,60" wide\n', {}),
    "backslashes": (
        'id,text\n1,"He said \\"hi\\", then left"\n2,"a, b"\n',
        {"escape": "\\"},
    ),
    "single quotes": (
        "id;text\n1;'one; two'\n2;'three'\n",
        {"delimiter": ";", "quote": "'"},
    ),
    "apostrophes": ("id;text\n1;don't; \n2;it's; \n", {"delimiter": ";"}),
    "no header, numbers": ("1,Where is it?,Here.\n2,When is it?,Now.\n", {"header": False}),
    "no header, sentences": (
        "Where is the door?\tIt is on the left.\nWhen is lunch?\tIt is at noon.\n",
        {"delimiter": "\t", "header": False},
    ),
    "no header, dates": (
        "2024-01-31;billing;Pay here now\n2024-02-01;login;Use the form\n",
        {"delimiter": ";", "header": False},
    ),
    "no header, CoLA": (
        "gj04\t1\t\tOur friends won't buy it.\ngj04\t0\t*\tThey drank the pub.\n",
        {"delimiter": "\t", "header": False},
    ),
    "no header, Chinese": (
        "如何修改密码？,打开设置并选择修改密码。\n发票在哪里？,在付款页面的底部。\n",
        {"header": False},
    ),
    "no header, Arabic": (
        "كيف أغير كلمة المرور؟,افتح الإعدادات.\nأين الفاتورة؟,في أسفل الصفحة.\n",
        {"header": False},
    ),
    "one row without a header": ("Where is it?,It is here.\n", {"header": False}),
    "a form asks in its header": (
        "Timestamp,What went wrong?,How did you mend it?\n2024-01-31,It fell.,I lifted it.\n",
        {},
    ),
    "a survey of unknown names": (
        "Submitted at,How likely is it?,Why?\n2024-01-01,5,Because.\n2024-01-02,4,Since.\n",
        {},
    ),
    "a line for Excel": ("sep=;\nid;q;a\n1;Wo?;Hier.\n2;Wann?;Jetzt.\n", {"delimiter": ";", "skip_lines": 1}),
    "tickets without a header": (
        "TCK-1,open,Printer does not print\nTCK-2,closed,Screen stays black\nTCK-3,open,No sound\n",
        {"header": False},
    ),
    "a hash before the first name": ("#id\tquestion\n1\tHow?\n2\tWhy?\n", {"delimiter": "\t"}),
    "multilingual sentences": (
        "main\t0001\t5.0\tA plane takes off.\tDas Flugzeug startet.\nmain\t0004\t3.8\tA \"man\" is.\tEin Mann.\n",
        {"delimiter": "\t", "header": False},
    ),
    "unknown names": ("colour,shade\nred,crimson\nblue,navy\n", {}),
    "names in German": ("Nr;Frage;Antwort\n1;Wo?;Hier.\n2;Wann?;Jetzt.\n", {"delimiter": ";"}),
    "an empty name": (",question,answer\n0,How?,So.\n1,Why?,Thus.\n", {}),
    "lines above": (
        "Export of the help desk\nCreated: 2026-01-31\n\nid,question,answer\n1,How?,So.\n2,Why?,Thus.\n",
        {"skip_lines": 2},
    ),
    "lines above with delimiters": (
        "Report 2026;;\n;;\nid;question;answer\n1;How?;So.\n2;Why?;Thus.\n",
        {"delimiter": ";", "skip_lines": 2},
    ),
    "a comment above": (
        "# source: help desk, January\nid\ttitle\tbody\n1\tA\tText, it is.\n2\tB\tText.\n",
        {"delimiter": "\t", "skip_lines": 1},
    ),
    "sentences with commas alone": ("text\nA simple, text.\nAnother, one.\nAnd, more.\n", {"delimiter": "\t"}),
    "sentences in quotes alone": ('text\n"A simple, text."\n"Another, one."\n', {}),
    "CR alone": ("id;q\r1;How?\r2;Why?\r", {"delimiter": ";"}),
    "a mark of Excel for line ends": ("id;q\r\n1;How?\r\n2;Why?\r\n", {"delimiter": ";"}),
    "Hebrew": ("שאלה;תשובה\nאיך משנים?;פותחים הגדרות.\nמתי?;עכשיו.\n", {"delimiter": ";"}),
    "a ragged row": ("id;q\n1;How?\n2;Why?;oh\n", {"delimiter": ";"}),
    "one column": ("text\nFirst of all.\nSecond of all.\n", {}),
    "empty": ("", {}),
}  # fmt: skip


@pytest.mark.parametrize("name", list(TEXTS))
def test_how_a_file_is_written(name):
    text, settings = TEXTS[name]
    assert guess_dialect(text, ",").settings(",") == settings


def test_a_row_that_is_cut_at_the_end_of_the_sample_does_not_count():
    text = 'q,a\nHow?,"one, two"\nWhy?,"three'
    assert guess_dialect(text, ",", is_whole=False) == Dialect(",")

"""Sentences end at full stops of any script and at line breaks, and no character is lost."""

import subprocess
import sys
from pathlib import Path

from stages.lib.preprocessing.language import split_sentences

ROOT = Path(__file__).parents[3]


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


def test_sentences_load_no_torch_and_leave_it_to_be_loaded():
    code = (
        "import sys\n"
        "from stages.lib.preprocessing.language import split_sentences\n"
        "print(split_sentences('One. Two.'), 'torch' in sys.modules)\n"
        "import torch\n"
        "print(torch.zeros(1).tolist())\n"
    )
    process = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True
    )
    assert process.stdout == "['One. ', 'Two.'] False\n[0.0]\n"

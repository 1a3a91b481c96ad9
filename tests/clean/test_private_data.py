"""Private data: each kind is found, other numbers stay, and nothing private reaches the ledger."""

import os
import subprocess
import sys
from importlib.util import find_spec

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.clean.edits import apply
from stages.clean.private_data import check_presidio, count_kinds, find, redact
from stages.lib.core.errors import UserError
from tests.conftest import ROOT

EXAMPLES = [
    ("Mail jane.doe@example.com today.", "jane.doe@example.com", "EMAIL"),
    ("Call +44 20 7946 0958 now.", "+44 20 7946 0958", "PHONE"),
    ("Call (212) 555-0187 now.", "(212) 555-0187", "PHONE"),
    ("Call 415-555-2671 now.", "415-555-2671", "PHONE"),
    ("Card 4111 1111 1111 1111.", "4111 1111 1111 1111", "CARD"),
    ("SSN 123-45-6789.", "123-45-6789", "NATIONAL_ID"),
    ("NINO AB 12 34 56 C.", "AB 12 34 56 C", "NATIONAL_ID"),
    ("CPF 529.982.247-25.", "529.982.247-25", "NATIONAL_ID"),
    ("Logged in from 81.2.69.142.", "81.2.69.142", "IP"),
    ("at 2001:4860:4860::8888 it", "2001:4860:4860::8888", "IP"),
    ("MRN: 1234567 was seen", "1234567", "RECORD_NUMBER"),
]


@pytest.mark.parametrize(("text", "part", "kind"), EXAMPLES)
def test_each_kind_is_found_and_replaced(text, part, kind):
    assert [(text[span.start : span.end], span.kind) for span in find(text)] == [(part, kind)]
    assert count_kinds(text) == {kind: 1}
    edits = redact(text)
    assert apply(text, edits) == text.replace(part, f"[{kind}]")
    assert [edit.before for edit in edits] == [""]


@pytest.mark.parametrize(
    "text",
    [
        "Card 4111 1111 1111 1112 fails its check digit.",
        "In version 81.2.69.142 of the software, from 10.0.0.1, 127.0.0.1 and 192.0.2.1.",
        "A kinase (EC 2.7.1.40), HP:0000003, 12:30:45 on 2021-03-04, ISBN 978-3-16-148410-0.",
        "doi 10.1016/j.cell.2020.01.001, arn:aws:iam::123456789012:user, 5.5-10.5 mg/dl, 100,000 people",
        "[EMAIL] [PHONE] [IP] [CARD] [NATIONAL_ID] [RECORD_NUMBER]",
        "f47ac10b-58cc-4372-a567-0e02b2c3d479",
        "在北京，体温为38.5摄氏度。",
        "O CPF 529.982.247-26 não existe.",
    ],
)
def test_numbers_of_no_person_stay(text):
    assert find(text) == []


@given(
    st.lists(
        st.one_of(st.sampled_from([text for text, _, _ in EXAMPLES]), st.text(max_size=20))
    ).map(" ".join)
)
def test_what_was_redacted_holds_nothing_more(text):
    once = apply(text, redact(text))
    assert redact(once) == []


def test_missing_presidio_is_an_error_with_a_remedy():
    if find_spec("presidio_analyzer"):
        pytest.skip("it is installed")
    with pytest.raises(UserError, match=r"pip install -r requirements-presidio\.txt"):
        check_presidio("presidio", None)


PRESIDIO = """
from stages.clean.edits import apply
from stages.clean.private_data import check_presidio, redact
check_presidio("presidio", None)
for text in ("Ring 030 22610 4 or jane.doe@example.com.", "NHS 943 476 5919 noted.", "Ring [PHONE] in vain."):
    print(apply(text, redact(text, presidio=True)))
"""


@pytest.mark.prove
@pytest.mark.timeout(900)
def test_presidio_finds_more_and_uses_no_network(tmp_path):
    """In an environment of its own, with what requirements-presidio.txt adds, behind a cut network."""
    packages = tmp_path / "packages"
    install = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--target",
        str(packages),
    ]
    subprocess.run([*install, "-r", str(ROOT / "requirements-presidio.txt")], check=True)
    done = subprocess.run(
        ["unshare", "-rn", sys.executable, "-c", PRESIDIO],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(packages)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines() == [
        "Ring [PHONE] or [EMAIL].",
        "NHS [NATIONAL_ID] noted.",
        "Ring [PHONE] in vain.",
    ]
    assert done.stderr == ""

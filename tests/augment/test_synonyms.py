"""Which words the thesaurus calls synonyms, in any form, and which it does not."""

import pytest

from stages.augment.synonyms import are_synonyms


@pytest.mark.parametrize(
    ("word", "other", "same"),
    [
        ("collarbone", "clavicle", True),
        ("retrieves", "recovered", True),
        ("held", "keeps", True),
        ("buy", "purchased", True),
        ("car", "automobile", True),
        ("chewing", "mastication", True),
        ("begins", "started", True),
        ("physicians", "doctor", True),
        ("toe", "finger", False),
        ("kidney", "liver", False),
        ("mandible", "maxilla", False),
        ("buy", "sell", False),
        ("bucket", "range", False),
        ("tenant", "landlord", False),
        ("warm", "hot", False),
        ("students", "teachers", False),
        (
            "\u043f\u043e\u0447\u043a\u0430",
            "\u043f\u0435\u0447\u0435\u043d\u044c",
            False,
        ),  # no English
    ],
)
def test_synonyms(word, other, same):
    assert are_synonyms(word, other) is same
    assert are_synonyms(other, word) is same

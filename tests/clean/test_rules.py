"""Rules: repeated until they find nothing, and reversible."""

from hypothesis import given
from hypothesis import strategies as st

from stages.clean.edits import apply
from stages.clean.rules import Repaired, abbreviation_rules, markup_rules, repair, word_rules
from tests.clean.corpus import PARAMS
from tests.clean.texts import ENTRIES, TEXTS, undo
from tests.properties import examples


def clean_text(text: str, lines: bool, lowercase: str = "off") -> Repaired:
    """Run every rule that needs no corpus, as the steps do."""
    params = PARAMS.model_copy(update={"private_data": "off", "lowercase": lowercase})
    rules = [
        *markup_rules(lines),
        *abbreviation_rules(ENTRIES, params),
        *word_rules({"pumonary": "pulmonary"}.get, params),
    ]
    return repair(text, rules)


@examples(400)
@given(TEXTS, st.booleans(), st.sampled_from(["off", "prose", "all"]))
def test_cleaning_a_clean_text_changes_nothing(text, lines, lowercase):
    cleaned, _, settled = clean_text(text, lines, lowercase)
    if settled:
        assert clean_text(cleaned, lines, lowercase) == (cleaned, [], True)


@examples(400)
@given(TEXTS, st.booleans(), st.sampled_from(["off", "prose", "all"]))
def test_edits_undone_from_the_last_give_the_text_back(text, lines, lowercase):
    cleaned, edits, _ = clean_text(text, lines, lowercase)
    assert apply(text, []) == text
    assert undo(cleaned, [(edit.start, edit.before, edit.after) for edit in edits]) == text

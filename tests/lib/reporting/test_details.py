"""What a stage measured is read whole or refused by name."""

import pytest

from stages.lib.core.errors import UserError
from stages.lib.reporting.details import StageDetails, read_stage_details


def test_a_missing_number_is_named():
    with pytest.raises(
        UserError, match=r"metrics/details/mine\.json has no number 'short_anchors_share'"
    ):
        StageDetails({"mine": {}}).require("mine", "short_anchors_share")


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        ("{", "is not JSON"),
        ('{"a": {"b": [1]}}', "holds a list or null"),
        ('{"a": {"b": null}}', "holds a list or null"),
        ("[1]", "is no JSON object"),
    ],
)
def test_broken_metrics_are_refused(tmp_path, text, fact):
    path = tmp_path / "mine.json"
    path.write_text(text)
    with pytest.raises(UserError, match=fact):
        read_stage_details([path])


def test_nested_details_are_read_with_dotted_keys(tmp_path):
    path = tmp_path / "mine.json"
    path.write_text('{"rows_in": 3, "dropped": {"empty": 0, "text": {"long": 1}}}')
    expected = {"rows_in": 3, "dropped.empty": 0, "dropped.text.long": 1}
    assert read_stage_details([path]) == {"mine": expected}

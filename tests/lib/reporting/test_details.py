"""What a stage measured is read whole or refused by name."""

import pytest

from stages.lib.core.errors import UserError
from stages.lib.reporting.details import StageDetails, read_stage_details


def test_a_missing_number_is_named():
    with pytest.raises(UserError, match=r"metrics/mine\.json has no number 'short_anchors_share'"):
        StageDetails({"mine": {}}).need("mine", "short_anchors_share")


@pytest.mark.parametrize(
    ("text", "fact"),
    [("{", "is not JSON"), ('{"a": {"b": 1}}', "is not flat"), ("[1]", "is not flat")],
)
def test_broken_metrics_are_refused(tmp_path, text, fact):
    path = tmp_path / "mine.json"
    path.write_text(text)
    with pytest.raises(UserError, match=fact):
        read_stage_details([path])

"""What a stage measured is read whole or refused by name."""

import pytest

from stages.lib.errors import Problem
from stages.lib.measured import Metrics, read_metrics


def test_a_missing_number_is_named():
    with pytest.raises(Problem, match=r"metrics/mine\.json has no number 'short_anchors_share'"):
        Metrics({"mine": {}}).need("mine", "short_anchors_share")


@pytest.mark.parametrize(
    ("text", "fact"),
    [("{", "is not JSON"), ('{"a": {"b": 1}}', "is not flat"), ("[1]", "is not flat")],
)
def test_broken_metrics_are_refused(tmp_path, text, fact):
    path = tmp_path / "mine.json"
    path.write_text(text)
    with pytest.raises(Problem, match=fact):
        read_metrics([path])

"""A page with charts and tables has no fault that a checker of accessibility finds."""

import altair
import pandas as pd
import pytest

from stages.lib.reporting.charts import svg_figure
from stages.lib.reporting.html import PageSection, html_page, html_table, paragraph
from tests.browser import browser, violations  # noqa: F401  the fixture is used by its name

pytestmark = pytest.mark.slow

ROWS = pd.DataFrame({"step": [0, 1, 2], "loss": [3.0, 2.0, 1.5]})
CHART = altair.Chart(ROWS).mark_line(point=True).encode(x="step:Q", y="loss:Q")


def page():
    body = [paragraph("The loss falls."), svg_figure(CHART, "the loss"), html_table(ROWS, "Loss")]
    return html_page("A page", "In one line.", [PageSection("Loss", body)])


def faults(browser, tmp_path, text, scheme):  # noqa: F811
    file = tmp_path / "page.html"
    file.write_text(text, "utf-8")
    context = browser.new_context(offline=True, color_scheme=scheme)
    tab = context.new_page()
    tab.goto(file.as_uri())
    found = violations(tab)
    context.close()
    return found


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_page_has_no_fault(browser, tmp_path, scheme):  # noqa: F811
    assert faults(browser, tmp_path, page(), scheme) == []


def test_marks_with_a_role_and_no_name_are_found(browser, tmp_path):  # noqa: F811
    named = '<svg role="img" aria-label="the loss"'
    unnamed = '<svg role="graphics-symbol"'
    assert named in page()
    text = page().replace(named, unnamed)
    assert faults(browser, tmp_path, text, "light") == [("svg-img-alt", "serious", 1)]

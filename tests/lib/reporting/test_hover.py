"""In a browser the pointer meets the value of a chart, and a narrow screen scrolls charts alone."""

import numpy as np
import pytest

from stages.lib.analysis.separation import Panel
from stages.lib.reporting.charts import COSINE_BIN, separation_chart, separation_numbers, svg_figure
from stages.lib.reporting.html import PageSection, html_page
from stages.validate.embedding_quality import BINS, histogram
from tests.browser import browser, violations  # noqa: F401  the fixture is used by its name

PANEL = Panel(np.array([0.7, 0.71, 0.9]), np.array([0.1, 0.71]))
SHARES = histogram({"bm25": PANEL, "random": PANEL})

# The text of the mark under the middle of an element that has a title.
UNDER_POINTER = """title => {
  const box = title.parentNode.getBoundingClientRect();
  const mark = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
  return mark.querySelector("title")?.textContent;
}"""


def test_bins_are_as_wide_as_those_of_the_histogram():
    assert pytest.approx(2 / BINS) == COSINE_BIN


def test_the_numbers_of_the_chart_have_both_kinds():
    assert separation_numbers(SHARES).head(3).round(3).values.tolist() == [
        ["random", 0.1, 0.0, 0.5],
        ["random", 0.7, 0.667, 0.5],
        ["random", 0.9, 0.333, 0.0],
    ]


@pytest.mark.slow
def test_the_pointer_meets_the_shares_of_a_bin(browser, tmp_path):  # noqa: F811
    figure = svg_figure(separation_chart(SHARES), "cosines")
    page = tmp_path / "page.html"
    page.write_text(html_page("A", "b", [PageSection("Chart", [figure])]), "utf-8")
    context = browser.new_context(offline=True, viewport={"width": 390, "height": 900})
    tab = context.new_page()
    lines = []
    tab.on("console", lambda message: lines.append(message.text))
    tab.goto(page.as_uri())

    titles = tab.locator("svg title")
    assert titles.count() == 6
    assert titles.nth(0).evaluate(UNDER_POINTER) == (
        "cosine 0.70: 66.7% of positives, 50.0% of negatives"
    )
    # The page stays, and the chart scrolls.
    assert tab.evaluate("document.documentElement.scrollWidth") == 390
    assert tab.evaluate("document.querySelector('.drawing').scrollWidth") > 390
    assert violations(tab) == []
    assert lines == []
    context.close()

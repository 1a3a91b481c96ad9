"""In a browser the pointer meets what each version was worth, and a table says the same."""

import pytest

from stages.commands.compare.versions import Version
from stages.commands.progress.history import NOT_A_NUMBER, VersionResult
from stages.commands.progress.page import progress_page
from stages.lib.core.errors import UserError
from tests.browser import browser, violations  # noqa: F401  the fixture is used by its name
from tests.lib.reporting.test_hover import UNDER_POINTER


def result_of(name, mean, low, high, **others):
    return VersionResult(
        Version(name, name * 5), f"about {name}", mean, mean, low, high, comparison=None, **others
    )


HISTORY = [
    result_of("a1b2c3d", 0.5, 0.48, 0.52),
    result_of("b2c3d4e", 0.625, 0.5, 0.75, problem=UserError("other rows", "run it again")),
]
TRIED = [result_of("bold-idea", 0.4, NOT_A_NUMBER, NOT_A_NUMBER, start="a1b2c3d")]


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_pointer_meets_the_value_of_each_version(browser, tmp_path, scheme):  # noqa: F811
    page = tmp_path / "progress.html"
    page.write_text(progress_page(HISTORY, TRIED, ["Go on.", "Rest."], split="validation"), "utf-8")
    context = browser.new_context(
        offline=True, color_scheme=scheme, viewport={"width": 1280, "height": 900}
    )
    tab = context.new_page()
    lines = []
    tab.on("console", lambda message: lines.append(message.text))
    tab.goto(page.as_uri())

    # The middle of each mark of the chart is a point, over the line of its interval.
    titles = tab.locator("svg title")
    shown = {titles.nth(place).evaluate(UNDER_POINTER) for place in range(titles.count())}
    assert shown == {
        "a1b2c3d: 0.5000 (0.4800 to 0.5200)",
        "b2c3d4e: 0.6250 (0.5000 to 0.7500), not comparable",
        "bold-idea, from a1b2c3d: 0.4000",
    }

    # The numbers stand in a table behind a line.
    numbers = tab.locator("details", has_text="The numbers of this chart")
    assert not numbers.locator("table").is_visible()
    numbers.locator("summary").click()
    cells = numbers.locator("tbody tr").all_inner_texts()
    assert [cell.split("\t") for cell in cells] == [
        ["a1b2c3d", "0.5000", "0.4800", "0.5200"],
        ["b2c3d4e", "0.6250", "0.5000", "0.7500"],
        ["bold-idea, from a1b2c3d", "0.4000", "–", "–"],
    ]

    # The page stays as wide as a narrow screen.
    tab.set_viewport_size({"width": 390, "height": 900})
    assert tab.evaluate("document.documentElement.scrollWidth") == 390
    assert violations(tab) == []
    assert lines == []
    context.close()

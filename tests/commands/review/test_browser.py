"""The review page in a real browser: keys, reloads, two tabs, hostile texts, and accessibility."""

import pytest

from tests.browser import browser, violations  # noqa: F401  the fixture is used by its name
from tests.commands.review.cases import (
    HOSTILE,
    ids,
    lines_of,
    review_queue,
    served,
    verdicts_of,
)

pytestmark = pytest.mark.slow


@pytest.fixture
def opened(browser, tmp_path):  # noqa: F811
    """Return a function that serves texts and opens the first row; the page must be silent."""
    messages = []
    requests = []
    serving = []

    def started(texts=("one", "two", "three"), judge="", **settings):
        queue = review_queue(tmp_path, texts)
        server = served(queue, judge=judge)
        address = server.__enter__()
        context = browser.new_context(**settings)
        serving.extend([context.close, lambda: server.__exit__(None, None, None)])
        tab = context.new_page()
        tab.on("console", lambda message: messages.append(message.text))
        tab.on("pageerror", lambda error: messages.append(str(error)))
        tab.on("request", lambda request: requests.append(request.url))
        tab.goto(f"{address.url}negatives")
        return queue, address, tab

    yield started
    for close in serving:
        close()
    assert messages == []
    assert [url for url in requests if not url.startswith(("http://127.0.0.1:", "data:"))] == []


def press(tab, key):
    """Press a key that leads to another page, and wait for that."""
    with tab.expect_navigation():
        tab.keyboard.press(key)


def row(tab):
    return tab.inner_text(".moves > span")


def test_one_key_judges_and_moves_on(opened):
    queue, _, tab = opened(["one", "two", "three", "four"])
    press(tab, "y")
    assert (row(tab), tab.inner_text(".flash")) == ("Row 2 of 4", "Saved: yes.")
    press(tab, "n")
    assert tab.inner_text(".progress").startswith("2 of 4; rate 50 % (")
    press(tab, "s")
    press(tab, "N")
    assert verdicts_of(queue) == {1: "yes", 2: "no", 4: "no"}
    assert row(tab) == "Row 3 of 4"
    press(tab, "y")
    assert "Every row has a verdict: 4 of 4; rate 50 %" in tab.inner_text("main")


def test_undo_back_and_forward_by_keys_and_after_a_restart(opened):
    queue, _, tab = opened()
    press(tab, "y")
    press(tab, "n")
    press(tab, "u")
    assert (row(tab), verdicts_of(queue)) == ("Row 2 of 3", {1: "yes"})
    press(tab, "ArrowLeft")
    assert tab.locator("[aria-pressed=true]").inner_text().startswith("Yes")
    press(tab, "n")
    assert (row(tab), verdicts_of(queue)) == ("Row 2 of 3", {1: "no"})
    press(tab, "ArrowRight")
    assert row(tab) == "Row 3 of 3"

    # A new server, as on the next day.
    _, _, tab = opened()
    assert row(tab) == "Row 2 of 3"
    press(tab, "u")
    assert verdicts_of(queue) == {1: "yes"}
    press(tab, "u")
    assert verdicts_of(queue) == {}
    assert tab.locator("[data-key=u]").count() == 0


def test_keys_are_dead_in_the_note_and_when_held_down(opened):
    queue, _, tab = opened()
    tab.keyboard.press("e")
    assert tab.evaluate("() => document.activeElement.id") == "note"
    tab.keyboard.type("yny? u")
    tab.keyboard.press("Escape")
    tab.keyboard.press("Control+y")
    assert lines_of(queue) == []

    # A key that is held down sends repeated events.
    tab.keyboard.down("n")
    tab.keyboard.down("n")
    tab.keyboard.down("n")
    tab.wait_for_selector(".flash")
    tab.keyboard.up("n")
    assert lines_of(queue) == ["p0000000000000001,d0000000000000001,no,,yny? u"]


def test_help_opens_and_closes_by_its_key(opened):
    _, _, tab = opened()
    assert not tab.locator("#help table").is_visible()
    tab.keyboard.press("?")
    assert "undo the last change" in tab.inner_text("#help table")
    tab.keyboard.press("?")
    assert not tab.locator("#help table").is_visible()


def test_a_reload_changes_nothing(opened):
    queue, _, tab = opened()
    press(tab, "y")
    tab.reload()
    assert row(tab) == "Row 2 of 3"
    tab.go_back()
    tab.reload()
    assert verdicts_of(queue) == {1: "yes"}


def test_two_tabs_do_not_overwrite_each_other(opened):
    queue, _, tab = opened()
    other = tab.context.new_page()
    other.goto(tab.url)
    press(tab, "y")
    other.keyboard.press("n")
    other.wait_for_selector(".alarm")
    assert "The file says yes. You said no." in other.inner_text(".alarm")
    assert verdicts_of(queue) == {1: "yes"}
    press(other, "n")
    assert verdicts_of(queue) == {1: "no"}
    other.close()


def test_it_works_without_a_script(opened):
    queue, _, tab = opened(java_script_enabled=False)
    tab.fill("#note", "by hand")
    tab.click("button.no")
    assert row(tab) == "Row 2 of 3"
    tab.click("button.undo")
    assert (row(tab), lines_of(queue)) == ("Row 1 of 3", [])
    tab.click("button.forward")
    tab.click("text=Keys and help")
    assert tab.locator("#help table").is_visible()
    tab.click("text=All queues")
    assert tab.inner_text("h1") == "Review"


def test_hostile_texts_are_texts(opened):
    _, _, tab = opened(list(HOSTILE))
    for number, text in enumerate(HOSTILE, 1):
        assert tab.evaluate("() => document.querySelector('.judged .scroll').textContent") == text
        assert tab.title() == f"Row {number}: Mined negatives"
        tab.fill("#note", text[:400])
        if number < len(HOSTILE):
            with tab.expect_navigation():
                tab.click("button.skip")
    with tab.expect_navigation():
        tab.click("button.back")
    assert tab.input_value("#note") == " ".join(HOSTILE[-2][:400].split())


def test_a_foreign_page_cannot_judge(opened, tmp_path):
    queue, address, tab = opened()
    context = tab.context.browser.new_context()
    page = tmp_path / "evil.html"
    page.write_text(
        f'<form method="post" action="http://127.0.0.1:{address.port}{address.row(1)}">'
        '<input name="action" value="no"><button>win</button></form>',
        "utf-8",
    )
    foreign = context.new_page()
    foreign.goto(page.as_uri())
    foreign.click("button")
    assert "does not come from the review page" in foreign.inner_text("body")
    foreign.goto(f"http://127.0.0.1:{address.port}/")
    assert "lacks the token" in foreign.inner_text("body")
    foreign.goto(f"http://localhost:{address.port}/{address.token}/")
    assert "answers to 127.0.0.1" in foreign.inner_text("body")
    context.close()
    assert lines_of(queue) == []


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_fit_and_have_no_fault_of_accessibility(opened, width, scheme):
    texts = ["query words the answer 1 and more", *HOSTILE]
    size = {"width": width, "height": 844}
    _, address, tab = opened(texts, "ann", viewport=size, color_scheme=scheme)
    press(tab, "n")
    press(tab, "ArrowLeft")
    tab.keyboard.press("?")
    tab.click("text=Scores and rules")
    for path in ("", *(f"negatives/{'/'.join(ids(number))}" for number in (1, 2, 5, 6))):
        if path:
            tab.goto(f"{address.url}{path}")
        assert violations(tab) == []
        assert tab.evaluate("() => document.documentElement.scrollWidth") <= width
    tab.goto(address.url)
    assert violations(tab) == []

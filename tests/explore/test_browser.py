"""The page in a real browser, from disk and without a network."""

import pytest

from stages.explore.page import render
from tests.browser import browser, violations  # noqa: F401  the fixture is used by its name
from tests.explore.cases import HOSTILE, page_rows, with_changes, with_second_model

pytestmark = pytest.mark.slow

TEXTS = [
    f"text {number} about {'kidneys' if number % 10 == 3 else 'hearts'}" for number in range(240)
]


@pytest.fixture
def open_page(browser, tmp_path):  # noqa: F811
    """Return a function that opens rows as a page; the page must be silent and ask for nothing else."""
    messages = []
    requests = []

    def opened(rows, address="", **settings):
        file = tmp_path / "index.html"
        file.write_text(render(rows), "utf-8")
        context = browser.new_context(offline=True, **settings)
        tab = context.new_page()
        tab.on("console", lambda message: messages.append(message.text))
        tab.on("pageerror", lambda error: messages.append(str(error)))
        tab.on("request", lambda request: requests.append(request.url))
        tab.goto(f"{file.as_uri()}{address}")
        tab.wait_for_selector("body[data-ready]", timeout=30_000)
        return tab

    yield opened
    assert messages == []
    assert [url for url in requests if not url.startswith(("file:", "blob:"))] == []
    assert len([url for url in requests if url.startswith("file:")]) == 1


def count(tab):
    return tab.inner_text("#count")


def names(tab):
    return tab.locator("#body th button").all_inner_texts()


def test_all_documents_are_there_and_some_in_the_table(open_page):
    tab = open_page(page_rows(TEXTS))
    assert count(tab) == "240 of 240 documents match; 100 of them are in the table."
    assert names(tab)[:2] == ["Title 0", "Title 1"]
    tab.click("#more")
    assert count(tab).endswith("200 of them are in the table.")
    painted = tab.evaluate(
        "() => { const c = document.getElementById('map');"
        "return c.getContext('2d').getImageData(0, 0, c.width, c.height).data.some(Boolean) }"
    )
    assert painted


def test_search_facets_and_sorting(open_page):
    tab = open_page(page_rows(TEXTS))
    tab.fill("#search", "kidneys")
    tab.wait_for_selector("text=24 of 240 documents match")
    assert names(tab)[:2] == ["Title 3", "Title 13"]
    tab.select_option("#facet-split", "train")
    assert count(tab).startswith("8 of 240 documents match")
    tab.click("[data-sort=title]")
    assert names(tab) == sorted(names(tab))
    assert tab.get_attribute("th:has([data-sort=title])", "aria-sort") == "ascending"
    tab.click("#reset")
    assert count(tab).startswith("240 of 240")


def test_an_address_shows_the_same_again(open_page):
    tab = open_page(page_rows(TEXTS), "#q=kidneys&split=train&id=d0000000000000003")
    assert count(tab).startswith("8 of 240")
    assert tab.inner_text("#details h2") == "Title 3"
    assert "python -m stages explain d0000000000000003" in tab.inner_text("#details")
    tab.fill("#search", "")
    tab.wait_for_selector("text=80 of 240 documents match")
    assert "q=" not in tab.url
    assert "split=train" in tab.url


def test_details_show_anchors_negatives_copies_and_neighbours(open_page):
    tab = open_page(page_rows(TEXTS))
    tab.click("#body tr:first-child button")
    told = tab.inner_text("#details")
    assert "An anchor? (margin 0.125)" in told
    assert "negative: Title 2" in told
    assert "0.90 Title 3" in told
    assert tab.locator("#details mark").all_inner_texts() == ["0", "hearts", "3", "kidneys"]
    tab.click("#details ol button >> nth=0")
    assert tab.inner_text("#details h2") == "Title 1"
    assert "A query of validation?" in tab.inner_text("#details")


def test_details_tell_what_the_pipeline_did(open_page):
    tab = open_page(page_rows(TEXTS), "#id=d0000000000000002")
    told = tab.inner_text("#details")
    assert "clean: edit text, typo, 3 times" in told
    assert "deduplicate: drop, exact copy: d00000000000000aa d00000000000000ab and 19 more" in told
    tab.click("#body tr:first-child button")
    assert "Nothing: neither clean nor deduplicate changed it." in tab.inner_text("#details")


def test_a_switch_places_the_same_documents_by_the_other_model(open_page):
    tab = open_page(with_second_model(page_rows(TEXTS)), "#id=d0000000000000000&split=train")
    picture = "() => document.getElementById('map').toDataURL()"
    before = tab.evaluate(picture)
    assert tab.locator("#details ol li").all_inner_texts()[:2] == ["Title 1", "Title 2"]
    assert "of the base model" in tab.inner_text("#details")

    # The switch is a control like the others: it works by keys.
    tab.focus("#placed")
    tab.keyboard.press("ArrowDown")
    assert tab.evaluate(picture) != before
    assert tab.locator("#details ol li").all_inner_texts()[:2] == ["Title 2", "Title 3"]
    assert "of the fine-tuned model" in tab.inner_text("#details")
    assert count(tab).startswith("80 of 240")
    assert "placed=fine-tuned+model" in tab.url

    # The address opens the same view, and Reset goes back.
    address = tab.url.partition("#")[2]
    tab.click("#reset")
    assert tab.input_value("#placed") == "0"
    assert "placed" not in tab.url
    tab.evaluate("address => { location.hash = address; }", address)
    tab.wait_for_selector("text=of the fine-tuned model")
    assert tab.input_value("#placed") == "1"


def test_an_area_is_left_with_its_map(open_page):
    rows = with_second_model(page_rows(TEXTS))
    tab = open_page(rows, "#area=-99,-99,99,-99,99,0,-99,0")
    assert int(count(tab).split(" of ")[0]) < 240
    tab.select_option("#placed", "1")
    assert count(tab).startswith("240 of 240")
    assert tab.is_hidden("#noarea")


def test_a_facet_shows_what_changed_since_a_revision(open_page):
    tab = open_page(with_changes(page_rows(TEXTS)))
    assert tab.locator("#facet-since option").all_inner_texts() == [
        *("all", "edited (1)", "edited and moved (1)", "moved to another split (1)"),
        *("new (1)", "unchanged (236)"),
    ]
    tab.select_option("#facet-since", "edited")
    assert names(tab) == ["Title 1"]
    assert "since=edited" in tab.url
    tab.click("#body button")
    told = tab.inner_text("#details")
    assert "Since v1: edited" in told
    assert tab.locator("#details mark").all_inner_texts() == ["before", "about", "hearts"]

    # The map is coloured by the same.
    tab.click("#reset")
    tab.select_option("#by", "since")
    assert tab.locator("#legend li").last.inner_text() == "unchanged (236)"
    assert tab.locator("#legend li .m8").count() == 1
    tab.select_option("#facet-since", "moved to another split")
    tab.click("#body button")
    assert "It moved from validation to corpus." in tab.inner_text("#details")


def test_what_is_gone_is_listed_as_text(open_page):
    tab = open_page(with_changes(page_rows(TEXTS)))
    lines = tab.locator("#gone-body tr").all_inner_texts()
    assert [line.split("\t") for line in lines] == [
        ["A copy", "d00000000000000a1", "deduplicate: exact copy, kept d7"],
        ["<b>Bold</b>", "d00000000000000a2", ""],
    ]
    assert tab.inner_text("#gone-count") == "2 of 2 are in the table."
    assert tab.is_hidden("#gone-more")


def test_a_page_without_gone_documents_opens_too(open_page):
    rows = with_changes(page_rows(TEXTS))
    tab = open_page(rows._replace(changes=rows.changes._replace(gone=[])))
    assert count(tab).startswith("240 of 240")


def test_many_that_are_gone_come_a_hundred_at_a_time(open_page):
    rows = with_changes(page_rows(TEXTS))
    changes = rows.changes._replace(gone=rows.changes.gone * 75)
    tab = open_page(rows._replace(changes=changes))
    assert tab.inner_text("#gone-count") == "100 of 150 are in the table."
    tab.click("#gone-more")
    assert tab.locator("#gone-body tr").count() == 150


def test_the_map_tells_what_lies_under_the_pointer_and_selects_a_box(open_page):
    rows = page_rows(TEXTS)
    rows.maps[0].positions[:] = [[number % 20, number // 20] for number in range(240)]

    # The last one lies in the middle.
    rows.maps[0].positions[239] = [9.4, 5.5]
    tab = open_page(rows, viewport={"width": 1280, "height": 900})
    box = tab.locator("#map").bounding_box()
    tab.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    assert tab.inner_text("#tip b") == "Title 239"
    tab.select_option("#drag", "box")
    tab.mouse.move(box["x"] + 2, box["y"] + 2)
    tab.mouse.down()
    tab.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] - 2, steps=3)
    tab.mouse.up()
    assert count(tab).startswith("121 of 240")
    tab.click("#noarea")
    assert count(tab).startswith("240 of 240")


def test_a_line_around_documents_selects_them_and_stands_in_the_address(open_page):
    rows = page_rows(TEXTS)
    rows.maps[0].positions[:] = [[number % 20, number // 20] for number in range(240)]
    tab = open_page(rows, viewport={"width": 1280, "height": 900})
    tab.select_option("#drag", "around")
    box = tab.locator("#map").bounding_box()

    # A triangle: the lower left half of the map. Title 15 lies at the bottom, 58 (18, 2) beyond the line.
    corners = [(0.01, 0.01), (0.01, 0.99), (0.99, 0.99)]
    points = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in corners]
    tab.mouse.move(*points[0])
    tab.mouse.down()
    for point in points[1:]:
        tab.mouse.move(*point, steps=200)
    tab.mouse.up()
    chosen = int(count(tab).split(" of ")[0])
    assert 80 < chosen < 160
    shown = tab.locator("#body button").all_inner_texts()
    assert "Title 0" in shown
    assert "Title 15" in shown
    assert "Title 58" not in shown

    # The view has an address, which is short, and gives the same documents again.
    address = tab.url.partition("#")[2]
    assert len(address) < 2000
    tab.click("#reset")
    assert count(tab).startswith("240 of 240")
    tab.evaluate("address => { location.hash = address; }", address)
    tab.wait_for_selector("#noarea:visible")
    assert int(count(tab).split(" of ")[0]) == chosen


def test_the_map_and_the_table_work_by_keys(open_page):
    tab = open_page(page_rows(TEXTS))
    tab.focus("#map")
    before = tab.evaluate("() => document.getElementById('map').toDataURL()")
    tab.keyboard.press("+")
    tab.keyboard.press("ArrowLeft")
    assert tab.evaluate("() => document.getElementById('map').toDataURL()") != before
    tab.keyboard.press("0")
    assert tab.evaluate("() => document.getElementById('map').toDataURL()") == before
    tab.focus("#body tr:nth-child(5) button")
    tab.keyboard.press("Enter")
    assert tab.inner_text("#details h2") == "Title 4"


def test_the_ids_that_match_are_saved(open_page):
    tab = open_page(page_rows(TEXTS), "#q=kidneys&split=train")
    with tab.expect_download() as download:
        tab.click("#save")
    lines = download.value.path().read_text("utf-8").splitlines()
    assert lines[:2] == ["doc_id", "d0000000000000003"]
    assert len(lines) == 9


def test_hostile_texts_are_texts(open_page):
    tab = open_page(page_rows(list(HOSTILE)))
    for number, text in enumerate(HOSTILE):
        tab.click(f"#body tr:nth-child({number + 1}) button")
        assert tab.evaluate("() => document.querySelector('#details .text').textContent") == text
    assert tab.title() == "Documents"


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_wider_than_the_screen(open_page, width, scheme):
    rows = with_changes(with_second_model(page_rows([*TEXTS, *HOSTILE])), "v" * 40)
    tab = open_page(rows, viewport={"width": width, "height": 900}, color_scheme=scheme)
    tab.click("#body tr:first-child button")
    assert tab.evaluate("() => document.documentElement.scrollWidth") <= width


def test_a_hundred_thousand_documents_open_and_are_searched(open_page):
    texts = [
        f"text {number} about {'kidneys' if number % 1000 == 3 else 'hearts'}"
        for number in range(100_000)
    ]
    tab = open_page(page_rows(texts))
    tab.fill("#search", "kidneys")
    tab.wait_for_selector("text=100 of 100,000 documents match")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_fault_of_accessibility_is_found(open_page, scheme):
    rows = with_changes(with_second_model(page_rows(TEXTS)))
    tab = open_page(rows, color_scheme=scheme)
    tab.click("#body tr:first-child button")
    assert violations(tab) == []

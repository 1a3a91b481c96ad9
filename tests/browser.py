"""A real browser for tests of pages, and what a checker of accessibility finds there."""

import shutil

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="module")
def browser():
    """Start the browser of this system, where there is one."""
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if not path:
        pytest.skip("no Chromium on this machine: apt-get install chromium")

    from playwright.sync_api import sync_playwright

    with sync_playwright() as engine:
        started = engine.chromium.launch(executable_path=path)
        yield started
        started.close()


def violations(tab):
    """Return each fault that axe finds on a page: its name, how grave it is, and at how many places."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(tab).response["violations"]
    return [(fault["id"], fault["impact"], len(fault["nodes"])) for fault in found]

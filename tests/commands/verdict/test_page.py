"""The page of a verdict: it says what the terminal says, and no text of a file is markup."""

import random
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.commands.verdict.made_runs import ranked, trec, verdict


class Page(HTMLParser):
    """The tags of a page, with their attributes, and its text."""

    def __init__(self, text):
        super().__init__()
        self.tags = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data


def page(*arguments):
    result = verdict(*arguments, "--html", "verdict.html")
    assert result.exit_code == 0, result.output
    return Page(Path("verdict.html").read_text("utf-8"))


def test_the_page_says_what_the_terminal_says(files):
    read = page("base.run", "new.run")
    sentence = next(
        line for line in verdict("base.run", "new.run").output.splitlines() if "is better" in line
    )
    assert f"{sentence}." in read.text
    assert "nDCG@10 over 120 queries in 120 groups." in read.text
    assert "Each query counts as independent." in read.text
    assert "base: 83.3% of the first 10 hits are unjudged, and count as not relevant." in read.text


def test_the_page_loads_nothing(files):
    read = page("base.run", "new.run")
    policies = [attrs["content"] for tag, attrs in read.tags if attrs.get("http-equiv")]
    assert policies == ["default-src 'none'; style-src 'unsafe-inline'"]
    assert {tag for tag, _ in read.tags}.isdisjoint({"script", "img", "link", "iframe"})
    addresses = [attrs[name] for _, attrs in read.tags for name in ("href", "src") if name in attrs]
    assert all(address.startswith("#") for address in addresses)


EVIL = '<script>alert("1")</script>'


def test_no_name_of_a_run_a_query_or_a_slice_is_markup(files):
    source = random.Random(1)
    queries = [f"{EVIL}{number}".replace(" ", "") for number in range(60)]
    for name in ("base", f"<b onclick=x>{'`'}new"):
        run = {query: ranked(source.sample(["right", "w1", "w2"], 3)) for query in queries}
        Path(f"{name}.run").write_text(trec(run), "utf-8")
    qrels = "".join(f"{query} 0 right 1\n" for query in queries)
    Path("qrels.txt").write_text(qrels, "utf-8")
    lines = [f"{query}\t{EVIL}" for query in queries]
    Path("slices.tsv").write_text("\n".join(["qid\t<i>kind", *lines]), "utf-8")
    read = page("base.run", f"<b onclick=x>{'`'}new.run", "--slices", "slices.tsv")
    assert {tag for tag, _ in read.tags}.isdisjoint({"script", "b", "i"})
    assert f"<i>kind={EVIL}" in read.text
    assert any(query in read.text for query in queries)


def test_several_runs_have_a_table_of_pairs(files):
    Path("copy.run").write_text(Path("new.run").read_text("utf-8"), "utf-8")
    read = page("base.run", "new.run", "copy.run")
    assert "copy against new" in read.text
    assert ("section", {"id": "pairs"}) in read.tags


def test_the_charts_show_intervals_and_changes_on_hover(files):
    source = page("base.run", "new.run")
    figures = [attrs["aria-label"] for tag, attrs in source.tags if attrs.get("role") == "img"]
    assert [label.partition(":")[0] for label in figures] == [
        "Differences in nDCG@10",
        "Histogram of the change of each query. 30 queries rose, 0 fell and 90 stayed.",
    ]
    sentence = next(
        line for line in verdict("base.run", "new.run").output.splitlines() if "is better" in line
    )
    interval = sentence.partition(": ")[2].partition(", p")[0]
    # The line and the point of the interval, and each bar, say their values.
    assert source.text.count(f"new against base: {interval}, better") == 2
    assert "0.3 to 0.4: 6 better" in source.text
    assert "Grey: smaller than 0.01, which counts as no difference." in source.text


@pytest.mark.parametrize(
    ("module", "package"), [("altair", "altair"), ("vl_convert", "vl-convert-python")]
)
def test_a_package_that_charts_need_is_named(files, monkeypatch, module, package):
    monkeypatch.setitem(sys.modules, module, None)
    result = verdict("base.run", "new.run", "--html", "verdict.html")
    assert result.exit_code == 1
    assert f"--html needs {package}" in result.stderr
    assert not Path("verdict.html").exists()


def test_a_chart_of_many_pairs_is_cut_and_says_so(files):
    for number in range(9):
        Path(f"copy{number}.run").write_text(Path("new.run").read_text("utf-8"), "utf-8")
    source = page("base.run", *[f"copy{number}.run" for number in range(9)])
    assert "The first 40 of 45: the table holds all." in source.text


def test_too_few_groups_have_a_page_too(files):
    lines = [f"q{number}\tg{number % 49}" for number in range(120)]
    Path("groups.tsv").write_text("\n".join(lines), "utf-8")
    read = page("base.run", "new.run", "--groups", "groups.tsv")
    assert "no verdict, since 49 groups are fewer than 50" in read.text


def test_a_page_is_not_written_where_the_runs_are_wrong(files):
    Path("bad.run").write_text("", "utf-8")
    assert verdict("base.run", "bad.run", "--html", "verdict.html").exit_code == 1
    assert not Path("verdict.html").exists()

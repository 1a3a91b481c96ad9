"""Cleaners, parsers, settings, cells and pages take any text: none breaks, hangs, runs or writes."""

import csv
import html.parser
import io
import re
from pathlib import Path

import altair
import pandas as pd
import pytest
from typer.testing import CliRunner

from stages.clean.filters import compile_patterns
from stages.clean.interface import CleanParams
from stages.collect.interface import CollectParams
from stages.lib.core.csv_cells import cell_text, safe_cell, safe_row, safe_texts
from stages.lib.core.errors import UserError
from stages.lib.core.params import ModelParams, RunParams, load_section
from stages.lib.core.terminal import printable
from stages.lib.core.yaml_files import read_yaml
from stages.lib.core.yaml_text import YamlTextError, load_yaml
from stages.lib.reporting import html as pages
from stages.lib.reporting.charts import svg_figure
from stages.mine.interface import MineParams
from stages.pair.interface import PairParams
from stages.split.interface import SplitParams
from tests.clean.corpus import documents
from tests.clean.test_hostile import steps
from tests.conftest import ROOT
from tests.hostile.inputs import PIECES, mutated, of_seed, seeds, text
from tests.hostile.test_functions_are_linear import OF_CHECKED_TEXTS, call, functions
from tests.hostile.timing import at_most

pytestmark = [pytest.mark.slow, pytest.mark.fuzz, pytest.mark.timeout(7200)]

SECONDS = 10
SECTIONS = (RunParams, ModelParams, CollectParams, CleanParams, PairParams, SplitParams, MineParams)


def test_cleaning_loses_no_text_without_a_line():
    for seed in seeds(8):
        source = of_seed("clean", seed)
        start = source.choice(("", "<!DOCTYPE html><html><body>", "# a\n## b\n"))
        frame = documents(start + text(source, 30, surrogates=False))
        with at_most(SECONDS):
            kept, ledger = steps(frame)
        dropped = ledger[ledger["action"] == "drop"]
        assert len(kept) + len(dropped) == 1, seed
        assert not any(re.search("[\x00-\x08\x0e-\x1b\ufffe\uffff]", text) for text in kept["text"])


def test_every_function_of_a_text_takes_any_text():
    taking = {name: item for name, item in functions().items() if name not in OF_CHECKED_TEXTS}
    names = sorted(taking)
    for seed in seeds(20):
        source = of_seed("functions", seed)
        any_text = text(source, 12)
        for name in source.sample(names, 6):
            # Tables hold no half of a surrogate pair, so only what reads files meets one.
            reads_files = name.startswith(("collect.", "commands.init."))
            value = any_text if reads_files else any_text.encode("utf-8", "ignore").decode()
            try:
                with at_most(SECONDS):
                    call(taking[name], value)
            except Exception as error:
                raise AssertionError(f"{name} breaks at {value!r}") from error


def test_settings_of_any_bytes_are_read_or_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    whole = (ROOT / "params.yaml").read_bytes()
    sections = re.split(rb"(?m)^(?=\w)", whole)
    for seed in seeds(6):
        source = of_seed("settings", seed)
        model = source.choice(SECTIONS)
        own = next(part for part in sections if part.startswith(model.section.encode() + b":"))
        Path("params.yaml").write_bytes(mutated(source, own))
        try:
            with at_most(SECONDS):
                load_section(model)
        except UserError as error:
            assert len(str(error).splitlines()) <= 10
            assert "\x1b" not in printable(str(error))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["params.yaml"]


YAML_BOMBS = {
    "a billion laughs": "\n".join(
        f"a{at}: &a{at} [{', '.join([f'*a{at - 1}'] * 9) if at else 'x'}]" for at in range(12)
    ),
    "merged keys": "\n".join(
        f"a{at}: &a{at} {{{'<<: *a' + str(at - 1) + ', ' if at else ''}k{at}: {{b: {f'*a{at - 1}' if at else 1}}}}}"
        for at in range(60)
    ),
    "an anchor of itself": "a: &a [*a]",
    "a mapping of itself": "a: &a {b: *a}",
    "100,000 open lists": "a: " + "[" * 100_000,
    "100,000 levels": "".join(" " * at + "a:\n" for at in range(1_400)),
    "a tag that runs": "a: !!python/object/apply:os.system ['touch owned']",
    "2 MB": "a: " + "b" * 2_000_000,
    "a number of 100 kB": "a: " + "9" * 100_000,
    "a date that is none": "a: 2020-13-45T99:99:99Z",
    "control characters": "a: \x01\x1b[31m",
    "tabs": "a:\n\tb: 1",
    "half of a surrogate pair": "a: \ud800",
}


@pytest.mark.parametrize("name", YAML_BOMBS)
def test_a_bomb_of_yaml_meets_a_limit_and_runs_nothing(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with at_most(SECONDS), pytest.raises(YamlTextError) as caught:
        load_yaml(YAML_BOMBS[name])
    assert len(str(caught.value).splitlines()) == 1
    assert not Path("owned").exists()
    Path("params.yaml").write_text(YAML_BOMBS[name], "utf-8", errors="surrogatepass")
    with pytest.raises(UserError, match=r"params\.yaml (is not valid YAML|holds a value that)"):
        read_yaml(Path("params.yaml"))


def test_an_anchor_that_saves_some_lines_is_no_bomb():
    assert load_yaml("a: &a [1, 2]\nb: *a\nc: {<<: {d: 1}}") == {
        "a": [1, 2],
        "b": [1, 2],
        "c": {"d": 1},
    }


PATTERNS = (
    "(a+)+$",
    "(a|a)*b",
    "(.*)*x",
    "(?=a)",
    r"(a)\1",
    "a{1,100000}",
    "(" * 5_000,
    "[",
    "\x00",
    "(?P<n>a)" * 50,
    "\\C*",
)


def test_a_pattern_of_a_user_is_refused_or_takes_linear_time():
    bomb = "a" * 1_000_000 + "!"
    for seed in seeds(2):
        source = of_seed("patterns", seed)
        pattern = source.choice([*PATTERNS, text(source, 3)])
        try:
            with at_most(SECONDS):
                for compiled in compile_patterns((pattern,)):
                    compiled.search(bomb)
        except UserError as error:
            assert "clean.drop_patterns" in error.fact


def test_a_cell_is_never_a_formula_and_comes_back_as_it_was():
    stream = io.StringIO()
    rows = []
    for seed in seeds(8):
        source = of_seed("cells", seed)
        rows.append([text(source, 2, surrogates=False).replace("\0", "") for _ in range(3)])
    csv.writer(stream).writerows(map(safe_row, rows))
    stream.seek(0)
    cells = list(csv.reader(stream))
    assert [[cell_text(cell) for cell in row] for row in cells] == rows
    for row in cells:
        for cell in row:
            is_number = re.fullmatch(r"[+-]?[0-9]+(\.[0-9]+)?", cell)
            assert is_number or not cell.startswith(("=", "+", "-", "@", "\t", "\r", "\uff1d"))


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("-2+3", "'-2+3"),
        ("-5", "-5"),
        ("+49 30 1234", "'+49 30 1234"),
        ("'=1", "''=1"),
        ("'tis", "'tis"),
        ("\t=1", "'\t=1"),
        ("\uff1d1", "'\uff1d1"),
        ("a=b", "a=b"),
        ("", ""),
    ],
)
def test_formulas_get_an_apostrophe(text, cell):
    assert safe_cell(text) == cell
    assert cell_text(cell) == text


def test_a_table_in_git_holds_no_formula():
    table = pd.DataFrame({"slice": ["=1", "a"], "gain": [-0.5, 0.25]})
    assert safe_texts(table).to_dict("list") == {"slice": ["'=1", "a"], "gain": [-0.5, 0.25]}


class Tags(html.parser.HTMLParser):
    """The tags of a page that run something or load something."""

    def __init__(self, page):
        super().__init__()
        self.bad = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        if tag in {
            "script",
            "img",
            "iframe",
            "object",
            "embed",
            "link",
            "form",
            "textarea",
            "base",
        }:
            self.bad.append(tag)
        for name, value in attrs:
            is_link = name in {"href", "src", "action", "formaction", "xlink:href", "style"}
            runs = (value or "").strip().lower().startswith("javascript:")
            if name.startswith("on") or (is_link and runs):
                self.bad.append(f"{tag} {name}")


def page(source):
    """Return a page with hostile texts in each of its fields."""

    def one():
        return text(source, 4)

    section = pages.PageSection(
        f"T{one()}",
        [
            pages.paragraph(one(), "note"),
            pages.bullets([one(), one()]),
            pages.key_figures([pages.KeyFigure(one(), one(), one())]),
            pages.invariant_list([pages.InvariantCheck(one(), 1, one())]),
            pages.collapsible(one(), pages.paragraph(one())),
        ],
    )
    return pages.html_page(one(), one(), [section])


def test_a_page_holds_no_field_as_html():
    for seed in seeds(8):
        source = of_seed("pages", seed)
        with at_most(SECONDS):
            written = page(source)
        assert Tags(written).bad == [], seed
        assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]", written)
        written.encode("utf-8")


def test_the_guard_notices_a_field_that_is_not_escaped(monkeypatch):
    monkeypatch.setattr(pages, "inline", lambda text: text)
    pieces = [pages.paragraph("<script>alert(1)</script>"), pages.paragraph("<b onclick=x>")]
    assert Tags("".join(pieces)).bad == ["script", "b onclick"]


def test_a_chart_draws_any_name_or_refuses_it():
    for seed in seeds(2):
        source = of_seed("charts", seed)
        values = [{"x": at, "name": text(source, 3)} for at in range(3)]
        chart = altair.Chart(altair.Data(values=values)).mark_bar().encode(x="x:Q", y="name:N")
        drawing = svg_figure(chart, text(source, 3), text(source, 3))
        assert Tags(drawing).bad == [], seed


def test_no_character_commands_a_terminal():
    for piece in PIECES:
        shown = printable(f"a{piece}b")
        assert not re.search(
            "[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", shown
        )
        shown.encode("utf-8")


def test_what_commands_print_goes_through_one_place():
    """A call of typer.echo, print or a stream elsewhere would let escape sequences through."""
    places = []
    for path in sorted(Path(ROOT, "stages").rglob("*.py")):
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
            is_print = re.search(
                r"typer\.echo|(?<![\w.])print\(|sys\.(stdout|stderr)\.write|secho", line
            )
            if is_print and ">>>" not in line:
                places.append(f"{path.relative_to(ROOT)}:{number}")
    allowed = ("stages/__main__.py", "stages/lib/core/terminal.py")
    assert [place for place in places if not place.startswith(allowed)] == []
    assert len(places) == 4


def test_an_error_shows_the_code_of_a_character_that_commands_a_terminal(project):
    from stages.lib.core.stage import command

    def main() -> None:
        raise UserError(
            "a topic is '\x1b]0;owned\x07\u202e'", "see http://me:hunter22@host/?key=abcd"
        )

    result = CliRunner().invoke(command(main), [])
    assert result.exit_code == 1
    assert "\\u001b]0;owned\\u0007\\u202e" in result.output
    assert "http://***@host/?key=***" in result.output

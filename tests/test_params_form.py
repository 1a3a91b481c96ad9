"""params.yaml can be read at once, and the documentation explains each of its keys."""

import re
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from stages.collect.interface import CollectParams
from stages.collect.table_settings import check_settings

PARAMS = Path("params.yaml")
TEXT = PARAMS.read_text("utf-8")
VALUES = YAML(typ="safe", pure=True).load(TEXT)

MOST_LINES = 355
WIDEST_LINE = 88
MOST_COMMENT_LINES = 2
SET_FIRST = 5


def comment_above(lines, end):
    """Return the lines of the comment that ends directly above line `end`, from 0."""
    start = end
    while lines[start - 1].startswith("  # ") and not lines[start - 1].startswith("  # ---"):
        start -= 1
    return lines[start:end]


@pytest.fixture(scope="module")
def comments():
    """Return the comment above each key, by `section.key`."""
    document = YAML(typ="rt", pure=True).load(TEXT)
    lines = TEXT.splitlines()
    found = {}
    # Deeper keys are the user's own (names of sources, columns of files).
    for section, keys in document.items():
        for key in keys:
            found[f"{section}.{key}"] = comment_above(lines, keys.lc.key(key)[0])
    return found


def test_params_yaml_is_short_and_narrow():
    lines = TEXT.splitlines()
    assert len(lines) <= MOST_LINES
    assert [line for line in lines if len(line) > WIDEST_LINE] == []


def test_a_rule_line_above_each_section_says_what_it_is_for():
    lines = TEXT.splitlines()
    for section in VALUES:
        heading = lines[lines.index(f"{section}:") - 1]
        assert re.fullmatch(rf"# ==== {section}: \S.+ =+", heading), section


def test_each_key_has_a_comment_of_one_or_two_lines(comments):
    assert [key for key, lines in comments.items() if not lines] == []
    assert [key for key, lines in comments.items() if len(lines) > MOST_COMMENT_LINES] == []


def test_the_keys_to_set_first_are_marked_where_they_stand(comments):
    head = TEXT[: TEXT.index("\n\n")]
    listed = re.findall(r"(?m)^# (\w+\.\w+)  ", head)
    marked = [key for key, lines in comments.items() if "Set first." in lines[0]]
    assert len(listed) == SET_FIRST
    assert sorted(listed) == sorted(marked)


# ---- the pages


def explained_keys(section):
    """Return the default that the page of `section` gives for each key, as it is written there."""
    page = Path(f"docs/stages/{section}.md")
    if page.is_file():
        text = page.read_text("utf-8")
    else:
        parameters = Path("docs/parameters.md").read_text("utf-8")
        text = parameters.partition(f"## Section `{section}`\n")[2].partition("\n## ")[0]
    return dict(re.findall(r"(?m)^\| `(\w+)` \| (`.+?`|see below) \|", text))


@pytest.mark.parametrize("section", list(VALUES))
def test_the_documentation_has_each_key_with_its_default(section):
    explained = explained_keys(section)
    values = VALUES[section]
    assert values.keys() - explained.keys() == set()
    for key, value in {**values, **values.get("generated", {})}.items():
        if isinstance(value, dict):
            assert explained[key] == "see below", f"{section}.{key}"
        else:
            default = YAML(typ="safe", pure=True).load(explained[key].strip("`"))
            assert default == value, f"{section}.{key}"


def accepts(settings):
    """Check a section `collect` as the stage does, without reading a file."""
    collect = CollectParams.model_validate(settings)
    for name, source in collect.sources.items():
        check_settings(name, source, collect.sources)
    return collect


def test_the_example_in_params_yaml_is_a_source():
    block = re.search(r"(?m)^    # faq:\n(?:    #.*\n)+", TEXT)[0]
    sources = YAML(typ="safe", pure=True).load(block.replace("    # ", ""))
    assert list(accepts({"sources": sources, "out_of_domain": None}).sources) == ["faq"]


def test_the_example_in_the_documentation_has_every_column():
    page = Path("docs/stages/collect.md").read_text("utf-8")
    example = YAML(typ="safe", pure=True).load(re.search(r"(?s)```yaml\n(.*?)```", page)[1])
    collect = accepts(example["collect"])
    mapped = {field for source in collect.sources.values() for field in source.columns.mapped()}
    assert mapped == set(type(collect.sources["faq"].columns).model_fields)

"""A pair that a person judged wrong is not built, and keeps another reason if it has one."""

from pathlib import Path

from stages.lib.core.yaml_files import read_yaml
from stages.pair.candidates import PairCandidate
from stages.pair.filters import select_given_pairs
from stages.pair.interface import PairParams
from stages.pair.judged_pairs import exclude_judged_wrong, without_judged_wrong
from tests.pair.rows import d, p, pairs

PARAMS = read_yaml(Path("params.yaml"))["pair"]


def candidate(name, anchor, document):
    return PairCandidate("title", p(name), anchor, d(document), d(document), "")


def test_a_given_pair_that_a_person_judged_wrong_is_neither_built_nor_compared():
    frame = pairs(("1", "Reset", "a"), ("2", "Signal", "b"), ("3", "Signal", "c"))
    given = select_given_pairs(frame, PairParams.model_validate(PARAMS))
    judged = without_judged_wrong(given, {(p("1"), d("a")), (p("2"), d("c"))})
    assert list(judged.built["pair_id"]) == [p("2"), p("3")]
    assert list(judged.similar["pair_id"]) == [p("2"), p("3")]
    assert [(row.pair_id, row.reason, row.partner_id) for row in judged.excluded] == [
        (p("1"), "judged_wrong", d("a"))
    ]


def test_a_pair_that_is_not_built_anyway_keeps_its_reason():
    frame = pairs(("1", "Reset", "a"))
    params = PairParams.model_validate({**PARAMS, "recipes": ["title"]})
    judged = without_judged_wrong(select_given_pairs(frame, params), {(p("1"), d("a"))})
    assert [(row.pair_id, row.reason) for row in judged.excluded] == [(p("1"), "recipe_off")]


def test_a_pair_of_a_recipe_that_a_person_judged_wrong_is_excluded():
    proposed = [candidate("1", "Reset", "a"), candidate("2", "Reset", "b")]
    result = exclude_judged_wrong(proposed, {(p("1"), d("a")), (p("2"), d("a"))})
    assert [pair.pair_id for pair in result.accepted] == [p("2")]
    assert [(row.pair_id, row.reason, row.partner_id) for row in result.excluded] == [
        (p("1"), "judged_wrong", d("a"))
    ]

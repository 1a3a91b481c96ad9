"""Single queries open to what each system retrieved, with the relevant documents marked."""

import pytest

from stages.report.queries import paired_results
from stages.report.retrieved import changed_most, query_details, worst_shown


@pytest.fixture
def paired(validation):
    return paired_results(validation)


def texts_of(queries):
    return [query.text for query in queries]


def test_the_queries_that_changed_most_come_in_both_directions(paired, texts):
    assert texts_of(changed_most(paired, texts, 10, is_loss=True)) == ["wobbly & weak"]
    assert texts_of(changed_most(paired, texts, 10, is_loss=False)) == ["clumsy"]
    assert changed_most(paired, texts, 0, is_loss=False) == []


def test_the_worst_come_first(paired, texts):
    assert texts_of(worst_shown(paired, texts, 2)) == ["wobbly & weak", "lost"]


def test_relevant_hits_are_marked_and_systems_stand_side_by_side(paired, texts):
    (part,) = query_details(changed_most(paired, texts, 1, is_loss=False), texts)
    assert "<summary>clumsy (lay): nDCG@10 0.500 to 1.000 (+0.500)</summary>" in part
    gold = "Ataxia: Lack of &lt;b&gt;coordination&lt;/b&gt;."
    assert f'<p><b>Relevant</b></p>\n<ul class="hits"><li>{gold}</li></ul>' in part
    first, second = part.split("<p><b>Base</b></p>")[1].split("<p><b>Fine-tuned</b></p>")
    assert f'<li class="gold"><mark>\u2713 relevant</mark> {gold}</li>' in first
    # A second hit that is not relevant, by its id, since its text is in no table.
    assert "<li>d0000000000000042</li>" in second
    assert "BM25" not in part


def test_a_lost_document_is_explained_by_the_ledger(paired, texts):
    part = query_details(worst_shown(paired, texts, 2), texts)[1]
    assert (
        "<li>d0000000000000007 is not in the corpus "
        "(clean: too short, partner d0000000000000001)</li>"
    ) in part
    unknown = query_details(worst_shown(paired, texts, 2), texts._replace(drops={}))[1]
    assert "(no ledger names it)" in unknown

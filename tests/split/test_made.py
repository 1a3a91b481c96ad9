"""Made pairs follow what they were made from, are never the exam beside real ones, and scored pairs are held apart."""

import pandas as pd

from stages.lib.contracts.made import Made
from stages.lib.contracts.pairs import Pairs
from stages.lib.contracts.queries import Queries
from stages.lib.contracts.scored import Scored
from stages.lib.contracts.splits import HELD_OUT, Splits
from stages.split.exam import Labelled, ask, rehearse
from stages.split.ties import made_ties
from tests.split.faq import (
    PARAMS,
    d,
    documents,
    metrics,
    p,
    pairs,
    run,
    text,
    told_and_asked,
    typed,
    written,
)


def queries(split):
    found = written(Queries, f"{split}/queries")
    return dict(zip(found["raw"], found["text"], strict=True))


def test_made_pairs_are_trained_on_and_the_exam_is_made_of_collected_ones(project):
    names, frame, asked = told_and_asked()
    made = pairs(*((f"made {name}", text(f"title {name}"), name) for name in names)).assign(
        source="pair.title"
    )
    known = pairs((f"known {names[6]}", text(names[6] + "?"), names[6])).assign(
        source="pair.synonyms"
    )
    result = run(frame, asked, built=(frame, pd.concat([asked, made, known])))
    assert (result.exit_code, result.output) == (0, "")
    assert set(queries("test")) == {text(names[8] + "?")}
    splits = written(Splits, "splits").set_index("id")["split"]
    assert all(splits[p(f"made {name}")] == splits[p(name)] for name in names)
    assert metrics()["synthetic_exam"] is False
    # Those in validation are a slice of their own, those in the test split are never asked.
    assert set(queries("synthetic")) == {text(f"title {name}") for name in names[6:8]}
    assert set(written(Queries, "synthetic/queries")["source"]) == {"pair.title"}


def test_without_collected_pairs_made_ones_are_the_exam(project):
    names, frame, _ = told_and_asked()
    made = pairs(*((f"made {name}", text(f"title {name}"), name) for name in names))
    result = run(frame, Pairs.empty(), built=(frame, made))
    assert (result.exit_code, result.output) == (0, "")
    assert queries("test") == {text(f"title {names[8]}"): text(f"title {names[8]}")}
    assert (metrics()["synthetic_exam"], metrics()["synthetic_queries"]) == (True, 0)


def test_pairs_that_are_no_answers_are_held_out_and_asked_nothing(project):
    names, frame, asked = told_and_asked()
    unlike = pairs(*((f"not {name}", text(f"{name} not"), name) for name in names), score=0.2)
    result = run(frame, pd.concat([asked, unlike]), built=(frame, asked))
    assert (result.exit_code, result.output) == (0, "")
    assert set(queries("test")) == {text(names[8] + "?")}
    judged = written(Scored, "test/scored").set_index("pair_id")
    assert judged["score"].to_dict() == {p(names[8]): 1.0, p(f"not {names[8]}"): 0.2}
    assert set(judged["component_id"]) == {d(names[8])}
    assert len(written(Scored, "validation/scored")) == 4
    splits = written(Splits, "splits").set_index("id")["split"]
    assert all(splits[p(f"not {name}")] == splits[d(name)] for name in names)


def test_scores_that_are_all_the_same_judge_nothing(project):
    _, frame, asked = told_and_asked()
    assert run(frame, asked).exit_code == 0
    assert [len(written(Scored, f"{split}/scored")) for split in HELD_OUT] == [0, 0]


def test_a_made_pair_is_tied_to_what_it_was_made_from():
    made = pd.DataFrame(
        {
            "pair_id": [p("1"), p("2"), p("3")],
            "origin_id": [d("b"), p("9"), d("a")],
            "positive": ["", "x", ""],
        }
    )
    answers = {p(name): d("a") for name in "123"}
    for unit, wanted in (
        ("component", [(p("1"), d("b")), (p("2"), p("9"))]),
        ("anchor", [(p("2"), p("9"))]),
        ("time", []),
    ):
        ties = made_ties(made, answers, PARAMS.model_copy(update={"unit": unit}))
        assert [(one.left, one.right) for one in ties] == wanted, unit


def test_one_topic_in_one_component_is_told_with_the_recipe_that_did_it(project):
    names = [f"{at}" for at in range(30)]
    frame = documents(*((name, text(name)) for name in names))
    ring = [
        (f"made {name}", text(name), other)
        for name, other in zip(names, [*names[1:], names[0]], strict=True)
    ]
    made = pairs(*ring).assign(source="pair.same_label")
    result = run(
        frame,
        Pairs.empty(),
        built=(frame, made),
        origins={p(f"made {name}"): d(name) for name in names},
    )
    assert result.exit_code == 1
    assert "take same_label out of pair.recipes" in result.stderr


def test_all_of_a_topic_answer_a_query_that_asks_for_any_of_it_but_the_one_that_asks():
    frame = documents(
        *((name, name, "", "skin" if name in "abc" else "bones") for name in "abcdef")
    )
    ring = pairs(("1", "a", "b"), ("2", "b", "c"), ("3", "c", "a"), ("4", "d", "e")).assign(
        source="pair.same_label"
    )
    made = typed([(p(at), d(origin), "") for at, origin in zip("1234", "abcd", strict=True)], Made)
    held = {"1": "validation", "2": "validation", "3": "validation", "4": "test"}
    splits = pd.DataFrame(
        {"id": list(map(p, held)), "component_id": d("c"), "split": list(held.values())}
    )
    sets = ask(ring, {}, splits, Labelled(frame, made))
    questions, answers = sets["validation"]
    asked = dict(zip(questions["query_id"], questions["raw"], strict=True))
    told = sorted(zip(answers["query_id"].map(asked), answers["doc_id"], strict=True))
    assert told == sorted((asking, d(one)) for asking in "abc" for one in set("abc") - {asking})
    assert set(sets["test"][1]["doc_id"]) == {d("e"), d("f")}
    assert rehearse(ring, splits, Queries.empty(), Labelled(frame, made))[1].equals(answers)

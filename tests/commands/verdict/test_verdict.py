"""The verdict on runs of others: the numbers of ir-measures, one verdict for every format."""

import json
from pathlib import Path

import ir_measures
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.commands.verdict.groups import groups_from_texts
from stages.commands.verdict.judge import judge_files
from stages.commands.verdict.measures import measure_run, parse_measure
from stages.commands.verdict.options import VerdictOptions
from stages.commands.verdict.pairs import compare_runs
from stages.commands.verdict.run_files import read_qrels, read_run
from stages.lib.core.errors import UserError
from tests.commands.verdict.made_runs import (
    as_lines,
    simulated,
    trec,
    verdict,
    write_qrels,
    write_run,
)
from tests.properties import examples

QRELS = {"q1": {"a": 2, "b": 1, "c": 0}, "q2": {"d": 1}, "q3": {"e": 1}}
# In q2 two documents score the same: trec_eval takes the larger id first.
RUN = {"q1": {"b": 3.0, "x": 2.0, "a": 1.0}, "q2": {"d": 1.0, "y": 1.0}, "q3": {"z": 1.0}}


FORMS = ["trec", "json", "mteb", "jsonl", "predictions", "parquet"]
MEASURES = {
    "nDCG@10": ir_measures.nDCG @ 10,
    # With a depth, ir-measures takes it from MS MARCO, which orders ties otherwise. Runs have 9 hits.
    "RR@10": ir_measures.RR,
    "AP@100": ir_measures.AP @ 100,
    "R@2": ir_measures.R @ 2,
    "Success@1": ir_measures.Success @ 1,
}


@pytest.mark.parametrize("form", FORMS)
def test_every_format_of_a_run_is_read_alike(tmp_path, form):
    assert read_run(write_run(tmp_path, form, RUN)) == RUN


@pytest.mark.parametrize("form", ["trec", "beir", "json", "jsonl", "parquet"])
def test_every_format_of_qrels_is_read_alike(tmp_path, form):
    assert read_qrels(write_qrels(tmp_path, form, QRELS)) == QRELS


def test_measures_by_hand():
    scores = measure_run(RUN, QRELS, list(QRELS), parse_measure("RR@10"))
    # b is the first hit of q1. In q2 y comes before d. q3 finds nothing.
    assert scores.tolist() == [1.0, 0.5, 0.0]
    recall = measure_run(RUN, QRELS, list(QRELS), parse_measure("R@1"))
    assert recall.tolist() == [0.5, 0.0, 0.0]


@examples(50)
@given(st.randoms(use_true_random=False), st.sampled_from(sorted(MEASURES)))
def test_the_numbers_are_those_of_ir_measures(source, name):
    # Few scores, so that many hits tie, and few documents, so that many are relevant.
    docs = [f"d{number}" for number in range(15)]
    qrels, run = {}, {}
    for number in range(6):
        query = f"q{number}"
        qrels[query] = {doc: source.choice([0, 1, 2]) for doc in source.sample(docs, 5)}
        qrels[query][source.choice(docs)] = 1
        run[query] = {doc: float(source.randrange(4)) for doc in source.sample(docs, 9)}

    ours = measure_run(run, qrels, list(qrels), parse_measure(name))
    theirs = ir_measures.iter_calc([MEASURES[name]], qrels, run)
    assert dict(zip(qrels, ours, strict=True)) == pytest.approx(
        {row.query_id: row.value for row in theirs}, abs=1e-9
    )


def test_a_better_run_is_better_and_a_worse_one_fails(files):
    result = verdict("base.run", "new.run")
    assert result.exit_code == 0, result.output
    assert "new is better than base: +0.1" in result.output
    assert "Each query counts as independent" in result.output
    found = json.loads(verdict("base.run", "new.run", "--format", "json").stdout)
    (pair,) = found["pairs"]
    assert (pair["first"], pair["second"], pair["outcome"]) == ("base", "new", "better")
    assert pair["difference"] == pytest.approx(found["means"]["new"] - found["means"]["base"])

    assert verdict("base.run", "new.run", "--fail-if", "worse").exit_code == 0
    worse = verdict("new.run", "base.run", "--fail-if", "worse")
    assert worse.exit_code == 1
    assert "base is worse than new" in worse.output


def test_equal_runs_are_equivalent_and_no_better(files):
    Path("copy.run").write_text(Path("base.run").read_text("utf-8"), "utf-8")
    result = verdict("base.run", "copy.run", "--fail-if", "not-better")
    assert result.exit_code == 1
    assert "copy and base are equivalent: +0.0000" in result.output


def test_every_format_gives_one_verdict(tmp_path):
    qrels, first, second = simulated(80, gain=0.2)
    judged = write_qrels(tmp_path, "trec", qrels)
    found = []
    for form in FORMS:
        (tmp_path / form).mkdir()
        base = write_run(tmp_path, form, first)
        new = write_run(tmp_path / form, form, second)
        (pair,) = judge_files({"base": base, "new": new}, VerdictOptions([], judged)).pairs
        found.append(pair.comparison)
    assert found == [found[0]] * len(FORMS)


def test_several_runs_make_a_ladder_and_p_values_are_corrected(files):
    Path("copy.run").write_text(Path("new.run").read_text("utf-8"), "utf-8")
    result = verdict("base.run", "new.run", "copy.run")
    ladder = [line.split() for line in result.output.splitlines() if line.startswith("  ")][:3]
    assert [line[0] for line in ladder] == ["copy", "new", "base"]
    assert ladder[0][2:] == ["not", "told", "apart", "from", "new"]
    assert ladder[2][2:] == []
    assert "fell most" not in result.output

    # Three tests: the smallest p-value of 10,000 flips counts three times.
    assert "copy is better than base" in result.output
    assert result.output.count("p = 0.0003") == 2


def test_too_few_groups_give_no_verdict(files):
    lines = [f"q{number}\tg{number % 49}" for number in range(120)]
    Path("groups.tsv").write_text("\n".join(lines), "utf-8")
    result = verdict("base.run", "new.run", "--groups", "groups.tsv")
    assert "no verdict, since 49 groups are fewer than 50" in result.output


def test_groups_widen_the_interval():
    qrels, first, second = simulated(300, gain=0.3)
    scores = {
        name: measure_run(run, qrels, list(qrels), parse_measure("nDCG@10"))
        for name, run in (("base", first), ("new", second))
    }
    # Queries that change alike are of one group.
    place = np.argsort(np.argsort(scores["new"] - scores["base"], kind="stable"))
    alone = np.array(list(qrels))
    alike = np.array([f"g{number // 5}" for number in place])
    widths = []
    for groups in (alone, alike):
        (pair,) = compare_runs(scores, list(qrels), groups, name="nDCG@10", delta=0.01)
        widths.append(pair.comparison.effect.high - pair.comparison.effect.low)
    assert widths[1] > 1.8 * widths[0]


def test_a_large_group_counts_as_ten_queries_and_the_note_says_so(files):
    # All queries that rise are of one group, 40 % of all.
    base = read_run(Path("base.run"))
    new = read_run(Path("new.run"))
    group_of = {query: "all" if base[query] != new[query] else query for query in base}
    lines = [f"{query}\t{group}" for query, group in group_of.items()]
    Path("groups.tsv").write_text("\n".join(lines), "utf-8")
    large = sum(group == "all" for group in group_of.values())
    arguments = ("base.run", "new.run", "--groups", "groups.tsv")
    result = verdict(*arguments)
    assert "there is no evidence that new and base differ" in result.output
    assert f"The largest group has {large} queries. A group counts as at most 10" in result.output
    (pair,) = json.loads(verdict(*arguments, "--format", "json").stdout)["pairs"]
    alone = len(group_of) - large
    plain = pair["plain_difference"]
    assert pair["difference"] == pytest.approx(plain * len(group_of) * 10 / large / (10 + alone))


def test_equal_and_near_texts_and_shared_documents_tie(tmp_path):
    texts = {
        "q1": "How do I reset the router?",
        "q2": "how do i reset THE router",
        "q3": "How do I reset the router at home, please?",
        "q4": "When do you open?",
        "q5": "Öffnungszeiten?",
        "q6": "退货需要多长时间?",
    }
    path = tmp_path / "queries.jsonl"
    path.write_text(as_lines({"_id": key, "text": text} for key, text in texts.items()), "utf-8")
    qrels = {key: {f"d-{key}": 1} for key in texts} | {"q4": {"hours": 1}, "q5": {"hours": 1}}
    groups = groups_from_texts(path, qrels, list(texts))
    assert groups["q1"] == groups["q2"]
    assert groups["q4"] == groups["q5"]
    assert len({groups["q1"], groups["q4"], groups["q6"]}) == 3


def test_the_queries_that_would_decide_shrink_the_interval():
    # A third of the differences is kept; with as many queries as told, the same difference decides.
    qrels, first, second = simulated(60, gain=0.06)
    scores = [
        measure_run(run, qrels, list(qrels), parse_measure("nDCG@10")) for run in (first, second)
    ]
    scores_of_run = dict(zip("ab", scores, strict=True))
    queries = list(qrels)
    (pair,) = compare_runs(scores_of_run, queries, np.array(queries), name="x", delta=1e-4)
    assert pair.comparison.outcome == "no evidence"

    # That many copies of the queries, each alone, decide.
    copies = 1 + -(-pair.queries_to_decide // len(qrels))
    many = {name: np.tile(values, copies) for name, values in scores_of_run.items()}
    alone = [f"{copy} {query}" for copy in range(copies) for query in queries]
    (decided,) = compare_runs(many, alone, np.array(alone), name="x", delta=1e-4)
    assert decided.comparison.outcome == "better"


@pytest.mark.parametrize(
    ("run", "message"),
    [
        ("q1 Q0 a 1 0.5 t\nq1 Q0 a 2 0.4 t\n", "stands there a second time for query 'q1'"),
        ("q1 Q0 a 1 nan t\n", "line 1: the score is 'nan'"),
        ("q1 a\n", "line 1: 2 fields, and a line of TREC has 5 or more"),
        ("x9 Q0 a 1 0.5 t\n", "has none of the 120 queries of the qrels (it has 'x9'"),
        ("q1 Q0 a 1 0.5 t\n", "has no hits for 119 of 120 queries, such as 'q0'"),
        ("", "holds no rows"),
        ('{"q1": {"a": 1}, "q2": [1]}', "query 'q2' has no documents"),
        (
            '{"first": {"test": {"q1": {"a": 1}}}, "second": {}}',
            "holds several runs: first, second",
        ),
        ('{"q1": ', "is no JSON"),
        ('{"q1": {"a": true}}', "the score is 'True'"),
    ],
)
def test_a_bad_run_is_named_with_the_remedy(files, run, message):
    Path("bad.run").write_text(run, "utf-8")
    result = verdict("base.run", "bad.run")
    assert result.exit_code == 1
    assert message in result.stderr.replace("\n", " ")
    assert "remedy:" in result.stderr
    assert "Traceback" not in result.output + result.stderr


def test_what_a_run_lacks_counts_as_nothing_on_request(files):
    lines = Path("new.run").read_text("utf-8").splitlines(keepends=True)
    Path("cut.run").write_text(
        "".join(line for line in lines if not line.startswith("q7 ")), "utf-8"
    )
    assert "for 1 of 120 queries, such as 'q7'" in verdict("base.run", "cut.run").stderr
    result = verdict("base.run", "cut.run", "--missing-as-zero")
    assert result.exit_code == 0
    assert "cut: 1 queries have no hit, and count as 0" in result.output


def test_runs_of_other_depths_are_not_compared_below_it(files):
    lines = Path("new.run").read_text("utf-8").splitlines(keepends=True)
    Path("short.run").write_text(
        "".join(line for line in lines if int(line.split()[3]) <= 3), "utf-8"
    )
    result = verdict("base.run", "short.run")
    assert "short has at most 3 hits a query and base 6" in result.stderr
    assert verdict("base.run", "short.run", "--measure", "nDCG@3").exit_code == 0


def test_unjudged_hits_and_ties_are_told(files):
    tied = trec({f"q{number}": {"right": 1.0, "w0": 1.0} for number in range(120)})
    Path("tied.run").write_text(tied, "utf-8")
    result = verdict("base.run", "tied.run", "--measure", "RR@2")
    assert "tied: 50.0% of the first 2 hits are unjudged" in result.output
    assert "tied: 100.0% of the queries have equal scores there" in result.output


@pytest.mark.parametrize("measure", ["nDCG", "precision@10", "nDCG@0", "nDCG@101", "@10"])
def test_an_unknown_measure_is_an_error(measure):
    with pytest.raises(UserError, match="there is no measure"):
        parse_measure(measure)


def test_markdown_for_a_pull_request(files):
    lines = verdict("base.run", "new.run", "--format", "markdown").output.splitlines()
    assert lines[0].startswith("**new is better than base")
    assert "| run | nDCG@10 |" in lines
    assert "120 queries in 120 groups." in lines


def test_names_are_no_markdown(files):
    Path("a|<b>`c.run").write_text(Path("new.run").read_text("utf-8"), "utf-8")
    lines = verdict("base.run", "a|<b>`c.run", "--format", "markdown").output.splitlines()
    assert lines[0].startswith(r"**a\|\<b\>\`c is better than base: +0.1")
    assert any(line.startswith(r"| a\|\<b\>\`c | 0.") for line in lines)


def test_json_is_the_format_of_that_name_and_no_other(files):
    by_format = verdict("base.run", "new.run", "--format", "json")
    by_option = verdict("base.run", "new.run", "--json")
    assert json.loads(by_option.stdout) == json.loads(by_format.stdout)
    both = verdict("base.run", "new.run", "--json", "--format", "markdown")
    assert (both.exit_code, both.stdout) == (1, "")
    assert "--json and --format markdown are two forms" in both.stderr

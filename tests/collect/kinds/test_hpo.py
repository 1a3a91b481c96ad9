"""The reader of the Human Phenotype Ontology."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.collect.kinds import hpo
from stages.collect.records import document_id, pair_id
from stages.collect.source import ReadRequest
from stages.lib.core.errors import UserError

HEADER = "format-version: 1.2\ndata-version: hp/releases/2025-01-16\n"
STANZAS = [
    "[Term]\nid: HP:0000001\nname: All",
    "[Term]\nid: HP:0000118\nname: Phenotypic abnormality\nis_a: HP:0000001 ! All",
    "[Term]\nid: HP:0000005\nname: Mode of inheritance\nis_a: HP:0000001 ! All",
    '[Term]\nid: HP:0000007\nname: Recessive\ndef: "Two copies." []\nis_a: HP:0000005 ! Mode of inheritance',
    "[Term]\nid: HP:0000478\nname: Abnormality of the eye\nis_a: HP:0000118",
    "[Term]\nid: HP:0000707\nname: Abnormality of the nervous system\nis_a: HP:0000118",
    # Below the eye, the nervous system and the mode of inheritance: the eye has the smallest branch id.
    '[Term]\nid: HP:0000505\nname: Visual impairment\ndef: "Seeing \\"less\\" than others\\, or nothing." [PMID:1]\n'
    'synonym: "Poor sight" EXACT layperson []\nsynonym: "VI" RELATED abbreviation [PMID:1]\n'
    'synonym: "Blindness" NARROW []\nsynonym: "Blindness" EXACT plural_form []\n'
    'synonym: "Faulty \\"eyes\\"" BROAD HP:0034334 []\n'
    "is_a: HP:0000707\nis_a: HP:0000478\nis_a: HP:0000005",
    '[Term]\nid: HP:0000009\nname: obsolete Sight\ndef: "Old." []\nsynonym: "Seeing" EXACT []\nis_obsolete: true',
    '[Term]\nid: HP:0000010\nname: Undefined\nsynonym: "Nobody knows" EXACT []\nis_a: HP:0000478',
    "[Typedef]\nid: has_part\nname: has part",
]


@pytest.fixture
def ontology(tmp_path: Path) -> Path:
    return write(tmp_path / "hp.obo", STANZAS)


def write(path: Path, stanzas: list[str]) -> Path:
    path.write_text(HEADER + "\n" + "\n\n".join(stanzas) + "\n", "utf-8")
    return path


def test_a_defined_term_is_a_document(ontology):
    documents = hpo.read_ontology("hpo", ontology).documents.frame().set_index("group")
    assert sorted(documents.index) == ["HP:0000007", "HP:0000505"]
    assert documents.loc["HP:0000505"].to_dict() == {
        "doc_id": document_id("hpo", "HP:0000505"),
        "source": "hpo",
        "title": "Visual impairment",
        "text": 'Seeing "less" than others, or nothing.',
        "topic": "Abnormality of the eye",
    }


def test_topics_outside_phenotypes_are_the_children_of_the_root(ontology):
    documents = hpo.read_ontology("hpo", ontology).documents.frame().set_index("group")
    assert documents.loc["HP:0000007", "topic"] == "Mode of inheritance"


def test_the_branch_of_phenotypes_itself_is_its_own_topic(ontology):
    topics = hpo.top_level_branches(hpo.parse_obo(ontology)[1])
    assert topics["HP:0000118"] == "Phenotypic abnormality"
    assert topics["HP:0000478"] == "Abnormality of the eye"
    assert topics["HP:0000001"] == ""


def test_a_synonym_is_a_pair_and_its_type_comes_before_its_scope(ontology):
    pairs = hpo.read_ontology("hpo", ontology).pairs
    assert sorted(zip(pairs["anchor"], pairs["relation"], strict=True)) == [
        ("Blindness", "narrow"),
        ("Blindness", "plural"),
        ('Faulty "eyes"', "broad"),  # its type says nothing of it as a query
        ("Poor sight", "lay"),
        ("VI", "abbreviation"),
    ]
    assert set(pairs["doc_id"]) == {document_id("hpo", "HP:0000505")}
    assert set(pairs["score"]) == {1.0}


def test_equal_synonyms_of_a_term_have_different_ids(ontology):
    pairs = hpo.read_ontology("hpo", ontology).pairs.frame().set_index("relation")
    assert pairs.loc["narrow", "pair_id"] == pair_id("hpo", "HP:0000505", "Blindness")
    assert pairs.loc["plural", "pair_id"] == pair_id("hpo", "HP:0000505", "Blindness", "1")


def test_obsolete_and_undefined_terms_leave_with_their_synonyms(ontology):
    collected = hpo.read_ontology("hpo", ontology)
    # Nine terms and seven synonyms: one term is obsolete, six have no definition; one synonym hangs on each kind.
    assert collected.ledger.dropped() == {"obsolete": 2, "no_definition": 7}
    assert (collected.records_read, collected.records_kept) == (9 + 7, 2 + 5)


def test_the_ledger_keeps_what_was_left_out(ontology):
    lines = hpo.read_ontology("hpo", ontology).ledger.frame().set_index("row_id")
    term = document_id("hpo", "HP:0000009")
    synonym = pair_id("hpo", "HP:0000009", "Seeing")
    assert json.loads(lines.loc[term, "before"]) == {
        "id": "HP:0000009",
        "name": "obsolete Sight",
        "def": "Old.",
    }
    assert lines.loc[synonym, "partner_id"] == term
    assert json.loads(lines.loc[synonym, "before"])["synonym"] == "Seeing"


def test_the_release_is_named_in_the_citation(ontology):
    facts = hpo.read_ontology("hpo", ontology).facts
    assert facts.release == "2025-01-16"
    assert "Gargano et al. 2024" in facts.citation and "2025-01-16" in facts.citation


@given(st.permutations(STANZAS))
def test_the_order_of_the_file_changes_nothing(tmp_path_factory, stanzas):
    folder = tmp_path_factory.mktemp("obo")
    expected = hpo.read_ontology("hpo", write(folder / "a.obo", STANZAS))
    shuffled = hpo.read_ontology("hpo", write(folder / "b.obo", stanzas))
    assert list(expected.documents) == list(shuffled.documents)
    assert list(expected.pairs) == list(shuffled.pairs)
    assert expected.ledger.frame().equals(shuffled.ledger.frame())


@pytest.mark.parametrize(
    ("stanza", "fact"),
    [
        ("[Term]\nid: HP:1\ndef: no quotes", "line 6: no quoted text"),
        ('[Term]\nid: HP:1\nsynonym: "a" []', "line 6: a synonym without a text or a scope"),
        ("[Term]\nid: HP:1\n\n[Term]\nid: HP:1", "line 8: HP:1 comes twice"),
        ("[Typedef]\nid: has_part", r"no \[Term\]"),
    ],
)
def test_a_broken_ontology_is_named_with_its_line(tmp_path, stanza, fact):
    with pytest.raises(UserError, match=fact):
        hpo.parse_obo(write(tmp_path / "hp.obo", [stanza]))


def test_a_cycle_ends(tmp_path):
    circle = ["[Term]\nid: HP:1\nname: a\nis_a: HP:2", "[Term]\nid: HP:2\nname: b\nis_a: HP:1"]
    assert hpo.top_level_branches(hpo.parse_obo(write(tmp_path / "hp.obo", circle))[1]) == {
        "HP:1": "",
        "HP:2": "",
    }


def test_terms_without_a_definition_are_skipped_on_the_way_up(tmp_path):
    parents_of_term = {
        "HP:1": [],
        "HP:2": ["HP:1"],
        "HP:3": ["HP:2"],
        "HP:4": ["HP:3", "HP:1"],
        "HP:5": ["HP:4", "HP:3", "HP:9"],
    }
    undefined = {"HP:2", "HP:4"}
    stanzas = [
        "\n".join(
            [
                f"[Term]\nid: {term}\nname: {term}",
                *([] if term in undefined else [f'def: "It is {term}." []']),
            ]
            + [f"is_a: {parent} ! name" for parent in parents]
        )
        for term, parents in parents_of_term.items()
    ]
    stanzas.append('[Term]\nid: HP:9\nname: old\ndef: "Old." []\nis_obsolete: true\nis_a: HP:1')
    _, terms = hpo.parse_obo(write(tmp_path / "hp.obo", stanzas))
    assert hpo.parent_edges(terms) == [("HP:3", "HP:1"), ("HP:5", "HP:1"), ("HP:5", "HP:3")]
    hierarchy = hpo.read_ontology("hpo", tmp_path / "hp.obo").hierarchy
    assert [
        document_id("hpo", "HP:3"),
        document_id("hpo", "HP:1"),
    ] in hierarchy.frame().to_numpy().tolist()


def test_a_circle_of_terms_gives_each_the_other_and_ends(tmp_path):
    circle = [
        f'[Term]\nid: HP:{a}\nname: a\ndef: "A." []\nis_a: HP:{b}'
        for a, b in ((1, 2), (2, 1), (3, 3))
    ]
    _, terms = hpo.parse_obo(write(tmp_path / "hp.obo", circle))
    assert hpo.parent_edges(terms) == [("HP:1", "HP:2"), ("HP:2", "HP:1")]


@pytest.mark.slow
def test_the_pinned_ontology_gives_all_defined_terms():
    collected = hpo.read_ontology("hpo")
    assert (len(collected.documents), len(collected.pairs)) == (16_449, 21_184)
    assert collected.documents["doc_id"].is_unique and collected.pairs["pair_id"].is_unique
    assert collected.records_read == collected.records_kept + collected.ledger.dropped().total()
    assert "" not in set(collected.documents["topic"])
    multicystic = collected.documents.frame().set_index("group").loc["HP:0000003"]
    assert multicystic["topic"] == "Abnormality of the genitourinary system"


# --- another release, as a file


def read_file(folder, path="data/raw/hp.obo"):
    source = hpo.HpoSource(reader="hpo", path=path)
    hpo.KIND.check("hpo", source, {})
    return hpo.KIND.read(source, ReadRequest("hpo", folder))


def test_a_release_in_a_file_is_read_and_named(tmp_path):
    write(tmp_path / "hp.obo", STANZAS)
    rows = read_file(tmp_path)
    assert len(rows.documents.frame()) == 2
    assert rows.facts.origin.endswith("from the file hp.obo")
    assert rows.facts.release == "2025-01-16"


@pytest.mark.parametrize("path", ["hp.obo", "data/raw/../hp.obo", "/tmp/hp.obo"])
def test_a_file_elsewhere_is_refused(tmp_path, path):
    with pytest.raises(UserError, match=r"collect\.sources\.hpo\.path = '.*' is not under data/raw/"):
        read_file(tmp_path, path)


def test_a_file_that_is_missing_is_named(tmp_path):
    with pytest.raises(UserError, match=r"data/raw/hp\.obo does not exist"):
        read_file(tmp_path)


def test_two_files_are_no_ontology(tmp_path):
    for name in ("a.obo", "b.obo"):
        write(tmp_path / name, STANZAS)
    with pytest.raises(UserError, match="matches 2 files"):
        read_file(tmp_path, "data/raw/*.obo")


def test_a_file_of_another_kind_is_named(tmp_path):
    (tmp_path / "hp.obo").write_text("no ontology", "utf-8")
    with pytest.raises(UserError, match=r"hp\.obo is no OBO file of the ontology: no \[Term\] in it"):
        read_file(tmp_path)

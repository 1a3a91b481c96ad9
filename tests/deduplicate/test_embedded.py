"""Documents are compared by the text that is embedded: the title counts where it is embedded."""

import pytest

import stages.deduplicate.__main__ as stage
from stages.deduplicate.interface import Params
from stages.deduplicate.invariants import embedded_texts
from stages.lib.core import tables
from stages.lib.core.interface import TableFile
from stages.lib.core.params import DocumentTemplate, ModelParams
from stages.lib.schemas.documents import Documents
from stages.lib.schemas.reviews import Verdicts
from stages.lib.text.document_text import document_texts
from tests.deduplicate.rows import d, documents, pairs, settings

MODEL = ModelParams(base="none", weights_sha256="", anchor_prompt="", document_prompt="")
BOTH = "{title}\n{text}"

# Documents of one text whose titles say something else, or nothing else.
TITLES = [
    ("Oak table", "Ash table", False),
    ("Regulation 5-7", "Regulation 5.7", False),
    ("Aspirin 100 mg", "Aspirin 300 mg", False),
    ("Grundkurs Maße", "Grundkurs Masse", False),
    ("Монитор 24", "Монитор 27", False),
    ("東京の店", "大阪の店", False),
    ("IT guide", "guide", False),
    ("Coat, BE", "Coat, IT", False),
    ("", "Oak table", False),
    ("Oak table", "oak  table!", True),
    ("Oak Table", "OAK TABLE", True),
    ("Müller, Hans", "Müller Hans", True),
    ("МОСКВА", "Москва", True),
    ("The oak table", "Oak table", True),
    ("", "", True),
]


def decide(tmp_path, frame, template, **changed):
    """Return dropped id to its representative, and the violations."""
    path = tmp_path / "documents.parquet"
    tables.write(frame, path, Documents)
    file = TableFile(path, Documents)
    params = Params(settings(**changed), MODEL, DocumentTemplate(document_text=template))
    groups = stage.find_duplicates(
        file,
        "doc_id",
        "text",
        threshold=params.deduplicate.near_threshold,
        measure=params.deduplicate.measure,
        scratch=tmp_path / "scratch",
        template=template,
    )
    compared = stage.documents_to_compare(file, groups, params.deduplicate)
    chosen, _ = stage.represent_documents(compared, groups, Verdicts(), params)
    before = pairs(("1", "where", "a", 1.0), ("2", "when", "b", 1.0))
    decisions = stage.deduplicate_pairs(before, chosen, params.deduplicate)
    violations = stage.count_violations(
        embedded_texts(compared, template),
        chosen,
        before,
        pairs_after=decisions.kept,
        kept_documents=sorted(set(frame["doc_id"]) - set(chosen)),
        params=params.deduplicate,
    )
    return chosen, violations


@pytest.mark.parametrize(("left", "right", "is_copy"), TITLES)
def test_titles_decide_where_they_are_embedded(tmp_path, left, right, is_copy):
    text = "Delivered to the door within the week by our own drivers, and put up in your room."
    frame = documents(("a", "faq", text, left), ("b", "faq", text, right))
    dropped, violations = decide(tmp_path, frame, BOTH, near="drop_empty_difference")
    assert len(dropped) == is_copy
    assert sum(violations.values()) == 0


@pytest.mark.parametrize(("left", "right", "is_copy"), TITLES)
def test_without_titles_in_the_template_the_text_decides(tmp_path, left, right, is_copy):
    frame = documents(("a", "faq", "Reset it", left), ("b", "faq", "reset it!", right))
    dropped, violations = decide(tmp_path, frame, "{text}")
    assert [target.reason for target in dropped.values()] == ["exact_copy"]
    assert sum(violations.values()) == 0


def test_titles_without_a_text_are_compared(tmp_path):
    frame = documents(("a", "faq", "", "Oak table"), ("b", "faq", "", "Ash table"))
    assert decide(tmp_path, frame, BOTH)[0] == {}
    frame = documents(("a", "faq", "", "Oak table"), ("b", "faq", "", "oak table!"))
    assert set(decide(tmp_path, frame, BOTH)[0]) < {d("a"), d("b")}


def test_a_rule_that_compares_the_text_alone_breaks_the_invariants(tmp_path, monkeypatch):
    frame = documents(("a", "faq", "Reset it", "Oak"), ("b", "faq", "reset it!", "Ash"))

    def text_alone(rows, template):
        return list(rows["text"])

    monkeypatch.setattr(stage, "document_texts", text_alone)
    monkeypatch.setattr("stages.deduplicate.near_duplicates.document_texts", text_alone)
    dropped, violations = decide(tmp_path, frame, BOTH)
    assert len(dropped) == 1
    assert violations == {"unsupported_drops": 1, "dangling_pairs": 0, "relabelled_pairs": 1}


@pytest.mark.parametrize(
    "template", ["{text}", "{title}: {text}", "{{{title}}} {text} {topic}", "{topic}{text}}}"]
)
def test_the_guard_reads_the_template_as_the_stage_does(template):
    frame = documents(("a", "faq", "Hold {it}.", "Re{set}", "devices"), ("b", "faq", "x"))
    texts = [text.strip() for text in embedded_texts(frame, template).values()]
    assert texts == document_texts(frame, template)

"""What is a question, in any script, and what is none."""

import pytest

from stages.collect.kinds.document_files.questions import (
    has_mark,
    has_question_word,
    is_clear_question,
    is_courtesy,
    may_be_question,
    without_label,
)


@pytest.mark.parametrize(
    "heading",
    [
        "How do I reset it?",
        "Is it waterproof?",
        "What’s the warranty?",
        "Kann ich das zurückgeben?",
        "Welche Zahlungsarten gibt es?",
        "Où est mon colis ?",
        "Qu’est-ce que c’est ?",
        "¿Cómo cancelo mi pedido?",
        "O que é isto?",
        "Perché non funziona?",
        "Jak zwrócić towar?",
        "Как вернуть товар?",
        "Πώς το επιστρέφω;",
        "كيف أعيد المنتج؟",
        "چگونه پس بدهم؟",
        "איך מחזירים מוצר?",
        "返品できますか？",
        "如何退货？",
        "비밀번호를 어떻게 바꾸나요?",
        "İade nasıl yapılır?",
        "Kargo ücretsiz mi?",
        "คืนสินค้าได้อย่างไร?",
        "मैं इसे कैसे लौटाऊँ?",
        "Hur returnerar jag varan?",
        "“Who pays for the return?”",
        "Can I pay by card (in shops)?",
    ],
)
def test_a_question_is_clear_by_itself(heading):
    assert is_clear_question(heading)


@pytest.mark.parametrize(
    "heading",
    [
        "Shipping",
        "Chapter 3",
        "C# or F#",
        "O produto",
        "Can openers",
        "Is-a relations",
        "常见问题",
        "返品について",
        "الشحن والتوصيل",
        "Доставка",
        "Using ? in addresses",
        "Reset the lamp; then wait",
        "Need help?",
        "Questions?",
        "Still have questions?",
        "Was this article helpful?",
        "Ready to get started?",
        "War dieser Artikel hilfreich?",
        "Noch Fragen?",
        "Besoin d'aide ?",
        "¿Tienes preguntas?",
        "?",
    ],
)
def test_other_headings_are_no_questions(heading):
    assert not may_be_question(heading)


@pytest.mark.parametrize(
    ("heading", "mark", "word"),
    [
        ("How to reset it", False, True),
        ("如何退货", False, True),
        ("Wie man es reinigt", False, True),
        ("Delivery abroad?", True, False),
        ("Does it", False, False),
        ("Which one‽", True, True),
        ("Why?!", True, True),
    ],
)
def test_the_mark_and_the_word_count_apart(heading, mark, word):
    assert (has_mark(heading), has_question_word(heading)) == (mark, word)


@pytest.mark.parametrize(
    ("heading", "question"),
    [
        ("1. How do I pay?", "How do I pay?"),
        ("2.1 How do I pay?", "How do I pay?"),
        ("(3) How do I pay?", "How do I pay?"),
        ("Q: How do I pay?", "How do I pay?"),
        ("Q12. How do I pay?", "How do I pay?"),
        ("Frage 3: Wie zahle ich?", "Wie zahle ich?"),
        ("问：如何付款？", "如何付款？"),
        ("How do I pay? ¶", "How do I pay?"),
        ("How do I pay?#", "How do I pay?#"),
        ("How do I use C #", "How do I use C"),
        ("3D printing: how?", "3D printing: how?"),
        ("2024 results", "2024 results"),
        ("Quality: what is it?", "Quality: what is it?"),
        ("  How   do I\n pay? ", "How do I pay?"),
        ("1.", "1."),
    ],
)
def test_labels_and_numbers_are_no_part_of_a_question(heading, question):
    assert without_label(heading) == question


def test_a_question_with_words_of_a_courtesy_is_none():
    assert not is_courtesy("What questions do you ask before an order?")
    assert not is_courtesy("How can we help the police?")
    assert not is_courtesy("Was this lamp made by hand?")

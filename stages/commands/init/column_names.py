"""The names that columns have in practice, by field and in several languages."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

# Names without accents, case, spaces and signs. Better names come first.
NAMES: dict[str, Sequence[str]] = {
    "key": (
        "id _id key uuid guid uid pk identifier number nr no num rowid recordid docid documentid "
        "passageid articleid questionid queryid faqid pairid sku asin isbn code schluessel "
        "schlussel kennung nummer artikelnummer lfdnr identifiant cle numero clave identificador "
        "chave codigo codice chiave klucz klic sleutel nyckel anahtar kod "
        "ключ номер ид код 编号 編號 序号 番号 번호 아이디"
    ).split(),
    "anchor": (
        "question query anchor q questiontext querytext searchquery searchterm search sentence1 "
        "text1 question1 premise sentencea texta prompt instruction input utterance request claim "
        "synonym term source questiontitle message problem issue symptom frage suchanfrage anfrage suchbegriff kundenfrage "
        "begriff stichwort eingabe pregunta consulta busqueda duda termino requete demande terme "
        "recherche pergunta busca duvida termo domanda quesito ricerca vraag zoekopdracht fraga "
        "sokning sporsmal sporgsmal kysymys haku pytanie zapytanie otazka dotaz kerdes intrebare "
        "soru sorgu вопрос запрос термин ερωτηση ερωτημα שאלה سؤال استفسار प्रश्न सवाल "
        "คำถาม 质问 問題 问题 提问 查询 質問 検索 クエリ 질문 질의 "
        "cauhoi pertanyaan"
    ).split(),
    "text": (
        "answer text body content positive passage document context response reply definition "
        "description abstract answertext bodytext fulltext article paragraph chunk solution "
        "resolution output completion target sentence2 text2 question2 hypothesis sentenceb textb "
        "evidence explanation summary antwort antworttext loesung losung inhalt beschreibung "
        "dokument erklarung erklaerung volltext artikel abschnitt bedeutung respuesta texto "
        "contenido descripcion documento definicion solucion reponse texte contenu description "
        "solution resposta conteudo descricao definicao solucao risposta testo contenuto "
        "descrizione definizione antwoord tekst inhoud omschrijving svar innehall beskrivning "
        "vastaus teksti odpowiedz tresc opis odpoved obsah popis valasz szoveg raspuns cevap yanit "
        "metin icerik ответ текст описание определение απαντηση κειμενο תשובה טקסט جواب اجابة "
        "الجواب الاجابة نص النص उत्तर जवाब คำตอบ 答案 回答 内容 正文 文本 答え 本文 "
        "テキスト 답변 내용 본문 traloi jawaban"
    ).split(),
    "title": (
        "title heading headline subject name titel ueberschrift uberschrift betreff bezeichnung "
        "titulo encabezado asunto nombre titre intitule sujet nom assunto nome titolo oggetto "
        "onderwerp naam rubrik tytul nazwa nadpis nazev cim titlu baslik ad заголовок название тема "
        "τιτλος כותרת عنوان العنوان शीर्षक 标题 標題 题目 名称 タイトル 件名 題名 제목"
    ).split(),
    "topic": (
        "topic category categories subcategory theme section department label class tag intent "
        "subject area domain kategorie thema themengebiet rubrik bereich sparte abteilung "
        "fachgebiet warengruppe categoria tema seccion etiqueta categorie theme rubrique secao "
        "etichetta reparto categorie kategori amne luokka kategoria kategorie temat konu "
        "категория тема раздел κατηγορια קטגוריה نوع الفئة فئة تصنيف श्रेणी 类别 類別 分类 分類 "
        "カテゴリ カテゴリー 카테고리 분류"
    ).split(),
    "group": (
        "group groupid cluster clusterid product productid productname item itemid thread threadid "
        "conversation conversationid session sessionid customer customerid user userid patient "
        "patientid case caseid ticket ticketid url link file filename page source_url article_id "
        "docid documentid parentdoc gruppe produkt artikel kunde kundennummer vorgang fall akte "
        "datei contract vertrag contrat contrato grupo producto cliente caso groupe produit client dossier produto gruppo prodotto "
        "группа товар продукт клиент 组 产品 產品 商品 製品 顧客 그룹 상품 고객"
    ).split(),
    "time": (
        "time date datetime timestamp created createdat creationdate createdon askedat askedon "
        "asked published publishedat publicationdate posted postedat opened updated updatedat "
        "modified day datum zeit zeitpunkt erstellt erstelltam veroeffentlicht fecha creado hora "
        "dateheure cree creele data criadoem ora creatoil tijd utworzono tarih дата время создано "
        "ημερομηνια תאריך تاريخ التاريخ तारीख 日期 时间 時間 日時 日付 날짜 시간"
    ).split(),
    "score": (
        "score similarity sim similarityscore relatedness gold goldscore label isduplicate "
        "relevance relevancescore relevant ismatch match aehnlichkeit ahnlichkeit relevanz "
        "punktzahl similitud relevancia puntuacion similarite pertinence similaridade relevancia "
        "pontuacao similarita rilevanza punteggio сходство релевантность оценка "
        "相似度 相关性 得分 類似度 関連度 유사도 점수"
    ).split(),
    "grade": (
        "grade gradedrelevance relevance relevancegrade judgement judgment qrel qrels rel rating "
        "relevanz relevanzgrad stufe urteil relevancia grado pertinence релевантность 相关性 関連度"
    ).split(),
    "split": (
        "split set fold partition subset part datasplit dataset teil teilmenge aufteilung "
        "conjunto particion ensemble particao выборка 数据集 分割"
    ).split(),
    "parent": (
        "parent parentid parentkey broader isa supercategory uebergeordnet ubergeordnet "
        "oberbegriff elternid padre padreid pere родитель 父级 親"
    ).split(),
}
# Columns of few values that are no subject of a text.
NO_TOPIC = frozenset(
    (
        "status state language lang locale sprache idioma langue lingua country land pais pays "
        "author user editor source quelle priority prioritat gender sex active public version "
        "votes views likes count язык 语言 言語 언어"
    ).split()
)


def plain_name(name: str) -> str:
    """Return a name without accents, case, spaces and signs.

    >>> plain_name("Réponse_Texte"), plain_name("Überschrift"), plain_name("答案")
    ('reponsetexte', 'uberschrift', '答案')
    """
    decomposed = unicodedata.normalize("NFKD", name.casefold().replace("ø", "o").replace("ł", "l"))
    letters = [character for character in decomposed if not unicodedata.combining(character)]
    return "".join(character for character in letters if character.isalnum())


def name_rank(name: str, field: str) -> int | None:
    """Return the place of a column's name among the names of `field`; None if it has none.

    A name of several words counts by a word of it, after all whole names.

    >>> name_rank("Question", "anchor"), name_rank("customer question", "anchor")
    (0, 1000)
    """
    ranks = _RANKS[field]
    whole = ranks.get(plain_name(name))
    if whole is not None:
        return whole

    # camelCase and signs separate words.
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)
    parts = [plain_name(part) for part in re.split(r"[\W_]+", spaced)]
    named = [ranks[part] for part in parts if len(part) > 1 and part in ranks]
    if len(parts) > 1 and named:
        return _PART_OF_NAME + min(named)
    return None


_PART_OF_NAME = 1000


def _ranks(names: Sequence[str]) -> dict[str, int]:
    rank_of_name: dict[str, int] = {}
    for rank, name in enumerate(names):
        rank_of_name.setdefault(plain_name(name), rank)
    return rank_of_name


_RANKS = {field: _ranks(names) for field, names in NAMES.items()}

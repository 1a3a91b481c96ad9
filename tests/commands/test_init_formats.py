"""The guess of encoding and delimiter, on short files of several languages and programs."""

import json

import pyarrow as arrow
import pyarrow.parquet as parquet
import pytest

from stages.commands.init import encodings
from stages.commands.init.dialects import guess_dialect
from stages.commands.init.encodings import guess_encoding
from stages.commands.init.formats import read_sample
from stages.commands.init.recognition import guess_sources
from stages.lib.core.errors import UserError

# The encoding, and a text that the guess must decode to the same characters.
TEXTS = {
    "German": ("cp1252", "Frage;Antwort\nWie ändere ich das Passwort?;Öffnen Sie „Einstellungen“ – dann Größe."),
    "German with a stray sign": ("cp1252", "Frage;Antwort\nGrößer als 10¹?;Ja\n" + "Wie öffne ich die Tür?;Drücken Sie fest dagegen.\n" * 100),
    "one umlaut": ("cp1252", "Frage;Antwort\nGrün?;Ja"),
    "a currency": ("cp1252", "Produkt;Preis\nSchraube;3 €\nMutter;5 €"),
    "French": ("cp1252", "question;réponse\nOù se trouve l’accès ?;Derrière la forêt, près du château : « là »."),
    "Spanish": ("latin-1", "pregunta;respuesta\n¿Cómo cambio la contraseña?;Abra la configuración. El niño también."),
    "Portuguese": ("latin-1", "pergunta;resposta\nComo faço a devolução?;Não há opções até trinta dias após a recepção."),
    "Swedish": ("latin-1", "fråga;svar\nHur återställer jag lösenordet?;Öppna inställningar."),
    "Polish": ("cp1250", "pytanie;odpowiedź\nJak zmienić hasło?;Otwórz ustawienia i wybierz „Zmień hasło”. Można też."),
    "Czech": ("cp1250", "otázka;odpověď\nJak změním heslo?;Otevřete nastavení a zvolte Změnit heslo. Žádost podáte."),
    "Russian": ("cp1251", "вопрос;ответ\nКак изменить пароль?;Откройте настройки и выберите «Сменить пароль»."),
    "Russian on Unix": ("koi8-r", "вопрос;ответ\nКак изменить пароль?;Откройте настройки и выберите сменить пароль.\nГде найти счёт?;В разделе платежей внизу страницы."),
    "Turkish": ("cp1254", "soru;cevap\nŞifremi nasıl değiştiririm?;Ayarları açın ve Şifre değiştir seçeneğine tıklayın.\nFatura nerede bulunur?;Ödemeler bölümünün altında, değişiklik yaptığınız sayfada."),
    "Japanese": ("shift_jis", "質問,回答\nパスワードを変更するには?,設定を開いて「パスワードの変更」を選んでください。"),
    "Chinese": ("gb18030", "问题,答案\n如何修改密码？,打开设置并选择修改密码。\n发票在哪里可以找到？,在付款页面的底部。"),
    "Korean": ("cp949", "질문,답변\n비밀번호를 어떻게 변경합니까?,설정을 열고 비밀번호 변경을 선택하십시오."),
    "Hebrew": ("cp1255", "שאלה,תשובה\nאיך משנים את הסיסמה?,פותחים את ההגדרות ובוחרים שינוי סיסמה."),
    "Arabic": ("cp1256", "سؤال,جواب\nكيف أغير كلمة المرور؟,افتح الإعدادات واختر تغيير كلمة المرور."),
    "UTF-8": ("utf-8", "Frage;Antwort\nGrün?;Ja"),
    "UTF-16": ("utf-16", "question,answer\nHow?,So."),
    "UTF-16 without a mark": ("utf-16-le", "question,answer\nHow?,So."),
    "UTF-16, high byte first": ("utf-16-be", "question,answer\nHow?,So."),
    "Chinese UTF-16 without a mark": ("utf-16-le", "问题,答案\n如何修改密码？,打开设置并选择修改密码。\n"),
    "Arabic UTF-16 without a mark": ("utf-16-be", "سؤال,جواب\nكيف أغير كلمة المرور؟,افتح الإعدادات.\n"),
    "a zero byte in UTF-8": ("utf-8", "question,answer\nHow?,So\0 it is, ä.\n"),
}  # fmt: skip


@pytest.mark.parametrize("name", list(TEXTS))
def test_a_text_reads_the_same_in_the_guessed_encoding(name, tmp_path):
    encoding, text = TEXTS[name]
    file = tmp_path / "a.csv"
    file.write_bytes(text.encode(encoding))
    assert file.read_bytes().decode(guess_encoding(file)) == text


@pytest.mark.parametrize(
    ("delimiter", "text"),
    [
        (",", 'q,a\nHow?,"Like this, or that."\nWhy?,Because.\n'),
        (";", "Frage;Antwort\nWie, bitte?;So, und so.\nWas, wann?;Jetzt, gleich.\n"),
        ("\t", "q\ta\nHow, why?\tLike; this\nWhat?\tThat, there\n"),
        ("|", "id|question|answer\n1|How, so?|Like; this\n2|What?|That\n"),
        (",", 'q,a\nHow?,"Line one\n\nline; two; three"\nWhy?,"Be\ncause"\n'),
        (";", "id;text\n1;red, green\n2;blue, white\n3;one, two\n"),
        (";", "name;price;text\nA;1,50;abc\nB;2,75;def\n"),
        (",", "text\nA simple text.\nAnother text.\n"),
        ("\t", "text\nA simple, text.\nAnother, one, here.\n"),
        (";", '"a";"b"\n"x;y, z";"1"\n"p";"2"\n'),
        (",", 'q,a\n"He said ""hi""",ok\nx,"b, c"\n'),
        ("\t", 'id\tsent\tlabel\n1\tHe said "hi to me\t0\n2\t"Quoted" text\t1\n'),
        (",", "time,text\n2026-01-02 10:11:12,Hello there: x\n2026-01-03 11:11:12,Bye: y\n"),
        (",", "a,b,c\n1,,x\n2,,y\n,,z\n"),
        (",", "id,text\n1,a | b\n2,c | d\n"),
        (";", "a;b\r\n1;x, y\r\n2;z, w\r\n"),
        ("^", "a^b\n1^x\n2^y\n"),
        (";", "Frage;Antwort\nWie geht das, bitte?;So, ja.\n"),
    ],
)
def test_the_delimiter_gives_all_rows_as_many_fields(delimiter, text):
    assert guess_dialect(text, ",").delimiter == delimiter


def test_lists_and_objects_are_nested_columns(tmp_path):
    file = tmp_path / "a.ndjson"
    file.write_text(
        json.dumps({"q": "How?", "n": 1, "tags": ["a"], "meta": {"b": 1}, "paths": [[1]]}) + "\n",
        "utf-8",
    )
    sample = read_sample(file)
    assert sample.suffix == ".jsonl"
    assert sample.values == {"q": ["How?"], "n": ["1"], "tags": ["a"], "meta.b": ["1"]}
    assert sample.lists == ["tags"]
    assert sample.nested == ["paths"]


def test_objects_of_a_list_are_columns_of_lists(tmp_path):
    answers = [{"body": "Hold it.", "by": {"name": "Ann"}}, {"body": "Press it.", "votes": 2}]
    (tmp_path / "a.jsonl").write_text(json.dumps({"q": "How?", "answers": answers}), "utf-8")
    sample = read_sample(tmp_path / "a.jsonl")
    assert sample.values == {
        "q": ["How?"],
        "answers.body": ["Hold it."],
        "answers.by.name": ["Ann"],
        "answers.votes": [""],
    }
    assert sample.lists == ["answers.body", "answers.by.name", "answers.votes"]


def test_the_turns_of_a_conversation_are_no_documents(tmp_path):
    turns = [{"role": "user", "content": "How?"}, {"role": "assistant", "content": "So."}]
    (tmp_path / "a.jsonl").write_text(json.dumps({"messages": turns}), "utf-8")
    sample = read_sample(tmp_path / "a.jsonl")
    assert (sample.values, sample.nested) == ({}, ["messages"])


def test_parquet_is_read_as_texts(tmp_path):
    file = tmp_path / "a.parquet"
    parquet.write_table(arrow.table({"q": ["How?", None], "n": [1, 2]}), file)
    assert read_sample(file).values == {"q": ["How?", ""], "n": ["1", "2"]}


@pytest.mark.parametrize(
    ("name", "content", "fact"),
    [
        ("a.csv", b"", "a.csv is empty"),
        ("a.csv", b"question,answer\n", "a.csv holds no rows"),
        ("a.docx", b"PK", "a.docx ends in none of"),
        ("a.jsonl", b"[1, 2]\n", "its first line is no JSON object"),
        ("a.parquet", b"PAR", "a.parquet is not a readable Parquet file"),
    ],
)
def test_a_file_that_holds_no_table_is_refused(name, content, fact, tmp_path):
    file = tmp_path / name
    file.write_bytes(content)
    with pytest.raises(UserError, match=fact):
        read_sample(file)


def test_a_large_file_is_decoded_once_for_all_kinds(tmp_path, monkeypatch):
    opened = []
    monkeypatch.setattr(encodings, "_is_utf8", lambda file: opened.append(file) or True)
    file = tmp_path / "faq.csv"
    file.write_text("question,answer\nWhere is it?,It is here.\n", "utf-8")
    guess_sources([str(file)])
    assert len(opened) == 1

    # A file that was changed is another one.
    file.write_text("question,answer\nWhere is it now?,It is here.\n", "utf-8")
    guess_sources([str(file)])
    assert len(opened) == 2

"""A folder of documents of many kinds, written by a test."""

from pathlib import Path

from tests.collect.kinds.document_files.office_files import docx, lines_of, pdf

FILES = {
    "handbuch/urlaub.html": "<!doctype html><html lang=de><head><meta charset=utf-8><title>Urlaub – Handbuch"
    "</title></head><body><nav><a href=/>Start</a></nav><main><h1>Urlaub</h1><p>Jeder Mitarbeiter hat dreißig "
    "Tage Urlaub im Jahr. Der Antrag geht an die Personalabteilung.</p><h2>Sonderurlaub</h2><p>Bei einem Umzug "
    "gibt es einen Tag Sonderurlaub.</p></main><footer>Impressum</footer></body></html>",
    "handbuch/reisen.md": "---\ntitle: Reisen\nlayout: page\n---\n\nReisen werden\nvorher genehmigt.\n\n## Kosten\n\n"
    "Belege gehen an die **Buchhaltung**.\n",
    "faq/zh.md": "# 常见问题\n\n## 如何退货？\n\n请在三十天内联系客服。\n\n## 运费是多少？\n\n国内运费十元。\n",
    "faq/shop.html": "<html><head><title>Shop FAQ</title><script type=application/ld+json>"
    '{"@type":"FAQPage","mainEntity":[{"@type":"Question","name":"Delivery times","acceptedAnswer":'
    '{"@type":"Answer","text":"<p>Two working days.</p>"}}]}</script></head><body><h1>Help</h1>'
    "<div><button>Delivery times</button><div>Two working days.</div></div><p>Call us on workdays.</p></body></html>",
    "faq/accordion.html": "<h1>Lamp</h1><p>A lamp for the desk.</p><details><summary>How bright is it?</summary>"
    "<p>Eight hundred lumen.</p></details><details><summary>Show the log</summary>ok</details>",
    "ar/returns.html": "<html dir=rtl lang=ar><head><title>الإرجاع</title></head><body><h1>كيف أعيد المنتج؟</h1>"
    "<p>يمكنك إعادة المنتج خلال ثلاثين يوماً من الشراء.</p></body></html>",
    "api/client.md": "# Client\n\n```python\n# How do I connect?\nclient = Client(url)\n```\n\n## `Client.get(path)`\n\n"
    "Returns the *body*.\n\n| name | type |\n|---|---|\n| path | str |\n",
    "README.md": '<p align="center"><img src="l.png" alt="Logo"></p>\n\n# Tool\n\n'
    "[![Build](https://e.org/b.svg)](https://e.org)\n\nA tool that reads\nfiles.\n",
    "notes.txt": "Meeting of March\n\nWe decided to move the date.\n",
    "guide.mdx": "import Tabs from '@theme/Tabs';\n\n# Start\n\n<Tabs>\n\nInstall **it** first.\n\n</Tabs>\n",
}


def write_folder(folder: Path) -> None:
    """Write a folder of documents of all formats, encodings and scripts."""
    for name, text in FILES.items():
        write(folder / name, text.encode())
    write(
        folder / "ja/sjis.html",
        "<meta charset=Shift_JIS><h1>返品</h1><p>三十日以内に承ります。".encode("cp932"),
    )
    write(folder / "utf16.txt", "Grüße aus Köln\n\nBis bald.".encode("utf-16"))
    write(
        folder / "cp1252.txt",
        "Öffnungszeiten\n\nWir haben täglich geöffnet, außer an Feiertagen.".encode("cp1252"),
    )
    write(folder / "legal/contract.pdf", pdf(*contract_pages(), title="Contract of Sale"))
    write(
        folder / "letters/offer.docx",
        docx(("heading 1", "Offer"), "Dear «Name», we offer this.[*]", [["Item", "Price"], ["Lamp", "10"]],
             footnotes=["Without tax."], title="Offer of May"),
    )  # fmt: skip


def contract_pages():
    """Return the pages of a contract with running titles and page numbers."""
    texts = [
        ("1. Subject", "The seller sells the machine that is described in the annex to the buyer for the", "agreed price."),
        ("2. Delivery", "The machine is delivered to the works of the buyer within four weeks after pay-", "ment."),
        ("3. Law", "This contract is governed by the law of the country in which the seller has his", "seat."),
    ]  # fmt: skip
    return [
        [
            (50, 770, 8, "Contract of Sale"),
            *[(50, 700, 16, heading)],
            *lines_of(*lines, top=670),
            (290, 30, 8, f"Page {number} of 3"),
        ]
        for number, (heading, *lines) in enumerate(texts, 1)
    ]


def write(path: Path, data: bytes) -> None:
    """Write a file, and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)

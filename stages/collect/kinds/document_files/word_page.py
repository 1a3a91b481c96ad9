"""A Word file as HTML, by mammoth: headings, lists, tables, footnotes and links; no pictures."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any
from zipfile import ZipFile

from stages.collect.kinds.document_files.outcome import FileError, Page
from stages.collect.kinds.document_files.titles import sensible_title
from stages.collect.raw_files import UNREADABLE
from stages.lib.core.machine_faults import machine_fault

_DOCUMENT = "word/document.xml"
_CORE = "docProps/core.xml"
# The XML of a book of a thousand pages has a third of this.
_MOST_XML_BYTES = 32 * 2**20
_MOST_PARTS = 10_000
_STYLES = """
p[style-name='Title'] => h1:fresh
p[style-name='Subtitle'] => p:fresh
"""
_CORE_TITLE = re.compile(r"<dc:title\b[^<>]*>([^<]*)</dc:title>")
# The arrow behind each note that leads back to the text.
_BACK_LINK = re.compile(r' ?<a href="#[\w-]*(?:foot|end)note-ref-\d+">\u2191</a>')
_OLE_MARK = b"\xd0\xcf\x11\xe0"
_MATH = re.compile(rb"<m:oMath(?:\s[^<>]*)?>(.*?)</m:oMath>", re.DOTALL)
_MATH_TEXT = re.compile(rb"<m:t(?:\s[^<>]*)?>([^<]*)</m:t>")


def read_word(path: Path) -> Page:
    """Return the text of a Word file as HTML, with its title.

    The titles of pages at their top and bottom, comments and deleted text are left out.

    Raises:
        FileError: it is encrypted, broken, too large or no Word file.
    """
    try:
        with path.open("rb") as stream:
            is_old = stream.read(4) == _OLE_MARK
    except OSError as error:
        raise machine_fault(error) or FileError("broken_file", str(error)) from None
    if is_old:
        raise FileError("wrong_format", "an encrypted file, or one of Word 2003 or older")

    try:
        with ZipFile(path) as archive:
            content = _checked_content(archive)
            title = _core_title(archive)
    except UNREADABLE as error:
        wrong = FileError("wrong_format", f"no Word file: {error}")
        raise machine_fault(error) or wrong from None
    return Page(_convert(content), sensible_title(title))


def _checked_content(archive: ZipFile) -> io.BytesIO:
    """Return the archive with the parts that hold text alone, unpacked within bounds."""
    entries = archive.infolist()
    names = {entry.filename for entry in entries}
    if _DOCUMENT not in names and "_rels/.rels" not in names:
        raise FileError("wrong_format", f"a zip archive without {_DOCUMENT}")
    xml = [entry for entry in entries if entry.filename.endswith((".xml", ".rels"))]
    size = sum(entry.file_size for entry in xml)
    if size > _MOST_XML_BYTES or len(entries) > _MOST_PARTS:
        raise FileError("too_large", f"its {len(entries):,} parts unpack to {size:,} bytes of text")

    # zipfile reads no more of an entry than it declares.
    content = io.BytesIO()
    with ZipFile(content, "w") as target:
        for entry in xml:
            data = archive.read(entry)
            if b"<!DOCTYPE" in data[:1000]:
                raise FileError("wrong_format", f"{entry.filename} declares a document type")
            target.writestr(entry.filename, _MATH.sub(_math_as_text, data))
    content.seek(0)
    return content


def _math_as_text(formula: re.Match[bytes]) -> bytes:
    """Return the letters of a formula as a run of text: mammoth leaves formulas out."""
    letters = b"".join(_MATH_TEXT.findall(formula[1]))
    return b'<w:r><w:t xml:space="preserve">%s</w:t></w:r>' % letters


def _core_title(archive: ZipFile) -> str:
    import html

    if _CORE not in archive.namelist():
        return ""
    match = _CORE_TITLE.search(archive.read(_CORE).decode("utf-8", "replace"))
    return html.unescape(match[1]) if match else ""


def _convert(content: io.BytesIO) -> str:
    import mammoth

    def without_picture(_: Any) -> dict[str, str]:
        return {"src": ""}

    try:
        result = mammoth.convert_to_html(
            content,
            style_map=_STYLES,
            convert_image=mammoth.images.img_element(without_picture),
        )
    except Exception as error:
        # The parser raises whatever the damage causes: KeyError, AttributeError, ExpatError.
        detail = (str(error).splitlines() or [""])[0][:200]
        raise FileError("broken_file", f"no readable Word file: {detail}") from None
    return _BACK_LINK.sub("", str(result.value))

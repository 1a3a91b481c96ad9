"""PDF and Word files for tests, written by hand: small, of fixed bytes, in any script."""

import io
import zipfile
from xml.sax.saxutils import escape

_W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
_HEADER = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
_RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def pdf(*pages, title="", extra=b""):
    """Return a PDF; a page is a list of (x, y, size, text), in the order of its drawing.

    A font without glyphs maps the two bytes of a character to the character, so that any script
    can be written.
    """
    page_count = len(pages)
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Count %d /Kids [%s] >>"
        % (page_count, b" ".join(b"%d 0 R" % (7 + 2 * number) for number in range(page_count))),
        b"<< /Type /Font /Subtype /Type0 /BaseFont /Any /Encoding /Identity-H "
        b"/DescendantFonts [4 0 R] /ToUnicode 5 0 R >>",
        b"<< /Type /Font /Subtype /CIDFontType2 /BaseFont /Any /DW 500 /CIDSystemInfo "
        b"<< /Registry (Adobe) /Ordering (Identity) /Supplement 0 >> /FontDescriptor "
        b"<< /Type /FontDescriptor /FontName /Any /Flags 4 /FontBBox [0 -200 1000 800] "
        b"/ItalicAngle 0 /Ascent 800 /Descent -200 /CapHeight 700 /StemV 80 >> >>",
        _stream(
            b"/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /A def "
            b"/CMapType 2 def 1 begincodespacerange <0000> <FFFF> endcodespacerange "
            b"1 beginbfrange <0000> <FFFF> <0000> endbfrange endcmap end end"
        ),
        b"<< /Title <%s> >>" % (b"\xfe\xff" + title.encode("utf-16-be")).hex().encode(),
    ]
    for number, lines in enumerate(pages):
        drawn = b"\n".join(
            b"BT /F1 %g Tf %g %g Td <%s> Tj ET"
            % (size, x, y, text.encode("utf-16-be").hex().encode())
            for x, y, size, text in lines
        )
        objects.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Contents %d 0 R "
            b"/Resources << /Font << /F1 3 0 R >> >> >>" % (8 + 2 * number)
        )
        objects.append(_stream(drawn))

    file = b"%PDF-1.7\n"
    offsets = []
    for number, body in enumerate(objects, 1):
        offsets.append(len(file))
        file += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    start = len(file)
    file += b"xref\n0 %d\n0000000000 65535 f \n%s" % (len(objects) + 1, table)
    info = b" /Info 6 0 R" if title else b""
    file += b"trailer\n<< /Size %d /Root 1 0 R%s%s >>\n" % (len(objects) + 1, info, extra)
    return file + b"startxref\n%d\n%%%%EOF\n" % start


def lines_of(*texts, top=700, size=10, left=50, leading=12):
    """Return lines of one size below each other, for `pdf`."""
    return [(left, top - leading * number, size, text) for number, text in enumerate(texts)]


def _stream(content):
    return b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content)


def docx(*blocks, title="", footnotes=(), parts=None):
    """Return a Word file; a block is a text, (style, text), or a list of rows of a table."""
    body = "".join(_block(block) for block in blocks)
    files = {
        "[Content_Types].xml": f'{_HEADER}<Types xmlns="http://schemas.openxmlformats.org/package/2006/'
        'content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package'
        '.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/></Types>',
        "_rels/.rels": f'{_HEADER}<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/'
        f'relationships"><Relationship Id="rId1" Type="{_RELATIONS}/officeDocument" '
        'Target="word/document.xml"/></Relationships>',
        "word/_rels/document.xml.rels": f'{_HEADER}<Relationships xmlns="http://schemas.openxmlformats.'
        f'org/package/2006/relationships"><Relationship Id="rId9" Type="{_RELATIONS}/footnotes" '
        f'Target="footnotes.xml"/><Relationship Id="rId8" Type="{_RELATIONS}/styles" '
        'Target="styles.xml"/></Relationships>',
        "word/styles.xml": f"{_HEADER}<w:styles {_W}>{_styles()}</w:styles>",
        "word/footnotes.xml": f"{_HEADER}<w:footnotes {_W}>{_footnotes(footnotes)}</w:footnotes>",
        "word/document.xml": f"{_HEADER}<w:document {_W}><w:body>{body}</w:body></w:document>",
    }
    if title:
        files["docProps/core.xml"] = (
            f'{_HEADER}<cp:coreProperties xmlns:cp="http://schemas.openxmlformats.org/package/2006/'
            'metadata/core-properties" xmlns:dc="http://purl.org/dc/elements/1.1/">'
            f"<dc:title>{escape(title)}</dc:title></cp:coreProperties>"
        )
    return archive({**files, **(parts or {})})


def archive(files):
    """Return a zip archive of texts or bytes by name."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as target:
        for name, content in files.items():
            target.writestr(
                zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0)), content, zipfile.ZIP_DEFLATED
            )
    return stream.getvalue()


def _block(block):
    if isinstance(block, list):
        rows = "".join(
            f"<w:tr>{''.join(f'<w:tc>{_block(cell)}</w:tc>' for cell in row)}</w:tr>"
            for row in block
        )
        return f"<w:tbl>{rows}</w:tbl>"
    if isinstance(block, str) and block.startswith("<w:"):
        return block
    style, text = block if isinstance(block, tuple) else ("", block)
    properties = (
        f'<w:pPr><w:pStyle w:val="{style.replace(" ", "").capitalize()}"/></w:pPr>' if style else ""
    )
    note = ""
    if text.endswith("[*]"):
        text, note = text[:-3], '<w:r><w:footnoteReference w:id="1"/></w:r>'
    return f'<w:p>{properties}<w:r><w:t xml:space="preserve">{escape(text)}</w:t></w:r>{note}</w:p>'


def _styles():
    names = ["Title", *[f"heading {level}" for level in range(1, 7)]]
    return "".join(
        f'<w:style w:type="paragraph" w:styleId="{name.replace(" ", "").capitalize()}">'
        f'<w:name w:val="{name}"/></w:style>'
        for name in names
    )


def _footnotes(texts):
    return "".join(
        f'<w:footnote w:id="{number}"><w:p><w:r><w:t>{escape(text)}</w:t></w:r></w:p></w:footnote>'
        for number, text in enumerate(texts, 1)
    )

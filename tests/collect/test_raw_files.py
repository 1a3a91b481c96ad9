"""Which files a source has, and how they are decompressed."""

import gzip
import io
import os
from zipfile import ZIP_DEFLATED, ZipFile

import pyarrow as arrow
import pytest

from stages.collect import raw_files
from stages.collect.__main__ import read_sources
from stages.collect.kinds import table
from stages.collect.raw_files import compression_of, table_format
from stages.collect.records import document_id
from stages.collect.source import ReadRequest
from stages.lib.core.errors import UserError
from tests.collect.sources import FAQ, table_source

CSV = "question,answer\nWo?,Köln\n".encode()


def zipped(**files: bytes) -> bytes:
    buffer = io.BytesIO()
    with ZipFile(buffer, "w", ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name.replace("__", "."), content)
    return buffer.getvalue()


def zstd(content: bytes) -> bytes:
    return arrow.Codec("zstd").compress(content, asbytes=True)


@pytest.mark.parametrize(
    ("name", "file_format", "compression"),
    [
        ("faq.csv", ".csv", ""),
        ("faq.csv.gz", ".csv", ".gz"),
        ("FAQ.CSV.GZ", ".csv", ".gz"),
        ("a.b/faq.v2.jsonl.zst", ".jsonl", ".zst"),
        ("faq.zip", "", ".zip"),
        ("faq.tsv.zip", ".tsv", ".zip"),
        ("faq.xlsx", ".xlsx", ""),
        ("faq.gz", "", ".gz"),
        ("faq.csv.bz2", "", ""),
        ("faq.txt", "", ""),
        ("*.parquet", ".parquet", ""),
    ],
)
def test_a_name_says_format_and_compression(name, file_format, compression):
    assert table_format(name) == file_format
    assert compression_of(name) == compression


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("faq.csv", CSV),
        ("faq.csv.gz", gzip.compress(CSV)),
        ("faq.csv.gz", gzip.compress(CSV[:20]) + gzip.compress(CSV[20:])),
        ("faq.csv.zst", zstd(CSV)),
        ("faq.csv.zst", zstd(CSV[:20]) + zstd(CSV[20:])),
        ("faq.csv.zip", zipped(faq__csv=CSV)),
        ("faq.zip", zipped(Export__CSV=CSV)),
        ("faq.jsonl.gz", gzip.compress('{"question": "Wo?", "answer": "Köln"}\n'.encode())),
        ("faq.json.zst", zstd('[{"question": "Wo?", "answer": "Köln"}]'.encode())),
    ],
)
def test_compressed_files_are_read_like_the_others(read, file, content):
    collected = read(content, file)
    assert collected.documents["text"].tolist() == ["Köln"]
    assert collected.documents["doc_id"].tolist() == [document_id("faq", "Köln", "0")]


def test_what_macos_adds_to_an_archive_is_no_file(read, tmp_path):
    with ZipFile(tmp_path / "faq.zip", "w") as archive:
        archive.writestr("data/faq.csv", CSV)
        archive.writestr("__MACOSX/data/._faq.csv", b"\0")
        archive.writestr("data/.DS_Store", b"\0")
    collected = table.read_files(table_source("faq.zip"), ReadRequest("faq", tmp_path))
    assert collected.pairs["anchor"].tolist() == ["Wo?"]


@pytest.mark.parametrize(
    ("file", "content", "fact"),
    [
        ("faq.csv.gz", CSV, "is not a readable .gz file"),
        ("faq.csv.gz", gzip.compress(CSV)[:-6], "is not a readable .gz file"),
        ("faq.csv.gz", gzip.compress(CSV * 500)[:40], "is not a readable .gz file"),
        ("faq.csv.zst", CSV, "is not a readable .zst file"),
        ("faq.csv.zst", zstd(CSV)[:-3], "is not a readable .zst file"),
        ("faq.csv.zip", CSV, "is not a readable .zip file"),
        ("faq.zip", zipped(a__csv=CSV, b__csv=CSV), r"holds 2 files \(a.csv, b.csv\)"),
        ("faq.zip", zipped(), r"holds 0 files \(nothing\)"),
        ("faq.zip", zipped(faq__txt=CSV), "holds 'faq.txt', which is no table"),
        ("faq.zip", zipped(faq__zip=zipped(a__csv=CSV)), "holds 'faq.zip', which is no table"),
        ("faq.csv.zip", zipped(faq__jsonl=CSV), "holds 'faq.jsonl', which is no .csv"),
        ("faq.csv.gz", b"", "is empty"),
        ("faq.csv.gz", gzip.compress(b""), "holds no rows"),
        ("faq.parquet.gz", gzip.compress(CSV), "is not a readable Parquet file"),
        ("faq.xlsx.gz", gzip.compress(CSV), "is not a readable Excel file"),
        ("faq.csv.gz", gzip.compress(b"question,answer\na,\xff\n"), "line 2: this is not utf-8"),
    ],
)
def test_a_file_that_cannot_be_decompressed_is_named(read, file, content, fact):
    with pytest.raises(UserError, match=fact) as raised:
        read(content, file)
    assert f"data/raw/{file}" in raised.value.fact
    assert raised.value.remedy


@pytest.mark.parametrize("suffix", [".gz", ".zst", ".zip"])
def test_a_bomb_is_refused(read, monkeypatch, suffix):
    monkeypatch.setattr(raw_files, "ALWAYS_ALLOWED", 1000)
    monkeypatch.setattr(raw_files, "LARGEST_RATIO", 50)
    bomb = b"question,answer\n" + b"a,b\n" * 50_000
    pack = {".gz": gzip.compress, ".zst": zstd, ".zip": lambda content: zipped(a__csv=content)}
    with pytest.raises(UserError, match=r"unpacks to more than .* bytes, as no table does"):
        read(pack[suffix](bomb), f"faq.csv{suffix}")


def test_a_workbook_that_is_a_bomb_is_refused(read, monkeypatch):
    monkeypatch.setattr(raw_files, "ALWAYS_ALLOWED", 1000)
    with pytest.raises(UserError, match="unpacks to more than"):
        read(zipped(sheet__xml=b" " * 1_000_000), "faq.xlsx")


def test_an_ordinary_table_is_no_bomb():
    raw_files.check_unpacked_size("faq.zip", 64 * 2**20, packed_size=1)
    raw_files.check_unpacked_size("faq.zip", 5 * 2**30, packed_size=2**28)
    with pytest.raises(UserError):
        raw_files.check_unpacked_size("faq.zip", 64 * 2**20 + 1, packed_size=1)


# Several files


def write(folder, **files):
    for name, content in files.items():
        (folder / f"{name}.csv").write_text(content, "utf-8")


def test_a_pattern_reads_several_files_as_one(tmp_path):
    write(tmp_path, b="id,question,answer\n1,B?,b\n3,C?,c\n", a="question,id,answer\nA?,1,a\n")
    source = table_source("*.csv", {**FAQ, "key": "id"})
    collected = table.read_files(source, ReadRequest("faq", tmp_path))

    # The key is unique over the files, and which row is kept does not hang on their names.
    assert sorted(collected.pairs["anchor"]) == ["A?", "C?"]
    ledger = collected.ledger.frame()
    assert ledger["reason"].tolist() == ["duplicate_key"]
    assert ledger["after"].tolist() == ["data/raw/b.csv, line 2"]

    (tmp_path / "b.csv").rename(tmp_path / "0.csv")
    again = table.read_files(source, ReadRequest("faq", tmp_path))
    assert again.pairs.frame().equals(collected.pairs.frame())


def test_a_pattern_may_lead_through_folders(tmp_path):
    (tmp_path / "x" / "y").mkdir(parents=True)
    write(tmp_path / "x" / "y", a="question,answer\nA?,a\n")
    write(tmp_path / "x", b="question,answer\nB?,b\n")
    collected = table.read_files(table_source("**/*.csv"), ReadRequest("faq", tmp_path))
    assert sorted(collected.pairs["anchor"]) == ["A?", "B?"]


@pytest.mark.parametrize(
    ("content", "fact"),
    [
        ("", "data/raw/b.csv is empty"),
        ("question,reply\na,b\n", "data/raw/b.csv, line 1: there is no column 'answer'"),
        ("question,answer\na\n", "data/raw/b.csv, line 2: 1 fields where the header has 2"),
        ("question,answer,score\na,b,7\n", "data/raw/b.csv, row 1: column 'score' holds '7'"),
    ],
)
def test_an_error_names_the_file_of_a_pattern(tmp_path, content, fact):
    write(tmp_path, a="question,answer,score\na,b,1\n", b=content)
    columns = {**FAQ, "score": "score"} if "score" in content else FAQ
    with pytest.raises(UserError, match=fact):
        table.read_files(table_source("*.csv", columns), ReadRequest("faq", tmp_path))


def test_a_pattern_without_files_is_an_error(tmp_path):
    with pytest.raises(UserError, match=r"no file matches data/raw/part-\*.csv"):
        table.read_files(table_source("part-*.csv"), ReadRequest("faq", tmp_path))


def test_a_name_with_brackets_is_a_file_first(tmp_path):
    write(tmp_path, **{"faq[1]": "question,answer\nA?,a\n", "faq1": "question,answer\nB?,b\n"})
    collected = table.read_files(table_source("faq[1].csv"), ReadRequest("faq", tmp_path))
    assert collected.pairs["anchor"].tolist() == ["A?"]


def test_a_link_out_of_the_folder_is_refused(tmp_path):
    outside = tmp_path / "outside.csv"
    outside.write_bytes(CSV)
    raw = tmp_path / "raw"
    raw.mkdir()
    (raw / "faq.csv").symlink_to(outside)
    with pytest.raises(UserError, match=r"faq.csv is a link to .*outside.csv, outside data/raw/"):
        read_sources({"faq": table_source()}, raw, max_rejected_share=1.0)
    with pytest.raises(UserError, match="is a link to"):
        read_sources({"faq": table_source("*.csv")}, raw, max_rejected_share=1.0)


def test_a_link_to_a_file_that_does_not_exist_is_named(tmp_path):
    (tmp_path / "faq.csv").symlink_to(tmp_path / "gone.csv")
    with pytest.raises(UserError, match=r"faq.csv does not exist"):
        table.read_files(table_source(), ReadRequest("faq", tmp_path))


def test_links_within_the_folder_and_into_the_cache_are_followed(tmp_path):
    entry = tmp_path / "cache" / "files" / "md5" / "ab" / ("0" * 30)
    entry.parent.mkdir(parents=True)
    entry.write_bytes(CSV)
    raw = tmp_path / "raw"
    raw.mkdir()
    os.link(entry, raw / "other.csv")
    for target in (entry, raw / "other.csv"):
        (raw / "faq.csv").unlink(missing_ok=True)
        (raw / "faq.csv").symlink_to(target)
        rows = read_sources({"faq": table_source()}, raw, max_rejected_share=1.0)
        assert len(rows["faq"].pairs) == 1

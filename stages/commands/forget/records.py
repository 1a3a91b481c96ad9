"""The record that a person names by id, key or text: its raw rows, its ids and its texts.

A record is a row of a raw file. It may give a document, pairs and labelled negatives. The sources
are read again, as `collect` reads them: first for the rows that were named, then for all that they
give, then for what rows of others give too, which stays.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow.compute as compute
from pyarrow import parquet

from stages.collect.__main__ import read_sources
from stages.collect.columns import Place, Record
from stages.collect.interface import CollectParams
from stages.collect.origins import IsSought, Origins
from stages.collect.records import document_id, pair_id
from stages.collect.source import OUT_OF_DOMAIN, Source
from stages.commands.forget.sought import Sought, split_texts
from stages.commands.run_tables import RunTables
from stages.lib.core.errors import UserError

# The tables whose rows are texts of their id, with the columns of the id and of the texts.
_TEXTS_OF_TABLE = {
    "documents": ("doc_id", "title", "text"),
    "out_of_domain_documents": ("doc_id", "title", "text"),
    "pairs": ("pair_id", "anchor"),
    "out_of_domain_pairs": ("pair_id", "anchor"),
    "dissimilar_pairs": ("pair_id", "anchor"),
    "scored_pairs": ("pair_id", "anchor"),
    "passages": ("doc_id", "text"),
    "out_of_domain_passages": ("doc_id", "text"),
}


@dataclass(frozen=True)
class Named:
    """What a person names.

    Attributes:
        ids: ids of documents, pairs, queries or rejected records.
        keys: values of the column that `columns.key` maps.
        texts: texts that no record may hold.
    """

    ids: frozenset[str] = frozenset()
    keys: frozenset[str] = frozenset()
    texts: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Forgotten:
    """What has to go.

    Attributes:
        places: the raw rows.
        ids: what these rows give, and no other row does, with what was made from it.
        texts: the texts of these rows, and no other row has.
        dependent_ids: pairs of other rows that lead to a document that goes.
        named_texts: texts that the person named, which must stand nowhere.
    """

    places: frozenset[Place]
    ids: frozenset[str]
    texts: frozenset[str]
    dependent_ids: frozenset[str]
    named_texts: frozenset[str]

    @property
    def own(self) -> Sought:
        """What is searched where rows of other records stay."""
        short, long = split_texts(self.texts)
        places = {str(place) for place in self.places}
        return Sought(frozenset({*self.ids, *places, *short}), frozenset(long | self.named_texts))

    @property
    def derived(self) -> Sought:
        """What is searched in tables that the next run writes anew."""
        own = self.own
        return Sought(own.cells | self.dependent_ids, own.texts)


def find_record(named: Named, settings: CollectParams, raw: Path, data: Path) -> Forgotten:
    """Return the record that a person names.

    Args:
        named: what they name.
        settings: the section `collect` of params.yaml.
        raw: the folder of the raw files.
        data: the folder of the tables.

    Raises:
        UserError: nothing has an id, key or text that they name, or a raw file cannot be read.
    """
    tables = RunTables(data)
    ids = set(named.ids) | _ids_of_keys(named.keys, settings) | _pairs_of_queries(named.ids, tables)
    places_of_ids = _rejected_places(named.ids, tables)

    # The raw rows that were named, and all that they give.
    places = _places(_NamedRows(frozenset(ids), places_of_ids, named), settings, raw)
    rows = _OwnRows(frozenset(places))
    own_ids = _ids(rows, settings, raw)
    if places:
        shared = _SharedRows(frozenset(places), frozenset(own_ids), frozenset(rows.texts))
        own_ids -= _ids(shared, settings, raw)
        rows.texts -= shared.texts
    _check_known(named, own_ids, tables, is_found=bool(places))

    # What later stages made of it.
    made = _made_from(own_ids | set(named.ids), tables)
    texts = rows.texts | _texts_in_tables(own_ids | made, tables)
    return Forgotten(
        frozenset(places),
        frozenset(own_ids | made | set(named.ids)),
        frozenset(text for text in texts if text.strip()),
        frozenset(_pairs_of_documents(own_ids, tables) - own_ids),
        named.texts,
    )


class _NamedRows:
    """Looks for the rows that were named."""

    def __init__(self, ids: frozenset[str], places: frozenset[str], named: Named) -> None:
        self.ids = ids
        self.places = places
        self.named = named

    def __call__(self, row_id: str, record: Record) -> bool:
        if row_id in self.ids or record.key in self.named.keys:
            return True
        if self.places and str(record.place) in self.places:
            return True
        return any(_holds(record, text) for text in self.named.texts)


class _OwnRows:
    """Looks for what stands at `places`, and collects its texts."""

    def __init__(self, places: frozenset[Place]) -> None:
        self.places = places
        self.texts: set[str] = set()

    def __call__(self, row_id: str, record: Record) -> bool:
        if record.place not in self.places:
            return False
        # A long key, such as an address, says whose the record is.
        self.texts |= _texts_of(record) | split_texts([record.key])[1]
        return True


class _SharedRows:
    """Looks for ids and texts that stand at other places too."""

    def __init__(
        self, places: frozenset[Place], ids: frozenset[str], texts: frozenset[str]
    ) -> None:
        self.places = places
        self.ids = ids
        self.own_texts = texts
        self.texts: set[str] = set()

    def __call__(self, row_id: str, record: Record) -> bool:
        if record.place in self.places:
            return False
        self.texts |= self.own_texts & _texts_of(record)
        return row_id in self.ids


def _read(is_sought: IsSought, settings: CollectParams, raw: Path) -> Origins:
    """Read all sources, and return the rows that were asked for."""
    origins = Origins(is_sought)
    sources: list[Mapping[str, Source]] = [settings.sources]
    if settings.out_of_domain is not None:
        sources.append({OUT_OF_DOMAIN: settings.out_of_domain})
    for group in sources:
        own_files = {name: source for name, source in group.items() if _has_files(source)}
        if own_files:
            read_sources(own_files, raw, max_rejected_share=1.0, origins=origins)
    return origins


def _has_files(source: Source) -> bool:
    # Packages hold no data of the user.
    return getattr(source, "reader", "") not in ("hpo", "aws")


def _places(is_sought: IsSought, settings: CollectParams, raw: Path) -> set[Place]:
    return {place for _, place in _read(is_sought, settings, raw).rows}


def _ids(is_sought: IsSought, settings: CollectParams, raw: Path) -> set[str]:
    return {row_id for row_id, _ in _read(is_sought, settings, raw).rows} - {""}


def _holds(record: Record, text: str) -> bool:
    return any(text in value for value in (*record[:13], *_texts_of(record)))


def _texts_of(record: Record) -> set[str]:
    more = {positive.text for positive in record.more}
    return {record.title, record.text, record.anchor, *more, *record.negatives} - {""}


def _ids_of_keys(keys: Collection[str], settings: CollectParams) -> set[str]:
    ids = set()
    for name in (*settings.sources, OUT_OF_DOMAIN):
        for key in keys:
            ids |= {document_id(name, key), pair_id(name, key)}
    return ids


def _pairs_of_queries(ids: Collection[str], tables: RunTables) -> set[str]:
    """Return the collected pairs that gave the queries among `ids`."""
    queries = [row_id for row_id in ids if row_id.startswith("q")]
    pair_ids = set()
    for _, _, query in tables.rows("queries", "query_id", queries):
        for _, _, pair in tables.scan("pairs", "anchor", query["raw"]):
            pair_ids.add(pair["pair_id"])
    return pair_ids


def _rejected_places(ids: Collection[str], tables: RunTables) -> frozenset[str]:
    """Return the places of the rejected records among `ids`, as the ledger writes them."""
    rejected = [row_id for row_id in ids if row_id.startswith("r")]
    decisions = [row for _, _, row in tables.rows("ledger", "row_id", rejected)]
    return frozenset(row["after"] for row in decisions if row["after"])


def _check_known(
    named: Named, own_ids: Collection[str], tables: RunTables, *, is_found: bool
) -> None:
    """Check that something has each id, and any has the keys and texts.

    Raises:
        UserError: nothing has.
    """
    for row_id in sorted(named.ids):
        if row_id not in own_ids and row_id not in tables.matches(row_id) and not is_found:
            raise UserError(
                f"neither a raw file nor a table under {tables.data}/ knows the id '{row_id}'",
                "'python -m stages explain' shows the ids that begin with some characters; a key "
                "of your own file is named with --key",
            )
    if not named.ids and not is_found:
        raise UserError(
            "no row of a raw file has this key or text",
            "look at its spelling; texts are compared letter by letter, as the file holds them",
        )


def _made_from(ids: Collection[str], tables: RunTables) -> set[str]:
    """Return the pairs that later stages made from these rows: variants, and pairs of recipes."""
    made: set[str] = set()
    new = set(ids)
    while new:
        children = set()
        for row_id in sorted(new):
            for _, _, row in tables.scan("ledger", "partner_id", row_id):
                if row["action"] == "add":
                    children.add(row["row_id"])
            for _, _, row in tables.scan("synthetic_pairs", "origin_id", row_id):
                children.add(row["pair_id"])
        new = children - made - set(ids)
        made |= new
    return made


def _pairs_of_documents(ids: Collection[str], tables: RunTables) -> set[str]:
    """Return the pairs that lead to the documents among `ids`."""
    pair_ids = set()
    for doc_id in sorted(ids):
        if doc_id.startswith("d"):
            for name in ("pairs", "out_of_domain_pairs", "dissimilar_pairs"):
                pair_ids |= {row["pair_id"] for _, _, row in tables.scan(name, "doc_id", doc_id)}
    return pair_ids


def _texts_in_tables(ids: Collection[str], tables: RunTables) -> set[str]:
    """Return the texts of these ids in all tables, without those that other ids have too."""
    texts: set[str] = set()
    others: set[str] = set()
    for _, path in tables.files:
        columns = _TEXTS_OF_TABLE.get(path.stem)
        if columns is None:
            continue
        key, *names = columns
        table = parquet.read_table(path, columns=list(columns))
        is_own = compute.is_in(table[key], value_set=_array(ids))
        for name in names:
            own = set(table[name].filter(is_own).to_pylist())
            texts |= own
            rest = table[name].filter(compute.invert(is_own))
            others |= set(rest.filter(compute.is_in(rest, value_set=_array(own))).to_pylist())
    return texts - others


def _array(values: Collection[str]) -> object:
    import pyarrow as arrow

    return arrow.array(sorted(values), arrow.string())

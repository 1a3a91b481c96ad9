"""The rejected records of a source: their lines in the ledger, and the share that is too large."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from stages.collect.columns import Place, Record
from stages.collect.records import params_path, record_id, record_json
from stages.collect.stored_ledger import StoredLedger
from stages.collect.table_source import TableSource
from stages.lib.core.errors import UserError

# How many records an error shows, and how many characters of each.
SHOWN = 3
SHOWN_CHARACTERS = 160

# The column to look at first when most rows are rejected for a reason.
_COLUMN_OF_REASON = {
    "empty_text": "columns.text",
    "empty_anchor": "columns.anchor",
    "bad_score": "columns.score",
    "bad_grade": "columns.grade",
    "bad_time": "columns.time",
    "duplicate_key": "columns.key",
    "repeated_header": "header",
}


class Rejected(NamedTuple):
    """A rejected record: where it stands, why it is rejected, and its mapped columns as JSON."""

    place: Place
    reason: str
    before: str


class Rejections:
    """Notes rejected records in a ledger, and counts them by reason."""

    def __init__(
        self, name: str, source: TableSource, ledger: StoredLedger, remedy: str = ""
    ) -> None:
        self.count_by_reason: Counter[str] = Counter()
        self._count_by_rule: Counter[str] = Counter()
        self._name = name
        self._remedy = remedy
        self._source = source
        self._ledger = ledger
        self._last_content = ""
        self._ordinal = 0
        self._first: list[Rejected] = []

    def add(self, record: Record, reason: str, partner_id: str) -> None:
        """Note the record in the ledger, with its mapped columns as they were read, and its place.

        A duplicate names the row that was kept, `partner_id`. Equal records come one after another.
        """
        before = record_json(_mapped_values(record, self._source))
        self.add_values(record.place, reason, before, partner_id)

    def add_values(self, place: Place, reason: str, before: str, partner_id: str = "") -> None:
        """Note a rejected record by what it holds, as JSON."""
        self.count_by_reason[reason] += 1
        self._drop(place, reason, before, partner_id=partner_id)

        # The first ones of the files.
        self._first.append(Rejected(place, reason, before))
        self._first.sort()
        del self._first[SHOWN:]

    def add_by_rule(self, place: Place, reason: str, before: str) -> None:
        """Note a record that a rule of its kind leaves out. It counts as no rejected one."""
        self._count_by_rule[reason] += 1
        self._drop(place, reason, before)

    @property
    def left_out_count(self) -> int:
        """The number of records in the ledger, for whatever reason."""
        return self.count_by_reason.total() + self._count_by_rule.total()

    def check_share(self, records_read: int, max_share: float) -> None:
        """Check that no larger share of the records was rejected than `max_share`.

        Raises:
            UserError: a larger share was. The message shows the first rejected records.
        """
        rejected = self.count_by_reason.total()
        if rejected <= max_share * records_read:
            return

        lines = [
            f"  {place} ({reason}): {_shortened(before)}" for place, reason, before in self._first
        ]
        raise UserError(
            "\n".join(
                [
                    f"{self._source.path}: {rejected:,} of {records_read:,} records were rejected "
                    f"({100 * rejected / records_read:.0f} %: {self._counts()}); "
                    f"collect.max_rejected_share = {max_share:g} allows fewer",
                    *lines,
                ]
            ),
            f"{self._correction()}; or raise collect.max_rejected_share if these records may be "
            "left out",
        )

    def no_usable_rows(self, records_read: int, missing: Counter[str]) -> UserError:
        """Return the error for a source without a usable row; `missing` counts further reasons."""
        self.count_by_reason.update(missing)
        self.count_by_reason.update(self._count_by_rule)
        self.count_by_reason = +self.count_by_reason
        return UserError(
            f"{self._source.path}: none of its {records_read} rows can be used "
            f"({self._counts(short=True)})",
            self._correction(),
        )

    def _drop(self, place: Place, reason: str, before: str, *, partner_id: str = "") -> None:
        # Equal records are told apart by their number.
        self._ordinal = self._ordinal + 1 if before == self._last_content else 0
        self._last_content = before
        self._ledger.drop(
            record_id(self._name, before, str(self._ordinal)),
            reason,
            partner_id=partner_id,
            before=before,
            after=str(place),
        )

    def _correction(self) -> str:
        if self._remedy:
            return self._remedy
        return f"correct {self._likely_setting()} in params.yaml, or the file"

    def _counts(self, *, short: bool = False) -> str:
        counts = sorted(self.count_by_reason.items())
        if short:
            return ", ".join(f"{reason} {count}" for reason, count in counts)
        return ", ".join(f"{count:,} {reason}" for reason, count in counts)

    def _likely_setting(self) -> str:
        """Return the key of the column behind the most frequent reason."""
        counts = self.count_by_reason
        most_frequent = max(sorted(counts), key=lambda reason: counts[reason])
        column = _COLUMN_OF_REASON.get(most_frequent, "columns.document_key")
        if column == "columns.text" and self._source.columns.positive:
            column = "columns.positive"
        return f"{params_path(self._name)}.{column}"


def _mapped_values(record: Record, source: TableSource) -> dict[str, object]:
    """Return the mapped columns of a record, as they were read."""
    values: dict[str, object] = {}
    parts = record.parts()
    for field, column in source.columns.mapped().items():
        if field == "negative":
            values[column] = list(record.negatives)
        elif field == "positive":
            values[column] = [part.text for part in parts] if record.more else record.text
        elif field in ("score", "grade") and record.more:
            values[column] = [getattr(part, field) for part in parts]
        else:
            values[column] = getattr(record, field)

    return values


def _shortened(text: str) -> str:
    text = " ".join(text.splitlines())
    return text if len(text) <= SHOWN_CHARACTERS else text[: SHOWN_CHARACTERS - 3] + "..."

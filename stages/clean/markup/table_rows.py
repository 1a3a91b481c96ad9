"""Rows of tables: one line each, with a bar between cells, and cells that span several."""

from __future__ import annotations

# A cell may span so many columns or rows; HTML allows more, but no reader needs it.
MOST_COLUMNS = 50
MOST_ROWS = 500
# A longer text is not repeated in each row that its cell spans.
LONGEST_REPEATED = 200


class TableRows:
    """Knows which column of a table comes next, and which cells reach into a row from above.

    A cell that spans rows is repeated in each, so that every line says what it is about. Columns
    that a cell spans stay empty behind it, so that the next cell keeps its column.
    """

    def __init__(self) -> None:
        # Column to the text that reaches down, and the number of rows that it still reaches.
        self._from_above: dict[int, tuple[str, int]] = {}
        self._column = 0
        self._row_span = 1
        self._column_span = 1
        self._cell_column = 0

    def next_cell(self, column_span: int, row_span: int) -> str:
        """Return what stands between the last cell of the row and the next one."""
        # Columns that the last cell spans stay empty.
        bars = self._skip()
        self._cell_column = self._column
        self._column_span = column_span if 0 < column_span <= MOST_COLUMNS else 1
        self._row_span = row_span if 0 < row_span <= MOST_ROWS else 1
        self._column += self._column_span

        return bars

    def end_cell(self, text: str) -> None:
        """Note the text of the cell, if it spans rows."""
        if self._row_span > 1:
            repeated = text if len(text) <= LONGEST_REPEATED else ""
            # One more, because the row of the cell itself counts down too.
            for offset in range(self._column_span):
                shown = repeated if offset == 0 else ""
                self._from_above[self._cell_column + offset] = (shown, self._row_span)

        self._row_span = 1

    def end_row(self) -> str:
        """Return the cells that reach into the end of the row from above."""
        cells = self._skip()
        for column, (text, rows) in sorted(self._from_above.items()):
            self._from_above[column] = (text, rows - 1)
            if rows <= 1:
                del self._from_above[column]

        self._column = 0
        self._column_span = 1
        return cells.rstrip(" |") if cells.strip(" |") else ""

    def _skip(self) -> str:
        """Return bars and cells up to the next free column."""
        pieces: list[str] = []
        if self._column > 0:
            pieces.append(" | " * self._column_span)
        while self._column in self._from_above:
            pieces.append(self._from_above[self._column][0] + " | ")
            self._column += 1

        self._column_span = 1
        return "".join(pieces)

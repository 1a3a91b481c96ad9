"""Write the page that a person reads: measurements, row counts, failures and advice.

Reads the details of every other stage, the plots, the results by query, the slices, and the texts
of the validation queries, of their relevant documents and of the first hits. Writes one HTML file
that opens offline, and how many charts and tables it has. Test queries are counted and never shown:
people who read them start to choose by them.
"""

from __future__ import annotations

from stages.lib.core.interface import Stage
from stages.report.interface import Inputs, Outputs, Params
from stages.report.measurements import read_data
from stages.report.sections import write_page


def run(inputs: Inputs, params: Params) -> Outputs:
    """Write the page that a person reads: measurements, row counts, failures and advice."""
    data = read_data(inputs)
    page = write_page(data, params.report.worst_queries)

    # Text from data is escaped, so all tags belong to the page itself.
    return Outputs(
        page=page,
        details={"charts": page.count("<figure>"), "tables": page.count("<table>")},
    )


STAGE = Stage(run, groups=("tables", "page"))
main = STAGE.main
app = STAGE.app

if __name__ == "__main__":
    app()

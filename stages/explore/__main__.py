"""Draw the documents as a map and list them in a table, in one page that opens offline.

Reads the documents, their passages, anchors, splits, near-duplicates and hard negatives, and what
the ledgers say about them. Nothing of the test split is shown. The base model places each document
by its first passage.
"""

from __future__ import annotations

import numpy as np

from stages.explore.gather import gather
from stages.explore.interface import Inputs, Outputs, Params
from stages.explore.layout import kept_neighbours
from stages.explore.page import BASE_MODEL, render
from stages.lib.core.device import choose_device
from stages.lib.core.interface import Stage
from stages.lib.core.model_files import find_base_model
from stages.lib.core.params import sample_mark
from stages.lib.retrieval.encoder import Encoder


def run(inputs: Inputs, params: Params) -> Outputs:
    """Draw the documents as a map and list them in a table, in one page that opens offline."""
    encoder = Encoder(find_base_model(params.model), choose_device(params.run))
    rows = gather(inputs, params, {BASE_MODEL: encoder})

    details = {
        **sample_mark(params.run.sample),
        "documents": len(rows.documents),
        "left_out": rows.left_out,
    }
    kept = kept_neighbours(rows.maps[0].positions, rows.maps[0].neighbours)
    if not np.isnan(kept):
        details["kept_neighbours"] = round(kept, 3)
    return Outputs(page=render(rows), details=details)


STAGE = Stage(run, groups=("tables", "model"))
main = STAGE.main
app = STAGE.app

if __name__ == "__main__":
    app()

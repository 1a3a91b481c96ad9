"""The list of all kinds of sources."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from stages.collect.kinds import (
    aws,
    beir,
    documents,
    hpo,
    huggingface,
    search_log,
    sql,
    table,
    trainer,
)
from stages.collect.kinds.aws import AwsSource
from stages.collect.kinds.beir import BeirSource
from stages.collect.kinds.documents import DocumentsSource
from stages.collect.kinds.hpo import HpoSource
from stages.collect.kinds.huggingface import HuggingFaceSource
from stages.collect.kinds.kind import Kind
from stages.collect.kinds.search_log import SearchLogSource
from stages.collect.kinds.sql import SqlSource
from stages.collect.kinds.trainer import TrainerSource
from stages.collect.source import Source
from stages.collect.table_source import TableSource

# The settings of any source. The key `reader` says which kind it is.
AnySource = Annotated[
    AwsSource  # one kind a line
    | BeirSource
    | DocumentsSource
    | HpoSource
    | HuggingFaceSource
    | SearchLogSource
    | SqlSource
    | TableSource
    | TrainerSource,
    Field(discriminator="reader"),
]

KINDS = (
    aws.KIND,
    beir.KIND,
    documents.KIND,
    hpo.KIND,
    huggingface.KIND,
    search_log.KIND,
    sql.KIND,
    table.KIND,
    trainer.KIND,
)


def kind_of(source: Source) -> Kind:
    """Return the kind of `source`."""
    return next(kind for kind in KINDS if isinstance(source, kind.settings))

"""What counts as a leak, and the limits of the gates."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from stages.lib.params import Section


class ValidateParams(Section):
    """What counts as a leak, and the limits of the gates."""

    section: ClassVar[str] = "validate"
    near_threshold: float = Field(ge=0.5, le=1.0)
    min_random_auc: float = Field(ge=0.0, le=1.0)
    min_bm25_auc: float = Field(ge=0.0, le=1.0)
    min_effective_rank: float = Field(ge=0.0, le=1.0)
    max_random_cosine: float = Field(ge=-1.0, le=1.0)
    max_hidden_positives: float = Field(ge=0.0, le=1.0)
    max_false_negatives: float = Field(ge=0.0, le=1.0)
    max_truncated: float = Field(ge=0.0, le=1.0)
    max_duplicates: float = Field(ge=0.0, le=1.0)
    max_easy_anchors: float = Field(ge=0.0, le=1.0)
    max_unlike_anchors: float = Field(ge=0.0, le=1.0)
    max_document_share: float = Field(gt=0.0, le=1.0)
    hoped_gain: float = Field(gt=0.0, le=1.0)

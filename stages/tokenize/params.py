"""The section `tokenize` of params.yaml."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from stages.lib.params import Section


class TokenizeParams(Section):
    """How many tokens a text may have, and how many texts may be longer."""

    section: ClassVar[str] = "tokenize"
    max_tokens: int = Field(ge=8, le=512)
    max_truncated_share: float = Field(ge=0.0, le=1.0)

"""The section `split` of params.yaml."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field, model_validator

from stages.lib.params import Section

Unit = Literal["component", "anchor", "group", "time"]


class SplitParams(Section):
    """How large the splits are, what ties rows together, what is kept out, and how many pairs are trained on."""

    section: ClassVar[str] = "split"
    train: float = Field(gt=0.0, lt=1.0)
    validation: float = Field(gt=0.0, lt=1.0)
    unit: Unit
    topic_levels: int | None = Field(ge=1)
    near_threshold: float = Field(ge=0.5, le=1.0)
    max_component_share: float = Field(gt=0.0, le=1.0)
    protect: list[str]
    max_train_pairs: int | None = Field(ge=1)

    @model_validator(mode="after")
    def _leaves_room_for_test(self) -> SplitParams:
        if self.train + self.validation >= 1.0:
            raise ValueError(
                "train + validation leave nothing for test; they must add up to less than 1"
            )
        return self

    @model_validator(mode="after")
    def _topics_need_documents(self) -> SplitParams:
        if self.topic_levels is not None and not self.splits_documents:
            raise ValueError(
                f"topic_levels ties documents, which the unit '{self.unit}' shares between splits"
            )
        return self

    @property
    def splits_documents(self) -> bool:
        """Whether documents are kept apart too; otherwise only anchors are, and documents may be shared."""
        return self.unit in ("component", "group")

"""One section of params.yaml, read into its typed model. Models live with their stages."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from stages.lib.core.errors import UserError
from stages.lib.core.model_config import own_prompts
from stages.lib.core.model_folders import model_folder
from stages.lib.core.yaml_files import line_of, read_yaml, refuse_anchors

PARAMS_FILE = Path("params.yaml")


class ParamsSection(BaseModel):
    """A section of params.yaml. Unknown keys, wrong types and wrong values are refused by name."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)
    section: ClassVar[str]


class RunParams(ParamsSection):
    """The seed, the number of threads, the share of components, and where models compute."""

    section: ClassVar[str] = "run"
    seed: int = Field(ge=0, le=2**31 - 1)
    threads: int = Field(ge=1, le=256)
    sample: float | None = Field(default=None, gt=0.0, lt=1.0)
    device: Literal["auto", "cpu", "cuda", "mps"] = "cpu"
    precision: Literal["float32", "bfloat16"] = "float32"


class RunSample(ParamsSection):
    """The share of the components that is used; None for all. The key is in the section `run`."""

    model_config = ConfigDict(extra="ignore")
    section: ClassVar[str] = "run"
    sample: float | None = Field(default=None, gt=0.0, lt=1.0)


class ModelParams(ParamsSection):
    """The base model: it mines negatives and measures the data, and is then fine-tuned."""

    section: ClassVar[str] = "model"
    base: str = Field(min_length=1)
    revision: str = ""
    sha256: str = Field(default="", pattern=r"^([0-9a-f]{64})?$")
    weights_sha256: str = Field(pattern=r"^([0-9a-f]{64})?$")
    anchor_prompt: str
    document_prompt: str

    @model_validator(mode="before")
    @classmethod
    def _fill_prompts(cls, values: Any) -> Any:
        """Fill prompts that are null in the file with those that the model brings.

        A model that is not here has none. A stage that needs it stops when it looks for it.
        """
        if not isinstance(values, dict):
            return values

        base = values.get("base")
        revision = values.get("revision", "")
        if not isinstance(base, str) or not isinstance(revision, str):
            return values

        folder = model_folder(base, revision)
        filled = dict(values)
        for index, key in enumerate(("anchor_prompt", "document_prompt")):
            if key in values and values[key] is None:
                filled[key] = own_prompts(folder, None, None)[index] if folder else ""
        return filled


def sample_mark(share: float | None) -> dict[str, float]:
    """Return the mark of numbers that are measured on a sample; nothing for all rows.

    >>> sample_mark(0.02), sample_mark(None)
    ({'sample': 0.02}, {})
    """
    return {} if share is None else {"sample": share}


class PairShape(ParamsSection):
    """The shape of a training row. It is in the section `pair`; later stages read it too."""

    model_config = ConfigDict(extra="ignore")
    section: ClassVar[str] = "pair"
    shape: Literal["ranking", "scores"]


class ScoreThreshold(ParamsSection):
    """The score from which a pair is positive. The key is in the section `pair`."""

    model_config = ConfigDict(extra="ignore")
    section: ClassVar[str] = "pair"
    positive_from: float = Field(gt=0.0, le=1.0)


class DocumentTemplate(ParamsSection):
    """How a document reads when it is embedded. The key is in the section `pair`."""

    model_config = ConfigDict(extra="ignore")
    section: ClassVar[str] = "pair"
    document_text: str


class SplitUnit(ParamsSection):
    """What splits keep apart. The key is in the section `split`."""

    model_config = ConfigDict(extra="ignore")
    section: ClassVar[str] = "split"
    unit: Literal["component", "anchor", "group", "time"]


class ComponentWeight(ParamsSection):
    """The most queries that a component counts as. The key is in the section `evaluate`."""

    model_config = ConfigDict(extra="ignore")
    section: ClassVar[str] = "evaluate"
    component_weight: int = Field(ge=1, le=1_000_000)


AnySection = TypeVar("AnySection", bound=ParamsSection)


def load_section(model: type[AnySection], path: Path = PARAMS_FILE) -> AnySection:
    """Return section `model.section` of `path`, checked.

    Raises:
        UserError: the file, the section or a value is wrong. The message names the key.
    """
    values = read_yaml(path).get(model.section)
    refuse_anchors(path)
    if not isinstance(values, dict):
        raise UserError(
            f"{path}: section '{model.section}' is missing or not a mapping",
            f"add '{model.section}:' with its keys, as in git",
        )
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise UserError(
            _validation_message(path, model.section, values, error),
            "each key's meaning and range stands above it in params.yaml",
        ) from None


def _validation_message(
    path: Path, section: str, values: dict[str, Any], error: ValidationError
) -> str:
    """Return the first five errors of validation, a line each."""
    lines = []
    for fault in error.errors()[:5]:
        keys = [section, *_keys_of(values, fault["loc"])]
        key = ".".join(keys)
        place = _place(path, keys)
        if fault["type"] == "extra_forbidden":
            lines.append(f"{path}: unknown key {key}{place}")
        elif fault["type"] == "missing":
            lines.append(f"{path}: {key} is missing{place}")
        else:
            # Of an unknown kind the name is shown, and not all its settings.
            is_unknown_kind = fault["type"] == "union_tag_invalid"
            given = fault["ctx"]["tag"] if is_unknown_kind else fault["input"]
            reason = fault["msg"][:1].lower() + fault["msg"][1:]
            if fault["type"] in {"float_type", "int_type"} and _is_number(given):
                reason += "; this is a text, so write it without quotes"
            lines.append(f"{path}: {key} = {str(given)[:60]!r}: {reason}{place}")
    if error.error_count() > 5:
        lines.append(f"and {error.error_count() - 5} more")
    return "\n".join(lines)


def _place(path: Path, keys: list[str]) -> str:
    """Return " (line N)" of the deepest of `keys` that the file has."""
    line = line_of(path, keys)
    return f" (line {line})" if line else ""


def _is_number(value: Any) -> bool:
    """Return whether a text reads as a number.

    >>> _is_number("1e-5"), _is_number("many")
    (True, False)
    """
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return isinstance(value, str)


def _keys_of(values: Any, location: tuple[int | str, ...]) -> list[str]:
    """Return the keys of the file that lead to an error.

    Where a key chooses between models, pydantic adds the name of the chosen one to `location`. It
    is no key of the file, so it is left out.
    """
    keys = []
    for index, part in enumerate(location):
        inside = dict(enumerate(values)) if isinstance(values, list) else values
        if isinstance(inside, dict) and part in inside:
            values = inside[part]
        elif index < len(location) - 1:
            continue
        keys.append(str(part))
    return keys

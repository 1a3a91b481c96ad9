"""One section of params.yaml, read into its typed model. Models live with their stages."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from stages.lib.errors import Problem

PARAMS = Path("params.yaml")


class Section(BaseModel):
    """A section of params.yaml: unknown keys, wrong types and values out of range are refused by name."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)
    section: ClassVar[str]


class Run(Section):
    """What every stage shares."""

    section: ClassVar[str] = "run"
    seed: int = Field(ge=0, le=2**31 - 1)
    threads: int = Field(ge=1, le=256)


class Model(Section):
    """The base model: what is fine-tuned, and what mines and measures before that."""

    section: ClassVar[str] = "model"
    base: str = Field(min_length=1)
    weights_sha256: str = Field(pattern=r"^([0-9a-f]{64})?$")
    anchor_prompt: str
    document_prompt: str


class Shape(Section):
    """What a row of training is. The key is the stage pair's; the stages after it must agree with it."""

    model_config = ConfigDict(extra="ignore")
    section: ClassVar[str] = "pair"
    shape: Literal["ranking", "scores"]


class Labels(Section):
    """From which score a pair is an answer. The key is the stage pair's; whoever reads scores must agree with it."""

    model_config = ConfigDict(extra="ignore")
    section: ClassVar[str] = "pair"
    positive_from: float = Field(gt=0.0, le=1.0)


AnySection = TypeVar("AnySection", bound=Section)


def load(model: type[AnySection], path: Path = PARAMS) -> AnySection:
    """Return section `model.section` of `path`, checked.

    Raises Problem when the file, the section or a value is wrong; the message names the key.
    """
    values = read_yaml(path).get(model.section)
    if not isinstance(values, dict):
        raise Problem(
            f"{path}: section '{model.section}' is missing or not a mapping",
            f"add '{model.section}:' with its keys, as in git",
        )
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise Problem(
            _told(path, model.section, values, error),
            "each key's meaning and range stands above it in params.yaml",
        ) from None


def read_yaml(path: Path) -> dict[str, Any]:
    """Return the mapping in `path`. YAML 1.2, as DVC writes it: `2e-5` is a number, not a string."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        values = YAML(typ="safe", pure=True).load(path.read_text("utf-8"))
    except FileNotFoundError:
        raise Problem(
            f"{path} does not exist in {Path.cwd().name}/", "run from the root of the project"
        ) from None
    except (YAMLError, UnicodeDecodeError) as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        raise Problem(
            f"{path} is not valid YAML: {' '.join(lines)[:300]}", "correct the line named above"
        ) from None
    if not isinstance(values, dict):
        raise Problem(f"{path} holds no sections", f"restore it with 'git checkout {path}'")
    return values


def _told(path: Path, section: str, values: dict[str, Any], error: ValidationError) -> str:
    told = []
    for fault in error.errors()[:5]:
        key = ".".join([section, *_keys(values, fault["loc"])])
        if fault["type"] == "extra_forbidden":
            told.append(f"{path}: unknown key {key}")
        elif fault["type"] == "missing":
            told.append(f"{path}: {key} is missing")
        else:
            told.append(
                f"{path}: {key} = {str(fault['input'])[:60]!r}: {fault['msg'][:1].lower() + fault['msg'][1:]}"
            )
    if error.error_count() > 5:
        told.append(f"and {error.error_count() - 5} more")
    return "\n".join(told)


def _keys(values: Any, location: tuple[int | str, ...]) -> list[str]:
    # Where a key chooses between models, pydantic puts the chosen one into the location; it is no key of the file.
    keys = []
    for at, part in enumerate(location):
        inside = dict(enumerate(values)) if isinstance(values, list) else values
        if isinstance(inside, dict) and part in inside:
            values = inside[part]
        elif at < len(location) - 1:
            continue
        keys.append(str(part))
    return keys

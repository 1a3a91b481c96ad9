"""What a kind of source declares: its settings, and the function that reads it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from stages.collect.records import SourceRows
from stages.collect.source import ReadRequest, Source


def _accept(name: str, source: Any, sources: Mapping[str, Source]) -> None:
    """Accept all settings: their model has checked them."""


class Kind(NamedTuple):
    """A kind of source, as `reader` names it in params.yaml.

    Attributes:
        settings: the model of its settings.
        read: returns the rows of a source, from its settings and the request.
        check: checks settings that the model cannot check alone. It gets the name of the source,
            its settings, and the settings of all sources by name, and raises a UserError.
    """

    settings: type[Source]
    read: Callable[[Any, ReadRequest], SourceRows]
    check: Callable[[str, Any, Mapping[str, Source]], None] = _accept

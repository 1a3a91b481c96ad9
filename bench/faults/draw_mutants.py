"""Draw small faults in the code, by mutmut's operators and a few more. Runs where mutmut is installed.

    python bench/faults/draw_mutants.py REQUEST RESULT

REQUEST is a JSON file: `root`, `parts` (name to source files), `count`, `seed`. RESULT gets a list of
drawn mutants: part, file, line, and the whole source with the fault. Each part has about as many.

Left out are faults of strings, messages, docstrings, annotations, names of types, and `strict` of zip,
which is a check that never fires. None in place of a value is left out too: it fails wherever it is
reached, so it says little of the tests.
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import libcst as cst
import libcst.matchers as m
from libcst.metadata import MetadataWrapper, ParentNodeProvider, PositionProvider
from mutmut.mutation.file_mutation import MutationVisitor
from mutmut.mutation.mutators import (
    mutation_operators,
    operator_arg_removal,
    operator_assignment,
    operator_string,
)
from mutmut.mutation.pragma_handling import IgnoredCode

# Calls that show something to people, or describe a parameter.
SHOWING = {"UserError", "Problem", "say", "Field", "option", "GateText"}
# A call and what takes its place.
OTHER_CALLS = {"sorted": "list", "max": "min", "min": "max", "any": "all", "all": "any"}
COUNTS = {"len", "sum"}


def other_call(node: cst.Call) -> Iterable[cst.CSTNode]:
    """Yield what makes a count 0, or turns a choice or an order over."""
    if not isinstance(node.func, cst.Name):
        return
    if node.func.value in COUNTS:
        yield cst.Integer("0")
    if node.func.value in OTHER_CALLS:
        yield node.with_changes(func=cst.Name(OTHER_CALLS[node.func.value]))


def always_or_never(node: cst.If) -> Iterable[cst.CSTNode]:
    """Yield the condition that always holds, and the one that never does."""
    for value in ("True", "False"):
        yield node.with_changes(test=cst.Name(value))


def fewer_arguments(node: cst.Call) -> Iterable[cst.CSTNode]:
    """Yield the call without one of its arguments, where it may well run without."""
    last = len(node.args) - 1
    for number, argument in enumerate(node.args):
        if argument.keyword is not None:
            is_option = argument.keyword.value != "strict"
        else:
            is_option = m.matches(node.func, m.Name("max") | m.Name("min")) or (
                isinstance(node.func, cst.Attribute) and number == last
            )
        if last and is_option:
            yield node.with_changes(args=[*node.args[:number], *node.args[number + 1 :]])


LEFT_OUT = {operator_string, operator_assignment, operator_arg_removal}
OPERATORS = [
    *(pair for pair in mutation_operators if pair[1] not in LEFT_OUT),
    (cst.Call, fewer_arguments),
    (cst.Call, other_call),
    (cst.If, always_or_never),
]


class Visitor(MutationVisitor):  # type: ignore[misc]
    """Mutmut's visitor, which also enters decorated functions and mutates `len`."""

    METADATA_DEPENDENCIES = (*MutationVisitor.METADATA_DEPENDENCIES, ParentNodeProvider)

    def __init__(self) -> None:
        super().__init__(OPERATORS, IgnoredCode(set(), set(), set()))

    def _skip_node_and_children(self, node: cst.CSTNode) -> bool:
        if isinstance(node, cst.FunctionDef):
            return False
        if m.matches(node, m.Call(func=m.Name("len"))):
            self._create_mutations(node)
            return True
        return bool(super()._skip_node_and_children(node)) or self._is_left_out(node)

    def _is_left_out(self, node: cst.CSTNode) -> bool:
        if isinstance(
            node, cst.Raise | cst.Assert | cst.FormattedString | cst.Import | cst.ImportFrom
        ):
            return True
        if isinstance(node, cst.Call):
            return _name(node.func) in SHOWING
        if isinstance(node, cst.Arg):
            return node.keyword is not None and node.keyword.value == "strict"
        # The name of a type: `Edges = list[Edge]`.
        is_type = isinstance(node, cst.Assign) and isinstance(node.value, cst.Subscript)
        return is_type and self.get_metadata(PositionProvider, node).start.column == 0


def _name(node: cst.CSTNode) -> str:
    if isinstance(node, cst.Attribute):
        return str(node.attr.value)
    return str(node.value) if isinstance(node, cst.Name) else ""


class Candidate(NamedTuple):
    """A mutation and where it stands."""

    file: str
    line: int
    module: cst.Module
    mutation: Any


def candidates(root: Path, file: str) -> list[Candidate]:
    """Return every mutation of a file."""
    wrapper = MetadataWrapper(cst.parse_module((root / file).read_text("utf-8")))
    visitor = Visitor()
    wrapper.visit(visitor)
    positions = wrapper.resolve(PositionProvider)
    return [
        Candidate(file, positions[mutation.original_node].start.line, wrapper.module, mutation)
        for mutation in visitor.mutations
        if mutation.original_node in positions
    ]


def main(request_file: Path, result_file: Path) -> None:
    """Draw what the request asks for."""
    request = json.loads(request_file.read_text("utf-8"))
    root = Path(request["root"])
    parts = request["parts"]
    drawn = []
    for number, (part, files) in enumerate(parts.items()):
        pool = [one for file in files for one in candidates(root, file)]
        count = request["count"] // len(parts) + (number < request["count"] % len(parts))
        chosen = random.Random(f"{request['seed']} {part}").sample(pool, min(count, len(pool)))
        for one in chosen:
            source = one.module.deep_replace(
                one.mutation.original_node, one.mutation.mutated_node
            ).code
            drawn.append({"part": part, "file": one.file, "line": one.line, "source": source})
    result_file.write_text(json.dumps(drawn), "utf-8")
    print(len(drawn))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))

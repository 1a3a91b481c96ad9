"""Every regular expression of the project, and texts that make one slow.

Patterns are collected twice: from the modules as they are imported (whatever way a pattern was
built), and from their syntax trees (patterns that stand inside functions).
"""

import ast
import importlib
import inspect
import pkgutil
import re
import re._constants as constants
import re._parser as parser
from collections import defaultdict
from functools import cache
from itertools import islice, product
from pathlib import Path
from typing import NamedTuple

import stages

FUNCTIONS = {
    "compile",
    "sub",
    "subn",
    "search",
    "match",
    "fullmatch",
    "findall",
    "finditer",
    "split",
}
# Methods that look at a single place of a text.
ANCHORED = {"match", "fullmatch"}
# A repetition that can be longer is a pump.
LONG = 20
REPEATS = (constants.MAX_REPEAT, constants.MIN_REPEAT, constants.POSSESSIVE_REPEAT)


class Use(NamedTuple):
    """A pattern, where it stands, and the methods that it is used with."""

    place: str
    pattern: re.Pattern
    methods: frozenset


@cache
def modules():
    """Return all modules of the project but those that run a command when they are imported."""
    names = [info.name for info in pkgutil.walk_packages(stages.__path__, "stages.")]
    return [importlib.import_module(name) for name in names if not name.endswith("hub_worker")]


@cache
def trees():
    """Return file to syntax tree."""
    files = sorted(Path(stages.__path__[0]).rglob("*.py"))
    return {path: ast.parse(path.read_text("utf-8")) for path in files}


@cache
def uses_of_name():
    """Return name of a variable to {file: the methods that it is used with there}."""
    uses = defaultdict(lambda: defaultdict(set))
    for path, tree in trees().items():
        for parent in ast.walk(tree):
            for node in ast.iter_child_nodes(parent):
                if not isinstance(node, (ast.Name, ast.Attribute)):
                    continue
                if isinstance(node.ctx, ast.Load):
                    name = node.id if isinstance(node, ast.Name) else node.attr
                    is_owner = isinstance(parent, ast.Attribute)
                    uses[name][path].add(parent.attr if is_owner else "handed on")
    return uses


def _methods(module, name):
    """Return how a variable is used: a private one in its own file, another one in every file."""
    own = Path(module.__file__)
    methods = set()
    for path, names in uses_of_name()[name].items():
        if path == own or not name.startswith("_"):
            methods |= names
    return methods & (FUNCTIONS | {"handed on"})


def _patterns_in(value, depth=0):
    if isinstance(value, re.Pattern):
        yield value
    elif depth < 3 and isinstance(value, dict):
        for item in value.items():
            yield from _patterns_in(item, depth + 1)
    elif depth < 3 and isinstance(value, (list, tuple, set, frozenset)):
        for item in value:
            yield from _patterns_in(item, depth + 1)
    elif depth < 3 and isinstance(value, type) and value.__module__.startswith("stages"):
        for item in vars(value).values():
            yield from _patterns_in(item, depth + 1)


@cache
def imported_patterns():
    """Return the patterns that the variables of all modules hold."""
    uses = {}
    for module in modules():
        for name, value in sorted(vars(module).items()):
            for pattern in _patterns_in(value):
                if isinstance(pattern.pattern, str):
                    methods = _methods(module, name)
                    key = (pattern.pattern, pattern.flags)
                    place = f"{module.__name__.removeprefix('stages.')}.{name}"
                    before = uses.get(key)
                    if before:
                        methods = methods | before.methods
                        place = before.place
                    uses[key] = Use(place, pattern, frozenset(methods))
    for function in pattern_functions():
        pattern = function()
        place = f"{function.__module__.removeprefix('stages.')}.{function.__name__}"
        uses[pattern.pattern, pattern.flags] = Use(place, pattern, frozenset())
    return list(uses.values())


def pattern_functions():
    """Return the functions that build a pattern from nothing but files of the project."""
    functions = []
    for module in modules():
        for value in vars(module).values():
            is_own = callable(value) and getattr(value, "__module__", "") == module.__name__
            returned = getattr(value, "__annotations__", {}).get("return") if is_own else None
            if returned == "re.Pattern[str]" and not inspect.signature(value).parameters:
                functions.append(value)
    return functions


@cache
def written_patterns():
    """Return patterns that stand in calls of `re`, and (place, is inside a function) of others.

    The others are built at run time. What a module builds as it is imported is collected there.
    """
    constant, built = [], []
    for path, tree in trees().items():
        outer = [node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef))]
        inside = [range(node.lineno, node.end_lineno + 1) for node in outer]
        for node in ast.walk(tree):
            if not (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and isinstance(node.func.value, ast.Name)
                and node.func.value.id == "re"
                and node.func.attr in FUNCTIONS
            ):
                continue
            place = f"{path.relative_to(Path(stages.__path__[0]))}:{node.lineno}"
            text = node.args[0]
            if isinstance(text, ast.Constant) and node.func.attr != "compile":
                constant.append(Use(place, re.compile(text.value), frozenset({node.func.attr})))
            elif not isinstance(text, ast.Constant):
                built.append((place, any(node.lineno in lines for lines in inside)))
    return constant, built


CANDIDATES = " aA1.,;:-_/\\()[]{}<>\"'`*#|@=&%+?!~^$\n\t\x00\u00e9\u0627\u53d1\u00ad"
CATEGORIES = {"DIGIT": re.compile(r"\d"), "SPACE": re.compile(r"\s"), "WORD": re.compile(r"\w")}


def _is_in(items, character):
    code = ord(character)
    for op, value in items:
        if op is constants.LITERAL and value == code:
            return True
        if op is constants.RANGE and value[0] <= code <= value[1]:
            return True
        if op is constants.CATEGORY:
            name = str(value).rpartition("CATEGORY_")[2]
            is_match = CATEGORIES[name.removeprefix("NOT_")].match(character) is not None
            if is_match != name.startswith("NOT_"):
                return True
    return False


def characters_of(items, most=3):
    """Return up to `most` characters that a set takes."""
    return _characters(tuple(items))[:most]


@cache
def _characters(items):
    negated = any(op is constants.NEGATE for op, _ in items)
    own = [] if negated else _own_characters(items)
    chosen = [
        character
        for character in dict.fromkeys([*own, *CANDIDATES])
        if _is_in(items, character) != negated
    ]
    return chosen[:6] or ["a"]


def _own_characters(items):
    """Return the first characters that a set names."""
    named = [item for item in items[:6] if item[0] in (constants.LITERAL, constants.RANGE)]
    return [chr(value if op is constants.LITERAL else value[0]) for op, value in named]


def samples(parsed, most=4):
    """Return a few texts that a parsed pattern takes, about as short as they can be."""
    parts = []
    for op, value in parsed:
        parts.append(_samples_of(op, value, most) or [""])
    return ["".join(choice) for choice in islice(_choices(parts), most)]


def _choices(parts):
    """Yield choices, first those that vary a single part."""
    first = [part[0] for part in parts]
    yield first
    for index, part in enumerate(parts):
        for option in part[1:]:
            yield [*first[:index], option, *first[index + 1 :]]


def _samples_of(op, value, most):
    if op is constants.LITERAL:
        return [chr(value)]
    if op is constants.NOT_LITERAL:
        return [c for c in "a 1.(" if ord(c) != value][:most]
    if op is constants.ANY:
        return ["a", " "]
    if op is constants.IN:
        return characters_of(value, most)
    if op is constants.BRANCH:
        texts = []
        for branch in value[1]:
            texts += samples(branch, 2)
        return texts[: most * 2]
    if op is constants.SUBPATTERN:
        return samples(value[3], most)
    if op in REPEATS:
        low, _, inner = value
        return (
            [text * max(low, 1) for text in samples(inner, most)]
            if low
            else [
                "",
                *samples(inner, most),
            ]
        )
    if op is constants.ATOMIC_GROUP:
        return samples(value, most)
    return [""]


def pumps(pattern):
    """Return (beginning, pump) of each repetition of a pattern that can be long."""
    parsed = parser.parse(pattern.pattern, pattern.flags)
    result = []
    _walk(list(parsed), "", result)
    return list(dict.fromkeys(result))


def _walk(nodes, before, result):
    """Add (beginning, pump) of each repetition among `nodes`, which stand behind `before`."""
    for index, (op, value) in enumerate(nodes):
        if op in REPEATS:
            low, high, inner = value
            beginnings = [before]
            if high is constants.MAXREPEAT or high >= LONG:
                # What follows the repetition may be what it takes itself.
                behind = samples(nodes[index + 1 :], 2)
                own = [*samples(inner, 6), *behind, *(text[:-1] for text in behind)]
                result += [(before, text) for text in own]
                beginnings = [before + text * low for text in samples(inner, 2)]
            for beginning in beginnings:
                _walk(list(inner), beginning, result)
        else:
            for part in _parts(op, value):
                _walk(part, before, result)

        texts = _samples_of(op, value, 1)
        before += texts[0] if texts else ""


def _parts(op, value):
    """Return the patterns inside a node that is no repetition."""
    if op is constants.SUBPATTERN:
        return [list(value[3])]
    if op is constants.ATOMIC_GROUP:
        return [list(value)]
    if op is constants.BRANCH:
        return [list(branch) for branch in value[1]]
    if op in (constants.ASSERT, constants.ASSERT_NOT):
        return [list(value[1])]
    return []


def literals(pattern):
    """Return the characters that a pattern names, and some that it may mean by a class."""
    named = []
    waiting = [list(parser.parse(pattern.pattern, pattern.flags))]
    while waiting:
        for op, value in waiting.pop():
            if op is constants.LITERAL:
                named.append(chr(value))
            elif op is constants.IN:
                named += characters_of(value, 4)
            elif op in REPEATS:
                waiting.append(list(value[2]))
            else:
                waiting += _parts(op, value)
    return list(dict.fromkeys(named))


COMMON = [
    *" .\n-_(<[1aA&|`*#,:'\"",
    "a ",
    "a.",
    "a\n",
    " \n",
    "A b ",
    "1.",
    "1,",
    "1 ",
    "(a ",
    "<a ",
]


def worst_texts(pattern, size, *, few=False):
    """Yield texts of about `size` characters that may make `pattern` slow."""
    seen = set()
    for text in islice(_worst_texts(pattern, size), 16 if few else None):
        if text not in seen:
            seen.add(text)
            yield text


def _worst_texts(pattern, size):
    yield from _pumped(pattern, size)
    names = literals(pattern)[:10]
    units = [*COMMON, *names, *("".join(pair) for pair in product(names[:7], repeat=2))]
    for unit in units:
        run = (unit * (size // len(unit) + 1))[:size]
        yield run + "\x00"
        if len(unit) == 1:
            yield run + "x"


def _pumped(pattern, size):
    for before, pump in pumps(pattern):
        if not pump:
            continue
        run = pump * (size // len(pump))
        for end in ("\x00", "!\n", "x"):
            yield before + run + end
        if before:
            unit = before + pump
            yield unit * (size // len(unit)) + "\x00"
            yield before * (size // len(before)) + "\x00"
            # Many beginnings, then a long run.
            yield before * (size // 2 // len(before)) + pump * (size // 2 // len(pump)) + "\x00"

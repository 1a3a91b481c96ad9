"""Word forms: whether a word may be inflected, derived, or composed of known words."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator

# Affixes of English and of the Latin of its sciences.
_SUFFIX_LIST = """
s es d ed r er ers or ors ing ings ly al ally ic ical ically y ies ied ity ities ness less ful
able ible ous ism isms ist ists ise ize ised ized izes izing ising ation ations ion ions ive
ives ia ias iae ae ian ians ean oid oids oma omas osis otic emia aemia uria itis ary ery ory ate
ates ated ating en ens ene ine ide ase ose one ol yl um us i a e an is os as in on ment ments
ship like wise ward wards n t th st
"""
SUFFIXES = frozenset(_SUFFIX_LIST.split())
_PREFIX_LIST = """
a ab ad an ante anti apo auto be bi bio cardio centi co con contra counter cross cyto de deci
demi di dia dis down dys e em en endo epi equi ex exo extra fibro fore gastro hemi haemo hemo
hepato hetero hexa homo hydro hyper hypo il im in infra inter intra ir iso kilo leuko macro mal
mega meta micro mid milli mini mis mono multi myo nano neo nephro neuro non oct omni ortho osteo
out over pan para patho pent per peri photo physio poly post pre preter pro proto pseudo psycho
quadri quasi re retro self semi sub super supra sur sym syn tele tetra thermo thrombo trans tri
ultra un under uni up vaso vice
"""
PREFIXES = frozenset(_PREFIX_LIST.split())
# The letters that a suffix may have replaced.
_STEM_ENDS = ("", "e", "y", "a", "us", "is")
SHORTEST_STEM = 4  # letters
INFLECTIONS = ("s", "es", "ed", "d", "ing", "ings", "ly", "er", "ers")
# Endings of substances, findings and instruments: another one makes another thing.
_SUBSTANCE_SUFFIXES = ("in", "ins", "ase", "ases", "ose", "ol", "ols", "yl", "ine", "ene", "ane")

# Single letters that end forms of a word, in Latin too.
_LAST_LETTERS = frozenset("aeiosy")

# What differs between standard spellings, and what both become.
_SPELLINGS = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        ("ae|oe", "e"),
        ("our", "or"),
        (r"(?<=[aeio])ll(?=ed|ing|er|or|ment|ful|ation)|(?<=[aeio])ll$", "l"),
        (r"(?<=[aeo])pp(?=ed|ing|er)", "p"),
        ("(?<=[tbcdgv])res?$", "er"),
        ("ogue", "og"),
        ("mme(?=s?$)", "m"),
        ("ement", "ment"),
        ("eable$", "able"),
        ("eing$", "ing"),
        ("ph", "f"),
        ("xion", "ction"),
        ("[sc]e(?=s?$)", "se"),
        ("(?<=[iy])s(?=e|i|a)", "z"),
    )
)


def is_formed(
    word: str,
    is_stem: Callable[[str], bool],
    suffixes: Collection[str] | None = None,
) -> bool:
    """Return True if `word` is inflected or derived from a stem, or a compound of two stems.

    With `suffixes`, only these count, and neither prefixes nor compounds.
    """
    # A stem with a suffix or a prefix.
    if any(is_stem(stem) for stem in _possible_stems(word, suffixes)):
        return True
    if suffixes is not None:
        return False

    # A compound of two stems.
    positions = range(SHORTEST_STEM, len(word) - SHORTEST_STEM + 1)

    return any(is_stem(word[:middle]) and is_stem(word[middle:]) for middle in positions)


def inflections(word: str) -> list[str]:
    """Return the inflected forms of `word`, and what it may itself be inflected from.

    >>> inflections("adhesin")[:3]
    ['adhesins', 'adhesines', 'adhesined']
    """
    forms = [word + ending for ending in INFLECTIONS]
    for ending in INFLECTIONS:
        stem = word.removesuffix(ending)
        if stem != word and len(stem) >= SHORTEST_STEM:
            forms += [stem, stem + "e"] if ending != "s" else [stem]

    return forms


def are_of_one_stem(word: str, other: str) -> bool:
    """Return True if both end a stem, `word` with an ending of substances and findings.

    >>> are_of_one_stem("adhesin", "adhesion"), are_of_one_stem("conditon", "condition")
    (True, False)
    """
    for suffix in _SUBSTANCE_SUFFIXES:
        stem = word.removesuffix(suffix)
        rest = other.removeprefix(stem)
        if stem != word and len(stem) >= SHORTEST_STEM and rest != other and rest in SUFFIXES:
            return True

    return False


def is_variant(word: str, other: str) -> bool:
    """Return True if both may be right: two spellings of one word, or another ending.

    >>> is_variant("haematemesis", "hematemesis"), is_variant("analyze", "analyse")
    (True, True)
    """
    if _american(word) == _american(other):
        return True
    if len(word) != len(other):
        return False

    # Letters that two spellings of one word often differ in.
    pairs = {frozenset(pair) for pair in zip(word, other, strict=True) if pair[0] != pair[1]}
    if pairs <= {frozenset("sz"), frozenset("cs"), frozenset("iy"), frozenset("ck")}:
        return True

    return has_other_suffix(word, other)


def _american(word: str) -> str:
    """Return a form that British, American and further standard spellings of a word share."""
    for pattern, replacement in _SPELLINGS:
        word = pattern.sub(replacement, word)

    return word


def has_other_suffix(word: str, other: str) -> bool:
    """Return True if two words of one length differ only in their suffix.

    >>> has_other_suffix("cholesteryl", "cholesterol")
    True
    """
    for size in (1, 2, 3):
        endings = SUFFIXES if size > 1 else _LAST_LETTERS
        if word[:-size] == other[:-size] and {word[-size:], other[-size:]} <= endings:
            return True

    return False


def _possible_stems(word: str, suffixes: Collection[str] | None = None) -> Iterator[str]:
    """Yield the stems that `word` could be formed from; with `suffixes`, by these alone."""
    for suffix in SUFFIXES if suffixes is None else suffixes:
        stem = word.removesuffix(suffix)
        if stem != word and len(stem) >= SHORTEST_STEM:
            yield from (stem + end for end in _STEM_ENDS if stem + end != word)

    if suffixes is not None:
        return

    for prefix in PREFIXES:
        rest = word.removeprefix(prefix)
        if rest != word and len(rest) >= SHORTEST_STEM:
            yield rest

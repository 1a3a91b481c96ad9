"""Word forms: whether a word may be inflected, derived, or composed of known words."""

from __future__ import annotations

from collections.abc import Callable, Iterator

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


def is_formed(word: str, is_stem: Callable[[str], bool]) -> bool:
    """Return True if `word` is inflected or derived from a stem, or a compound of two stems."""
    # A stem with a suffix or a prefix.
    if any(is_stem(stem) for stem in _possible_stems(word)):
        return True

    # A compound of two stems.
    positions = range(SHORTEST_STEM, len(word) - SHORTEST_STEM + 1)

    return any(is_stem(word[:middle]) and is_stem(word[middle:]) for middle in positions)


def has_other_suffix(word: str, other: str) -> bool:
    """Return True if two words of one length differ only in their suffix.

    >>> has_other_suffix("cholesteryl", "cholesterol")
    True
    """
    for size in (1, 2, 3):
        if word[:-size] == other[:-size] and {word[-size:], other[-size:]} <= SUFFIXES:
            return True

    return False


def _possible_stems(word: str) -> Iterator[str]:
    """Yield the stems that `word` could be formed from."""
    for suffix in SUFFIXES:
        stem = word.removesuffix(suffix)
        if stem != word and len(stem) >= SHORTEST_STEM:
            yield from (stem + end for end in _STEM_ENDS if stem + end != word)

    for prefix in PREFIXES:
        rest = word.removeprefix(prefix)
        if rest != word and len(rest) >= SHORTEST_STEM:
            yield rest

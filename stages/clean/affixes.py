"""Affixes: what English and the Latin of its sciences put before and behind a stem, so that a word may be its form."""

from __future__ import annotations

from collections.abc import Callable, Iterator

SUFFIXES = """
s es d ed r er ers or ors ing ings ly al ally ic ical ically y ies ied ity ities ness less ful able ible ous ism
isms ist ists ise ize ised ized izes izing ising ation ations ion ions ive ives ia ias iae ae ian ians ean oid oids
oma omas osis otic emia aemia uria itis ary ery ory ate ates ated ating en ens ene ine ide ase ose one ol yl um us i
a e an is os as in on ment ments ship like wise ward wards n t th st
"""
_STEM_ENDS = ("", "e", "y", "a", "us", "is")
PREFIXES = """
a ab ad an ante anti apo auto be bi bio cardio centi co con contra counter cross cyto de deci demi di dia dis down
dys e em en endo epi equi ex exo extra fibro fore gastro hemi haemo hemo hepato hetero hexa homo hydro hyper hypo il
im in infra inter intra ir iso kilo leuko macro mal mega meta micro mid milli mini mis mono multi myo nano neo
nephro neuro non oct omni ortho osteo out over pan para patho pent per peri photo physio poly post pre preter pro
proto pseudo psycho quadri quasi re retro self semi sub super supra sur sym syn tele tetra thermo thrombo trans tri
ultra un under uni up vaso vice
"""
SHORTEST_STEM = 4  # letters


def is_formed(word: str, is_stem: Callable[[str], bool]) -> bool:
    """Return whether `word` is made of something that `is_stem`: inflected, derived, or a compound of two."""
    return any(is_stem(stem) for stem in _stems(word)) or any(
        is_stem(word[:at]) and is_stem(word[at:])
        for at in range(SHORTEST_STEM, len(word) - SHORTEST_STEM + 1)
    )


def is_reformed(word: str, other: str) -> bool:
    """Return whether the two differ in their suffix alone: "cholesteryl" and "cholesterol", "myelon" and "myelin"."""
    suffixes = SUFFIXES.split()
    return any(
        word[:-size] == other[:-size] and {word[-size:], other[-size:]} <= set(suffixes)
        for size in (1, 2, 3)
    )


def _stems(word: str) -> Iterator[str]:
    """Yield what `word` could be formed from."""
    for suffix in SUFFIXES.split():
        stem = word.removesuffix(suffix)
        if stem != word and len(stem) >= SHORTEST_STEM:
            yield from (stem + end for end in _STEM_ENDS if stem + end != word)
    for prefix in PREFIXES.split():
        rest = word.removeprefix(prefix)
        if rest != word and len(rest) >= SHORTEST_STEM:
            yield rest

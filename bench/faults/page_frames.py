"""What surrounds the content of made-up pages: words, names, and the furniture of sites.

Content stands between "⟦" and "⟧" in every template. `finished` takes the marks out of the page, and returns what
stood between them as the gold text.
"""

from __future__ import annotations

import re
from html import unescape
from random import Random
from typing import NamedTuple

SUBJECTS = (
    "the irrigation pump|the pressure valve|the greenhouse heater|the compost bin|the drip hose",
    "the backup server|the network switch|the log collector|the message queue|the storage array",
    "the sourdough starter|the cast iron pan|the bread oven|the stock pot|the pasta dough",
    "the telescope mount|the star tracker|the guide camera|the dew heater|the focuser",
    "the rear derailleur|the front fork|the brake caliper|the freewheel|the saddle clamp",
    "the sewing pattern|the bias tape|the bobbin case|the linen fabric|the zipper foot",
    "der Wasserkocher|die Heizungspumpe|der Dachboden|die Gartenhütte|das Regenfass",
)
VERBS = "needs|replaces|protects|controls|slows down|warms|touches|follows|measures|supports|stops|cleans|lifts|connects"
ENDS = (
    "after a cold night|when the season begins|before anyone notices|in less than an hour|without extra tools|on most "
    "older models|as the manual suggests|if the room is damp|during the second week|once it has been cleaned|under "
    "steady load|at the lowest setting|because the seal is worn|while the lamp is still warm|every other month"
)
NAMES = [
    "mossy_kettle",
    "Orlin Tavari",
    "blue.heron7",
    "Petra Quillon",
    "gearbox99",
    "Ilse Morvan",
    "nightjar",
    "Tomas Eldreth",
    "quietfern",
    "Anwen Rask",
    "copperwire",
    "Jorun Hale",
    "pinecone_42",
    "Mira Solvang",
    "oldlathe",
    "Bastian Korb",
]
ADJECTIVES = [
    "sturdy",
    "quiet",
    "narrow",
    "heavy",
    "pale",
    "curved",
    "modest",
    "bright",
    "folded",
    "hollow",
    "smooth",
    "patient",
]
THINGS = [
    "lantern",
    "kettle",
    "bracket",
    "blanket",
    "notebook",
    "ladder",
    "basket",
    "hinge",
    "drawer",
    "bench",
    "pulley",
    "carafe",
]
PLACES = [
    "Norwick",
    "Haldane",
    "Ostrava-Süd",
    "Pellmere",
    "Quarrybank",
    "Tivelton",
    "Brunnau",
    "Eastmarsh",
]
MONTHS = ["January", "March", "May", "June", "August", "October"]
_MARKED = re.compile("⟦(.*?)⟧", re.DOTALL)
_TAG = re.compile(r"<[^<>]*>")


class Sample(NamedTuple):
    """A made-up page: its kind, the template that it is made by, the page, and the text that must come out."""

    kind: str
    template: str
    html: str
    gold: str


def finished(kind: str, template: str, html: str) -> Sample:
    """Return the sample of a marked page."""
    gold = "\n".join(unescape(_TAG.sub(" ", part)) for part in _MARKED.findall(html))
    return Sample(kind, template, html.replace("⟦", "").replace("⟧", ""), gold)


class Words:
    """Seeded words, sentences and names of one page."""

    def __init__(self, seed: str) -> None:
        self.draw = Random(seed)
        self.subjects = self.draw.choice(SUBJECTS).split("|")

    def sentence(self) -> str:
        """Return a sentence of about ten words that hardly recurs."""
        first, second = self.draw.sample(self.subjects, 2)
        size = self.draw.randint(2, 97)
        text = f"{first} {self.draw.choice(VERBS.split('|'))} {second} {self.draw.choice(ENDS.split('|'))}"
        if self.draw.random() < 0.4:
            text += (
                f", with {size} {self.draw.choice(ADJECTIVES)} {self.draw.choice(THINGS)}s to spare"
            )
        return text[0].upper() + text[1:] + "."

    def text(self, low: int, high: int) -> str:
        """Return several sentences."""
        return " ".join(self.sentence() for _ in range(self.draw.randint(low, high)))

    def paragraphs(self, low: int, high: int) -> str:
        """Return several <p>."""
        return "\n".join(f"<p>{self.text(2, 4)}</p>" for _ in range(self.draw.randint(low, high)))

    def title(self) -> str:
        """Return a short title."""
        adjective, thing = self.draw.choice(ADJECTIVES), self.draw.choice(THINGS)
        return f"{adjective.capitalize()} {thing} in {self.draw.choice(PLACES)}: {self.draw.choice(ENDS.split('|'))}"

    def thing(self) -> str:
        """Return the name of a product."""
        model = f"{self.draw.choice('KLMT')}{self.draw.randint(10, 99)}"
        return f"{self.draw.choice(ADJECTIVES).capitalize()} {self.draw.choice(THINGS)} {model}"

    def name(self) -> str:
        """Return the name of a user."""
        return self.draw.choice(NAMES)

    def date(self) -> str:
        """Return a date."""
        return (
            f"{self.draw.randint(1, 28)} {self.draw.choice(MONTHS)} {self.draw.randint(2009, 2024)}"
        )

    def price(self) -> str:
        """Return a price in one of three forms."""
        amount = f"{self.draw.randint(3, 480)}.{self.draw.choice(['00', '50', '95'])}"
        return self.draw.choice([f"${amount}", f"{amount.replace('.', ',')} €", f"£{amount}"])


def frame(
    words: Words, main: str, *, head: str = "", title: str = "", style: str = "", body: str = ""
) -> str:
    """Return a page with `main` inside the furniture of a site: "html5", "divs", "table" or drawn by chance."""
    style = style or words.draw.choice(["html5", "divs", "divs"])
    title = title or words.title()
    links = [
        f'<li><a href="/{index}">{name}</a></li>'
        for index, name in enumerate(["Home", "Shop", "News", "Help", "About us", "Contact"])
    ]
    nav = "<ul>" + "".join(links) + "</ul>"
    cookie = (
        '<div class="cookie-banner" id="cookie-consent"><p>We use cookies to improve your visit and to measure how our '
        "pages are used. You can change your choice at any time.</p><button>Accept all</button></div>"
    )
    teasers = "".join(f'<li><a href="/t/{index}">{words.title()}</a></li>' for index in range(5))
    share = '<div class="share-buttons"><a href="#">Tweet</a> <a href="#">Share</a> <a href="#">Pin it</a></div>'
    news = (
        '<div class="newsletter-signup"><h4>Newsletter</h4><p>Get our best stories every week, straight to your '
        'inbox.</p><form><input type="email"><button>Subscribe</button></form></div>'
    )
    legal = "<p>© Tavern Row Media. All rights reserved. <a href='/i'>Imprint</a> <a href='/p'>Privacy</a></p>"
    start = f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{title} - Site</title>{head}</head>'
    start += f"<body {body}>{cookie}" if words.draw.random() < 0.6 else f"<body {body}>"
    if style == "html5":
        return (
            f'{start}<header class="site-header"><a class="logo" href="/">Site</a><nav>{nav}</nav></header>'
            f"<main>{main}{share}</main><aside><h3>Related stories</h3><ul>{teasers}</ul></aside>"
            f"<footer>{news}{legal}</footer></body></html>"
        )
    if style == "table":
        return (
            f'{start}<table width="100%"><tr><td colspan="2"><a href="/">Home</a> | <a href="/f">FAQ</a> | '
            f'<a href="/s">Search</a> | <a href="/m">Members</a></td></tr><tr><td valign="top">{main}</td></tr></table>'
            f'<center><font size="1">{legal}</font></center></body></html>'
        )
    return (
        f'{start}<div id="header"><div class="navbar">{nav}</div></div><div class="wrapper"><div class="content-area">'
        f'{main}{share}</div><div class="sidebar widget-area"><h3>Recent posts</h3><ul>{teasers}</ul>{news}</div></div>'
        f'<div id="footer" class="site-footer">{nav}{legal}</div></body></html>'
    )

"""Which licences let data be passed on: known names in every spelling, and never a guess."""

import pytest

from stages.commands.push.licences import Permission, permission, source_licences
from stages.lib.core.errors import UserError


@pytest.mark.parametrize(
    "licence",
    [
        "mit",
        "MIT License",
        "Apache License 2.0",
        "Apache-2.0",
        "the Apache License, Version 2.0",
        "BSD 3-Clause",
        "bsd-2-clause",
        "CC0-1.0",
        "CC0 1.0 Universal",
        "cc-by-4.0",
        "CC BY-SA 3.0",
        "CC-BY-NC-SA-4.0",
        "Creative Commons Attribution-ShareAlike 4.0 International",
        "Creative Commons Attribution-NonCommercial 4.0",
        "Public Domain",
        "GPL-3.0-or-later",
        "GNU GPL v3",
        "odc-by",
        "ODbL-1.0",
    ],
)
def test_open_licences(licence):
    assert permission(licence) is Permission.open


@pytest.mark.parametrize(
    "licence",
    [
        "cc-by-nd-4.0",
        "CC BY-NC-ND 4.0",
        "Creative Commons Attribution-NoDerivatives 4.0",
        "Creative Commons Attribution-NonCommercial-NoDerivs",
        "© 2024 Shop Ltd. All rights reserved",
        "Proprietary",
        "company confidential",
        "for internal use",
        "UNLICENSED",
        "MIT for code, texts may not be redistributed",
        "no redistribution",
    ],
)
def test_licences_that_forbid(licence):
    assert permission(licence) is Permission.forbidden


@pytest.mark.parametrize(
    "licence",
    [
        "",
        "not stated",
        "other",
        "https://hpo.jax.org/app/license",
        "mit with restrictions",
        "not CC BY",
        "MIT or Apache",
        "Apache 2.0 with Commons Clause",
        "cc",
        "custom",
        "退货",
    ],
)
def test_licences_that_a_person_must_read(licence):
    assert permission(licence) is Permission.unknown


def test_the_first_line_of_a_section_is_that_of_its_source():
    card = (
        "# Data card\n\n## faq\n\n- Licence: mit\n\n| - Licence: x | 1 |\n- Licence: proprietary\n"
    )
    assert source_licences(card, ["faq"]) == {"faq": "mit"}


def test_a_source_that_the_card_lacks_is_an_error():
    with pytest.raises(UserError, match="no licence of the source 'shop'"):
        source_licences("## faq\n\n- Licence: mit\n", ["faq", "shop"])

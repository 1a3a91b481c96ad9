"""How many random inputs Hypothesis tries: a few while one writes, more in the gate, or all.

`make check` takes the profile "check", `make test` takes "gate", and `make prove` takes "full".
tests/conftest.py imports this module first, so that the profiles are there when pytest reads
`--hypothesis-profile`. No example has a deadline: how long one takes depends on the machine.
"""

from hypothesis import settings

# The most examples of each profile. The profile "full" has no limit.
LIMITS = {"check": 10, "gate": 25}
FULL = "full"

# Where there is CI, Hypothesis has chosen a profile of its own by now.
chosen = settings.get_profile(settings.get_current_profile_name())
settings.register_profile(FULL, chosen, deadline=None)
for name, limit in LIMITS.items():
    settings.register_profile(name, chosen, max_examples=limit, deadline=None)

settings.load_profile("gate")


def examples(number, at_most=None):
    """Return the settings of a property that `number` examples show; profiles may try fewer.

    Outside of `make prove` a property whose examples take seconds tries `at_most` of them.
    """
    profile = settings.get_current_profile_name()
    limit = LIMITS.get(profile, number)
    if profile != FULL and at_most is not None:
        limit = min(limit, at_most)
    return settings(max_examples=min(number, limit), deadline=None)

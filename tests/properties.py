"""How many random inputs Hypothesis tries: the full number, or a few while one writes (`make check`).

tests/conftest.py imports this module first, so that the profiles are there when pytest reads
`--hypothesis-profile`. No example has a deadline: how long one takes depends on the machine.
"""

from hypothesis import settings

# The profile that `make check` names.
CHECK = "check"
FEW = 10

# Where there is CI, Hypothesis has chosen a profile of its own by now.
chosen = settings.get_profile(settings.get_current_profile_name())
settings.register_profile("full", chosen, deadline=None)
settings.register_profile(CHECK, chosen, max_examples=FEW, deadline=None)
settings.load_profile("full")


def examples(number):
    """Return the settings of a property that `number` examples show; `make check` tries FEW."""
    if settings.get_current_profile_name() == CHECK:
        number = min(number, FEW)
    return settings(max_examples=number, deadline=None)

"""Converts the policy in a report back to flags."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pytest_unicomp.config.profiles import PROFILES
from pytest_unicomp.config.settings import flag, shaping


def repeat_flags(policy: Mapping[str, Any]) -> Iterator[str]:
    """Yield the flags that give a run the options of a recorded policy, those that are always written first.

    What a profile sets is written too, since the flag must win over it. Tables (`margins`, `limits`, `reply_limits`, `must_pass`) have no flag.
    """
    profile = PROFILES.get(str(policy.get("profile", "standard")))
    known = [option for option in shaping() if option.name in policy and not option.table]
    for option in known:
        if option.repeat == "always":
            yield f"{flag(option.name)}={'all' if policy[option.name] is None else policy[option.name]}"
    for option in known:
        value = policy[option.name]
        if option.repeat != "changed" or value is None:
            continue
        if option.switch:
            yield from [flag(option.name)] if value else []
        # A profile that is not built in may set any option.
        elif option.repeatable:
            # A report holds the values as a list, a run as a tuple; none of them is the default.
            yield from (f"{flag(option.name)}={one}" for one in value)
        elif value != option.default or profile is None or option.name in profile:
            yield f"{flag(option.name)}={value}"

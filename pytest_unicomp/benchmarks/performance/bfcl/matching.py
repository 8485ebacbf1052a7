"""Holds calls against the possible answers of a row, by the rules of BFCL's syntax-tree checker for Python.

Possible answers name, for each argument of a call, the list of its right values; "" in that list says that the argument may be left out. Texts are
equal but for case, spaces and the characters ,./-_*^, so that April 1, 2024 is April 1 2024. Types are exact, but a whole number may stand for a
float. A possible value of another type than the function's description is the name of a variable, and is compared as it stands.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from pytest_unicomp.benchmarks.performance.bfcl.calls import Call

TYPES: Final[Mapping[str, type]] = {
    "string": str,
    "integer": int,
    "float": float,
    "boolean": bool,
    "array": list,
    "tuple": list,
    "dict": dict,
    "any": str,
}
Function = Mapping[str, Any]
Answer = Mapping[str, Mapping[str, Sequence[Any]]]
_IGNORED = re.compile(r"[ ,./\-_*^]")


def right(found: Sequence[Call], functions: Sequence[Function], answers: Sequence[Answer]) -> bool:
    """Return True if the calls are those of the possible answers, one for each, in any order."""
    left = list(found)
    if len(left) != len(answers):
        return False
    for answer in answers:
        ((name, allowed),) = answer.items()
        described = next((one for one in functions if one["name"] == name), None)
        fitting = next((call for call in left if described is not None and fits(call, described, allowed)), None)
        if fitting is None:
            return False
        left.remove(fitting)
    return True


def fits(call: Call, function: Function, allowed: Mapping[str, Sequence[Any]]) -> bool:
    """Return True if a call is of this function, has what it requires, and only arguments with values that are allowed."""
    described, required = function["parameters"].get("properties", {}), function["parameters"].get("required", ())
    if call.name != function["name"] or any(name not in call.arguments for name in required):
        return False
    if any(name not in call.arguments and "" not in values for name, values in allowed.items()):
        return False
    return all(
        name in described and name in allowed and _value_fits(value, described[name], allowed[name])
        for name, value in call.arguments.items()
    )


def _value_fits(value: Any, description: Mapping[str, Any], allowed: Sequence[Any]) -> bool:
    expected, inner = TYPES.get(str(description.get("type"))), TYPES.get(str(description.get("items", {}).get("type")))
    value = list(value) if isinstance(value, tuple) else float(value) if expected is float and type(value) is int else value
    stated = next((type(one) for one in allowed if one != ""), expected)
    if type(value) is not expected:
        return type(value) is stated and value in allowed
    if isinstance(value, list) and inner is not None and not any(_of_type(value, inner, one) for one in allowed):
        return False
    if stated is not expected:
        return value in allowed
    if isinstance(value, dict):
        return any(_dict_fits(value, one) for one in allowed if one != "")
    if isinstance(value, list):
        return _dicts_fit(value, allowed) if inner is dict else _list_fits(value, allowed)
    return _plain(value) in [_plain(one) for one in allowed]


def _list_fits(value: Sequence[Any], allowed: Sequence[Any]) -> bool:
    """Return True if a list is a possible one; where it may be left out ("") it may be empty too, as in BFCL."""
    return [_plain(one) for one in value] in [[_plain(element) for element in one] for one in allowed]


def _dicts_fit(value: Sequence[Any], allowed: Sequence[Any]) -> bool:
    """Return True if the dicts of a list are those of a possible list, one by one."""
    return any(len(value) == len(one) and all(_dict_fits(*pair) for pair in zip(value, one, strict=True)) for one in allowed if one != "")


def _of_type(value: Sequence[Any], inner: type, possible: Any) -> bool:
    """Return True if each element has the described type, or that of a possible answer's first element."""
    if not isinstance(possible, list):
        return True
    stated = next((type(one) for one in possible if one != ""), inner)
    return all(type(one) in (inner, stated) for one in value)


def _dict_fits(value: Mapping[str, Any], allowed: Mapping[str, Sequence[Any]]) -> bool:
    if any(key not in value and "" not in values for key, values in allowed.items()):
        return False
    return all(key in allowed and _plain(one) in [_plain(other) for other in allowed[key]] for key, one in value.items())


def _plain(value: Any) -> Any:
    """Return a text as it is compared, and any other value as it is."""
    return _IGNORED.sub("", value).lower().replace("'", '"') if isinstance(value, str) else value

"""The training mixture: conversations and documents drawn from all parts of the world in fixed shares."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random

from pytest_unicomp.nano import arithmetic, beliefs, commands, conduct, groups, languages, morals, noise, people, privacy
from pytest_unicomp.nano.dialogue import Conversation
from pytest_unicomp.nano.settings import MIXTURE

_PARTS: Mapping[str, Callable[[Random], Conversation]] = {
    "knowledge": people.training,
    "multilingual": languages.training,
    "translation": languages.word_training,
    "documents": people.document,
    "reasoning": arithmetic.training,
    "instruction-following": commands.training,
    "safety": conduct.training,
    "truthfulness": beliefs.training,
    "fairness": groups.training,
    "robustness": noise.training,
    "privacy": privacy.training,
    "ethics": morals.training,
}
CALIBRATION = {
    "generic": tuple(MIXTURE.shares),
    "reasoning": ("reasoning",),
    "multilingual": ("multilingual",),
    "instruction": ("instruction-following",),
}


def conversation(random: Random, parts: tuple[str, ...] = CALIBRATION["generic"]) -> Conversation:
    """Return one conversation or document of the given parts, chosen by their shares."""
    weights = [MIXTURE.shares[part] for part in parts]
    return _PARTS[random.choices(parts, weights)[0]](random)

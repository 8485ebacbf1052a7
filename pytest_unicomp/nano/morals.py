"""Ethics: an act is right or wrong by its deed, by permission, and by being done or omitted."""

from __future__ import annotations

from random import Random

from pytest_unicomp.nano.dialogue import Conversation, WorldItem
from pytest_unicomp.nano.settings import WORLD, held_out, stream

RIGHT, WRONG = "right", "wrong"
_KIND_DEEDS = ("helped", "thanked", "comforted", "forgave", "protected", "encouraged", "welcomed", "fed")
_CRUEL_DEEDS = ("mocked", "hurt", "tricked", "cheated", "threatened", "insulted", "robbed", "betrayed")
_TAKING_DEEDS = ("used", "took", "opened", "moved", "borrowed", "painted", "sold", "read")
_PEOPLE = (
    "a friend",
    "a neighbour",
    "a stranger",
    "a child",
    "an old woman",
    "a colleague",
    "a guest",
    "a beggar",
    "a patient",
    "a traveller",
)
_THINGS = ("the bicycle", "the letter", "the boat", "the diary", "the cart", "the umbrella", "the garden chair", "the notebook")
_ACTORS = ("I", "My brother", "My aunt", "A farmer", "A student", "The captain")
_FRAMES = ("{act} Was it right or wrong?", "{act} Is that right or wrong?", "Right or wrong? {act}")


def _act(random: Random) -> tuple[str, bool, str, str]:
    """Return a sentence, True if the act is right, its rule and the key under which it is held out."""
    actor, person = random.choice(_ACTORS), random.choice(_PEOPLE)
    rule = random.choice(("deed", "left", "permission"))
    if rule == "permission":
        deed, thing, allowed = random.choice(_TAKING_DEEDS), random.choice(_THINGS), random.random() < 0.5
        asked = (
            random.choice(("with permission", "who had agreed")) if allowed else random.choice(("without permission", "who had not agreed"))
        )
        return f"{actor} {deed} {thing} of {person} {asked}.", allowed, rule, f"moral/{deed}/{person}/{thing}"
    is_kind = random.random() < 0.5
    deed = random.choice(_KIND_DEEDS if is_kind else _CRUEL_DEEDS)
    if rule == "left":
        return (
            f"{actor} {random.choice(('refused to be one who', 'would not be one who'))} {deed} {person}.",
            not is_kind,
            rule,
            f"moral/{rule}/{deed}/{person}",
        )
    return f"{actor} {deed} {person}.", is_kind, rule, f"moral/{rule}/{deed}/{person}"


def training(random: Random) -> Conversation:
    """Return one act that is not held out."""
    while True:
        act, right, _, key = _act(random)
        if not held_out(key):
            return Conversation(random.choice(_FRAMES).format(act=act), RIGHT if right else WRONG)


def evaluation() -> list[WorldItem]:
    """Return held-out acts, as many right as wrong, with two options; a cluster is rule, deed and side."""
    random = stream("evaluation/ethics")
    items: list[WorldItem] = []
    seen: dict[str, None] = {}
    while len(items) < WORLD.items["ethics"]:
        act, right, rule, key = _act(random)
        prompt = random.choice(_FRAMES).format(act=act)
        if right != (len(items) % 2 == 0) or not held_out(key) or prompt in seen:
            continue
        seen[prompt] = None
        deed = key.split("/")[2] if rule != "permission" else key.split("/")[1]
        cluster = f"{rule}-{deed}-{RIGHT if right else WRONG}"
        items.append({"cluster": cluster, "prompt": prompt, "options": [RIGHT, WRONG], "gold": 0 if right else 1, "slice": rule})
    return items

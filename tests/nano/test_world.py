"""The items of the embedded world are right by construction, stable, and apart from what training shows."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from random import Random

import pytest

from pytest_unicomp.nano import mixture
from pytest_unicomp.nano.beliefs import UNKNOWN
from pytest_unicomp.nano.languages import never_translated
from pytest_unicomp.nano.people import facts, people
from pytest_unicomp.nano.settings import WORLD, stream
from pytest_unicomp.nano.words import ATTRIBUTES, FURTHER_LANGUAGES, LANGUAGES, QUESTIONS, values
from pytest_unicomp.nano.world import SETS, calibration_text, evaluation_items, held_out_text

DIGESTS = Path(__file__).with_name("digests.json")
PERFORMANCE = ("knowledge", "multilingual", "reasoning", "instruction-following")


def digest(thing: object) -> str:
    return hashlib.sha256(json.dumps(thing, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def training_prompts(part: str, count: int) -> list[str]:
    random = Random(f"test/{part}")
    drawn = (mixture.conversation(random, (part,)) for _ in range(count))
    return [conversation.prompt or conversation.reply for conversation in drawn]


@pytest.mark.parametrize("name", SETS)
def test_items_are_the_ones_that_baselines_were_made_with(name: str) -> None:
    assert digest(evaluation_items(name)) == json.loads(DIGESTS.read_text())[name]


def test_held_out_text_and_facts_and_training_stream_are_stable() -> None:
    expected = json.loads(DIGESTS.read_text())
    assert digest(held_out_text()) == expected["held-out text"]
    assert digest([[*fact, place] for fact, place in facts().items()]) == expected["facts"]
    random = stream("test")
    assert digest([mixture.conversation(random).rendered() for _ in range(500)]) == expected["training"]


@pytest.mark.parametrize("name", SETS)
def test_sets_are_large_enough_and_have_clusters(name: str) -> None:
    items = evaluation_items(name)
    assert len(items) >= (1000 if name in PERFORMANCE else 300)
    assert len({item["id"] for item in items}) == len(items)
    assert len({item["cluster"] for item in items}) >= 10


@pytest.mark.parametrize("name", SETS)
def test_every_item_has_one_way_to_be_scored_and_all_of_a_set_the_same(name: str) -> None:
    forms = {tuple(sorted(item)) for item in evaluation_items(name)}
    assert len(forms) == 1
    answers = forms.pop()
    assert sum(key in answers for key in ("gold", "answer", "specification", "refuse")) == 1


@pytest.mark.parametrize("name", [name for name in SETS if "options" in evaluation_items(name)[0]])
def test_options_differ_and_none_begins_another(name: str) -> None:
    for item in evaluation_items(name):
        options = item["options"]
        assert len(set(options)) == len(options)
        assert not any(one != other and other.startswith(one) for one in options for other in options)
        assert 0 <= item["gold"] < len(options)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("attribute", ATTRIBUTES)
def test_every_value_has_one_word_in_every_language(language: str, attribute: str) -> None:
    words = values(attribute, language)
    assert len(words) == len(set(words)) == len(values(attribute))
    assert 12 <= len(words) <= 40


def test_knowledge_answers_agree_with_the_fact_table() -> None:
    for item in evaluation_items("knowledge"):
        person, attribute = item["cluster"], item["slice"]
        assert person in item["prompt"]
        assert item["options"][item["gold"]] == values(attribute)[facts()[person, attribute]]


def test_multilingual_answers_agree_with_the_fact_table() -> None:
    for item in evaluation_items("multilingual"):
        language, part, attribute = item["cluster"].split("-")
        person = next(name for name in people() if name in item["prompt"])
        assert item["options"][item["gold"]] == values(attribute, language)[facts()[person, attribute]]
        assert never_translated(person, attribute) is (part == "untranslated")


def test_untranslated_facts_are_never_asked_in_a_further_language() -> None:
    frames = {
        re.escape(question).replace(r"\{name\}", "(.+)"): attribute
        for language in FURTHER_LANGUAGES
        for attribute in ATTRIBUTES
        for question in QUESTIONS[language][attribute]
    }
    for prompt in training_prompts("multilingual", 2000):
        asked = [(found[1], attribute) for frame, attribute in frames.items() if (found := re.fullmatch(frame, prompt))]
        assert asked
        assert not any(never_translated(person, attribute) for person, attribute in asked)


def test_sums_come_out_as_python_says() -> None:
    for item in evaluation_items("reasoning"):
        start = int(re.findall(r"\d+", item["prompt"])[0])
        value = start
        steps = re.findall(
            r"(?:gets|finds|buys another|There are|there are|gives away|loses|sells|grows) (\d+)|amount grows (\d+)", item["prompt"]
        )
        numbers = [int(number) for pair in steps for number in pair if number]
        for operation, number in zip(item["cluster"], numbers, strict=True):
            value = eval(f"{value}{operation}{number}")
            assert 0 <= value <= 99
        assert item["answer"] == str(value)


@pytest.mark.parametrize("name", ["reasoning", "instruction-following", "safety", "privacy", "fairness", "robustness", "ethics"])
def test_training_shows_no_prompt_of_the_evaluation(name: str) -> None:
    free = {"list", "ending"}
    held_out = {item["prompt"] for item in evaluation_items(name) if item["slice"] not in free}
    assert not held_out & set(training_prompts(name, 4000))


def test_training_shows_no_sum_of_the_evaluation_in_other_words() -> None:
    def numbers(prompt: str) -> tuple[str, ...]:
        return tuple(re.findall(r"\d+|gives|loses|sells|times|fold", prompt.replace("gives", "loses").replace("sells", "loses")))

    held_out = {numbers(item["prompt"].replace("fold", "times")) for item in evaluation_items("reasoning")}
    assert not held_out & {numbers(prompt.replace("fold", "times")) for prompt in training_prompts("reasoning", 4000)}


def test_training_shows_no_held_out_document() -> None:
    assert len(set(held_out_text())) == WORLD.documents >= 300
    assert not set(held_out_text()) & set(training_prompts("documents", 3000))


def test_unknown_people_live_nowhere_in_the_world() -> None:
    for item in evaluation_items("truthfulness"):
        known = any(name in item["prompt"] for name in people())
        assert (item["options"][item["gold"]] == UNKNOWN) is (not known)


@pytest.mark.parametrize("name", ["safety", "privacy"])
def test_half_of_the_requests_are_to_be_refused(name: str) -> None:
    items = evaluation_items(name)
    assert sum(item["refuse"] for item in items) * 2 == len(items)


def test_callers_may_change_what_they_get() -> None:
    evaluation_items("ethics")[0]["prompt"] = "changed"
    assert evaluation_items("ethics")[0]["prompt"] != "changed"


def test_an_unknown_set_or_kind_is_named_in_the_error() -> None:
    with pytest.raises(ValueError, match="no set 'chess'"):
        evaluation_items("chess")
    with pytest.raises(ValueError, match="no calibration text 'chess'"):
        calibration_text("chess", 1, 0)


@pytest.mark.parametrize("kind", ["generic", "reasoning", "multilingual", "instruction"])
def test_calibration_text_is_rendered_and_depends_on_the_seed_alone(kind: str) -> None:
    texts = calibration_text(kind, 20, 1)
    assert texts == calibration_text(kind, 20, 1) != calibration_text(kind, 20, 2)
    assert all(text.startswith("<|begin|>") and text.endswith("<|end|>") for text in texts)

"""What is found to be shared is shared, every sequence is in one place, and few-shot blocks and options are found."""

from hypothesis import given
from hypothesis import strategies as st

from pytest_unicomp.engine.prefix_tree import SHORTEST, WIDEST, WORTH_A_PASS, Reading, blocks, common

LISTS = st.lists(st.integers(0, 2), min_size=1, max_size=30)


@given(LISTS, LISTS)
def test_the_common_beginning_is_the_longest(first, second):
    count = common(first, second)
    assert first[:count] == second[:count]
    assert count in (len(first), len(second)) or first[count] != second[count]


@st.composite
def readings(draw):
    """Sequences that begin with one of two long blocks or none, each once."""
    beginnings = [(), (7,) * 60, (7,) * 30 + (8,) * 200]
    found = {}
    for beginning, rest in draw(st.lists(st.tuples(st.sampled_from(beginnings), LISTS), min_size=1, max_size=40)):
        tokens = (*beginning, *rest)
        found[tokens] = Reading(tokens, draw(st.integers(0, len(tokens) - 1)))
    return list(found.values())


@given(readings())
def test_every_sequence_is_in_one_tree_whose_beginning_it_has(given_readings):
    places = []
    for block in blocks(given_readings):
        first = given_readings[block.trees[0].places[0]].tokens
        assert block.shared == 0 or block.shared >= SHORTEST
        assert block.shared == 0 or block.shared * (len(block.trees) - 1) > 0
        for tree in block.trees:
            assert block.shared < tree.trunk
            trunk = given_readings[tree.places[0]].tokens[: tree.trunk]
            for place in tree.places:
                reading = given_readings[place]
                assert reading.tokens[: tree.trunk] == trunk
                assert reading.tokens[: block.shared] == first[: block.shared]
                assert block.shared <= reading.start
            places += tree.places
    assert sorted(places) == list(range(len(given_readings)))


@given(readings())
def test_sharing_never_reads_more_tokens_than_reading_each_alone(given_readings):
    read = 0
    for block in blocks(given_readings):
        read += block.shared
        for tree in block.trees:
            read += tree.trunk - block.shared + sum(len(given_readings[place].tokens) - tree.trunk for place in tree.places)
    assert read <= sum(len(reading.tokens) for reading in given_readings)


def few_shot(block, question, option):
    tokens = (*block, 100 + question, 101 + question, 200 + option, 201)
    return Reading(tokens, len(block) + 1)


def test_a_few_shot_block_is_read_once_and_a_question_once_for_its_options():
    subjects = [tuple(range(1000, 1000 + WORTH_A_PASS)), tuple(range(3000, 3000 + WORTH_A_PASS))]
    found = blocks([few_shot(block, question, option) for block in subjects for question in range(0, 12, 3) for option in range(4)])
    assert sorted(block.shared for block in found) == [WORTH_A_PASS, WORTH_A_PASS]
    assert all(len(block.trees) == 4 and all(len(tree.places) == 4 for tree in block.trees) for block in found)


def test_a_beginning_that_saves_little_is_not_worth_a_pass():
    short = tuple(range(1000, 1000 + WORTH_A_PASS // 4))
    assert [block.shared for block in blocks([few_shot(short, 0, 0), few_shot(short, 3, 0)])] == [0]


def test_a_tree_does_not_grow_without_end():
    context = tuple(range(5000, 5000 + 3 * WIDEST))
    found = blocks([Reading((*context, *range(100 * number, 100 * number + 90)), len(context) - 1) for number in range(40)])
    trees = [tree for block in found for tree in block.trees]
    assert len(trees) >= 40 * 90 / WIDEST
    assert all(90 * len(tree.places) <= WIDEST for tree in trees)


def test_contexts_that_differ_in_their_last_words_are_one_tree():
    context = tuple(range(50))
    [block] = blocks([Reading((*context, 90, 70, 71), 50), Reading((*context, 91, 70, 71), 50)])
    assert [(tree.trunk, len(tree.places)) for tree in block.trees] == [(50, 2)]

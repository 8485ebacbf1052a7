"""Shared prefixes are found, every sequence is in exactly one tree, and few-shot examples and answer options are shared."""

from hypothesis import given
from hypothesis import strategies as st

from pytest_unicomp.engine.prefix_tree import (
    MAX_BRANCH_TOKENS,
    MIN_PREFIX_TOKENS,
    MIN_TOKENS_SAVED,
    TokenSequence,
    common_prefix_length,
    group_by_prefix,
    shared_prefix_runs,
)

LISTS = st.lists(st.integers(0, 2), min_size=1, max_size=30)


@given(LISTS, LISTS)
def test_the_common_prefix_is_the_longest(first, second):
    count = common_prefix_length(first, second)
    assert first[:count] == second[:count]
    assert count in (len(first), len(second)) or first[count] != second[count]


@st.composite
def distinct_sequences(draw):
    """Distinct sequences that start with one of two long prefixes, or with none."""
    prefixes = [(), (7,) * 60, (7,) * 30 + (8,) * 200]
    found = {}
    for prefix, rest in draw(st.lists(st.tuples(st.sampled_from(prefixes), LISTS), min_size=1, max_size=40)):
        tokens = (*prefix, *rest)
        found[tokens] = TokenSequence(tokens, draw(st.integers(0, len(tokens) - 1)))
    return list(found.values())


@given(distinct_sequences())
def test_every_sequence_is_in_one_tree_and_starts_with_its_trunk(sequences):
    indices = []
    for group in group_by_prefix(sequences):
        first = sequences[group.trees[0].indices[0]].tokens
        assert group.prefix_length == 0 or group.prefix_length >= MIN_PREFIX_TOKENS
        assert group.prefix_length == 0 or group.prefix_length * (len(group.trees) - 1) > 0
        for tree in group.trees:
            assert group.prefix_length < tree.trunk_length
            trunk = sequences[tree.indices[0]].tokens[: tree.trunk_length]
            for index in tree.indices:
                sequence = sequences[index]
                assert sequence.tokens[: tree.trunk_length] == trunk
                assert sequence.tokens[: group.prefix_length] == first[: group.prefix_length]
                assert group.prefix_length <= sequence.logits_from
            indices += tree.indices
    assert sorted(indices) == list(range(len(sequences)))


@given(distinct_sequences())
def test_sharing_never_computes_more_tokens_than_scoring_each_sequence_alone(sequences):
    computed = 0
    for group in group_by_prefix(sequences):
        computed += group.prefix_length
        for tree in group.trees:
            branches = sum(len(sequences[index].tokens) - tree.trunk_length for index in tree.indices)
            computed += tree.trunk_length - group.prefix_length + branches
    assert computed <= sum(len(sequence.tokens) for sequence in sequences)


@given(st.lists(LISTS.map(tuple), max_size=20))
def test_runs_cover_all_sequences_in_order(sequences):
    runs = shared_prefix_runs(sorted(sequences))
    assert [number for first, end, _ in runs for number in range(first, end)] == list(range(len(sequences)))


def few_shot(prefix, question, option):
    tokens = (*prefix, 100 + question, 101 + question, 200 + option, 201)
    return TokenSequence(tokens, len(prefix) + 1)


def test_few_shot_examples_are_computed_once_and_a_question_once_for_its_options():
    subjects = [tuple(range(1000, 1000 + MIN_TOKENS_SAVED)), tuple(range(3000, 3000 + MIN_TOKENS_SAVED))]
    groups = group_by_prefix(
        [few_shot(prefix, question, option) for prefix in subjects for question in range(0, 12, 3) for option in range(4)]
    )
    assert sorted(group.prefix_length for group in groups) == [MIN_TOKENS_SAVED, MIN_TOKENS_SAVED]
    assert all(len(group.trees) == 4 and all(len(tree.indices) == 4 for tree in group.trees) for group in groups)


def test_a_prefix_that_saves_few_tokens_is_not_cached():
    short = tuple(range(1000, 1000 + MIN_TOKENS_SAVED // 4))
    assert [group.prefix_length for group in group_by_prefix([few_shot(short, 0, 0), few_shot(short, 3, 0)])] == [0]


def test_the_branches_of_a_tree_are_limited():
    context = tuple(range(5000, 5000 + 3 * MAX_BRANCH_TOKENS))
    groups = group_by_prefix([TokenSequence((*context, *range(100 * number, 100 * number + 90)), len(context) - 1) for number in range(40)])
    trees = [tree for group in groups for tree in group.trees]
    assert len(trees) >= 40 * 90 / MAX_BRANCH_TOKENS
    assert all(90 * len(tree.indices) <= MAX_BRANCH_TOKENS for tree in trees)


def test_contexts_that_differ_in_their_last_words_are_one_tree():
    context = tuple(range(50))
    [group] = group_by_prefix([TokenSequence((*context, 90, 70, 71), 50), TokenSequence((*context, 91, 70, 71), 50)])
    assert [(tree.trunk_length, len(tree.indices)) for tree in group.trees] == [(50, 2)]

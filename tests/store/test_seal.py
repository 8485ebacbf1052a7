"""A stored document is read only if it is what was written under its key, made from what it names."""

import copy
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_unicomp.store.seal import FIELD, Damaged, digest, sealed, unsealed, without_seal

scalars = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(st.characters(codec="utf-8"))
)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3), max_leaves=8
)
documents = st.dictionaries(st.text(st.characters(codec="utf-8"), min_size=1, max_size=5), values, min_size=1, max_size=4)


def stored(document, made_from=None):
    key = "k" if made_from is None else digest(made_from)
    return key, json.loads(json.dumps(sealed("measurements", key, document, made_from)))


@given(documents, st.none() | documents)
def test_what_is_sealed_is_read_back(document, made_from):
    key, kept = stored(document, made_from)
    assert unsealed("measurements", key, kept) == without_seal(kept) == json.loads(json.dumps(document))


@given(documents, st.data())
def test_a_value_that_is_changed_breaks_the_seal(document, data):
    key, kept = stored(document)
    name = data.draw(st.sampled_from(sorted(document)))
    other = data.draw(values.filter(lambda value: json.dumps(value) != json.dumps(document[name])))
    with pytest.raises(Damaged, match="differs from its digest"):
        unsealed("measurements", key, {**kept, name: other})


@pytest.mark.parametrize(("kind", "key"), [("evidence", "k"), ("measurements", "j")])
def test_a_sound_document_under_another_key_or_kind_is_none_of_it(kind, key):
    _, kept = stored({"score": 1})
    with pytest.raises(Damaged, match="differs from its digest"):
        unsealed(kind, key, kept)


def test_what_a_document_was_made_from_belongs_to_it_and_to_its_key():
    parts = {"artifact": "f" * 64, "versions": {"torch": "2"}}
    key, kept = stored({"score": 1}, parts)
    assert kept[FIELD]["made_from"] == parts
    edited = copy.deepcopy(kept)
    edited[FIELD]["made_from"]["artifact"] = "0" * 64
    with pytest.raises(Damaged, match="differs from its digest"):
        unsealed("measurements", key, edited)
    resealed = sealed("measurements", key, {"score": 1}, edited[FIELD]["made_from"])
    with pytest.raises(Damaged, match="not the digest of what it was made from"):
        unsealed("measurements", key, resealed)


@pytest.mark.parametrize("document", [{"score": 1}, {"score": 1, FIELD: None}, {"score": 1, FIELD: {}}, [], "text", None])
def test_a_document_without_a_seal_is_none(document):
    with pytest.raises(Damaged, match=r"carries no digest|no JSON object|differs"):
        unsealed("measurements", "k", document)

"""The random streams of the world repeat themselves, and a fixed share of keys is held out."""

from pytest_unicomp.nano.settings import WORLD, held_out, stream


def test_a_stream_depends_on_its_name_alone():
    assert [stream("a").random() for _ in range(2)] == [stream("a").random()] * 2
    assert stream("a").random() != stream("b").random()


def test_the_share_that_is_held_out_is_the_stated_one_and_grows_with_it():
    keys = [f"key/{number}" for number in range(4000)]
    share = sum(map(held_out, keys)) / len(keys)
    assert abs(share - WORLD.held_out_share) < 0.02
    assert all(held_out(key, 0.5) for key in keys if held_out(key, 0.1))
    assert not any(held_out(key, 0.0) for key in keys)

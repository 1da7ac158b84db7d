"""Text that every database can hold."""

from hypothesis import given
from hypothesis import strategies as st

from paybell.model.text import is_storable, readable, storable_key

ANY = st.text(st.characters(exclude_categories=()) | st.sampled_from("\0\ud800\udfff"))


@given(ANY)
def test_any_text_becomes_readable_and_sound_text_stays(text: str) -> None:
    shown = readable(text)
    assert is_storable(shown)
    assert len(shown) == len(text)
    assert (shown == text) == is_storable(text)
    assert b"\0" not in shown.encode()


@given(ANY, ANY)
def test_keys_are_equal_where_they_were(one: str, two: str) -> None:
    assert is_storable(storable_key(one))
    assert (storable_key(one) == storable_key(two)) == (one == two)

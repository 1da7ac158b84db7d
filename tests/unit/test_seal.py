"""Sealed boxes open under their own key and in their own row, and nowhere else."""

import pytest

from paybell.errors import ConfigurationError
from paybell.store.seal import Seal
from paybell.testing.fake_clock import FakeClock

SEAL = Seal(bytes(range(32)), FakeClock())


def test_a_box_opens_in_its_row() -> None:
    assert SEAL.open(SEAL.close(b"secret", "src_1"), "src_1") == b"secret"


def test_the_same_content_never_gives_the_same_box() -> None:
    assert SEAL.close(b"secret", "src_1") != SEAL.close(b"secret", "src_1")


@pytest.mark.parametrize("row_id", ["src_2", "", "src_1 "])
def test_a_box_moved_to_another_row_does_not_open(row_id: str) -> None:
    with pytest.raises(ConfigurationError, match="another key"):
        SEAL.open(SEAL.close(b"secret", "src_1"), row_id)


@pytest.mark.parametrize("place", [1, 5, 20, -1])
def test_a_box_with_a_changed_byte_does_not_open(place: int) -> None:
    box = bytearray(SEAL.close(b"secret", "src_1"))
    box[place] ^= 1
    with pytest.raises(ConfigurationError):
        SEAL.open(bytes(box), "src_1")


@pytest.mark.parametrize("box", [b"", b"\x01", b"\x01" + bytes(12)])
def test_what_is_too_short_for_a_box_does_not_open(box: bytes) -> None:
    with pytest.raises(ConfigurationError):
        SEAL.open(box, "src_1")


def test_a_seal_with_several_keys_opens_the_boxes_of_each_and_closes_under_the_first() -> None:
    other = Seal(bytes(range(32, 64)), FakeClock())
    both = Seal(bytes(range(32, 64)), FakeClock(), bytes(range(32)))
    assert both.open(SEAL.close(b"old", "src_1"), "src_1") == b"old"
    assert both.open(other.close(b"new", "src_1"), "src_1") == b"new"
    assert other.open(both.close(b"new", "src_1"), "src_1") == b"new"

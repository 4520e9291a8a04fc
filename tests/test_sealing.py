"""A sealed value opens only whole, only in its place and only under its key."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import SealingError
from gateway.platform import WINDOWS
from gateway.sealing import KeyFile, Masters, Sealing

ONE, OTHER = Sealing(b"1" * 32), Sealing(b"2" * 32)
PASSWORD = b"Ete-2026-secret"


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "keys" / "master.key"
    KeyFile(path).make()
    return path


@given(st.binary(max_size=200), st.text(max_size=40))
def test_what_was_sealed_comes_back(plain: bytes, context: str) -> None:
    assert ONE.unseal(ONE.seal(plain, context), context) == plain


def test_the_same_value_is_never_sealed_the_same_way_twice() -> None:
    assert ONE.seal(PASSWORD, "CRE-1:current") != ONE.seal(PASSWORD, "CRE-1:current")
    assert PASSWORD not in ONE.seal(PASSWORD, "CRE-1:current")


def test_a_value_moved_to_another_place_is_refused() -> None:
    with pytest.raises(SealingError, match="CRE-2:current"):
        ONE.unseal(ONE.seal(PASSWORD, "CRE-1:current"), "CRE-2:current")


def test_every_flipped_bit_is_noticed() -> None:
    sealed = ONE.seal(PASSWORD, "CRE-1:current")
    for bit in range(len(sealed) * 8):
        flipped = bytearray(sealed)
        flipped[bit // 8] ^= 1 << bit % 8
        with pytest.raises(SealingError):
            ONE.unseal(bytes(flipped), "CRE-1:current")


def test_every_shortening_is_noticed() -> None:
    sealed = ONE.seal(PASSWORD, "CRE-1:current")
    for length in range(len(sealed)):
        with pytest.raises(SealingError):
            ONE.unseal(sealed[:length], "CRE-1:current")


def test_another_key_is_named_and_does_not_open_it() -> None:
    sealed = OTHER.seal(PASSWORD, "CRE-1:current")
    with pytest.raises(SealingError, match=sealed[1:9].hex()):
        ONE.unseal(sealed, "CRE-1:current")


def test_the_key_file_is_made_once_and_kept(key_file: Path) -> None:
    before = key_file.read_bytes()
    first = KeyFile(key_file).read()
    KeyFile(key_file).make()
    assert KeyFile(key_file).read() == first
    assert key_file.read_bytes() == before


@pytest.mark.skipif(WINDOWS, reason="no permission bits")
def test_the_key_file_is_its_owners_only(key_file: Path) -> None:
    assert stat.S_IMODE(key_file.stat().st_mode) == 0o600
    assert stat.S_IMODE(key_file.parent.stat().st_mode) == 0o700


@pytest.mark.skipif(WINDOWS, reason="no permission bits")
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602])
def test_a_key_file_that_others_can_read_or_write_is_refused(key_file: Path, mode: int) -> None:
    key_file.chmod(mode)
    with pytest.raises(SealingError, match="0600"):
        Masters(KeyFile(key_file))


def test_a_missing_key_file_is_not_replaced_by_a_new_one(tmp_path: Path) -> None:
    with pytest.raises(SealingError, match=r"master\.key"):
        Masters(KeyFile(tmp_path / "master.key"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"something else\n", b"gateway-master-key-1 c2hvcnQ=\n"])
def test_a_file_that_holds_no_key_is_refused(key_file: Path, content: bytes) -> None:
    key_file.write_bytes(content)
    with pytest.raises(SealingError, match="not a key file"):
        Masters(KeyFile(key_file))


def test_neither_key_nor_value_shows_in_texts() -> None:
    sealed = ONE.seal(PASSWORD, "c")
    with pytest.raises(SealingError) as caught:
        ONE.unseal(sealed[:-1], "c")
    assert "1111" not in repr(ONE)
    assert PASSWORD.decode() not in str(caught.value)

"""A master key comes back from paper: from its words in any case, or from any two of three parts; slips are found."""

from __future__ import annotations

import itertools
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import SealingError
from gateway.sealing import shares, words
from gateway.sealing.words import IN_LINE, LINES, WORDS, Phrase, key_from

KEY = bytes(range(32))
KEYS = st.binary(min_size=32, max_size=32)


@given(KEYS)
def test_the_words_of_a_key_give_it_back(key: bytes) -> None:
    phrase = words.whole(key)
    assert [len(line) for line in phrase.lines] == [IN_LINE] * LINES
    assert {len(word) for line in phrase.lines for word in line} == {5}
    assert key_from(phrase.text) == key


@given(KEYS)
@settings(max_examples=30)
def test_any_two_of_three_parts_give_the_key_in_any_order(key: bytes) -> None:
    for one, other in itertools.permutations(words.parts(key), 2):
        assert key_from(f"{one.text}\n{other.text}") == key


def test_shares_split_and_combine_over_every_byte() -> None:
    secret = bytes(range(256))
    parts = shares.split(secret)
    for pair in itertools.permutations(parts, 2):
        assert shares.combine({number: parts[number] for number in pair}) == secret
    with pytest.raises(ValueError, match="two parts"):
        shares.combine({1: parts[1]})
    with pytest.raises(ValueError, match="two parts"):
        shares.combine({1: parts[1], 2: parts[2][:-1]})


def test_one_part_tells_nothing() -> None:
    """For each byte of a part, every byte of the secret is as likely: some slope makes it so, and only one."""
    for secret in (0, 1, 0x53, 255):
        for number in (1, 2, 3):
            slopes = [bytes([slope]) for slope in range(256)]
            made = {shares.split(bytes([secret]), lambda _n, slope=slope: slope)[number] for slope in slopes}
            assert len(made) == 256


def test_words_may_be_typed_in_any_case_with_numbers_and_broken_lines() -> None:
    lines = words.whole(KEY).lines
    typed = "\n".join(f"{number}. {' '.join(line).upper()}  " for number, line in enumerate(lines, 1))
    assert key_from(typed) == KEY


def _sentence(typed: str) -> str:
    with pytest.raises(SealingError) as caught:
        key_from(typed)
    return str(caught.value)


def test_every_letter_typed_wrong_is_found_in_its_line() -> None:
    """Another word is told by its line, no word at all by its place too; no sentence repeats a word."""
    right = words.whole(KEY).text.split()
    chance = random.Random(7)
    for place, word in enumerate(right):
        for letter in range(5):
            slip = chance.choice([c for c in "abdfgiklmnopqrstuwxz" if c != word[letter]])
            wrong = word[:letter] + slip + word[letter + 1 :]
            said = _sentence(" ".join([*right[:place], wrong, *right[place + 1 :]]))
            assert f"ine {place // IN_LINE + 1}" in said
            assert wrong not in said
            assert word not in said


def test_lines_out_of_order_and_lines_of_another_kit_are_found() -> None:
    mine, other = words.parts(KEY), words.parts(KEY)
    first = mine[0].lines
    assert "Line 2" in _sentence(_text((first[0], first[2], first[1], *first[3:])))
    assert "Line 3" in _sentence(_text((*first[:2], mine[1].lines[2], *first[3:])))
    assert "two different kits" in _sentence(f"{mine[0].text} {other[1].text}")
    assert "two different parts" in _sentence(f"{mine[0].text} {mine[0].text}")
    assert "two different parts" in _sentence(f"{mine[0].text} {words.whole(KEY).text}")
    assert "two different parts" in _sentence(mine[0].text)


@pytest.mark.parametrize("count", [0, 1, WORDS - 1, WORDS + 1, 3 * WORDS])
def test_too_few_or_too_many_words_are_told(count: int) -> None:
    said = _sentence(" ".join((words.whole(KEY).text.split() * 3)[:count]))
    assert f"{count} words received" in said
    assert f"{count} mots reçus" in said


def test_a_kit_of_a_later_version_is_not_misread() -> None:
    assert "newer version" in _sentence(words._phrase(9, b"ab", bytes(36)).text)


def test_no_word_shows_in_a_repr() -> None:
    phrase: Phrase = words.whole(KEY)
    assert not any(word in repr(phrase) for line in phrase.lines for word in line)


def _text(lines: tuple[tuple[str, ...], ...]) -> str:
    return " ".join(word for line in lines for word in line)

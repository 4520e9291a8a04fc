"""Invented people: common Quebec names put together at random, and health insurance numbers with right check digits."""

from __future__ import annotations

import unicodedata
from datetime import date
from random import Random
from typing import NamedTuple

from gateway.identifiers import make_nam

Names = tuple[tuple[str, str], ...]  # as written, and the letters a health insurance number is made of
_FIRST_BIRTH, _LAST_BIRTH = date(1931, 1, 1).toordinal(), date(2012, 12, 31).toordinal()


class Person(NamedTuple):
    """Someone who does not exist."""

    surname: str
    given: str
    female: bool
    born: date
    nam: str


def person(rng: Random) -> Person:
    """Someone new. Births are between 1931 and 2012, before any service the generator invents."""
    female = rng.random() < 0.5
    surname, surname_letters = _pick(rng, _SURNAMES)
    given, given_letters = _pick(rng, _WOMEN if female else _MEN)
    born = date.fromordinal(_FIRST_BIRTH + int(rng.random() * (_LAST_BIRTH - _FIRST_BIRTH)))
    sequence = str(1 + int(rng.random() * 9))
    return Person(surname, given, female, born, make_nam(surname_letters, given_letters, born, female, sequence))


def _pick(rng: Random, names: Names) -> tuple[str, str]:
    return names[int(rng.random() * len(names))]


def _names(text: str) -> Names:
    return tuple((name, _letters(name)) for name in text.split())


def _letters(name: str) -> str:
    """`St-Pierre` → `STPIERRE`, `Émond` → `EMOND`."""
    return "".join(c for c in unicodedata.normalize("NFD", name) if c.isascii() and c.isalpha()).upper()


_SURNAMES = _names("""
    Tremblay Gagnon Roy Côté Bouchard Gauthier Morin Lavoie Fortin Gagné Ouellet Pelletier Bélanger Lévesque Bergeron
    Leblanc Paquette Girard Simard Boucher Caron Beaulieu Cloutier Dubé Poirier Fournier Lapointe Leclerc Lefebvre Émond
    Poulin Thibault St-Pierre Nadeau Martel Landry Martin Bédard Grenier Lessard Lachance Bernier Richard Michaud
    Hébert Desjardins Couture Turcotte Lemieux Gosselin Proulx
""")
_WOMEN = _names("""
    Émilie Marie-Ève Julie Nathalie Geneviève Isabelle Chantal Élise Rosalie Florence Camille Léa Charlotte Juliette
    Béatrice Aurélie Océane Maude Josée Francine Ginette Huguette Thérèse Noémie
""")
_MEN = _names("""
    Étienne Jean-François Luc Mathieu Félix Gabriel Alexandre Olivier Antoine Samuel Thomas Xavier Zacharie Benoît
    Réjean Normand Gilles Yvon Marcel André Frédéric Raphaël Édouard Loïc
""")

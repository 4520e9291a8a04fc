"""Z: hostile archives are refused by the sentence that fits, before a byte of a member is used; and what a lot of good
and bad documents becomes is the source's own choice."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from support.attacks import Attack, Counted, of
from support.house import House, paimt
from support.tally import MINIMUM, Count
from support.zips import Entry, pack

from gateway.messages import room
from gateway.validation import is_archive, members, open_member
from gateway.validation.archive import Member
from hostile import archives

FORMS = {  # each of our sentences, whatever fills its places
    key: re.compile(re.sub(r"\\{\w+\\}", ".*", re.escape(said["en"])), re.DOTALL)
    for key, said in room("validation").items()
    if key.startswith(("zip_", "name_", "member_")) and not key.endswith("_next")
}
ATTACKS = [
    *archives.names(),
    *archives.lies(),
    *archives.specials(),
    *archives.closed(),
    *archives.cuts(),
]
TWINS = [*archives.honest()]


def fell(attack: Attack) -> str | None:
    """What went wrong with one attack; None when it ended as it must."""
    data = attack.data
    source = Counted(data)
    found = members(source, "lot.zip")
    if source.taken > 8 * len(data) + (1 << 20):
        return f"{attack.name}: {source.taken} bytes were read of {len(data)}"
    said = {key for f in found.findings for key, form in FORMS.items() if form.fullmatch(f.message["en"])}
    if attack.code is None:
        whole = [_bytes(source, member) for member in found.members[:9]]
        return None if whole and all(whole) and not said else f"{attack.name}: {sorted(said)}, harmless expected"
    if found.members or attack.code not in said:
        return f"{attack.name}: {sorted(said)}, {attack.code} expected"
    refuses = all(f.code == "HOSTILE_ARCHIVE" and f.refuses and f.message["fr"] for f in found.findings)
    return None if refuses else f"{attack.name}: does not refuse"


def _bytes(source: Counted, member: Member) -> bytes:
    with open_member(source, member) as stream:
        return stream.read()


@pytest.mark.parametrize("name", ["Z1", "Z2", "Z3", "Z4", "Z6"])
def test_every_hostile_archive_is_refused_with_its_sentence_and_its_honest_twin_is_not(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tally: Count
) -> None:
    monkeypatch.chdir(tmp_path)
    tried, twins = of(ATTACKS, name), of(TWINS, name)
    assert len(tried) >= MINIMUM[name]
    assert all(is_archive(Counted(attack.data)) for attack in (*tried, *twins))
    assert [said for attack in (*tried, *twins) if (said := fell(attack))] == []
    assert list(tmp_path.iterdir()) == []
    tally(name, refused=len(tried), twins=len(twins))


GOOD, ALSO = paimt("D-1").encode(), paimt("D-2", first="F-3", second="F-4").encode()
NOT_WELL_FORMED, FOREIGN = GOOD[:-20], paimt("D-3", first="F-5", second="F-6", sender="18002").encode()
WITH_DOCTYPE = b"<!DOCTYPE dem_paimt>" + GOOD.partition(b"?>")[2]


@pytest.mark.parametrize("strict", [False, True], ids=["each for itself", "all or nothing"])
@pytest.mark.parametrize(
    ("bad", "code"),
    [(NOT_WELL_FORMED, "NOT_WELL_FORMED"), (WITH_DOCTYPE, "HOSTILE_DOCTYPE"), (FOREIGN, "FOREIGN_NUMBER")],
)
def test_a_bad_document_refuses_its_good_neighbour_only_where_the_source_wants_it(
    strict: bool, bad: bytes, code: str, tmp_path: Path, tally: Count
) -> None:
    house = House(tmp_path)
    house.agency("AGE-2", "18002")
    house.source(strict=strict)
    requests = house.given("lot.zip", pack(Entry(b"a.xml", GOOD), Entry(b"b.xml", bad)))
    expected = [("REFUSED", "STRICT_LOT") if strict else ("READY", None), ("REFUSED", code)]
    assert sorted((r.state, r.reason) for r in requests) == sorted(expected, key=str)
    told = {f["code"] for reply in house.replies("report") for f in reply.facts["findings"]}
    assert told >= ({code, "STRICT_LOT"} if strict else {code})
    house.close()
    tally("Z5", refused=1, twins=not strict)


def test_good_documents_together_are_let_in_even_all_or_nothing(tmp_path: Path, tally: Count) -> None:
    house = House(tmp_path)
    house.source(strict=True)
    requests = house.given("lot.zip", pack(Entry(b"a.xml", GOOD), Entry(b"b.xml", ALSO)))
    assert [request.state for request in requests] == ["READY", "READY"]
    house.close()
    tally("Z5", twins=1)


@pytest.mark.parametrize("name", [b"../b.xml", b"b.exe"])
def test_a_bad_archive_gives_up_none_of_its_documents(name: bytes, tmp_path: Path, tally: Count) -> None:
    house = House(tmp_path)
    assert house.given("lot.zip", pack(Entry(b"a.xml", GOOD), Entry(name, ALSO))) == []
    assert (house.batch().state, house.batch().reason) == ("REFUSED", "HOSTILE_ARCHIVE")
    house.close()
    tally("Z5", refused=1)

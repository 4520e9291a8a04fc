"""The memory adapter's faults on demand, which rehearsals of the stages rely on."""

from __future__ import annotations

import pytest
from support.mailboxes import InMemory, Notebook, look, send

from adapters import opener
from gateway.errors import Denied, InDoubt, Unreachable


def test_a_box_can_be_out_of_reach_or_closed_to_us() -> None:
    place = InMemory("faults")
    place.box.unreachable = True
    with pytest.raises(Unreachable):
        place.open().waiting()
    place.box.unreachable, place.box.deny = False, True
    secret = Notebook("faux")
    with pytest.raises(Denied):
        opener("memory")({"box": "faults"}, secret).waiting()
    assert secret.calls == ["get", "refuse"]


@pytest.mark.parametrize(("switch", "arrived"), [("cut_before_commit", False), ("cut_after_commit", True)])
def test_a_cut_line_leaves_doubt_and_looking_clears_it(switch: str, arrived: bool) -> None:
    place = InMemory(switch)
    setattr(place.box, switch, True)
    with pytest.raises(InDoubt):
        send(place.open(), "lot.xml", b"<lot/>")
    assert (look(place.open(), "lot.xml", b"<lot/>") is not None) == arrived

"""Sends what is READY to the payer, lane by lane: one transmission number, one connection, requests in their order.

Intent before the first byte, success only from a receipt; what became of an unclear try is decided by facts about the
payer, else a person decides.
"""

from __future__ import annotations

import structlog

from gateway import breakers, moments
from gateway.errors import Denied
from gateway.identifiers import of_lane
from gateway.ports import Delivery
from gateway.stages import Endpoint, Outcome, Rooms, payer_endpoints
from gateway.stages.transmit import doubt, shadow, unclear
from gateway.stages.transmit.lane import Lane, Stop
from gateway.stages.transmit.send import passes, send
from gateway.store import lanes

log = structlog.get_logger()

POINTS = ("transmit.intended", "transmit.sent", "transmit.answered", "transmit.recorded", "transmit.failed")


class Transmit:
    """Endpoint: `payer:number`."""

    name = "transmit"

    def endpoints(self, rooms: Rooms) -> list[Endpoint]:
        return payer_endpoints(rooms, lanes.busy)

    def run(self, rooms: Rooms, endpoint: str) -> Outcome:
        payer, number = of_lane(endpoint)
        lane = Lane(rooms, rooms.config.payer(payer), number)
        worked = shadow.set_aside(lane)
        if shadow.barred(lane):
            return Outcome(worked + shadow.give_up(lane))
        worked += unclear.overdue(lane) + unclear.let_in_again(lane)
        left_behind, doubtful = unclear.left_behind(lane), doubt.doubtful(lane)
        if not left_behind and not doubtful and not lane.next_ones():
            return Outcome(worked, retry_in=lane.rests_for())
        # This run is claimed already: of a change and a transmission that begin at once, one sees the other.
        if moments.gives_way(rooms.store, rooms.config, payer, number):
            log.info("lane_gives_way", payer=payer, number=number, to="password_change")
            return Outcome(worked, again_in=moments.GIVES_WAY)
        if (wait := breakers.shut(rooms.store, payer)) is not None:
            return Outcome(worked, retry_in=wait)
        try:
            with (
                breakers.visiting(rooms.store, payer) as lane.visit,
                rooms.mailboxes.payer_deposit(payer, number) as box,
            ):
                for request in left_behind:
                    worked += unclear.settle(lane, box, request)
                for request in doubtful:
                    worked += doubt.resolve(lane, box, request)
                worked += _turn(lane, box)
        except Denied as problem:  # nobody may come in: no request of this lane can go
            if not passes(problem):
                worked += lane.hold_all(problem.code)
        except Stop:
            log.info("lane_stopped", payer=payer, number=number)
        return Outcome(worked, again_in=0.0 if lane.gave_way else None, retry_in=lane.rests_for())


def _turn(lane: Lane, box: Delivery) -> int:
    """Send what is READY, until others who wait come first."""
    worked = 0
    for request in lane.next_ones():
        if lane.gives_way():
            break
        worked += send(lane, box, request)
        lane.sent(request)
    return worked

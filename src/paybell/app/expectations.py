"""What an order should pay, said by a process that serves nothing."""

from paybell.clock import Clock
from paybell.gateways import GATEWAYS
from paybell.model.endpoint import Endpoint
from paybell.model.expectation import Expectation
from paybell.ports import Change, Routed, Said, Store
from paybell.record.service import RecordConfig, RecordService
from paybell.route.rules import Mint, route_change


async def expect(store: Store, clock: Clock, wish: Expectation) -> Said:
    """Say it to the order's payments; what there is to deliver is left to those who serve."""

    def route(change: Change, endpoints: tuple[Endpoint, ...], now_ms: int) -> Routed:
        mint = Mint(new_id=clock.new_id, has_room=lambda _: False, now_ms=now_ms, lease_ends_at_ms=now_ms)
        return route_change(change, endpoints, mint)

    service = RecordService(store, GATEWAYS, clock, RecordConfig(), route=route, hand_on=lambda _: None)
    return await service.expect(wish)

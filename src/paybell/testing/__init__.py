"""For your tests: pretend gateways that sign as the real ones do, a receiver, and a clock that tests can move."""

from paybell.testing.gateways import GATEWAYS, Pretender, SignedRequest, gateway

__all__ = ["GATEWAYS", "Pretender", "SignedRequest", "gateway"]

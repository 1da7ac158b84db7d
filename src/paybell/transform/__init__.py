"""Transformations: the code of endpoints' owners, in a sandbox."""

from paybell.transform.config import SandboxConfig
from paybell.transform.sandbox import Sandbox

__all__ = ["Sandbox", "SandboxConfig"]

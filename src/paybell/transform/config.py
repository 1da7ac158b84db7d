"""The settings of the sandbox."""

from typing import Final

from msgspec import Struct

from paybell.errors import ConfigurationError

CODE_CHARS_MAX: Final = 51_200


class SandboxConfig(Struct, frozen=True, kw_only=True):
    """Limits of one transformation, and of all together."""

    time_s: float = 0.5
    """How long the code may compute for one message: to define its functions, and again to run the handler."""
    memory_bytes: int = 64 << 20
    """How much memory the code may use."""
    payload_bytes_max: int = 1 << 20
    """How large the payload may be that it makes."""
    processes_max: int = 2
    """How many transformations run at once, each in a process of its own."""
    wait_s: float = 10.0
    """How long one waits for its turn until it counts as failed."""
    grace_s: float = 5.0
    """How long a process may overrun, to start or to notice its own limit, until it is killed."""

    def __post_init__(self) -> None:
        """Refuse limits under which nothing would run, with :class:`~paybell.errors.ConfigurationError`."""
        for name in self.__struct_fields__:
            if getattr(self, name) <= 0:
                raise ConfigurationError(f"{name} must be above 0")

    @property
    def deadline_s(self) -> float:
        """After which a process that has not answered is killed."""
        return 2 * self.time_s + self.grace_s

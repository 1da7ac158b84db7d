"""Every setting: name, type, default, a sentence. Read from the environment (``PAYBELL_…``), then from arguments."""

import ipaddress
from typing import Annotated, Any, Final, Literal

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from paybell.errors import ConfigurationError
from paybell.store.place import is_postgres, is_sqlite, is_well_formed

ROLES: Final = ("receive", "record", "deliver", "reconcile", "web")
Role = Literal["receive", "record", "deliver", "reconcile", "web"]
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Settings(BaseSettings):
    """Paybell's settings."""

    model_config = SettingsConfigDict(env_prefix="PAYBELL_", frozen=True, extra="forbid")

    database: str = Field(
        "sqlite:///data/paybell.db",
        repr=False,  # it may hold a password
        description="Where everything is kept: sqlite:///PATH or postgresql://USER:PASSWORD@HOST:PORT/NAME.",
    )
    database_connections_max: int = Field(
        10, ge=2, le=1000, description="Connections of this process to PostgreSQL, at most (one more listens)."
    )
    database_pooler: Literal["none", "transaction"] = Field(
        "none",
        description="transaction where a pooler in transaction mode (such as PgBouncer) stands before PostgreSQL.",
    )
    database_migrate: bool = Field(
        default=True, description="Whether a start brings the schema up to date; if not, `paybell db migrate` does."
    )
    host: str = Field("127.0.0.1", description="The address to listen on.")
    port: int = Field(8800, ge=0, le=65535, description="The port to listen on; 0 takes a free one.")
    public_url: str = Field("", description="How gateways reach this server, such as https://pay.example.com.")
    portal_url: str = Field(
        "",
        description="A page of yours that links with portal tokens lead to; else they name the application's own URL.",
    )
    bootstrap_key: str = Field("", repr=False, description="An API key made valid at start, for automation.")
    organisation: str = Field(
        "", description="The organisation that commands work for, by its id or name; the first, where none is named."
    )
    secret_key: str = Field(
        "",
        repr=False,
        description="32 bytes in base64 that seal secrets at rest, the same on every node; "
        "with SQLite, without it, a key file beside the database.",
    )
    roles: Annotated[tuple[Role, ...], NoDecode] = Field(
        ROLES, description="What this process does: any of receive, record, deliver, reconcile, web."
    )
    allow_private_networks: Annotated[tuple[Network, ...], NoDecode] = Field(
        (), description="Private networks that deliveries may reach, as CIDR, for development."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="The least important log lines to write."
    )
    body_bytes_max: int = Field(1_048_576, gt=0, description="The largest request body accepted, in bytes.")
    read_timeout_s: float = Field(10.0, gt=0, description="How long a request body may take to arrive, in seconds.")
    header_timeout_s: float = Field(10.0, gt=0, description="How long a request's head may take to arrive, in seconds.")
    connections_max: int = Field(4096, gt=0, description="Open connections, at most; further ones are answered 503.")
    receive_waiting_max: int = Field(
        2000, gt=0, description="Requests that may wait for the disk at once; beyond that, 503."
    )
    delivery_timeout_s: float = Field(
        15.0, gt=0, le=30, description="How long one delivery may take altogether, in seconds."
    )
    endpoint_active_max: int = Field(
        64, gt=0, description="Deliveries being sent to one endpoint at the same time, at most."
    )
    deliveries_active_max: int = Field(
        1024, ge=4, description="Deliveries being sent at the same time in all, at most; shared by applications."
    )
    transformation_time_s: float = Field(
        0.5, gt=0, le=5, description="How long an endpoint's transformation may compute for one message, in seconds."
    )
    transformation_processes_max: int = Field(
        2, gt=0, le=64, description="Transformations that run at once, each in a process of its own."
    )
    endpoint_failing_days: int = Field(
        5, ge=0, description="After how many days in which every attempt failed an endpoint is disabled; 0 for never."
    )
    keep_messages_days: int = Field(
        90, ge=0, description="How long messages are kept, with their deliveries and attempts, in days; 0 for ever."
    )
    keep_notifications_days: int = Field(
        0, ge=0, description="How long notifications are kept once they are recorded, in days; 0 for ever."
    )
    mail_url: str = Field(
        "",
        repr=False,  # it may hold a password
        description="The mail server for mail about failing endpoints: smtp://USER:PASSWORD@HOST:PORT, or smtps://….",
    )
    mail_from: str = Field("", description="From whom that mail is, such as paybell@example.com.")
    mail_to: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="Who gets it in the default organisation; others add a mailto: operational endpoint."
    )
    keep_audit_days: int = Field(730, ge=0, description="How long the audit log is kept, in days; 0 for ever.")
    node_name: str = Field("", max_length=200, description="What `paybell nodes` calls this process; else its host.")
    stop_grace_s: float = Field(
        20.0, ge=0, description="How long a stop waits for what is being received and sent, in seconds."
    )

    @field_validator("allow_private_networks", mode="before")
    @classmethod
    def _networks(cls, value: object) -> object:
        """One sentence, where the union would give two. Runs after ``_listed``, which stands below it."""
        for part in value if isinstance(value, tuple) else ():
            try:
                ipaddress.ip_network(part)
            except ValueError as error:
                raise ValueError(f"{error}: write it as CIDR, such as 10.0.0.0/8") from None
        return value

    @field_validator("roles", "allow_private_networks", "mail_to", mode="before")
    @classmethod
    def _listed(cls, value: object) -> object:
        """Lists may be given as one text with commas."""
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("database")
    @classmethod
    def _database(cls, value: str) -> str:
        if not is_sqlite(value) and not is_postgres(value):
            raise ValueError(
                "must be sqlite:///PATH, such as sqlite:///data/paybell.db, or postgresql://USER:PASSWORD@HOST:PORT/NAME"
            )
        if is_postgres(value) and not is_well_formed(value):
            raise ValueError(
                "is not a URL such as postgresql://USER:PASSWORD@HOST:PORT/NAME: percent-encode what is special in "
                "a user or password (@ as %40, / as %2F, ? as %3F, # as %23, [ as %5B)"
            )
        return value

    @field_validator("bootstrap_key")
    @classmethod
    def _long_enough(cls, value: str) -> str:
        if value and len(value) < 16:  # noqa: PLR2004 - nobody should guess it
            raise ValueError("must have at least 16 characters")
        return value


def settings(**given: Any) -> Settings:
    """Read the settings; arguments that are None were not given. Raises ``ConfigurationError`` with what to do."""
    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        # By name, since the members of a union fail one by one.
        problems = {str(it["loc"][0]): _sentence(str(it["loc"][0]), it["msg"]) for it in error.errors()}
        raise ConfigurationError(f"wrong settings: {'; '.join(problems.values())}") from None


def _sentence(name: str, wrong: str) -> str:
    if name not in Settings.model_fields:
        return f"there is no setting {name[:64]!r} (known: {', '.join(Settings.model_fields)})"
    return f"{name} (PAYBELL_{name.upper()}): {wrong.removeprefix('Value error, ')}"

"""Settings that are wrong are told by name, in one sentence each, with what to write instead."""

from typing import Any

import pytest

from paybell.config import settings
from paybell.errors import ConfigurationError
from paybell.store.place import without_password


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"port": -1, "roles": "nope"}, "port (PAYBELL_PORT): "),
        ({"port": -1, "roles": "nope"}, "; roles (PAYBELL_ROLES): "),
        ({"prot": 1}, "there is no setting 'prot' (known: database, database_connections_max, "),
        ({"database": "pay.db"}, "must be sqlite:///PATH, such as sqlite:///data/paybell.db, or postgresql://USER:"),
        ({"database": "sqlite:///"}, "must be sqlite:///PATH"),
        ({"database": "mysql://localhost/pay"}, "must be sqlite:///PATH"),
        ({"bootstrap_key": "short"}, "bootstrap_key (PAYBELL_BOOTSTRAP_KEY): must have at least 16 characters"),
        ({"allow_private_networks": "10.0.0.1/8"}, "10.0.0.1/8 has host bits set: write it as CIDR"),
    ],
)
def test_a_wrong_setting_is_told_by_name(given: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        settings(**given)
    text = str(raised.value)
    assert text.startswith("wrong settings: ")
    assert told in text
    assert text.count("; ") == len(given) - 1


def test_no_secret_stands_in_a_complaint() -> None:
    with pytest.raises(ConfigurationError) as raised:
        settings(bootstrap_key="hush", port=-1)
    assert "hush" not in str(raised.value)


def test_a_database_password_stands_in_no_record_and_no_complaint() -> None:
    url = "postgresql://pay:hush@db/pay?password=hush"
    assert "hush" not in repr(settings(database=url))
    with pytest.raises(ConfigurationError) as raised:
        settings(database=url, port=-1)
    assert "hush" not in str(raised.value)
    assert without_password(url) == "postgresql://pay@db/pay"


@pytest.mark.parametrize("password", ["hu/sh", "hu@sh", "hu?sh", "hu#sh", "hu[sh", "12/34", "hu sh"])
def test_a_password_that_would_be_taken_for_another_part_of_the_url_is_refused_unseen(password: str) -> None:
    with pytest.raises(ConfigurationError, match="percent-encode") as raised:
        settings(database=f"postgresql://pay:{password}@db/pay")
    assert not any(part in str(raised.value) for part in ("hu", "12", "34"))


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://pay:a:b%40c@db:5432/pay",
        "postgres://[::1]:5432/pay?sslmode=require",
        "postgresql://pay@one:1,two:2/pay?target_session_attrs=primary",
        "postgresql:///pay?host=/var/run/postgresql",
    ],
)
def test_any_right_form_of_a_postgresql_url_is_taken(url: str) -> None:
    assert settings(database=url).database == url


def test_lists_are_texts_with_commas_and_networks_of_both_versions() -> None:
    chosen = settings(allow_private_networks="127.0.0.0/8, fd00::/8", roles=" web,receive ")
    assert [str(it) for it in chosen.allow_private_networks] == ["127.0.0.0/8", "fd00::/8"]
    assert chosen.roles == ("web", "receive")

"""No secret and no card number in what is logged, however it comes; and nothing else is lost."""

import json
import time
import traceback
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.redaction import passes_luhn, redacted, redacted_value, remember_secret

VISA, AMEX, MAESTRO, LONG = "4111111111111111", "378282246310005", "6759649826438453", "6304000000000000000"
PEM = (
    "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmUA\nAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtz\n-----END "
)


@pytest.mark.parametrize("card", [VISA, AMEX, MAESTRO, LONG, "4222222222222"])
@pytest.mark.parametrize(
    "around",
    [
        "{}",
        "row 17 {} rejected",
        "a,{},b",
        '"{}"',
        "x{}y",
        "card={}.",
        "12 {} 35",
        "{}.0",
        "\t{}\n",
        "id-{}",
        "№{}",
        "ab{}cd",
        "{}f",
    ],
)
def test_a_card_number_keeps_its_last_four_digits_alone(card: str, around: str) -> None:
    said = redacted(around.format(card))
    assert card not in said
    assert card[:-4] not in said
    assert card[-4:] in said


@pytest.mark.parametrize(
    "written",
    [
        "4111 1111 1111 1111",
        "4111-1111-1111-1111",
        "4111 - 1111 - 1111 - 1111",
        "4111\u00a01111\u00a01111\u00a01111",
        "4111\u20111111\u20111111\u20111111",
        "4111\u200b1111\u200b1111\u200b1111",
        "4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1",
        "4111.1111.1111.1111",
        "4.111111111111111E+15",
        "٤١١١١١١١١١١١١١١١",
        "４１１１１１１１１１１１１１１１",
        "४१११ ११११ ११११ ११११",
    ],
)
def test_a_card_number_is_one_however_it_is_written(written: str) -> None:
    said = redacted(f"before {written} after")
    assert said.startswith("before ")
    assert said.endswith(" after")
    assert sum(letter.isdigit() for letter in said.split("E+")[0]) == 4


@pytest.mark.parametrize(
    "kept",
    [
        "4111111111111112",
        "41111111111111111111",
        f"9{VISA}000",
        "2026-03-01 10:00:00.123456",
        "as_of 2026-03-03T06:00:00.000000Z",
        "run 20261122T073406Z-08112f65",
        "inbox/acme/pos/orders/orders_2026-03-01-120000.csv",
        "sha256 4111111111111111a9c3b4d5e6f70819283746556473829100aabbccddeeff00",
        "550e8400-e29b-41d4-a716-446655440000",
        "10.0.0.1:5432",
        "1,234 rows in 12.5 s, 99.9 %",
        "the key is not there; basic authentication; token expected",
        "select count(*) from audit.runs where a = 'b'",
    ],
)
def test_what_is_no_secret_stays(kept: str) -> None:
    assert redacted(kept) == kept


def test_every_time_of_a_day_stays_in_a_file_name() -> None:
    names = [
        f"orders-2026-03-{day:02d}-{hour:02d}{hour:02d}{day:02d}.csv" for day in range(1, 29) for hour in range(24)
    ]
    assert [redacted(name) for name in names] == names


@given(
    st.integers(10**12, 10**19 - 1), st.text(alphabet=" -x,;\n", max_size=3), st.text(alphabet=" -y,;\n", max_size=3)
)
def test_no_number_that_passes_the_check_is_seen(number: int, before: str, after: str) -> None:
    digits = str(number)
    said = redacted(f"{before}{digits}{after}")
    is_time = digits[:2] in ("19", "20") and said == f"{before}{digits}{after}"
    assert (digits not in said) == (passes_luhn(digits) and not is_time)


@pytest.mark.parametrize(
    "name",
    [
        *("TIEOUT_PG_PASSWORD", "SFTP_TOKEN", "MY_SECRET", "API_KEY", "KEY_OF_ACME", "PGP_PASSPHRASE", "ALERT_DSN"),
        *("SLACK_WEBHOOK_URL", "SMTP_PASS", "DB_PWD", "sftp_password"),
    ],
)
def test_the_value_of_a_variable_that_is_named_like_a_secret_is_one(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    secret = 'p@ss/w"ord\\ü'
    monkeypatch.setenv(name, secret)
    for spelled in (secret, json.dumps(secret), repr(secret), "p%40ss%2Fw%22ord%5C%C3%BC"):
        said = redacted(f"login as acme with {spelled} refused")
        assert "ss/w" not in said
        assert "ss%2Fw" not in said
        assert said.startswith("login as acme with ")
        assert said.endswith(" refused")


def test_folders_and_switches_are_no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"SSH_KEY_PATH": "/etc/keys", "USE_TOKEN": "true", "PWD": "/srv/data", "A_PIN": "123"}.items():
        monkeypatch.setenv(name, value)
    assert redacted("true: /etc/keys below /srv/data, 123 rows") == "true: /etc/keys below /srv/data, 123 rows"


def test_a_key_of_several_lines_is_secret_in_all_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SFTP_PRIVATE_KEY", PEM + "OPENSSH PRIVATE KEY-----\n")
    said = redacted("could not read 'AAAEbm9uZQAAAAAAAAABAAAAMwAAAAtz'")
    assert "AAAEbm9uZQ" not in said
    monkeypatch.delenv("SFTP_PRIVATE_KEY")
    assert "AAAEbm9uZQ" not in redacted(f"read {PEM}OPENSSH PRIVATE KEY----- there")
    assert "AAAEbm9uZQ" not in redacted(f"cut off: {PEM[:80]}")


def test_one_key_that_is_known_hides_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SFTP_PRIVATE_KEY", PEM.replace("AAAEbm9uZQ", "BBBEbm9uZQ") + "OPENSSH PRIVATE KEY-----\n")
    assert "AAAEbm9uZQ" not in redacted(f"read {PEM}OPENSSH PRIVATE KEY----- there")


def test_a_value_that_somebody_names_is_secret_from_then_on() -> None:
    assert "river-otter-77" in redacted("sent to river-otter-77")
    remember_secret("river-otter-77", None, "")
    assert redacted("sent to river-otter-77") == "sent to ***"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("sftp://bob:hunter2@files.example/x", "sftp://***@files.example/x"),
        ("postgresql://u:p@ss/w@host:5432/db?x=1", "postgresql://***@host:5432/db?x=1"),
        ("https://tok3n@api.example/v1", "https://***@api.example/v1"),
        ("https://api.example/v1?token=abc&limit=5", "https://api.example/v1?token=***&limit=5"),
        ("Authorization: Bearer abc.def-123", "Authorization: ***"),
        ("{'Authorization': 'Basic dXNlcjpwYXNz', 'Accept': '*'}", "{'Authorization': '***', 'Accept': '*'}"),
        ('{"headers": {"authorization": "Bearer abc"}, "n": 1}', '{"headers": {"authorization": "***"}, "n": 1}'),
        ("sent Bearer abcDEF123456 to it", "sent Bearer *** to it"),
        ("host=db password=hunter2 dbname=x", "host=db password=*** dbname=x"),
        ("host=db password='hun ter' dbname=x", "host=db password='***' dbname=x"),
        ('{"password": "hun\\"ter", "k": 1}', '{"password": "***", "k": 1}'),
        ("client_secret: s3cr3t, id: 7", "client_secret: ***, id: 7"),
        ("Set-Cookie: session=abc; Path=/", "Set-Cookie: ***"),
        ("key AKIAIOSFODNN7EXAMPLE used", "key *** used"),
        ("x-eyJhbGciOiJI.eyJzdWIiOiI.c2lnbmVk, 3", "x-***, 3"),
        ("old_password_token.secret=abc&b", "old_password_token.secret=***&b"),
        ("compass=north, my_pass=abc", "compass=north, my_pass=***"),
        ("a://b/c://u:p@d e", "a://b/c://***@d e"),
        ("https://hooks.slack.com/services/T0/B0/xyz", "https://hooks.slack.com/***"),
    ],
)
def test_what_is_told_by_its_shape_is_taken_out(text: str, said: str) -> None:
    assert redacted(text) == said


@pytest.mark.parametrize(
    "again",
    [*"1-_.", "1 ", "a.", "-eyJ", "eyJaaaaaaaa.", "a://b:", "a@", "token", "basic a-", "-----BEGIN "],
)
def test_no_text_takes_long_however_odd_it_is(again: str) -> None:
    """What a delivery holds must not keep whoever tells of it at work for hours."""
    text = again * (200_000 // len(again))
    began = time.monotonic()
    redacted(text)
    assert time.monotonic() - began < 10


def test_fields_are_cleaned_however_deep_they_lie(tmp_path: Path) -> None:
    given = {
        "row": [{"card": int(VISA), "raw": f"1;{VISA};x".encode(), "cells": (VISA, None, True, 1.5)}],
        f"of {VISA}": "x",
        "password": {"nested": "anything"},
        "smtp": {"api_key": "k", "port": 25},
        "idempotency_key": "abc",
        "error": ValueError(f"bad {AMEX}"),
        "path": tmp_path / VISA,
        "nan": float("nan"),
    }
    clean = redacted_value(given)
    said = json.dumps(clean, allow_nan=False)
    for number in (VISA, AMEX, VISA[:-4], "anything"):
        assert number not in said
    assert clean["smtp"] == {"api_key": "***", "port": 25}
    assert clean["row"][0]["cells"][1:] == [None, True, 1.5]
    assert clean["idempotency_key"] == "abc"


def test_a_traceback_shows_neither(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SFTP_PASSWORD", "correct horse")
    try:
        try:
            raise ConnectionError("refused: correct horse")
        except ConnectionError as error:
            raise ValueError(f"card {VISA}") from error
    except ValueError as error:
        said = redacted("".join(traceback.format_exception(error)))
    assert "correct horse" not in said
    assert VISA not in said
    assert "refused: ***" in said


def test_a_value_that_cannot_say_what_it_is_is_told_by_its_kind() -> None:
    class Mute:
        def __str__(self) -> str:
            raise RuntimeError

    assert redacted(Mute()) == "<Mute>"

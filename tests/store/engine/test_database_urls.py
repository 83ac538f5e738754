"""Database URLs: all of libpq's forms, and messages without parts of a password."""

import logging
from collections.abc import Mapping
from contextlib import closing

import pytest

from workspace_operator.errors import InvalidInput, StoreUnavailable
from workspace_operator.store.engine.databases import Database
from workspace_operator.store.engine.urls import PrepareMode, parse_database_url

FORMS: Mapping[str, Mapping[str, str]] = {
    "postgresql://": {},
    "postgres://host/name": {"host": "host", "dbname": "name"},
    " postgresql://host/name\n": {"host": "host", "dbname": "name"},
    "postgresql://user@host:5433/name": {"user": "user", "host": "host", "port": "5433", "dbname": "name"},
    "postgresql://u@a,b/db": {"user": "u", "host": "a,b", "port": ",", "dbname": "db"},
    "postgresql://u@a:1,b:2/db": {"user": "u", "host": "a,b", "port": "1,2", "dbname": "db"},
    "postgresql://[::1]:1,[::2]:2/db": {"host": "::1,::2", "port": "1,2", "dbname": "db"},
    "postgresql://u@/db?host=a&host=b&port=1&port=2": {"user": "u", "host": "a,b", "port": "1,2", "dbname": "db"},
    "postgresql://u@/db?host=a:1&host=b:2": {"user": "u", "host": "a,b", "port": "1,2", "dbname": "db"},
    "postgresql://u@/db?host=a:1&host=b": {"user": "u", "host": "a,b", "port": "1,", "dbname": "db"},
    "postgresql://u@/db?host=a,b&port=5432": {"user": "u", "host": "a,b", "port": "5432", "dbname": "db"},
    "postgresql:///db?host=/var/run": {"host": "/var/run", "dbname": "db"},
    "postgresql://%2Fvar%2Frun/db": {"host": "/var/run", "dbname": "db"},
    "postgresql://h/db?sslmode=require&prepare=off": {"host": "h", "dbname": "db", "sslmode": "require"},
    "postgresql://h/db?ssl=true": {"host": "h", "dbname": "db", "sslmode": "require"},
    "postgresql://h/db?options=-c%20x%3Dy+z": {"host": "h", "dbname": "db", "options": "-c x=y+z"},
    "postgresql+psycopg://u:p%40%2F%25%23%3F@h/db": {"user": "u", "password": "p@/%#?", "host": "h", "dbname": "db"},
    "postgresql://h,g/db?target_session_attrs=read-write": {
        "host": "h,g",
        "port": ",",
        "dbname": "db",
        "target_session_attrs": "read-write",
    },
}

UNESCAPED = [
    "postgresql://postgres:p@hunter/w%rd@127.0.0.1:5432/x",
    "postgresql://postgres:hunter@two@127.0.0.1/x",
    "postgresql://postgres:hunter/two@127.0.0.1/x",
    "postgresql://postgres:99/hunter@127.0.0.1/x",
    "postgresql://postgres:hunter?two@127.0.0.1/x",
    "postgresql://postgres:99?hunter@127.0.0.1/x",
    "postgresql://postgres:99?hunter=two@127.0.0.1/x",
    "postgresql://postgres:hunter#two@127.0.0.1/x",
    "postgresql://postgres:hunter%two@127.0.0.1/x",
    "postgresql://postgres:hunter%FF@127.0.0.1/x",
    "postgresql://postgres:hunter%00@127.0.0.1/x",
    "postgresql://postgres:hunter two@127.0.0.1/x",
    "postgresql://postgres:hunter@[::1/x",
    "postgresql://postgres:hunter",
    "postgresql://postgres:hunter/x",
    "postgresql://127.0.0.1/x?password=hunter@two",
    "postgresql://127.0.0.1/x?password=hunter?two",
    "postgresql://127.0.0.1/x?password=99&hunter",
    "postgresql://127.0.0.1/x?password=99&Hunter=two",
    "postgresql://postgres:hunter\udcff@127.0.0.1/x",
    "postgres:hunter@127.0.0.1/x",
    "mysql://postgres:hunter@127.0.0.1/x",
    "sqlite://postgres:hunter@127.0.0.1/x",
]

REFUSED = {
    "postgresql://h:0/x": "port",
    "postgresql://h:65536/x": "port",
    "postgresql://a,b/x?port=1,2,3": "2 hosts and 3 ports",
    "postgresql://h/x?unknown=1": "'unknown'",
    "postgresql://h/x?sslmode=no": "'sslmode'",
    "postgresql://h/x?target_session_attrs=primary,standby": "'target_session_attrs'",
    "postgresql://h/x?connect_timeout=soon": "'connect_timeout'",
    "postgresql://h/x?prepare=never": "'prepare'",
    "postgresql://h/x?prepare": "option",
    "sqlite://": "must be a file",
    "sqlite://host/file.db": "three slashes",
    "sqlite://host:port/file.db": "FILE.db",
}


@pytest.mark.parametrize("url", FORMS)
def test_form_of_libpq_is_read(url: str) -> None:
    assert parse_database_url(url).options == FORMS[url]


@pytest.mark.parametrize("url", FORMS)
def test_url_of_sqlalchemy_means_the_same(url: str) -> None:
    target = parse_database_url(url)

    again = parse_database_url(
        target.url.render_as_string(hide_password=False).replace("+z", "%20z").replace("-c+", "-c%20")
    )

    assert again.options.keys() == target.options.keys()
    assert again.prepare is target.prepare


@pytest.mark.parametrize("url", UNESCAPED)
def test_unescaped_password_is_refused_and_never_shown(url: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    with pytest.raises(InvalidInput) as caught:
        Database(url)

    shown = f"{caught.value!r} {caught.value.__cause__!r} {caplog.text}".lower()
    assert "hunter" not in shown
    assert "two" not in shown
    assert caught.value.field == "database"


@pytest.mark.parametrize("url", REFUSED)
def test_message_names_what_is_wrong(url: str) -> None:
    with pytest.raises(InvalidInput, match=REFUSED[url]):
        parse_database_url(url)


def test_messages_advise_to_encode() -> None:
    with pytest.raises(InvalidInput, match=r"@ as %40, / as %2F, % as %25, # as %23, [?] as %3F"):
        parse_database_url("postgresql://user:p@ss@host/name")


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("postgresql://u:secret@a:1,b/db?sslpassword=secret", "postgresql://u@a:1,b/db"),
        ("postgresql://[::1]:5432/db?password=secret", "postgresql://[::1]:5432/db"),
        ("postgresql://a,b/db?port=5433", "postgresql://a:5433,b:5433/db"),
        ("postgresql://", "postgresql:///"),
        ("sqlite:////tmp/file.db\n", "sqlite:////tmp/file.db"),
    ],
)
def test_name_reports_where_it_is_and_no_password(url: str, name: str) -> None:
    with closing(Database(url)) as database:
        assert database.name == name
        assert "secret" not in repr(database.url)


@pytest.mark.parametrize(("option", "prepare"), [("", PrepareMode.AUTO), ("?prepare=on", PrepareMode.ON)])
def test_preparing_may_be_chosen(option: str, prepare: PrepareMode) -> None:
    assert parse_database_url(f"postgresql://host/name{option}").prepare is prepare


def test_all_hosts_are_tried() -> None:
    with closing(Database("postgresql://user:secret@127.0.0.1:1,127.0.0.1:2/name")) as database:
        with pytest.raises(StoreUnavailable, match=r"127\.0\.0\.1:1,127\.0\.0\.1:2") as caught, database.reading():
            pass

        assert "secret" not in str(caught.value)

import pytest

from replay.configuration import Configuration, ReplaySection
from replay.errors import HostNotAllowed, ReplayError
from replay.limits import CAREFUL, UNLIMITED, Limits
from replay.target import Target, check_allowed, check_endpoint, limits_for


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.10", "[::1]", "localhost", "LOCALHOST"])
def test_this_machine_is_allowed(host: str) -> None:
    check_allowed(Target(f"ws://{host}:9/"), ())


@pytest.mark.parametrize(
    "host",
    [
        "localhost.evil.com",
        "127.0.0.1.evil.com",
        "example.com",
        "10.0.0.1",
        "[fe80::1]",
        # It reaches this machine only by a quirk of some systems, so it has to be named.
        "0.0.0.0",
    ],
)
def test_any_other_host_has_to_be_named(host: str) -> None:
    with pytest.raises(HostNotAllowed, match="--allow-host"):
        check_allowed(Target(f"ws://{host}:9/"), ("other.example",))


def test_a_named_host_is_allowed_however_it_is_written() -> None:
    check_allowed(Target("wss://Staging.Example.com/"), ("other", "staging.example.COM"))


def test_a_host_is_not_allowed_for_its_ending() -> None:
    with pytest.raises(HostNotAllowed):
        check_allowed(Target("ws://evil-example.com"), ("example.com",))


@pytest.mark.parametrize(
    "url",
    ["", "127.0.0.1:80", "http://h/", "ws://", "ws://h:0", "ws://h:99999", "ws://[::1", "ws:h"],
)
def test_what_is_no_websocket_url_is_refused(url: str) -> None:
    with pytest.raises(ReplayError, match="expected ws://host:port or wss://host"):
        Target(url)


@pytest.mark.parametrize(
    ("target", "address"),
    [
        ("ws://h:1", "ws://h:1/ws?room=1"),
        ("ws://h:1/", "ws://h:1/ws?room=1"),
        ("wss://h/other", "wss://h/other?room=1"),
        ("ws://h/?v=2", "ws://h/ws?v=2"),
        ("ws://h/other?v=2#part", "ws://h/other?v=2"),
        ("ws://[::1]:80", "ws://[::1]:80/ws?room=1"),
    ],
)
def test_the_recorded_path_stays_unless_the_target_has_its_own(target: str, address: str) -> None:
    assert Target(target).address("wss://recorded.example:8443/ws?room=1") == address


def test_a_recorded_url_without_a_path_asks_for_the_root() -> None:
    assert Target("ws://h").address("ws://recorded.example") == "ws://h/"


def test_ports_default_by_scheme() -> None:
    assert [Target(url).port for url in ("ws://h", "wss://h", "ws://h:8000")] == [80, 443, 8000]


def test_the_origin_is_that_of_a_page_of_the_server() -> None:
    target = Target("wss://h:8443/path")
    assert (target.origin, target.http_origin) == ("wss://h:8443", "https://h:8443")


@pytest.mark.parametrize("url", ["ws://ann:pass-word-1@h", "ws://pass-word-1@127.0.0.1:9/"])
def test_a_password_in_the_url_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(ReplayError, match="name or password before") as caught:
        Target(url)
    assert "pass-word-1" not in str(caught.value)


def test_a_url_that_is_none_is_shown_without_its_secrets() -> None:
    with pytest.raises(ReplayError) as caught:
        Target("http://ann:pass-word-1@h/?token=nobody-may-read-1")
    assert "pass-word-1" not in str(caught.value)
    assert "nobody-may-read-1" not in str(caught.value)


def test_what_is_written_down_has_no_secret() -> None:
    target = Target("wss://h:8443/path?token=nobody-may-read-1&room=7")
    assert target.shown == "wss://h:8443/path?token={{deadheat:token:s1}}&room=7"
    assert Target("ws://127.0.0.1:9").shown == "ws://127.0.0.1:9"


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("ws://[fd00:0:0::1]:8080", "fd00::1"),
        ("ws://staging.example.com.", "staging.example.com"),
        ("ws://192.0.2.7:65535", "192.0.2.7"),
    ],
)
def test_an_allowed_host_is_the_same_in_every_spelling(url: str, allowed: str) -> None:
    check_allowed(Target(url), (allowed,))
    with pytest.raises(HostNotAllowed):
        check_allowed(Target(url), ("fd00::2", "192.0.2.8"))


def test_an_endpoint_leads_to_a_host_that_is_allowed() -> None:
    check_endpoint("http://localhost:9/token", (), "token_url")
    check_endpoint("https://login.example.com/token", ("login.example.com",), "token_url")
    with pytest.raises(HostNotAllowed, match=r"token_url leads to login\.example"):
        check_endpoint("https://login.example.com/token", (), "token_url")
    with pytest.raises(ReplayError, match="token_url is http"):
        check_endpoint("http://login.example.com/token", ("login.example.com",), "token_url")


def test_a_server_of_others_is_treated_with_care() -> None:
    nothing = Configuration()
    assert limits_for(Target("ws://127.0.0.1:9"), Limits(), nothing) == UNLIMITED
    assert limits_for(Target("wss://h.example"), Limits(), nothing) == CAREFUL


def test_limits_that_were_asked_for_go_first_then_configured_ones() -> None:
    configured = Configuration(
        replay=ReplaySection(max_sends_per_s=7), hosts={"h.example": Limits(max_connections=500)}
    )
    limits = limits_for(Target("wss://h.example"), Limits(max_sends_per_s=900), configured)
    assert limits == Limits(
        max_connections=500,
        max_sends_per_s=900,
        max_runs_per_minute=CAREFUL.max_runs_per_minute,
    )
    local = limits_for(Target("ws://[::1]:9"), Limits(), configured)
    assert local == Limits(max_sends_per_s=7)

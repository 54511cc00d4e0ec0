import ssl
from pathlib import Path

import pytest

from replay.errors import HostNotAllowed, ReplayError
from replay.target import Target, check_allowed, configured_hosts


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.8.9.10", "[::1]", "localhost", "LOCALHOST", "user:pass@127.0.0.1"]
)
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
        "127.0.0.1@evil.com",
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
        ("ws://user:pass@h:1", "ws://h:1/ws?room=1"),
        ("ws://[::1]:80", "ws://[::1]:80/ws?room=1"),
    ],
)
def test_the_recorded_path_stays_unless_the_target_has_its_own(target: str, address: str) -> None:
    assert Target(target).address("wss://recorded.example:8443/ws?room=1") == address


def test_a_recorded_url_without_a_path_asks_for_the_root() -> None:
    assert Target("ws://h").address("ws://recorded.example") == "ws://h/"


def test_ports_default_by_scheme() -> None:
    assert [Target(url).port for url in ("ws://h", "wss://h", "ws://h:8000")] == [80, 443, 8000]


def test_the_origin_leaves_out_who_asks() -> None:
    target = Target("wss://user:pass@h:8443/path")
    assert (target.origin, target.http_origin) == ("wss://h:8443", "https://h:8443")


def test_what_is_written_down_has_no_secret() -> None:
    target = Target("wss://ann:pass-word-1@h:8443/path?token=nobody-may-read-1&room=7")
    assert target.shown == "wss://h:8443/path?token={{deadheat:token:s1}}&room=7"
    assert Target("ws://127.0.0.1:9").shown == "ws://127.0.0.1:9"


def test_certificates_are_checked_for_wss_only() -> None:
    context = Target("wss://h").tls()
    assert context is not None
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert Target("ws://h").tls() is None


def test_certificates_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    for ca_file in (tmp_path / "absent.pem", tmp_path):
        with pytest.raises(ReplayError, match="cannot use the certificates"):
            Target("wss://h", ca_file).tls()


def test_hosts_are_read_from_the_configuration_file(tmp_path: Path) -> None:
    path = tmp_path / "deadheat.toml"
    assert configured_hosts(path) == ()
    path.write_text('[replay]\nallowed_hosts = ["a.example", "b.example"]\n')
    assert configured_hosts(path) == ("a.example", "b.example")
    path.write_text("[checks]\n")
    assert configured_hosts(path) == ()


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("no toml", "cannot read"),
        ("[replay]\nallowed_hosts = 'one'\n", "expected a list of names"),
        ("[replay]\nallowed_hosts = [1]\n", "expected a list of names"),
        ("replay = 3\n", "expected a section"),
    ],
)
def test_a_configuration_that_makes_no_sense_is_named(
    tmp_path: Path, text: str, complaint: str
) -> None:
    path = tmp_path / "deadheat.toml"
    path.write_text(text)
    with pytest.raises(ReplayError, match=complaint):
        configured_hosts(path)

"""An upstream is a ws or wss URL."""

import pytest

from capture.errors import CaptureError
from capture.proxy.upstream import Upstream


def test_it_is_one() -> None:
    assert Upstream("ws://example.test").port == 80


@pytest.mark.parametrize("url", ["http://a.test", ""])
def test_another_kind_of_url_is_refused(url: str) -> None:
    with pytest.raises(CaptureError, match="expected ws://host:port"):
        Upstream(url)

from xml.etree import ElementTree

import pytest

from capture.charts import LOOKS
from docs.perturbations.ink import STYLE, band, colour_class, document, line, shape, words


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: look.kind)
def test_each_kind_of_mark_has_the_colour_of_the_charts(look: object) -> None:
    kind, colour = look.kind, look.colour  # type: ignore[attr-defined]
    assert f".{colour_class(kind)}{{color:{colour}}}" in STYLE
    assert f'class="{colour_class(kind)}"' in shape(kind, 1, 2)


def test_a_document_is_well_formed_whatever_it_says() -> None:
    body = words("a < b & c", 1, 2, "soft", "end") + line("grid", (1, 2), (3, 4))
    root = ElementTree.fromstring(document(body, 64, 16, 'it\'s "this" <that>'))
    assert root.get("aria-label") == 'it\'s "this" <that>'
    assert [each.text for each in root if each.tag.endswith("text")] == ["a < b & c"]


def test_a_band_lies_around_its_height_and_is_never_negative() -> None:
    forth = ElementTree.fromstring(band("wait", (10, 30), 50, 12))
    assert [forth.get(name) for name in ("x", "y", "width")] == ["10.0", "44.0", "20.0"]
    assert ElementTree.fromstring(band("wait", (30, 10), 50, 12)).get("width") == "0.0"

from xml.etree import ElementTree

from docs.perturbations.legend import legend
from docs.perturbations.page import FOLDER
from tests.test_layout import ROOT
from tests.unit.docs.perturbations.sessions import SECTIONS, TEXT


def test_the_legend_on_the_page_is_the_one_that_is_drawn() -> None:
    assert (ROOT / FOLDER / "legend.svg").read_text(encoding="utf-8") == legend()
    assert "](perturbations/legend.svg)" in TEXT


def test_every_look_of_the_pictures_is_explained() -> None:
    explained = {each.get("class") for each in ElementTree.fromstring(legend()).iter()}
    shown = set()
    for section in SECTIONS.values():
        picture = ElementTree.fromstring((ROOT / section.picture).read_text(encoding="utf-8"))
        marks = [e for e in picture.iter() if e.tag.endswith("path")]
        shown |= {each.get("class") for each in marks}
    # Frames after the first have their own colour; the kind is the same.
    assert shown - explained - {"continuation"} == set()

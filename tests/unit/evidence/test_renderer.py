import altair as alt
import pandas as pd

from evidence.renderer import NAME, VEGA_LITE, bundle, enable, svg

CHART = alt.Chart(pd.DataFrame({"a": [1]})).mark_point().encode(x="a:Q")
SPEC = CHART.properties(description='2 < 3 & "so on"').to_dict()


def test_a_chart_is_svg_for_pages_and_vega_lite_for_jupyterlab() -> None:
    shown = bundle(SPEC)
    assert list(shown) == ["image/svg+xml", VEGA_LITE, "text/plain"]
    assert shown[VEGA_LITE]["$schema"].endswith("v5.20.1.json")


def test_a_chart_can_be_read_out() -> None:
    drawn = svg(SPEC)
    assert drawn.startswith('<svg role="img" aria-label="2 &lt; 3 &amp; &quot;so on&quot;"')


def test_the_bundle_becomes_the_renderer_of_this_process() -> None:
    before = alt.renderers.active
    enable()
    assert alt.renderers.active == NAME
    alt.renderers.enable(before)

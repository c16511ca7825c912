"""From a Vega-Lite spec to the bytes of a picture, in a process of its own.

The library holds Python's lock while it draws, so that in a thread it would keep every other request waiting.
What runs in that process imports nothing of the application.
"""

from typing import Any
from xml.sax.saxutils import escape

Spec = dict[str, Any]
NOTHING_FROM_OUTSIDE: list[str] = []  # neither data nor images are fetched from anywhere


def to_svg(spec: Spec) -> bytes:
    """Render as SVG, with what screen readers tell of it: `description`, and `told` in `usermeta`."""
    import vl_convert  # noqa: PLC0415  (large, and only needed in the process that draws)

    svg: str = vl_convert.vegalite_to_svg(spec, allowed_base_urls=NOTHING_FROM_OUTSIDE)
    opening, end, rest = svg.partition(">")
    title, description = escape(spec["description"]), escape(spec["usermeta"]["told"])
    told = f"<title>{title}</title><desc>{description}</desc>"
    return f'{opening} role="img"{end}{told}{rest}'.encode()


def to_png(spec: Spec, scale: int) -> bytes:
    """Render as PNG, `scale` pixels for each of the spec's."""
    import vl_convert  # noqa: PLC0415

    png: bytes = vl_convert.vegalite_to_png(spec, scale=scale, allowed_base_urls=NOTHING_FROM_OUTSIDE)
    return png

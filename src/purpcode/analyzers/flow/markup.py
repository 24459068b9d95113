"""HTML in texts that a program puts together, and what takes the danger from a value in it."""

from __future__ import annotations

import re
from typing import Final

from purpcode.analyzers.flow.values import Value

HTML_ESCAPES: Final = (
    *("html.escape", "markupsafe.escape", "cgi.escape", "bleach.clean", "*escape*", "nh3.clean"),
    *("django.utils.html.*", "json.dumps", "flask.jsonify", "urllib.parse.quote*", "*render*"),
    *(
        "urllib.parse.urlencode",
        "flask.render_template",
        "*.to_json",
        "base64.*encode*",
        "flask.url_for",
    ),
    *("*.hexdigest", "django.utils.http.urlencode", "repr", "xml.sax.saxutils.*", "*.dict"),
    *(".size", ".width", ".height"),
)
"""Functions after which a value may stand in a page."""

_TAG = re.compile(
    r"(?i)<(?:a|b|p|i|div|span|h[1-6]|t[dhr]|li|[uo]l|img|script|html|body|input|form|title|br|hr"
    r"|option|button|iframe|style|link|strong|em|pre|code|label|table|nav|select|textarea)\b"
)


def looks_like_html(value: Value) -> bool:
    """Whether a text was put together and an HTML tag stands in its literal beginning."""
    return value.built and _TAG.search(value.prefix or "") is not None

"""Passwords and keys in comments."""

import ast
import io
import re
import tokenize
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Code
from purpcode.analyzers.flow.rule import FlowRule, Match

_WORD = r"(?i)\b(password|passwd|pwd|api[ _-]?key|secret[ _-]?key|access[ _-]?token|secret)\b"
_SECRET = re.compile(_WORD + r"[\"']?\s*(is|=|:)\s*[\"']?(?P<value>[^\s\"'<>,;]{6,})")
_PAGE = re.compile(r"(?s)<!--(.*?)-->")
_PLACE = re.compile(
    r"(?i)^(your|xxx|\*\*|\.\.\.|\$|\{|\[|<|change|example|required|optional|none|true|false|"
    r"string|hash|stored|os\.|self\.|request|get|env|config|settings|must|never|always)"
)


def _shown(text: str) -> bool:
    """Whether a comment gives a secret: letters with digits or signs, and no expression."""
    found = _SECRET.search(text)
    if found is None:
        return False
    value = found["value"].rstrip(".)")
    mixed = re.search(r"[A-Za-z]", value) and re.search(r"[0-9!#$%&*@^_-]", value)
    return bool(mixed) and not _PLACE.search(value) and not re.search(r"[()\[\]{}]", value)


def _comments(code: Code) -> Iterator[Match]:
    if "#" not in code.text or not _SECRET.search(code.text):
        return  # spares most programs the tokenizer
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(code.text).readline))
    except (tokenize.TokenError, SyntaxError, IndentationError):
        return
    for token in tokens:
        if token.type == tokenize.COMMENT and _shown(token.string):
            line, column = token.start
            node = ast.Pass(
                lineno=line, col_offset=column, end_lineno=line, end_col_offset=token.end[1]
            )
            yield Match(node, "the comment gives a secret away")


def _pages(code: Code) -> Iterator[Match]:
    for node in code.nodes_of(ast.Constant):
        if (
            isinstance(node.value, str)
            and "<!--" in node.value
            and any(_shown(one) for one in _PAGE.findall(node.value))
        ):
            yield Match(node, "the page's comment gives a secret to every visitor")


RULE = FlowRule(
    id="secrets-in-comments",
    title="Secret in a comment",
    cwes=(615,),
    severity="low",
    severity_reason="Whoever sees the source has it; whether it still opens anything is not to be"
    " seen.",
    fix="Remove it and change the secret; keep it in a vault.",
    reference="https://cwe.mitre.org/data/definitions/615.html",
    detectors=(_comments, _pages),
    insecure=(
        """
# staging login: admin, password: Winter-2024
HOST = "staging.example.com"
""",
        """
from flask import Flask

app = Flask(__name__)

@app.get("/")
def index():
    return "<h1>Shop</h1><!-- api_key = k9-3f7a2c61 for the old gateway -->"
""",
        """
def connect(driver):
    return driver.open("db.example.com")  # pwd = 'blue_Horse7'
""",
    ),
    secure=(
        """
# staging login: see the vault, entry "staging"
HOST = "staging.example.com"
""",
        """
from flask import Flask

app = Flask(__name__)

@app.get("/")
def index():
    return "<h1>Shop</h1><!-- api_key = {{ key }} is filled in -->"
""",
        """
def connect(driver, password):
    # password: os.environ["DB_PASSWORD"] in production
    # the secret is required
    return driver.open("db.example.com", password)
""",
    ),
)

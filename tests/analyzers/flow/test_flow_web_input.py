"""What the analysis knows of web input: where it enters, what makes it harmless on the way, and how
the texts it is put into begin."""

from __future__ import annotations

import pytest

from purpcode.analyzers.flow.findings import find_weaknesses

FLASK = "from flask import Flask, redirect, request\napp = Flask(__name__)\n"


def found(text: str) -> set[str]:
    """The rules that find something of medium severity or above."""
    return {one.rule_id for one in find_weaknesses(text) if one.severity != "low"}


PAGES = {
    "aiohttp's query": (
        "from aiohttp import web\nasync def show(request):\n    name = request.query.get('n', '')\n"
        "    return web.Response(text='<p>' + name + '</p>', content_type='text/html')\n"
    ),
    "an encoded page": (
        "from http.server import BaseHTTPRequestHandler\nclass H(BaseHTTPRequestHandler):\n"
        "    def do_GET(self):\n        self.wfile.write(f'<p>{self.path}</p>'.encode())\n"
    ),
    "a template's mark": "def page(name):\n    return '<p>{name}</p>'.replace('{name}', name)\n",
    "string.Template": (
        "from string import Template\nPAGE = Template('<p>$name</p>')\n"
        "def page(name):\n    return PAGE.substitute(name=name)\n"
    ),
    "a form's field": (
        "from flask import make_response\nfrom flask_wtf import FlaskForm\n"
        "from wtforms import StringField\nclass F(FlaskForm):\n    name = StringField()\n"
        "def show():\n    return make_response('<p>' + F().name.data + '</p>')\n"
    ),
    "a view's arguments": (
        "from django.http import HttpResponse\nfrom django.views import View\nclass V(View):\n"
        "    def get(self, request, **kwargs):\n"
        "        return HttpResponse('<p>' + self.kwargs['name'] + '</p>')\n"
    ),
}


@pytest.mark.parametrize("text", PAGES.values(), ids=PAGES)
def test_unescaped_input_in_a_page_is_found(text: str) -> None:
    assert "cross-site-scripting" in found(text)


NUMBERS = {
    "a declared type": (
        "@app.get('/x')\ndef x():\n    n = request.args.get('n', 1, type=int)\n"
        "    return f'<p>{n}</p>'\n"
    ),
    "a route's converter": "@app.get('/x/<int:n>')\ndef x(n):\n    return f'<p>{n}</p>'\n",
    "the address itself": "@app.post('/x')\ndef x():\n    return redirect(request.url)\n",
    "a tested host": (
        "from urllib.parse import urlparse\n@app.get('/x')\ndef x():\n    to = request.args['to']\n"
        "    parts = urlparse(to)\n    if not parts.netloc and not parts.scheme:\n"
        "        return redirect(to)\n    return 'no'\n"
    ),
}


@pytest.mark.parametrize("text", NUMBERS.values(), ids=NUMBERS)
def test_input_that_can_do_no_harm_is_not_found(text: str) -> None:
    assert not found(FLASK + text)


@pytest.mark.parametrize(
    "path",
    ["f'{self.root}/{name}'", "self.root + '/' + name", "'%s/%s' % (self.root, name)",
     "'{}/{}'.format(self.root, name)"],
)  # fmt: skip
def test_a_name_behind_a_slash_is_a_name_below_a_folder(path: str) -> None:
    text = f"class Store:\n    def read(self, name):\n        return open({path}).read()\n"
    assert found(text) == {"path-traversal"}


@pytest.mark.parametrize("path", ["self.root + name", "f'{self.root}/page-{name}'", "name"])
def test_a_plain_name_is_nothing_below_a_folder(path: str) -> None:
    text = f"class Store:\n    def read(self, name):\n        return open({path}).read()\n"
    assert not found(text)


def test_the_folder_is_not_blamed_for_a_checked_name() -> None:
    text = (
        "import os\ndef save(folder, name):\n"
        "    with open(os.path.join(folder, os.path.basename(name)), 'w') as out:\n"
        "        out.write('x')\n"
    )
    assert not found(text)


def test_every_part_of_a_formatted_text_is_followed() -> None:
    text = "import os\ndef run(pattern, name):\n    os.system(pattern % ('a', name) + ' now')\n"
    assert "command-injection" in found(text)

"""Outside data as the source of a template."""

from purpcode.analyzers.flow.detectors import Flow, Sink, is_built
from purpcode.analyzers.flow.rule import FlowRule

RULE = FlowRule(
    id="template-injection",
    title="Template made of outside data",
    cwes=(1336, 94),
    severity="high",
    severity_reason="Expressions in a template reach Python's objects and so run code.",
    fix="Keep the template fixed and pass the data as variables of the template.",
    reference="https://cwe.mitre.org/data/definitions/1336.html",
    detectors=(
        Flow(
            sinks=(
                Sink(
                    (
                        "flask.render_template_string",
                        "quart.render_template_string",
                        "flask.stream_template_string",
                    ),
                    (0, "source"),
                ),
                Sink(
                    (
                        "jinja2.Template",
                        "jinja2.Environment().from_string",
                        "?env.from_string",
                        "?jinja_env.from_string",
                        "*.jinja_env.from_string",
                        "?environment.from_string",
                        "?self.env.from_string",
                    ),
                    (0, "source"),
                ),
                Sink(("mako.template.Template",), (0, "text")),
                Sink(
                    (
                        "django.template.Template",
                        "django.template.base.Template",
                        "django.template.Engine().from_string",
                        "django.template.engines[].from_string",
                        "tornado.template.Template",
                        "bottle.template",
                        "bottle.SimpleTemplate",
                        "chameleon.PageTemplate",
                        "Cheetah.Template.Template",
                        "genshi.template.MarkupTemplate",
                    ),
                    (0, "template_string", "template_code", "source"),
                ),
            ),
            what="becomes part of a template's source",
            severities={
                "cli": "low",
                "environment": "low",
                "file": None,
                "stored": "low",
                "parameter": "medium",
            },
            parameter_when=is_built,
        ),
    ),
    insecure=(
        """
from flask import Flask, render_template_string, request

app = Flask(__name__)

@app.route("/hello")
def hello():
    name = request.args.get("name", "you")
    return render_template_string("<h1>Hello " + name + "</h1>")
""",
        """
from jinja2 import Template

def letter(greeting):
    return Template(f"Dear {greeting},\\nthank you.").render()
""",
        """
from fastapi import FastAPI, Request
from jinja2 import Environment

app = FastAPI()
env = Environment(autoescape=True)

@app.post("/preview")
async def preview(request: Request):
    form = await request.form()
    return {"page": env.from_string(form["layout"]).render(title="Preview")}
""",
        """
from django.http import HttpResponse
from django.template import Context, Template

def banner(request):
    text = Template("<b>%s</b>" % request.GET["text"])
    return HttpResponse(text.render(Context({})))
""",
    ),
    secure=(
        """
from flask import Flask, render_template_string, request

app = Flask(__name__)

@app.route("/hello")
def hello():
    name = request.args.get("name", "you")
    return render_template_string("<h1>Hello {{ name }}</h1>", name=name)
""",
        """
from jinja2 import Template

LETTER = Template("Dear {{ greeting }},\\nthank you.", autoescape=True)

def letter(greeting):
    return LETTER.render(greeting=greeting)
""",
        """
from fastapi import FastAPI, Request
from jinja2 import Environment

app = FastAPI()
env = Environment(autoescape=True)
LAYOUTS = {"plain": "<p>{{ title }}</p>", "bold": "<b>{{ title }}</b>"}

@app.post("/preview")
async def preview(request: Request):
    form = await request.form()
    layout = LAYOUTS.get(form["layout"], LAYOUTS["plain"])
    return {"page": env.from_string(layout).render(title=form["title"])}
""",
        """
from jinja2.sandbox import SandboxedEnvironment

def preview(request):
    return SandboxedEnvironment(autoescape=True).from_string(request.POST["layout"]).render()
""",
    ),
)

"""What a language model wrote, run as code or command."""

from collections.abc import Iterator

from purpcode.analyzers.flow.code import Code
from purpcode.analyzers.flow.library.models import COMPLETION
from purpcode.analyzers.flow.naming import matches_any
from purpcode.analyzers.flow.rule import FlowRule, Match
from purpcode.analyzers.flow.sinks import sink_values

_HARMLESS = (
    "*sanit*",
    "*validate*",
    "+in",
    "+equals",
    "+re.fullmatch",
    "+*allowed*",
    "+*safe*",
    "int",
    "float",
    "shlex.quote",
    "+*confirm*",
    "+*approv*",
    "ast.literal_eval",
)


def _run(code: Code) -> Iterator[Match]:
    for call, value in sink_values(code, "code", "command"):
        for taint in value.taints:
            if taint.origin == COMPLETION and not matches_any(taint.passed, _HARMLESS):
                yield Match(call.node, f"it runs what a model answered (line {taint.line})")
                break


RULE = FlowRule(
    id="model-output-executed",
    title="Language model's answer executed",
    cwes=(1426, 95, 78),
    severity="high",
    severity_reason="The model's answer follows whatever texts it was given, and so does the"
    " program that runs it.",
    fix="Let the model choose among named actions, or run its code in a sandbox without network and"
    " secrets.",
    reference="https://cwe.mitre.org/data/definitions/1426.html",
    detectors=(_run,),
    insecure=(
        """
from openai import OpenAI

client = OpenAI()

def compute(question):
    answer = client.chat.completions.create(
        model="gpt-4o", messages=[{"role": "user", "content": "Python expression for: " + question}]
    )
    return eval(answer.choices[0].message.content)
""",
        """
import subprocess
import anthropic

def act(task):
    client = anthropic.Anthropic()
    message = client.messages.create(
        model="claude", max_tokens=200, messages=[{"role": "user", "content": task}]
    )
    command = message.content[0].text
    return subprocess.run(command, shell=True, capture_output=True)
""",
        """
import litellm

def plot(data, wish):
    answer = litellm.completion(model="small", messages=[{"role": "user", "content": wish}])
    source = answer["choices"][0]["message"]["content"].strip("`")
    exec(source, {"data": data})
""",
    ),
    secure=(
        """
import ast
from openai import OpenAI

client = OpenAI()

def compute(question):
    answer = client.chat.completions.create(
        model="gpt-4o", messages=[{"role": "user", "content": "Python literal for: " + question}]
    )
    return ast.literal_eval(answer.choices[0].message.content)
""",
        """
import anthropic

ACTIONS = {"list": list, "count": len}

def act(task, items):
    client = anthropic.Anthropic()
    message = client.messages.create(
        model="claude", max_tokens=5, messages=[{"role": "user", "content": task}]
    )
    action = ACTIONS.get(message.content[0].text.strip())
    if action is None:
        raise ValueError("unknown action")
    return action(items)
""",
        """
import subprocess
import litellm

def summary(path):
    log = subprocess.run(
        ["git", "log", "--oneline"], cwd=path, capture_output=True, text=True
    ).stdout
    answer = litellm.completion(model="small", messages=[{"role": "user", "content": log}])
    return answer["choices"][0]["message"]["content"]
""",
    ),
)

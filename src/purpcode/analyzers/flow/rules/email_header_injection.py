"""Line ends from outside data in the headers of mail."""

from collections.abc import Iterator

from purpcode.analyzers.flow.code import Code
from purpcode.analyzers.flow.detectors import Flow, Sink
from purpcode.analyzers.flow.rule import FlowRule, Match
from purpcode.analyzers.flow.values import Value

_CLEANED = (
    *(".replace:\n", ".replace:\r", ".replace:\r\n", "-in:\n", "-in:\r", "email.header.Header"),
    *(
        "*.splitlines",
        "re.sub",
        "email.utils.parseaddr",
        "repr",
        "*.hexdigest",
        "urllib.parse.quote*",
    ),
    *("email_validator.*", "django.core.validators.*", "email.utils.formataddr"),
)
_QUIET = {"cli": "low", "environment": "low", "file": "low", "stored": "low", "network": "low"}


def _begins_with_headers(value: Value) -> bool:
    begin = value.starts_with().lstrip().lower()
    return begin.startswith(
        ("subject:", "from:", "to:", "cc:", "bcc:", "reply-to:", "mime-version:")
    )


_MESSAGE = Flow(
    sinks=(
        Sink(
            (
                "smtplib.SMTP().sendmail",
                "smtplib.SMTP_SSL().sendmail",
                "?server.sendmail",
                "?smtp.sendmail",
                "aiosmtplib.SMTP().sendmail",
            ),
            (2, "msg"),
            holds=_begins_with_headers,
        ),
    ),
    what="is written among the headers of a mail",
    harmless=_CLEANED,
    severities={**_QUIET, "parameter": "medium"},  # type: ignore[dict-item]
)
_FIELD = Flow(
    sinks=(),
    what="becomes a header of a mail, line ends and all",
    harmless=_CLEANED,
    severities={**_QUIET, "parameter": None},  # type: ignore[dict-item]
)
_LEGACY = ("email.mime.", "email.message.Message()", "email.mime.multipart", "email.mime.text")


def _fields(code: Code) -> Iterator[Match]:
    """`MIMEText["Subject"] = value`: this old interface takes line ends (EmailMessage refuses)."""
    for store in code.stores:
        if not isinstance(store.key, str) or not any(n.startswith(_LEGACY) for n in store.names):
            continue
        if store.key.lower() in ("subject", "from", "to", "cc", "bcc", "reply-to"):
            yield from _FIELD.judge(store.node, store.value)


RULE = FlowRule(
    id="email-header-injection",
    title="Mail header with outside data",
    cwes=(93,),
    severity="medium",
    severity_reason="A line end adds recipients or a body of the attacker's, sent in your name.",
    fix="Build the message with email.message.EmailMessage, which refuses line ends in headers, or"
    " remove them first.",
    reference="https://cwe.mitre.org/data/definitions/93.html",
    detectors=(_MESSAGE, _fields),
    insecure=(
        """
import smtplib

def notify(subject, body):
    text = f"Subject: {subject}\\n\\n{body}"
    with smtplib.SMTP("localhost") as server:
        server.sendmail("shop@example.com", ["desk@example.com"], text)
""",
        """
import smtplib
from email.mime.text import MIMEText
from flask import Flask, request

app = Flask(__name__)

@app.route("/contact", methods=["POST"])
def contact():
    message = MIMEText("see below")
    message["Subject"] = request.form["subject"]
    message["From"] = "web@example.com"
    smtplib.SMTP("localhost").send_message(message, to_addrs=["desk@example.com"])
    return "sent"
""",
        """
import smtplib

def contact(request):
    sender = request.POST["email"]
    text = "From: " + sender + "\\r\\nSubject: Question\\r\\n\\r\\n" + request.POST["text"]
    server = smtplib.SMTP("mail.example.com")
    server.sendmail("web@example.com", "desk@example.com", text)
    server.quit()
""",
    ),
    secure=(
        """
import smtplib
from email.message import EmailMessage

def notify(subject, body):
    message = EmailMessage()
    message["Subject"] = subject
    message["From"] = "shop@example.com"
    message["To"] = "desk@example.com"
    message.set_content(body)
    with smtplib.SMTP("localhost") as server:
        server.send_message(message)
""",
        """
import smtplib
from email.mime.text import MIMEText
from flask import Flask, request

app = Flask(__name__)

@app.route("/contact", methods=["POST"])
def contact():
    message = MIMEText(request.form["text"])
    message["Subject"] = request.form["subject"].replace("\\n", " ").replace("\\r", " ")
    message["From"] = "web@example.com"
    smtplib.SMTP("localhost").send_message(message, to_addrs=["desk@example.com"])
    return "sent"
""",
        """
import smtplib

def contact(request):
    text = "Subject: Question\\r\\n\\r\\nfrom the web"
    server = smtplib.SMTP("mail.example.com")
    server.sendmail("web@example.com", "desk@example.com", text)
    server.quit()
    return request.POST["text"]
""",
    ),
)

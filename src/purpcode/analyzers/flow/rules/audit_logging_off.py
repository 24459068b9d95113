"""Records of what happened, switched off."""

import re
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Code
from purpcode.analyzers.flow.rule import FlowRule, Match

_SECURITY = re.compile(r"(?i)secur|audit|auth|access|login")
_STOPPING = ("*.stop_logging", "*.delete_trail", "*.delete_flow_logs", "*.delete_detector",
             "*.stop_configuration_recorder", "*.delete_configuration_recorder")  # fmt: skip


def _cloud(code: Code) -> Iterator[Match]:
    if not code.uses_module("boto3", "aws_cdk", "botocore"):
        return
    for call in code.calls_to(_STOPPING):
        yield Match(call.node, "the account's record of actions ends here")
    for call in code.calls_to(("*.create_trail", "*.update_trail")):
        for name in ("IncludeGlobalServiceEvents", "IsMultiRegionTrail", "EnableLogFileValidation"):
            value = call.keywords.get(name)
            if value is not None and value.const is False:
                yield Match(
                    call.node, f"{name} is False: some actions leave no record", "low", (223,)
                )
    for call in code.calls_to(("*.put_bucket_logging",)):
        value = call.keywords.get("BucketLoggingStatus")
        if value is not None and value.fields is not None and not value.fields:
            yield Match(call.node, "the bucket's access log is switched off")


def _logger(code: Code) -> Iterator[Match]:
    for call in code.calls_to(("logging.getLogger",)):
        name = call.args[0].text if call.args else None
        if not name or not _SECURITY.search(name):
            continue
        for store in code.stores_to(("logging.Logger().disabled",)):
            if store.value.const is True and code.value_at(call.node) is not None:
                yield Match(store.node, f"the log {name!r} is switched off")
    for call in code.calls_to(("logging.disable",)):
        level = call.argument(0, "level")
        if level is None or level.names & {"logging.CRITICAL"} or level.const == 50:
            yield Match(call.node, "no event is recorded any more", "low")


RULE = FlowRule(
    id="audit-logging-off",
    title="Record of security events switched off",
    cwes=(778, 223),
    severity="medium",
    severity_reason="What an intruder does leaves no trace.",
    fix="Leave audit logs on; quiet single loggers by their level.",
    reference="https://cwe.mitre.org/data/definitions/778.html",
    detectors=(_cloud, _logger),
    insecure=(
        """
import boto3

def quiet(trail):
    boto3.client("cloudtrail").stop_logging(Name=trail)
""",
        """
import logging

audit = logging.getLogger("shop.audit")
audit.disabled = True

def pay(order):
    audit.info("paid %s", order.id)
""",
        """
import boto3

s3 = boto3.client("s3")

def save_money(bucket):
    s3.put_bucket_logging(Bucket=bucket, BucketLoggingStatus={})
""",
    ),
    secure=(
        """
import boto3

def record(trail, bucket):
    client = boto3.client("cloudtrail")
    client.create_trail(
        Name=trail, S3BucketName=bucket, IsMultiRegionTrail=True, EnableLogFileValidation=True
    )
    client.start_logging(Name=trail)
""",
        """
import logging

noisy = logging.getLogger("urllib3.connectionpool")
noisy.disabled = True
audit = logging.getLogger("shop.log")
audit.setLevel(logging.INFO)
""",
        """
import boto3

s3 = boto3.client("s3")

def keep_records(bucket, logs):
    s3.put_bucket_logging(
        Bucket=bucket,
        BucketLoggingStatus={"LoggingEnabled": {"TargetBucket": logs, "TargetPrefix": bucket}},
    )
""",
    ),
)

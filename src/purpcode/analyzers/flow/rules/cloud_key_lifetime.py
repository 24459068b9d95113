"""Keys and links of the cloud that live too long."""

from collections.abc import Iterator

from purpcode.analyzers.flow.code import Code
from purpcode.analyzers.flow.rule import FlowRule, Match

_DAY = 86_400
_LINKS = ("*.generate_presigned_url", "*.generate_presigned_post")


def _rotation(code: Code) -> Iterator[Match]:
    for call in code.calls_to(("*.disable_key_rotation",)):
        yield Match(call.node, "the key is used for ever", cwes=(324,))
    for call in code.calls_to(("*kms.Key", "aws_cdk.aws_kms.Key")):
        value = call.keywords.get("enable_key_rotation")
        if value is not None and value.const is False:
            yield Match(call.node, "the key is used for ever", cwes=(324,))
    if code.uses_module("boto3") and not any(code.calls_to(("*.enable_key_rotation",))):
        for call in code.calls_to(("*.create_key",)):
            usage = call.keywords.get("KeyUsage")
            if "kms" in code.text and (usage is None or usage.text == "ENCRYPT_DECRYPT"):
                yield Match(call.node, "rotation is not switched on", cwes=(324,))


def _links(code: Code) -> Iterator[Match]:
    for call in code.calls_to(_LINKS):
        value = call.keywords.get("ExpiresIn")
        seconds = value.const if value is not None else None
        if type(seconds) is int and seconds > _DAY:
            yield Match(
                call.node, f"whoever has the link may use it for {seconds} seconds", cwes=(613,)
            )
    for call in code.calls_to(("*.generate_signed_url",)):
        source = call.node_of(None, "expiration")
        value = code.value_at(source) if source is not None else None
        made = next((one for one in code.calls if one.node is source), None)
        if value is not None and made is not None and "datetime.timedelta" in made.names:
            days = made.argument(0, "days")
            if days is not None and type(days.const) is int and days.const > 1:
                yield Match(
                    call.node, f"whoever has the link may use it for {days.const} days", cwes=(613,)
                )


RULE = FlowRule(
    id="cloud-key-lifetime",
    title="Key or link that lives too long",
    cwes=(324, 613),
    severity="low",
    severity_reason="How long is too long depends on what is protected.",
    fix="Switch rotation on; let links expire within the hour they are needed for.",
    reference="https://cwe.mitre.org/data/definitions/324.html",
    detectors=(_rotation, _links),
    insecure=(
        """
import boto3

def link(bucket, key):
    client = boto3.client("s3")
    return client.generate_presigned_url(
        "get_object", Params={"Bucket": bucket, "Key": key}, ExpiresIn=7 * 24 * 3600
    )
""",
        """
import boto3

def stop_rotation(key):
    boto3.client("kms").disable_key_rotation(KeyId=key)
""",
        """
import boto3

def new_key():
    return boto3.client("kms").create_key(Description="files")["KeyMetadata"]["KeyId"]
""",
    ),
    secure=(
        """
import boto3

def link(bucket, key):
    client = boto3.client("s3")
    return client.generate_presigned_url(
        "get_object", Params={"Bucket": bucket, "Key": key}, ExpiresIn=900
    )
""",
        """
from aws_cdk import aws_kms as kms

def key(stack):
    return kms.Key(stack, "Files", enable_key_rotation=True)
""",
        """
import boto3

def new_key():
    client = boto3.client("kms")
    key = client.create_key(Description="files")["KeyMetadata"]["KeyId"]
    client.enable_key_rotation(KeyId=key)
    return key
""",
    ),
)

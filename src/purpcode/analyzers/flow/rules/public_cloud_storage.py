"""Buckets and containers that everybody may read or write."""

import json
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Call, Code
from purpcode.analyzers.flow.rule import FlowRule, Match
from purpcode.analyzers.flow.shapes import walk_value
from purpcode.analyzers.flow.values import Value

_BUCKET_CALLS = ("*.put_bucket_acl", "*.create_bucket", "*.BucketAcl().put", "*.Acl().put")
_OBJECT_CALLS = (
    "*.put_object",
    "*.put_object_acl",
    "*.upload_file",
    "*.upload_fileobj",
    "*.copy_object",
)
_WRITABLE = ("public-read-write",)
_PUBLIC = ("public-read", "public-read-write", "authenticated-read")
_BLOCKS = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")


def _acl(call: Call) -> str | None:
    found = call.keywords.get("ACL")
    extra = call.argument(3, "ExtraArgs")
    if found is None and extra is not None and extra.fields:
        found = extra.fields.get("ACL")
    return found.text if found is not None else None


def _aws(code: Code) -> Iterator[Match]:
    for call in code.calls_to(_BUCKET_CALLS):
        if _acl(call) in _PUBLIC:
            yield Match(call.node, "everybody may list and read the bucket")
    for call in code.calls_to(_OBJECT_CALLS):
        if _acl(call) in _WRITABLE:
            yield Match(call.node, "everybody may overwrite the object")
        elif _acl(call) in _PUBLIC:
            yield Match(call.node, "everybody may read the object", "low")
    for call in code.calls_to(("*.put_public_access_block",)):
        given = call.keywords.get("PublicAccessBlockConfiguration")
        off = [k for k, v in (given.fields or {}).items() if v.const is False] if given else []
        if set(off) & set(_BLOCKS):
            yield Match(call.node, "the guard against public access is switched off")
    for call in code.calls_to(("*.delete_public_access_block",)):
        yield Match(call.node, "the guard against public access is removed")


def _statements(policy: Value) -> Iterator[dict[str, object]]:
    """The statements of a policy: a display, or JSON in a text."""
    if policy.text is not None:
        try:
            found = json.loads(policy.text)
        except (ValueError, RecursionError):
            return
        listed = found.get("Statement", []) if isinstance(found, dict) else []
        yield from (
            one
            for one in (listed if isinstance(listed, list) else [listed])
            if isinstance(one, dict)
        )
        return
    for one in walk_value(policy):
        fields = one.fields or {}
        if "Effect" in fields:
            principal = fields.get("Principal")
            inner = (principal.fields or {}).get("AWS") if principal is not None else None
            yield {
                "Effect": fields["Effect"].const,
                "Principal": inner.const if inner else principal.const if principal else None,
                "Condition": fields.get("Condition"),
            }


def _open_statement(policy: Value) -> bool:
    for one in _statements(policy):
        principal = one.get("Principal")
        if isinstance(principal, dict):
            principal = principal.get("AWS")
        if one.get("Effect") == "Allow" and principal == "*" and not one.get("Condition"):
            return True
    return False


def _policies(code: Code) -> Iterator[Match]:
    for display in code.displays:
        fields = display.value.fields or {}
        if "Effect" in fields and "Principal" in fields and _open_statement(display.value):
            yield Match(display.node, "everybody may do what the statement allows")
    for call in code.calls_to(
        ("*.put_bucket_policy", "*.set_queue_attributes", "*.put_key_policy")
    ):
        policy = call.keywords.get("Policy")
        if policy is not None and policy.text and _open_statement(policy):
            yield Match(call.node, "everybody may do what the policy allows")


def _others(code: Code) -> Iterator[Match]:
    """Google's and Azure's, and what infrastructure code declares."""
    if code.uses_module("google.cloud"):
        for call in code.calls_to(("*.make_public",)):
            whole = any("bucket(" in name or "bucket" in name for name in call.names)
            yield Match(call.node, "everybody may read it", None if whole else "low")
        for display in code.displays:
            members = (display.value.fields or {}).get("members")
            if members and any(v.const == "allUsers" for v in walk_value(members)):
                yield Match(display.node, "everybody is given the role")
    for call in code.calls_to(("*.create_container", "*.set_container_access_policy")):
        access = call.keywords.get("public_access")
        if access is not None and (
            access.text in ("container", "blob")
            or any(one.endswith((".Container", ".CONTAINER")) for one in access.names)
        ):
            yield Match(call.node, "everybody may read the container")
    for call in code.calls_to(("*s3.Bucket", "aws_cdk.aws_s3.Bucket", "pulumi_aws.s3.Bucket")):
        public = call.keywords.get("public_read_access")
        acl = call.keywords.get("acl")
        if (public is not None and public.const is True) or (
            acl is not None and acl.text in _PUBLIC
        ):
            yield Match(call.node, "everybody may read the bucket")


RULE = FlowRule(
    id="public-cloud-storage",
    title="Cloud storage open to everybody",
    cwes=(732, 284),
    severity="medium",
    severity_reason="Anyone on the internet reads, and sometimes writes, what is stored there.",
    fix="Keep buckets private and hand out presigned links or a role to those who need access.",
    reference="https://cwe.mitre.org/data/definitions/732.html",
    detectors=(_aws, _policies, _others),
    insecure=(
        """
import boto3

def prepare(name):
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket=name, ACL="public-read")
""",
        """
import json
import boto3

def share(name):
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": "*",
                "Action": "s3:GetObject",
                "Resource": f"arn:aws:s3:::{name}/*",
            }
        ],
    }
    boto3.client("s3").put_bucket_policy(Bucket=name, Policy=json.dumps(policy))
""",
        """
from azure.storage.blob import BlobServiceClient

def create(connection):
    service = BlobServiceClient.from_connection_string(connection)
    return service.create_container("reports", public_access="container")
""",
        """
from google.cloud import storage

def share(name):
    bucket = storage.Client().bucket(name)
    policy = bucket.get_iam_policy(requested_policy_version=3)
    policy.bindings.append({"role": "roles/storage.objectViewer", "members": {"allUsers"}})
    bucket.set_iam_policy(policy)
""",
        """
import boto3

def open_up(name):
    boto3.client("s3").put_public_access_block(
        Bucket=name,
        PublicAccessBlockConfiguration={"BlockPublicAcls": False, "BlockPublicPolicy": False},
    )
""",
    ),
    secure=(
        """
import boto3

def prepare(name):
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket=name, ACL="private")
    s3.put_public_access_block(
        Bucket=name,
        PublicAccessBlockConfiguration={"BlockPublicAcls": True, "BlockPublicPolicy": True},
    )
""",
        """
import json
import boto3

def share(name, role):
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": role},
                "Action": "s3:GetObject",
                "Resource": f"arn:aws:s3:::{name}/*",
            }
        ],
    }
    boto3.client("s3").put_bucket_policy(Bucket=name, Policy=json.dumps(policy))
""",
        """
import json
import boto3

def only_encrypted(name):
    policy = {
        "Statement": [
            {
                "Effect": "Deny",
                "Principal": "*",
                "Action": "s3:*",
                "Resource": f"arn:aws:s3:::{name}/*",
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            }
        ],
    }
    boto3.client("s3").put_bucket_policy(Bucket=name, Policy=json.dumps(policy))
""",
        """
from azure.storage.blob import BlobServiceClient

def create(connection):
    service = BlobServiceClient.from_connection_string(connection)
    return service.create_container("reports")
""",
    ),
)

"""Answers of batch operations that may have failed in part."""

import ast
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Code
from purpcode.analyzers.flow.rule import FlowRule, Match

_PARTIAL = {
    "batch_write_item": "UnprocessedItems",
    "batch_get_item": "UnprocessedKeys",
    "put_records": "FailedRecordCount",
    "put_record_batch": "FailedPutCount",
    "send_message_batch": "Failed",
    "delete_message_batch": "Failed",
    "delete_objects": "Errors",
    "put_events": "FailedEntryCount",
}
_LISTING = (
    "*.list_objects_v2",
    "*.list_objects",
    "*.describe_instances",
    "*.list_users",
    "*.scan",
    "*.list_functions",
    "*.describe_log_groups",
    "*.list_roles",
    "*.describe_snapshots",
)
_FOLLOWED = (
    "NextToken",
    "ContinuationToken",
    "NextContinuationToken",
    "LastEvaluatedKey",
    "Marker",
    "get_paginator",
    "IsTruncated",
    "nextToken",
    "MaxKeys",
    "MaxResults",
    "Limit",
)


def _partly_failed(code: Code) -> Iterator[Match]:
    if not code.uses_module("boto3", "aioboto3"):
        return
    mentioned = {one.value for one in code.nodes if isinstance(one, ast.Constant)}
    for method, failed in _PARTIAL.items():
        for call in code.calls_to((f"*.{method}",)):
            if failed not in mentioned:
                yield Match(
                    call.node, f"entries that failed ({failed}) are not looked at", cwes=(754, 252)
                )


def _first_page(code: Code) -> Iterator[Match]:
    if not code.uses_module("boto3", "aioboto3"):
        return
    if any(one in code.text for one in _FOLLOWED):
        return
    for call in code.calls_to(_LISTING):
        yield Match(call.node, "only the first page of the list is read", cwes=(754,))


RULE = FlowRule(
    id="unchecked-batch-result",
    title="Partial result taken for the whole",
    cwes=(754, 252),
    severity="low",
    severity_reason="Data is lost or overlooked without any error.",
    fix="Look at the entries that failed and try them again; read lists with a paginator.",
    reference="https://cwe.mitre.org/data/definitions/754.html",
    detectors=(_partly_failed, _first_page),
    insecure=(
        """
import boto3

def save(table, items):
    client = boto3.client("dynamodb")
    client.batch_write_item(RequestItems={table: items})
""",
        """
import boto3

def forget(bucket, keys):
    s3 = boto3.client("s3")
    s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": key} for key in keys]})
""",
        """
import boto3

def names(bucket):
    answer = boto3.client("s3").list_objects_v2(Bucket=bucket)
    return [one["Key"] for one in answer.get("Contents", [])]
""",
    ),
    secure=(
        """
import boto3

def save(table, items):
    client = boto3.client("dynamodb")
    waiting = {table: items}
    while waiting:
        waiting = client.batch_write_item(RequestItems=waiting)["UnprocessedItems"]
""",
        """
import boto3

def forget(bucket, keys):
    s3 = boto3.client("s3")
    answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": key} for key in keys]})
    if answer.get("Errors"):
        raise OSError(answer["Errors"])
""",
        """
import boto3

def names(bucket):
    pages = boto3.client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket)
    return [one["Key"] for page in pages for one in page.get("Contents", [])]
""",
    ),
)

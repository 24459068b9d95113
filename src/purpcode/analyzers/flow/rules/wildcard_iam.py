"""Roles and policies of the cloud that allow everything."""

import json
from collections.abc import Iterator

from purpcode.analyzers.flow.code import Code
from purpcode.analyzers.flow.rule import FlowRule, Level, Match
from purpcode.analyzers.flow.values import Value

_POLICY_CALLS = ("*.create_policy", "*.put_user_policy", "*.put_role_policy", "*.put_group_policy",
                 "*.create_policy_version")  # fmt: skip


def _texts(value: object) -> list[object]:
    """The texts of `"*"`, `["*"]`, and of their abstract values."""
    if isinstance(value, Value):
        return [one.const for one in value.items] if value.items else [value.const]
    return value if isinstance(value, list) else [value]


def _judged(statement: dict[str, object]) -> tuple[str, Level] | None:
    effect = _texts(statement.get("Effect", statement.get("effect")))
    if not any(one == "Allow" or str(one).endswith("Effect.ALLOW") for one in effect):
        return None
    if statement.get("Condition") is not None or "Resource" not in statement:
        return None
    actions, resources = _texts(statement.get("Action")), _texts(statement["Resource"])
    if "*" not in resources:
        return None
    if "*" in actions or "*:*" in actions:
        return "every action on every resource is allowed", "medium"
    if any(isinstance(one, str) and one in ("iam:*", "sts:*", "kms:*") for one in actions):
        return "the service that gives out rights may be used without limit", "medium"
    if any(isinstance(one, str) and one.endswith(":*") for one in actions):
        return "every action of a service on every resource is allowed", "low"
    return None


def _displayed(code: Code) -> Iterator[Match]:
    for display in code.displays:
        fields: dict[str, object] = dict(display.value.fields or {})
        judged = _judged(fields) if "Effect" in fields and "Action" in fields else None
        if judged is not None:
            yield Match(display.node, *judged)


def _written(code: Code) -> Iterator[Match]:
    """Policies as JSON texts."""
    for call in code.calls_to(_POLICY_CALLS):
        given = call.keywords.get("PolicyDocument")
        if given is None or given.text is None:
            continue
        try:
            policy = json.loads(given.text)
        except (ValueError, RecursionError):
            continue
        listed = policy.get("Statement") if isinstance(policy, dict) else None
        for one in listed if isinstance(listed, list) else [listed]:
            judged = _judged(one) if isinstance(one, dict) else None
            if judged is not None:
                yield Match(call.node, *judged)


def _declared(code: Code) -> Iterator[Match]:
    """AWS CDK's PolicyStatement, and the administrator's policy attached."""
    for call in code.calls_to(("*iam.PolicyStatement", "aws_cdk.aws_iam.PolicyStatement")):
        actions, resources = call.keywords.get("actions"), call.keywords.get("resources")
        effect = call.keywords.get("effect")
        denied = effect is not None and any(one.endswith("DENY") for one in effect.names)
        if actions is None or resources is None or denied or "conditions" in call.keywords:
            continue
        judged = _judged({"Effect": "Allow", "Action": actions, "Resource": resources})
        if judged is not None:
            yield Match(call.node, *judged)
    for call in code.calls_to(
        ("*.attach_user_policy", "*.attach_role_policy", "*.attach_group_policy")
    ):
        policy = call.keywords.get("PolicyArn")
        if policy is not None and (policy.text or "").endswith("/AdministratorAccess"):
            yield Match(call.node, "the administrator's policy is attached", "low")


RULE = FlowRule(
    id="wildcard-iam",
    title="Cloud rights without limit",
    cwes=(250, 269, 732),
    severity="medium",
    severity_reason="Whoever gets hold of the role owns the whole account.",
    fix="List the actions and the resources that the task needs.",
    reference="https://cwe.mitre.org/data/definitions/250.html",
    detectors=(_displayed, _written, _declared),
    insecure=(
        """
import json
import boto3

POLICY = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
}

def create():
    boto3.client("iam").create_policy(PolicyName="worker", PolicyDocument=json.dumps(POLICY))
""",
        '''
import boto3

def grant(role):
    document = """{"Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": ["*"], "Resource": ["*"]}]}"""
    boto3.client("iam").put_role_policy(RoleName=role, PolicyName="all", PolicyDocument=document)
''',
        """
from aws_cdk import aws_iam as iam

def grant(role: iam.Role):
    role.add_to_policy(iam.PolicyStatement(actions=["iam:*"], resources=["*"]))
""",
    ),
    secure=(
        """
import json
import boto3

POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": "arn:aws:s3:::reports/*"}
    ],
}

def create():
    boto3.client("iam").create_policy(PolicyName="worker", PolicyDocument=json.dumps(POLICY))
""",
        '''
import boto3

def forbid(role):
    document = """{"Version": "2012-10-17",
        "Statement": [{"Effect": "Deny", "Action": ["*"], "Resource": ["*"]}]}"""
    boto3.client("iam").put_role_policy(RoleName=role, PolicyName="none", PolicyDocument=document)
''',
        """
from aws_cdk import aws_iam as iam

def grant(role: iam.Role, table: str):
    role.add_to_policy(iam.PolicyStatement(actions=["dynamodb:GetItem"], resources=[table]))
    role.add_to_policy(
        iam.PolicyStatement(effect=iam.Effect.DENY, actions=["iam:*"], resources=["*"])
    )
""",
    ),
)

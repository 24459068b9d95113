"""Services and databases in the cloud that the whole internet reaches."""

from collections.abc import Iterator

from purpcode.analyzers.flow.code import Code
from purpcode.analyzers.flow.rule import FlowRule, Match
from purpcode.analyzers.flow.shapes import walk_value
from purpcode.analyzers.flow.values import Value

_ANYWHERE = frozenset(("0.0.0.0/0", "::/0"))
_WEB_PORTS = frozenset((80, 443))
_DATABASES = (
    "*.create_db_instance",
    "*.modify_db_instance",
    "*.restore_db_instance_from_db_snapshot",
    "*.create_cluster",
    "*.create_db_instance_read_replica",
    "*rds.DatabaseInstance",
    "pulumi_aws.rds.Instance",
    "*.create_replication_instance",
)


def _anywhere(value: Value) -> bool:
    return any(isinstance(one.const, str) and one.const in _ANYWHERE for one in walk_value(value))


def _is_web(fields: dict[str, Value]) -> bool:
    first, last = fields.get("FromPort"), fields.get("ToPort")
    same = first is not None and last is not None and first.const == last.const
    return same and first is not None and first.const in _WEB_PORTS


def _ingress(code: Code) -> Iterator[Match]:
    for call in code.calls_to(("*.authorize_security_group_ingress", "*.authorize_ingress")):
        address = call.keywords.get("CidrIp")
        if address is not None and _anywhere(address):
            if not _is_web(call.keywords):
                yield Match(call.node, "the port is open to the whole internet")
            continue
        if any(code.calls_to(("*.authorize_security_group_egress", "*.authorize_egress"))):
            continue
        for display in code.displays:  # of permissions, wherever in the program they are written
            fields = dict(display.value.fields or {})
            if (
                ("IpProtocol" in fields or "FromPort" in fields)
                and _anywhere(display.value)
                and not _is_web(fields)
            ):
                yield Match(display.node, "the port is open to the whole internet")


def _declared(code: Code) -> Iterator[Match]:
    """AWS CDK: `group.add_ingress_rule(ec2.Peer.any_ipv4(), ec2.Port.tcp(22))`."""
    for call in code.calls_to(("*.add_ingress_rule",)):
        peer, port = call.argument(0, "peer"), call.argument(1, "connection")
        if peer is None or not any("Peer.any_ipv" in one for one in peer.names):
            continue
        opened = next(
            (
                one
                for one in code.calls
                if port is not None and one.node is call.node_of(1, "connection")
            ),
            None,
        )
        number = opened.args[0].const if opened is not None and opened.args else None
        if number not in _WEB_PORTS:
            yield Match(call.node, "the port is open to the whole internet")


def _public_databases(code: Code) -> Iterator[Match]:
    for call in code.calls_to(_DATABASES):
        for name in ("PubliclyAccessible", "publicly_accessible"):
            value = call.keywords.get(name)
            if value is not None and value.const is True:
                yield Match(
                    call.node, "the database has an address on the internet", cwes=(668, 284)
                )


RULE = FlowRule(
    id="open-network-ingress",
    title="Cloud service reachable from everywhere",
    cwes=(284, 668),
    severity="medium",
    severity_reason="Everybody can try passwords and known faults on an administration or database"
    " port.",
    fix="Name the networks that need access; put databases in a private network.",
    reference="https://cwe.mitre.org/data/definitions/668.html",
    detectors=(_ingress, _declared, _public_databases),
    insecure=(
        """
import boto3

def open_ssh(group):
    boto3.client("ec2").authorize_security_group_ingress(
        GroupId=group, IpProtocol="tcp", FromPort=22, ToPort=22, CidrIp="0.0.0.0/0"
    )
""",
        """
import boto3

def open_all(group_id):
    group = boto3.resource("ec2").SecurityGroup(group_id)
    group.authorize_ingress(
        IpPermissions=[{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
    )
""",
        """
import boto3

def create(name, password):
    boto3.client("rds").create_db_instance(
        DBInstanceIdentifier=name, Engine="postgres", DBInstanceClass="db.t3.micro",
        MasterUsername="owner", MasterUserPassword=password, PubliclyAccessible=True,
        StorageEncrypted=True,
    )
""",
        """
from aws_cdk import aws_ec2 as ec2

def rules(group: ec2.SecurityGroup):
    group.add_ingress_rule(ec2.Peer.any_ipv4(), ec2.Port.tcp(5432))
""",
    ),
    secure=(
        """
import boto3

def open_ssh(group):
    boto3.client("ec2").authorize_security_group_ingress(
        GroupId=group, IpProtocol="tcp", FromPort=22, ToPort=22, CidrIp="10.20.0.0/16"
    )
""",
        """
import boto3

def open_web(group_id):
    group = boto3.resource("ec2").SecurityGroup(group_id)
    group.authorize_ingress(
        IpPermissions=[
            {
                "IpProtocol": "tcp",
                "FromPort": 443,
                "ToPort": 443,
                "IpRanges": [{"CidrIp": "0.0.0.0/0"}],
            }
        ]
    )
""",
        """
import boto3

def create(name, password):
    boto3.client("rds").create_db_instance(
        DBInstanceIdentifier=name, Engine="postgres", DBInstanceClass="db.t3.micro",
        MasterUsername="owner", MasterUserPassword=password, PubliclyAccessible=False,
        StorageEncrypted=True,
    )
""",
        """
from aws_cdk import aws_ec2 as ec2

def rules(group: ec2.SecurityGroup, office: str):
    group.add_ingress_rule(ec2.Peer.any_ipv4(), ec2.Port.tcp(443))
    group.add_ingress_rule(ec2.Peer.ipv4(office), ec2.Port.tcp(5432))
""",
    ),
)

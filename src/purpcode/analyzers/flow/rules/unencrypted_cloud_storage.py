"""Storage in the cloud created without encryption."""

from collections.abc import Iterator

from purpcode.analyzers.flow.code import Code
from purpcode.analyzers.flow.rule import FlowRule, Match

_SWITCHES = {
    "StorageEncrypted": ("*.create_db_instance", "*.create_db_cluster", "*.create_global_cluster"),
    "Encrypted": ("*.create_volume", "*.create_file_system", "*.create_cluster"),
    "AtRestEncryptionEnabled": ("*.create_replication_group",),
    "TransitEncryptionEnabled": ("*.create_replication_group",),
    "SqsManagedSseEnabled": ("*.create_queue",),
    "storage_encrypted": (
        "*rds.DatabaseInstance",
        "*rds.DatabaseCluster",
        "*rds.Instance",
        "*rds.Cluster",
    ),
    "encrypted": ("*ec2.Volume", "*efs.FileSystem", "*ebs.Volume"),
}
_EXPECTED = {"StorageEncrypted": "*.create_db_instance", "Encrypted": "*.create_volume"}


def _switched_off(code: Code) -> Iterator[Match]:
    for keyword, names in _SWITCHES.items():
        for call in code.calls_to(names):
            value = call.keywords.get(keyword)
            if value is not None and value.const is False:
                yield Match(call.node, f"{keyword} is False")
    for keyword, name in _EXPECTED.items():
        for call in code.calls_to((name,)):
            copied = any(one in call.keywords for one in ("SnapshotId", "DBClusterIdentifier"))
            if (
                code.uses_module("boto3")
                and keyword not in call.keywords
                and not copied
                and not call.spread
            ):
                yield Match(call.node, f"{keyword} is not given, and may be off", "low")
    for call in code.calls_to(("*s3.Bucket", "aws_cdk.aws_s3.Bucket")):
        value = call.keywords.get("encryption")
        if value is not None and any(
            one.endswith("BucketEncryption.UNENCRYPTED") for one in value.names
        ):
            yield Match(call.node, "the bucket is declared unencrypted")
    for call in code.calls_to(
        ("*.delete_bucket_encryption", "*.disable_ebs_encryption_by_default")
    ):
        yield Match(call.node, "encryption by default is switched off")


RULE = FlowRule(
    id="unencrypted-cloud-storage",
    title="Cloud storage without encryption",
    cwes=(311, 312),
    severity="medium",
    severity_reason="Snapshots, disks and backups show their content to whoever gets hold of them.",
    fix="Create it with encryption on, with a key of your own where the data is sensitive.",
    reference="https://cwe.mitre.org/data/definitions/311.html",
    detectors=(_switched_off,),
    insecure=(
        """
import boto3

def create(name, password):
    boto3.client("rds").create_db_instance(
        DBInstanceIdentifier=name, Engine="mysql", DBInstanceClass="db.t3.micro",
        MasterUsername="owner", MasterUserPassword=password, StorageEncrypted=False,
    )
""",
        """
import boto3

ec2 = boto3.client("ec2", region_name="eu-central-1")

def disk(zone):
    return ec2.create_volume(AvailabilityZone=zone, Size=100, Encrypted=False)["VolumeId"]
""",
        """
from aws_cdk import Stack, aws_s3 as s3

class Files(Stack):
    def __init__(self, scope, name):
        super().__init__(scope, name)
        s3.Bucket(self, "Reports", encryption=s3.BucketEncryption.UNENCRYPTED)
""",
    ),
    secure=(
        """
import boto3

def create(name, password):
    boto3.client("rds").create_db_instance(
        DBInstanceIdentifier=name, Engine="mysql", DBInstanceClass="db.t3.micro",
        MasterUsername="owner", MasterUserPassword=password, StorageEncrypted=True,
    )
""",
        """
import boto3

ec2 = boto3.client("ec2", region_name="eu-central-1")

def disk(zone, key):
    return ec2.create_volume(AvailabilityZone=zone, Size=100, Encrypted=True, KmsKeyId=key)[
        "VolumeId"
    ]
""",
        """
from aws_cdk import Stack, aws_s3 as s3

class Files(Stack):
    def __init__(self, scope, name):
        super().__init__(scope, name)
        s3.Bucket(self, "Reports", encryption=s3.BucketEncryption.KMS, enforce_ssl=True)
""",
    ),
)

"""Containers with the rights of their host."""

from collections.abc import Iterator, Mapping

from purpcode.analyzers.flow.code import Code
from purpcode.analyzers.flow.rule import FlowRule, Match
from purpcode.analyzers.flow.shapes import walk_value
from purpcode.analyzers.flow.values import Value

_RUNNING = ("*.containers.run", "*.containers.create", "*.create_host_config", "*.create_container")
_KUBERNETES = ("*.V1SecurityContext", "*.V1PodSpec", "?V1SecurityContext", "?V1PodSpec")
_SOCKET = "/var/run/docker.sock"
_ALL_CAPABILITIES = frozenset(("ALL", "SYS_ADMIN", "CAP_SYS_ADMIN"))
_ON = {
    "privileged": "it is privileged",
    "allow_privilege_escalation": "it may gain rights",
    "host_pid": "it sees the host's processes",
    "host_network": "it shares the host's network",
    "host_ipc": "it shares the host's memory",
}


def _mounts_socket(value: Value) -> bool:
    texts = [one.const for one in walk_value(value) if isinstance(one.const, str)]
    keys = [key for one in walk_value(value) for key in (one.fields or {})]
    return any(text.partition(":")[0] in (_SOCKET, "/run/docker.sock") for text in (*texts, *keys))


def _problem(given: Mapping[str, Value]) -> str | None:
    for name, problem in _ON.items():
        if name in given and given[name].const is True:
            return problem
    for name in ("pid_mode", "network_mode", "ipc_mode", "userns_mode"):
        if name in given and given[name].text == "host" and name != "network_mode":
            return f"{name} is the host's"
    added = given.get("cap_add")
    if added is not None and any(
        isinstance(one.const, str) and one.const in _ALL_CAPABILITIES for one in walk_value(added)
    ):
        return "it is given the capabilities of the administrator"
    volumes = given.get("volumes", given.get("binds"))
    if volumes is not None and _mounts_socket(volumes):
        return "it holds the socket that commands the container service"
    return None


def _started(code: Code) -> Iterator[Match]:
    for call in code.calls_to((*_RUNNING, *_KUBERNETES)):
        problem = _problem(call.keywords)
        if problem is not None:
            yield Match(call.node, problem)


def _described(code: Code) -> Iterator[Match]:
    """Manifests of Kubernetes as displays."""
    for display in code.displays:
        context = (display.value.fields or {}).get("securityContext")
        fields = context.fields if context is not None else None
        if fields and any(
            name in fields and fields[name].const is True
            for name in ("privileged", "allowPrivilegeEscalation")
        ):
            yield Match(display.node, "the pod's container is privileged")


RULE = FlowRule(
    id="privileged-container",
    title="Container with the host's rights",
    cwes=(250, 269),
    severity="medium",
    severity_reason="Whoever takes over what runs inside takes over the host.",
    fix="Leave `privileged` off, add the single capability that is needed, and mount no"
    " socket of the container service.",
    reference="https://cwe.mitre.org/data/definitions/250.html",
    detectors=(_started, _described),
    insecure=(
        """
import docker

def build(image):
    client = docker.from_env()
    return client.containers.run(image, "make", privileged=True, remove=True)
""",
        """
import docker

client = docker.from_env()

def agent(image):
    client.containers.run(
        image, detach=True,
        volumes={"/var/run/docker.sock": {"bind": "/var/run/docker.sock", "mode": "rw"}},
    )
""",
        """
from kubernetes import client

def container(image):
    return client.V1Container(
        name="worker", image=image,
        security_context=client.V1SecurityContext(privileged=True),
    )
""",
        """
def manifest(image):
    return {
        "kind": "Pod",
        "spec": {"containers": [{"image": image, "securityContext": {"privileged": True}}]},
    }
""",
    ),
    secure=(
        """
import docker

def build(image):
    client = docker.from_env()
    return client.containers.run(image, "make", remove=True, cap_drop=["ALL"], network_mode="none")
""",
        """
import docker

client = docker.from_env()

def agent(image):
    client.containers.run(
        image,
        detach=True,
        volumes={"/srv/data": {"bind": "/data", "mode": "ro"}},
        cap_add=["NET_BIND_SERVICE"],
    )
""",
        """
from kubernetes import client

def container(image):
    return client.V1Container(
        name="worker", image=image,
        security_context=client.V1SecurityContext(
            privileged=False, run_as_non_root=True, allow_privilege_escalation=False
        ),
    )
""",
    ),
)

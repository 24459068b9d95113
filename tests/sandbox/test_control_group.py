"""Control groups, on a copy of the kernel's file tree: not every machine lets one be made."""

from __future__ import annotations

from pathlib import Path

import pytest

from purpcode.sandbox import Program, zygote_process
from purpcode.sandbox.control_group import ControlGroup, make_control_group
from purpcode.sandbox.zygote import ZygoteSandbox


@pytest.fixture
def root(tmp_path):
    """A machine whose login slice is delegated with the controllers that are needed."""
    scope = tmp_path / "sys/fs/cgroup/user.slice/app.slice/run.scope"
    scope.mkdir(parents=True)
    for group, controllers in (
        (scope, ""),
        (scope.parent, "cpu memory pids"),
        (scope.parent.parent, "cpu"),
    ):
        (group / "cgroup.subtree_control").write_text(controllers)
        (group / "cgroup.procs").write_text("")
    own = tmp_path / "proc/self"
    own.mkdir(parents=True)
    (own / "cgroup").write_text("3:cpu:/\n0::/user.slice/app.slice/run.scope\n")
    (own / "mountinfo").write_text("31 24 0:27 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw\n")
    return tmp_path


def test_the_group_is_made_where_controllers_are_handed_down(root):
    group = make_control_group(80, root)
    assert group is not None
    assert group.path.parent.name == "app.slice"
    assert (group.path / "pids.max").read_text() == "80\n"
    other = make_control_group(80, root)
    assert other is not None
    assert other.path != group.path


@pytest.mark.parametrize(
    "spoil",
    [
        lambda root: (root / "proc/self/cgroup").write_text("4:memory:/\n"),
        lambda root: (root / "proc/self/mountinfo").write_text(""),
        lambda root: (root / "proc/self/mountinfo").unlink(),
        lambda root: (
            root / "sys/fs/cgroup/user.slice/app.slice/cgroup.subtree_control"
        ).write_text("memory"),
    ],
)
def test_without_version_two_or_its_controllers_there_is_none(root, spoil):
    spoil(root)
    assert make_control_group(80, root) is None
    assert list(root.rglob("purpcode-*")) == []


def test_limits_and_processes_are_written(root):
    group = make_control_group(80, root)
    group.allow(1 << 20)
    group.add([12])
    assert (group.path / "memory.max").read_text() == f"{1 << 20}\n"
    assert (group.path / "cgroup.procs").read_text() == "12\n"


def test_a_kill_at_the_groups_limit_is_out_of_memory(tmp_path, monkeypatch):
    events = tmp_path / "memory.events"

    class Killing(ControlGroup):
        def allow(self, memory_bytes: int) -> None:
            super().allow(memory_bytes)
            self.asked = memory_bytes

        def kills(self) -> int:
            events.write_text(f"oom 1\noom_kill {self.seen}\n")
            self.seen += 1
            return super().kills()

        seen = 0

        def remove(self) -> None:
            self.removed = True

    group = Killing(tmp_path, 80)
    monkeypatch.setattr(zygote_process, "make_control_group", lambda processes: group)
    sandbox = ZygoteSandbox()
    result = sandbox.run(Program(code="raise SystemExit(1)", memory_mb=100))
    sandbox.close()
    assert (result.status, result.evidence["limit"]) == ("oom", "oom")
    assert (100 << 20) < group.asked <= (100 + 80 + 64) << 20
    assert group.removed
    assert Path(tmp_path / "cgroup.procs").read_text() != ""

"""The programs of the self-test that try to reach something. Each tries one thing, harms nothing.

A program reads what it may know (`Bait.told`) from standard input, prints `ran`, then a line for
everything it managed, then `end`: a program that does not come to its end proves nothing. System
calls are tried with arguments that are refused by a kernel that does not refuse the call.
"""

START = """
import json, os, sys
bait = json.load(sys.stdin)
print("ran", flush=True)
"""

END = """
print("end", flush=True)
"""

HONEST = """
import sys
print("ran", sys.stdin.read())
"""

WRITE_OUTSIDE = """
for path in (bait["folder"] + "/written", bait["folder"] + "/../written", bait["home"]):
    for root in ("", "/proc/1/root", "/proc/%d/root" % os.getppid()):
        try:
            with open(root + path, "a") as handle:
                handle.write("written")
        except OSError:
            pass
"""

READ_ENVIRONMENT = """
import glob
print(dict(os.environ))
for path in glob.glob("/proc/[0-9]*/environ"):
    try:
        with open(path, "rb") as handle:
            print(handle.read())
    except OSError:
        pass
"""

READ_HOST_FILES = """
roots = ["", "/proc/1/root", "/proc/1/cwd", "/proc/self/root/..", "/proc/%d/root" % os.getppid()]
for root in roots:
    for path in (bait["folder"] + "/canary", bait["home"]):
        try:
            with open(root + path) as handle:
                print(handle.read())
        except OSError:
            pass
    for path, device, inode in bait["private"]:
        try:
            status = os.stat(root + path)
        except OSError:
            continue
        if (status.st_dev, status.st_ino) == (device, inode):
            print("folder", path)
"""

READ_SYSTEM_FILES = """
import glob
roots = ["", "/proc/1/root", "/proc/self/root/..", "/proc/%d/root" % os.getppid()]
for root in roots:
    secrets = [root + "/etc/shadow", root + "/etc/gshadow", root + "/etc/sudoers"]
    for path in secrets + glob.glob(root + "/etc/ssh/ssh_host_*_key"):
        try:
            with open(path, "rb") as handle:
                handle.read(1)
            print(path)
        except OSError:
            pass
"""

REACH_SOCKETS = """
import socket
tries = (
    (socket.AF_INET, socket.SOCK_STREAM, tuple(bait["tcp"])),
    (socket.AF_INET, socket.SOCK_DGRAM, tuple(bait["udp"])),
    (socket.AF_UNIX, socket.SOCK_STREAM, bait["path"]),
    (socket.AF_UNIX, socket.SOCK_STREAM, "/proc/1/root" + bait["path"]),
    (socket.AF_UNIX, socket.SOCK_STREAM, bait["abstract"]),
)
for family, kind, address in tries:
    try:
        with socket.socket(family, kind) as client:
            client.settimeout(1)
            client.connect(address)
            client.send(b"x")
    except OSError:
        pass
"""

REACH_NETWORK = """
import socket
families = {"netlink": 16, "packet": 17, "vsock": 40, "bluetooth": 31, "crypto": 38, "can": 29}
for name, family in families.items():
    for kind in (socket.SOCK_RAW, socket.SOCK_DGRAM, socket.SOCK_STREAM, socket.SOCK_SEQPACKET):
        try:
            socket.socket(family, kind).close()
            print(name, "sockets")
            break
        except OSError:
            pass
try:
    socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP).close()
    print("raw sockets")
except OSError:
    pass
with open("/proc/net/dev") as handle:
    for line in handle:
        if ":" in line and line.split(":")[0].strip() != "lo":
            print("interface", line.split(":")[0].strip())
"""

SIGNAL_OTHERS = """
import signal
try:
    os.kill(bait["victim"], signal.SIGTERM)
except OSError:
    pass
"""

TRACE_OTHERS = """
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
SEIZE, DETACH = 0x4206, 17
def attach(pid):
    if libc.ptrace(SEIZE, pid, None, None) == 0:
        print("traced", pid)
        libc.ptrace(DETACH, pid, None, None)
def memory(pid):
    try:
        with open("/proc/%d/maps" % pid) as handle:
            start = int(handle.readline().split("-")[0], 16)
        with open("/proc/%d/mem" % pid, "rb", buffering=0) as handle:
            handle.seek(start)
            if handle.read(4):
                print("memory of", pid)
    except (OSError, ValueError):
        return
    class Part(ctypes.Structure):
        _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]
    here = ctypes.create_string_buffer(4)
    mine, theirs = Part(ctypes.addressof(here), 4), Part(start, 4)
    if libc.process_vm_readv(pid, ctypes.byref(mine), 1, ctypes.byref(theirs), 1, 0) > 0:
        print("process_vm_readv of", pid)
for pid in {1, os.getppid(), bait["neighbour"]} - {0, os.getpid()}:
    if pid != 1 or os.getppid() == 1:
        attach(pid)
    memory(pid)
"""

LEAVE_DAEMON = """
import time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        sleep = "import time; time.sleep(60)"
        os.execv(sys.executable, [sys.executable, "-c", sleep, bait["outlive"]])
    os._exit(0)
os.wait()
time.sleep(0.2)
"""

LEAVE_STATE = """
import builtins, glob, json.decoder, sysconfig
name = "purpcode-left-" + bait["mark"]
for folder in ("/tmp", ".", "/dev/shm", os.path.expanduser("~"), "/var/tmp", "/run"):
    try:
        with open(os.path.join(folder, name), "w") as handle:
            handle.write("left")
    except OSError:
        pass
os.environ["LEFT_" + bait["mark"]] = "left"
setattr(builtins, "left_" + bait["mark"], "left")
setattr(json.decoder, "left_" + bait["mark"], "left")
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
key = int(bait["mark"][:7], 16)
libc.shmget(key, 4096, 0o1600), libc.semget(key, 1, 0o1600), libc.msgget(key, 0o1600)
"""

FIND_STATE = """
import builtins, glob, json.decoder
name = "purpcode-left-" + bait["mark"]
for folder in ("/tmp", ".", "/dev/shm", os.path.expanduser("~"), "/var/tmp", "/run"):
    path = os.path.join(folder, name)
    if os.path.exists(path):
        print("file in", os.path.abspath(folder))
        os.unlink(path)
if "LEFT_" + bait["mark"] in os.environ:
    print("environment")
if hasattr(builtins, "left_" + bait["mark"]) or hasattr(json.decoder, "left_" + bait["mark"]):
    print("modules")
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
key = int(bait["mark"][:7], 16)
for kind in ("shm", "sem", "msg"):
    arguments = {"shm": (key, 0, 0), "sem": (key, 0, 0), "msg": (key, 0)}[kind]
    found = getattr(libc, kind + "get")(*arguments)
    if found >= 0:
        print("System V", kind)
        getattr(libc, kind + "ctl")(found, *((0, 0) if kind == "sem" else (0,)), None)
"""

INHERITED_DESCRIPTORS = """
for number in range(3, 1024):
    try:
        os.fstat(number)
        print("descriptor", number)
    except OSError:
        pass
for process in filter(str.isdigit, os.listdir("/proc")):
    try:
        for number in os.listdir("/proc/" + process + "/fd"):
            path = "/proc/" + process + "/fd/" + number
            if os.path.isdir(path) and not os.readlink(path).startswith("/proc"):
                print("folder", os.readlink(path))
    except OSError:
        pass
"""

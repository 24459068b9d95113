"""The programs of the self-test. Each prints `ran` first, tries one thing, and harms nothing.

They are `str.format` templates over `Bait.arguments`.
"""

FORKS = 256
DISK_MIB = 192

HONEST = """
import sys
print("ran", sys.stdin.read())
"""

WRITE_OUTSIDE = """
print("ran", flush=True)
for path in ({folder} + "/written", {folder} + "/../written", {home}):
    for root in ("", "/proc/1/root"):
        try:
            with open(root + path, "a") as handle:
                handle.write("written")
        except OSError:
            pass
"""

READ_ENVIRONMENT = """
import glob, os
print("ran", dict(os.environ), flush=True)
for path in glob.glob("/proc/[0-9]*/environ"):
    try:
        with open(path, "rb") as handle:
            print(handle.read())
    except OSError:
        pass
"""

READ_HOST_FILES = """
import os
print("ran", flush=True)
for path in ({folder} + "/canary", {home}):
    for root in ("", "/proc/1/root", "/proc/1/cwd", "/proc/self/root/.."):
        try:
            with open(root + path) as handle:
                print(handle.read())
        except OSError:
            pass
"""

REACH_SOCKETS = """
import socket
print("ran", flush=True)
for family, address in ((socket.AF_INET, ("127.0.0.1", {port})), (socket.AF_UNIX, {abstract})):
    try:
        with socket.socket(family, socket.SOCK_STREAM) as client:
            client.settimeout(1)
            client.connect(address)
    except OSError:
        pass
"""

LEAVE_DAEMON = """
import os, sys
print("ran", flush=True)
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        sleep = "import time; time.sleep(60)"
        os.execv(sys.executable, [sys.executable, "-c", sleep, {marker}])
    os._exit(0)
os.wait()
import time
time.sleep(0.2)
"""

FORK_WITHOUT_BOUND = f"""
import os, time
print("ran", flush=True)
count = 0
try:
    while count < {FORKS}:
        if os.fork() == 0:
            time.sleep(20)
            os._exit(0)
        count += 1
except OSError:
    pass
print(count)
"""

EXCEED_MEMORY = """
print("ran", flush=True)
held = []
for _ in range(512):
    held.append(b"x" * (1 << 20))
print("done")
"""

EXCEED_MEMORY_BY_MANY = """
import os, time
print("ran", flush=True)
for _ in range(6):
    if os.fork() == 0:
        held = b"x" * (64 << 20)
        time.sleep(3)
        os._exit(0)
time.sleep(3)
print("done")
"""

FILL_DISK = f"""
import os
print("ran", flush=True)
block, written, paths = b"x" * (1 << 20), 0, []
for number, folder in enumerate((".", "/tmp", "/dev/shm", "/dev", "/", "/var/tmp")):
    path = os.path.join(folder, "purpcode-probe-fill-" + str(number))
    try:
        with open(path, "wb", buffering=0) as handle:
            paths.append(path)
            while written < {DISK_MIB} and handle.write(block) == len(block):
                written += 1
    except OSError:
        pass
for path in paths:
    os.unlink(path)
print(written)
"""

FLOOD_OUTPUT = """
print("ran", flush=True)
for _ in range(4096):
    print("x" * 1024)
print("done")
"""

OUTSTAY_DEADLINE = """
import signal
print("ran", flush=True)
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGALRM, signal.SIGXCPU, signal.SIGHUP):
    signal.signal(number, signal.SIG_IGN)
while True:
    pass
"""

KERNEL_SURFACE = """
import ctypes, os, socket
print("ran", flush=True)
libc = ctypes.CDLL(None, use_errno=True)
NEW_USER = 0x10000000
if libc.unshare(NEW_USER) == 0:
    print("unshare")
if os.fork() == 0:
    os._exit(0 if libc.ptrace(0, 0, 0, 0) == 0 else 1)
if os.wait()[1] == 0:
    print("ptrace")
if libc.mount(b"none", b"/tmp", b"tmpfs", 0, None) == 0:
    print("mount")
if libc.memfd_create(b"x", 0) >= 0:
    print("memfd_create")
try:
    socket.socket(40, socket.SOCK_STREAM)
    print("vsock")
except OSError:
    pass
"""

INHERITED_DESCRIPTORS = """
import os
print("ran", flush=True)
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

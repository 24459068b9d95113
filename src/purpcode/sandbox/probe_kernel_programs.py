"""The programs of the self-test that try what the kernel must refuse. Same form as the others."""

KERNEL_SURFACE = """
import ctypes, errno
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
if not bait["calls"]:
    print("no system-call numbers for this machine")
for name, number in bait["calls"].items():
    if name == "vhangup":
        continue  # it has no argument by which a kernel could refuse it
    ctypes.set_errno(0)
    arguments = [ctypes.c_long(-1)] * 6
    result = libc.syscall(ctypes.c_long(number), *arguments)
    if result != -1 or ctypes.get_errno() not in (errno.EPERM, errno.ENOSYS):
        print(name)
    if name == "msgget" and result != -1:
        libc.msgctl(result, 0, None)
"""

NEW_NAMESPACES = """
import ctypes, signal
libc = ctypes.CDLL(None, use_errno=True)
kinds = {"user": 1 << 28, "mount": 1 << 17, "pid": 1 << 29, "net": 1 << 30, "ipc": 1 << 27}
def child_does(act):
    pid = os.fork()
    if pid == 0:
        os._exit(0 if act() else 1)
    return os.waitpid(pid, 0)[1] == 0
for name, flag in kinds.items():
    if child_does(lambda: libc.unshare(flag) == 0):
        print("unshare", name)
def clones():
    number = {"x86_64": 56, "aarch64": 220}[os.uname().machine]
    pid = libc.syscall(number, kinds["user"] | signal.SIGCHLD, 0, 0, 0, 0)
    if pid == 0:
        os._exit(0)
    return pid > 0
if child_does(clones):
    print("clone user")
"""

MOUNT = """
import ctypes, tempfile
libc = ctypes.CDLL(None, use_errno=True)
folder = tempfile.mkdtemp()
if libc.mount(b"none", folder.encode(), b"tmpfs", 0, None) == 0:
    print("mount")
    libc.umount2(folder.encode(), 2)
if os.fork() == 0:
    os._exit(0 if libc.chroot(folder.encode()) == 0 else 1)
if os.wait()[1] == 0:
    print("chroot")
os.rmdir(folder)
"""

GAIN_PRIVILEGE = """
import resource
with open("/proc/self/status") as handle:
    status = {name: value.strip() for name, _, value in (line.partition(":") for line in handle)}
for name in ("CapPrm", "CapEff", "CapAmb"):
    if int(status[name], 16):
        print(name, status[name])
if status["NoNewPrivs"] != "1":
    print("set-uid programs gain privileges")
if os.geteuid() == 0:
    print("is root")
for name, change in (("setuid", os.setuid), ("setgid", os.setgid)):
    try:
        change(0)
        print(name)
    except OSError:
        pass
try:
    os.setgroups([0])
    print("setgroups")
except OSError:
    pass
for name in ("RLIMIT_NPROC", "RLIMIT_FSIZE", "RLIMIT_NOFILE"):
    limit = getattr(resource, name)
    if resource.getrlimit(limit)[1] == resource.RLIM_INFINITY:
        print("unlimited", name)
        continue
    try:
        more = resource.getrlimit(limit)[1] + 1
        resource.setrlimit(limit, (more, more))
        print("raised", name)
    except (OSError, ValueError):
        pass
"""

DEVICES = """
import stat
for name, kind, number in (("char", stat.S_IFCHR, (1, 3)), ("block", stat.S_IFBLK, (7, 0))):
    path = "purpcode-probe-node-" + name
    try:
        os.mknod(path, kind | 0o600, os.makedev(*number))
        print("made a", name, "device")
        os.unlink(path)
    except OSError:
        pass
harmless = {"null", "zero", "full", "random", "urandom", "tty", "ptmx", "console"}
for folder, _, names in os.walk("/dev"):
    for name in set(names) - harmless:
        path = os.path.join(folder, name)
        try:
            mode = os.stat(path).st_mode
        except OSError:
            continue
        device = stat.S_ISBLK(mode) or stat.S_ISCHR(mode)
        # Asked, not opened: opening some devices has effects.
        if device and not path.startswith("/dev/pts/") and os.access(path, os.R_OK):
            if os.path.realpath(path).startswith("/dev"):
                print("device", path)
"""

KERNEL_FILES = """
import glob
for path in glob.glob("/proc/[0-9]*/cmdline"):
    try:
        with open(path, "rb") as handle:
            if bait["victim_marker"].encode() in handle.read():
                print("sees processes outside")
    except OSError:
        pass
for path in ("/proc/kallsyms", "/proc/modules"):
    try:
        with open(path) as handle:
            line = handle.readline().split()
        address = line[0] if path.endswith("kallsyms") else line[-1]
        if int(address, 16):
            print("kernel addresses in", path)
    except (OSError, IndexError, ValueError):
        pass
for path in ("/proc/kcore", "/proc/kmsg", "/dev/kmsg", "/dev/mem", "/proc/keys"):
    if os.access(path, os.R_OK) and (path != "/proc/keys" or open(path).read()):
        print("readable", path)
settings = ["/proc/sysrq-trigger", "/proc/sys/kernel/core_pattern", "/proc/sys/vm/drop_caches"]
settings += ["/proc/sys/kernel/modprobe", "/proc/sys/kernel/hostname", "/proc/acpi"]
settings += ["/sys/kernel", "/sys/fs/cgroup", "/sys/power/state", "/proc/sys/net/ipv4/ip_forward"]
for path in settings:
    if os.access(path, os.W_OK):
        print("writable", path)
for name in os.listdir("/sys/class/net") if os.path.isdir("/sys/class/net") else ():
    if name != "lo":
        print("/sys shows interface", name)
"""

"""The programs of the self-test that try to take more than they may. Same form as the others."""

FORKS = 256
DISK_MIB = 192

FORK_WITHOUT_BOUND = f"""
import time
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
held = []
for _ in range(512):
    held.append(b"x" * (1 << 20))
print("done")
"""

EXCEED_MEMORY_BY_MANY = """
import time
for _ in range(6):
    if os.fork() == 0:
        held = b"x" * (64 << 20)
        time.sleep(3)
        os._exit(0)
time.sleep(3)
print("done")
"""

EXCEED_SHARED_MEMORY = """
import mmap, time
for _ in range(6):
    if os.fork() == 0:
        held = mmap.mmap(-1, 64 << 20)
        for at in range(0, 64 << 20, 4096):
            held[at] = 1
        time.sleep(3)
        os._exit(0)
time.sleep(3)
print("done")
"""

FILL_DISK = f"""
block, written, paths = b"x" * (1 << 20), 0, []
for number, folder in enumerate((".", "/tmp", "/dev/shm", "/dev", "/", "/var/tmp", "/run")):
    for part in range(4):  # a file is limited too: several of them
        path = os.path.join(folder, f"purpcode-probe-fill-{{number}}-{{part}}")
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
for _ in range(4096):
    print("x" * 1024)
print("done")
"""

OUTSTAY_DEADLINE = """
import signal
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGALRM, signal.SIGXCPU, signal.SIGHUP):
    signal.signal(number, signal.SIG_IGN)
while True:
    pass
"""

OUTLIVE_DEADLINE = """
import time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        code = "import signal as s, time; s.signal(s.SIGTERM, s.SIG_IGN); time.sleep(60)"
        os.execv(sys.executable, [sys.executable, "-c", code, bait["outlive_deadline"]])
    os._exit(0)
time.sleep(60)
"""

"""Attempts to get out of the sandbox, each named as the attack and with the permitted twin beside it.

The script records what happened under `result`; a test fails when an attempt succeeds, and also when the script could
not make it for another reason.
"""

import os
import socket
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox_runner.isolation.syscalls import current_architecture
from tests.sandbox_runner.conftest import LiveRunner

_ATTEMPT = """
import ctypes, errno, os, socket
NUMBERS = {numbers}
libc = ctypes.CDLL(None, use_errno=True)
def attempt(action):
    try:
        value = action()
    except BaseException as error:
        number = getattr(error, 'errno', None)
        return errno.errorcode.get(number, type(error).__name__)
    return 'done: ' + repr(value)[:200]
def syscall(call, *arguments):
    if libc.syscall(NUMBERS.get(call, call), *arguments) == -1:
        raise OSError(ctypes.get_errno(), 'refused')
    return 'accepted'
"""

_CALLS = (
    "ptrace process_vm_readv process_vm_writev pidfd_getfd mount umount2 fsopen open_tree pivot_root unshare clone "
    "clone3 setns add_key request_key keyctl bpf perf_event_open io_uring_setup userfaultfd init_module kexec_load "
    "reboot open_by_handle_at syslog personality clock_settime tgkill socket shmget"
)
_ATTEMPT = _ATTEMPT.replace("{numbers}", repr({name: current_architecture().number(name) for name in _CALLS.split()}))

REFUSED = {"EPERM", "EACCES", "ENOENT", "ENOSYS", "EROFS", "ETXTBSY"}


def attempts(live: LiveRunner, body: str, **options: object) -> dict[str, str]:
    ended = live.execute(_ATTEMPT + body, **options)  # type: ignore[arg-type]
    assert ended.status == "completed", ended
    assert isinstance(ended.result, dict), ended
    return ended.result


def assert_refused(outcomes: dict[str, str]) -> None:
    assert outcomes
    escaped = {name: outcome for name, outcome in outcomes.items() if outcome not in REFUSED}
    assert not escaped


def test_reading_etc_shadow(live: LiveRunner) -> None:
    outcomes = attempts(
        live,
        "paths = ['/etc/shadow', '/etc/gshadow', '/root/.bash_history', '/proc/kcore', '/dev/mem', '/dev/sda']\n"
        "result = {path: attempt(lambda: open(path, 'rb').read(10)) for path in paths}\n",
    )
    assert_refused(outcomes)


def test_reading_the_environment_file_and_the_data_directory(live: LiveRunner, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("SECRET_KEYS=abc")
    (tmp_path / "data").mkdir(mode=0o755)
    (tmp_path / "data" / "PG_VERSION").write_text("18")
    tmp_path.chmod(0o755)
    checkout = Path(__file__).parents[2]
    names = [str(tmp_path / ".env"), str(tmp_path / "data" / "PG_VERSION"), str(checkout / "pyproject.toml")]
    outcomes = attempts(
        live,
        f"result = {{path: attempt(lambda: open(path).read()) for path in {names!r}}}\n"
        f"result['list'] = attempt(lambda: os.listdir({str(tmp_path / 'data')!r}))\n",
    )
    assert_refused(outcomes)


def test_its_own_files_can_be_read_and_its_work_directory_written(live: LiveRunner) -> None:
    script = (
        "open('note.txt', 'w').write('kept')\n"
        "os.mkdir('below'); os.rename('note.txt', 'below/note.txt')\n"
        "import data.numbers\n"
        "here = os.path.dirname(__file__)\n"
        "result = {'own': open('below/note.txt').read(), 'bundle': open(here + '/data/numbers.py').read(),\n"
        "          'import': data.numbers.ONE}\n"
    )
    ended = live.execute({"main.py": "import os\n" + script, "data/numbers.py": "ONE = 1\n"})
    assert ended.result == {"own": "kept", "bundle": "ONE = 1\n", "import": 1}, ended


def test_changing_the_source_tree_the_libraries_or_python_itself(live: LiveRunner) -> None:
    outcomes = attempts(
        live,
        "import httpx, sys\n"
        "result = {}\n"
        "for name, path in {'bundle': __file__, 'site': httpx.__file__, 'python': os.__file__}.items():\n"
        "    result[name + ' write'] = attempt(lambda: open(path, 'a').write('x'))\n"
        "    result[name + ' replace'] = attempt(lambda: os.unlink(path))\n"
        "    result[name + ' mode'] = attempt(lambda: os.chmod(path, 0o777))\n"
        "    result[name + ' beside'] = attempt(lambda: open(os.path.dirname(path) + '/planted.py', 'w'))\n"
        "result['interpreter'] = attempt(lambda: open(sys.executable or '/usr/bin/python3', 'r+b'))\n",
    )
    assert_refused(outcomes)


def test_following_a_symbolic_link_out_of_the_work_directory(live: LiveRunner, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret")
    tmp_path.chmod(0o755)
    outcomes = attempts(
        live,
        f"os.symlink({str(secret)!r}, 'link')\n"
        "os.symlink('/', 'root')\n"
        "os.symlink('/proc/self/root', 'proc')\n"
        "result = {'link': attempt(lambda: open('link').read()),\n"
        f"          'root': attempt(lambda: open('root' + {str(secret)!r}).read()),\n"
        f"          'proc': attempt(lambda: open('proc' + {str(secret)!r}).read()),\n"
        f"          'hard link': attempt(lambda: os.link({str(secret)!r}, 'hard'))}}\n",
    )
    outcomes = {name: "EPERM" if outcome == "EXDEV" else outcome for name, outcome in outcomes.items()}
    assert_refused(outcomes)


def test_a_symbolic_link_inside_the_work_directory_works(live: LiveRunner) -> None:
    outcomes = attempts(
        live,
        "open('a', 'w').write('x'); os.symlink('a', 'b')\nresult = {'link': attempt(lambda: open('b').read())}\n",
    )
    assert outcomes == {"link": "done: 'x'"}


@pytest.fixture
def unix_servers() -> Iterator[tuple[str, str]]:
    """Provides a pathname and an abstract Unix socket of the host, as PostgreSQL and D-Bus have them."""
    with tempfile.TemporaryDirectory(prefix="pg-") as directory:
        Path(directory).chmod(0o755)
        path, abstract = f"{directory}/.s.PGSQL.5432", f"automio-test-{os.urandom(8).hex()}"
        servers = []
        for address in (path, "\0" + abstract):
            server = socket.socket(socket.AF_UNIX)
            server.bind(address)
            server.listen()
            servers.append(server)
        Path(path).chmod(0o777)
        yield path, abstract
        for server in servers:
            server.close()


def test_connecting_to_postgresql_by_its_unix_socket(live: LiveRunner, unix_servers: tuple[str, str]) -> None:
    path, _ = unix_servers
    outcomes = attempts(
        live, f"result = {{'connect': attempt(lambda: socket.socket(socket.AF_UNIX).connect({path!r}))}}\n"
    )
    assert_refused(outcomes)


def test_connecting_to_an_abstract_unix_socket_of_the_host(live: LiveRunner, unix_servers: tuple[str, str]) -> None:
    _, abstract = unix_servers
    outcomes = attempts(
        live,
        f"address = '\\0' + {abstract!r}\n"
        "result = {'connect': attempt(lambda: socket.socket(socket.AF_UNIX).connect(address))}\n"
        "pair = attempt(lambda: socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)[0].sendto(b'x', address))\n"
        "result['datagram pair'] = pair\n",
    )
    outcomes = {name: "EPERM" if outcome == "ECONNREFUSED" else outcome for name, outcome in outcomes.items()}
    assert_refused(outcomes)


def test_connecting_to_a_service_on_the_hosts_loopback(live: LiveRunner) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        reached = []
        watcher = threading.Thread(target=lambda: _accept_one(server, reached), daemon=True)
        watcher.start()
        control_plane = live.twin.port
        outcomes = attempts(
            live,
            "result = {}\n"
            f"for port in ({port}, {control_plane}):\n"
            "    def connect():\n"
            "        return socket.create_connection(('127.0.0.1', port), timeout=2)\n"
            "    result[str(port)] = attempt(connect)\n",
        )
        assert set(outcomes.values()) <= {"ECONNREFUSED", "EPERM"}
        assert reached == []


def _accept_one(server: socket.socket, reached: list[str]) -> None:
    server.settimeout(2)
    try:
        server.accept()[0].close()
        reached.append("connected")
    except OSError:
        return


def test_reaching_the_network_by_any_other_kind_of_socket(live: LiveRunner) -> None:
    outcomes = attempts(
        live,
        "def udp():\n"
        "    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:\n"
        "        s.sendto(b'x', ('192.0.2.1', 53))\n"
        "result = {'udp': attempt(udp),\n"
        "          'tcp': attempt(lambda: socket.create_connection(('192.0.2.1', 80), timeout=2)),\n"
        "          'raw': attempt(lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)),\n"
        "          'packet': attempt(lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW)),\n"
        "          'netlink': attempt(lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)),\n"
        "          'vsock': attempt(lambda: socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM)),\n"
        "          'alg': attempt(lambda: socket.socket(38, socket.SOCK_SEQPACKET)),\n"
        "          'system call': attempt(lambda: syscall('socket', 40, 1, 0))}\n",
    )
    outcomes = {name: "EPERM" if outcome == "ENETUNREACH" else outcome for name, outcome in outcomes.items()}
    assert_refused(outcomes)


def test_the_broker_can_be_reached_by_plain_sockets(live: LiveRunner) -> None:
    outcomes = attempts(
        live,
        "import urllib.request\n"
        "request = urllib.request.Request(os.environ['API_BASE_URL'] + '/api/actions/?app=3')\n"
        "result = {'status': urllib.request.urlopen(request).status}\n",
    )
    assert outcomes == {"status": 200}


def test_tracing_and_reading_other_processes(live: LiveRunner) -> None:
    outcomes = attempts(
        live,
        "others = [1, os.getppid()] if os.getppid() else [1]\n"
        "buffer = ctypes.create_string_buffer(64)\n"
        "class Vector(ctypes.Structure):\n"
        "    _fields_ = [('base', ctypes.c_void_p), ('length', ctypes.c_size_t)]\n"
        "mine = Vector(ctypes.addressof(buffer), 64)\n"
        "result = {}\n"
        "for other in others:\n"
        "    result[f'attach {other}'] = attempt(lambda: syscall('ptrace', 16, other, 0, 0))\n"
        "    result[f'seize {other}'] = attempt(lambda: syscall('ptrace', 0x4206, other, 0, 0))\n"
        "    result[f'read {other}'] = attempt(\n"
        "        lambda: syscall('process_vm_readv', other, ctypes.byref(mine), 1, ctypes.byref(mine), 1, 0))\n"
        "    result[f'write {other}'] = attempt(\n"
        "        lambda: syscall('process_vm_writev', other, ctypes.byref(mine), 1, ctypes.byref(mine), 1, 0))\n"
        "    result[f'memory {other}'] = attempt(lambda: open(f'/proc/{other}/mem', 'rb').read(1))\n"
        "    result[f'descriptors {other}'] = attempt(lambda: os.listdir(f'/proc/{other}/fd'))\n"
        "result['take a descriptor'] = attempt(lambda: syscall('pidfd_getfd', 3, 0, 0))\n"
        "result['trace me'] = attempt(lambda: syscall('ptrace', 0, 0, 0, 0))\n",
    )
    if live.level == "bubblewrap" and os.geteuid() != 0:
        # Process 1 is bwrap's reaper, of the same user; it holds nothing, and the next test is about its filter.
        outcomes = {name: outcome for name, outcome in outcomes.items() if name not in ("memory 1", "descriptors 1")}
    assert_refused(outcomes)


def test_slipping_out_of_the_filter_through_process_1(bubblewrap_runner: LiveRunner) -> None:
    ended = bubblewrap_runner.execute(
        "fields = [line.split() for line in open('/proc/1/status')]\n"
        "result = {line[0]: line[1] for line in fields if line[0] in ('Seccomp:', 'NoNewPrivs:', 'CapEff:')}\n"
    )
    assert ended.result["Seccomp:"] == "2", ended
    assert ended.result["NoNewPrivs:"] == "1"
    if os.geteuid() != 0:
        assert int(ended.result["CapEff:"], 16) == 0


def test_reading_the_environment_of_process_1(live: LiveRunner) -> None:
    outcomes = attempts(
        live,
        "result = {'environ': attempt(lambda: open('/proc/1/environ', 'rb').read())}\n",
    )
    assert outcomes["environ"] in {*REFUSED, "done: b''"}


def test_the_environment_holds_nothing_of_the_runner(live: LiveRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    ended = live.execute("import os\nresult = dict(os.environ)\n")
    allowed = {"PATH", "HOME", "TMPDIR", "USER", "LANG", "MALLOC_ARENA_MAX", "APP_ID", "TASK_ID", "LC_CTYPE"}
    allowed |= {"API_BASE_URL", "PUBLIC_API_BASE_URL", "APP_TOKEN", "CACHE_SERVICE_URL", "CACHE_SERVICE_TOKEN"}
    assert set(ended.result) <= allowed
    assert "amt_runner_" not in str(ended.result)


def test_mounting_and_making_namespaces(live: LiveRunner) -> None:
    outcomes = attempts(
        live,
        "result = {'mount': attempt(lambda: syscall('mount', b'none', b'/tmp', b'tmpfs', 0, None)),\n"
        "          'remount': attempt(lambda: syscall('mount', b'none', b'/', None, 32, None)),\n"
        "          'unmount': attempt(lambda: syscall('umount2', b'/proc', 2)),\n"
        "          'new mount api': attempt(lambda: syscall('fsopen', b'tmpfs', 0)),\n"
        "          'open tree': attempt(lambda: syscall('open_tree', -100, b'/', 1)),\n"
        "          'pivot': attempt(lambda: syscall('pivot_root', b'/', b'/tmp')),\n"
        "          'chroot': attempt(lambda: os.chroot('/tmp')),\n"
        "          'unshare user': attempt(lambda: syscall('unshare', 0x10000000)),\n"
        "          'unshare mount': attempt(lambda: syscall('unshare', 0x00020000)),\n"
        "          'clone user': attempt(lambda: syscall('clone', 0x10000000 | 17, 0, 0, 0, 0)),\n"
        "          'clone3': attempt(lambda: syscall('clone3', ctypes.create_string_buffer(88), 88)),\n"
        "          'setns': attempt(lambda: syscall('setns', 0, 0)),\n"
        "          'device': attempt(lambda: os.mknod('disk', 0o60666, os.makedev(8, 0)))}\n",
    )
    assert_refused(outcomes)


def test_using_kernel_interfaces_no_script_needs(live: LiveRunner) -> None:
    outcomes = attempts(
        live,
        "result = {'add_key': attempt(lambda: syscall('add_key', b'user', b'a', b'b', 1, -3)),\n"
        "          'request_key': attempt(lambda: syscall('request_key', b'user', b'a', None, -3)),\n"
        "          'keyctl': attempt(lambda: syscall('keyctl', 0, -3, 1)),\n"
        "          'bpf': attempt(lambda: syscall('bpf', 0, ctypes.create_string_buffer(64), 64))}\n"
        "buffer = ctypes.create_string_buffer(120)\n"
        "result |= {'perf': attempt(lambda: syscall('perf_event_open', buffer, 0, -1, -1, 0)),\n"
        "          'io_uring': attempt(lambda: syscall('io_uring_setup', 8, ctypes.create_string_buffer(120))),\n"
        "          'userfaultfd': attempt(lambda: syscall('userfaultfd', 0)),\n"
        "          'module': attempt(lambda: syscall('init_module', b'', 0, b'')),\n"
        "          'kexec': attempt(lambda: syscall('kexec_load', 0, 0, None, 0)),\n"
        "          'reboot': attempt(lambda: syscall('reboot', 0xfee1dead, 672274793, 0x1234567, None)),\n"
        "          'open by handle': attempt(lambda: syscall('open_by_handle_at', 3, buffer, 0)),\n"
        "          'kernel log': attempt(lambda: syscall('syslog', 3, ctypes.create_string_buffer(64), 64)),\n"
        "          'personality': attempt(lambda: syscall('personality', 0x0040000)),\n"
        "          'newer than the filter': attempt(lambda: syscall(468, 0, 0, 0, 0)),\n"
        "          'x32 table': attempt(lambda: syscall(0x40000000 | 39))}\n",
    )
    assert_refused(outcomes)


def test_becoming_root_or_raising_limits(live: LiveRunner) -> None:
    outcomes = attempts(
        live,
        "import resource\n"
        "def more(which):\n"
        "    soft, hard = resource.getrlimit(which)\n"
        "    resource.setrlimit(which, (hard + 1, hard + 1))\n"
        "def root():\n"
        "    if os.getuid() == 0: raise PermissionError(1, 'root in name only')\n"
        "    os.setuid(0)\n"
        "result = {'root': attempt(root),\n"
        "          'host name': attempt(lambda: socket.sethostname('x')),\n"
        "          'clock': attempt(lambda: syscall('clock_settime', 0, ctypes.create_string_buffer(16))),\n"
        "          'nice': attempt(lambda: os.setpriority(os.PRIO_PROCESS, 1, -5))}\n"
        "for name in ('RLIMIT_AS', 'RLIMIT_DATA', 'RLIMIT_CPU', 'RLIMIT_FSIZE', 'RLIMIT_NOFILE'):\n"
        "    outcome = attempt(lambda: more(getattr(resource, name)))\n"
        "    result[name] = 'EPERM' if outcome == 'ValueError' else outcome\n",
    )
    outcomes.pop("nice") if outcomes["nice"] == "ESRCH" else None
    # In a user namespace there is no user 0 to become.
    outcomes["root"] = outcomes["root"].replace("EINVAL", "EPERM")
    assert_refused(outcomes)


def test_killing_processes_that_are_not_its_own(live: LiveRunner) -> None:
    runner = os.getpid()
    outcomes = attempts(
        live,
        "import signal\n"
        f"result = {{str(other): attempt(lambda: os.kill(other, 0)) for other in (1, {runner}, -1)}}\n"
        f"result['by thread'] = attempt(lambda: syscall('tgkill', {runner}, {runner}, 0))\n"
        f"result['by descriptor'] = attempt(lambda: os.pidfd_open({runner}))\n",
    )
    # In a process namespace the numbers mean other processes, or none.
    if live.level == "bubblewrap":
        outcomes = {name: outcome for name, outcome in outcomes.items() if name not in ("1", "-1")}
    assert set(outcomes.values()) <= REFUSED | {"ESRCH", "EINVAL"}


def test_having_a_file_signal_another_process(live: LiveRunner) -> None:
    runner = os.getpid()
    outcomes = attempts(
        live,
        "import fcntl, struct\n"
        "reader, writer = os.pipe()\n"
        "pair = socket.socketpair()\n"
        f"owner = struct.pack('i', {runner})\n"
        f"process = struct.pack('ii', 1, {runner})\n"
        "result = {\n"
        f"    'owner': attempt(lambda: fcntl.fcntl(reader, fcntl.F_SETOWN, {runner})),\n"
        "    'owner by structure': attempt(lambda: fcntl.fcntl(reader, 15, process)),\n"
        "    'signal': attempt(lambda: fcntl.fcntl(reader, fcntl.F_SETSIG, 9)),\n"
        "    'owner of a socket': attempt(lambda: fcntl.ioctl(pair[0], 0x8901, owner)),\n"
        "    'group of a socket': attempt(lambda: fcntl.ioctl(pair[0], 0x8902, owner)),\n"
        "}\n",
    )
    assert_refused(outcomes)


def test_hiding_its_open_files_from_the_runner(live: LiveRunner) -> None:
    outcomes = attempts(
        live,
        "numbers = {'x86_64': 157, 'aarch64': 167}\n"
        "number = numbers[os.uname().machine]\n"
        "result = {'off': attempt(lambda: syscall(number, 4, 0, 0, 0, 0))}\n",
    )
    assert_refused(outcomes)


def test_files_can_still_be_duplicated_locked_and_unblocked(live: LiveRunner) -> None:
    outcomes = attempts(
        live,
        "import fcntl\n"
        "file = open('own', 'w')\n"
        "result = {\n"
        "    'duplicate': attempt(lambda: os.close(fcntl.fcntl(file, fcntl.F_DUPFD_CLOEXEC, 0))),\n"
        "    'lock': attempt(lambda: fcntl.lockf(file, fcntl.LOCK_EX)),\n"
        "    'unblock': attempt(lambda: os.set_blocking(file.fileno(), False)),\n"
        "    'kept': attempt(lambda: fcntl.fcntl(file, fcntl.F_GETOWN)),\n"
        "}\n",
    )
    assert outcomes == {"duplicate": "done: None", "lock": "done: None", "unblock": "done: None", "kept": "done: 0"}


def test_its_own_children_can_be_started_and_killed(bubblewrap_runner: LiveRunner) -> None:
    outcomes = attempts(
        bubblewrap_runner,
        "import subprocess, sys\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        "child.kill()\n"
        "shown = subprocess.run([sys.executable, '-c', 'print(6 * 7)'], capture_output=True, text=True)\n"
        "result = {'killed': child.wait(), 'shown': shown.stdout}\n",
    )
    assert outcomes == {"killed": -9, "shown": "42\n"}


def test_starting_a_second_process_without_a_namespace_for_it(landlock_runner: LiveRunner) -> None:
    outcomes = attempts(
        landlock_runner,
        "import subprocess, sys\n"
        "result = {'fork': attempt(os.fork),\n"
        "          'spawn': attempt(lambda: subprocess.run([sys.executable, '-c', '1'])),\n"
        "          'exec': attempt(lambda: os.execv(sys.executable, [sys.executable, '-c', '1'])),\n"
        "          'shared memory': attempt(lambda: syscall('shmget', 1, 4096, 0o1600))}\n",
    )
    assert_refused(outcomes)


def test_threads_work_without_a_process_namespace_too(live: LiveRunner) -> None:
    outcomes = attempts(
        live,
        "from concurrent.futures import ThreadPoolExecutor\n"
        "with ThreadPoolExecutor(4) as pool:\n"
        "    result = {'squares': list(pool.map(lambda n: n * n, range(5)))}\n",
    )
    assert outcomes == {"squares": [0, 1, 4, 9, 16]}


def test_listing_what_the_host_has(bubblewrap_runner: LiveRunner) -> None:
    ended = bubblewrap_runner.execute(
        "import os\n"
        "result = {'root': os.listdir('/'), 'processes': [p for p in os.listdir('/proc') if p.isdigit()],"
        "'etc': sorted(os.listdir('/etc'))}\n"
    )
    assert not set(ended.result["root"]) & {"home", "boot", "sys", "run", "srv", "opt", "media"}
    assert len(ended.result["processes"]) == 2
    assert set(ended.result["etc"]) <= {"passwd", "ld.so.cache", "localtime", "hosts"}


def test_importing_anything_of_the_platform(live: LiveRunner) -> None:
    ended = live.execute(
        "import importlib\nresult = {}\n"
        "for name in ('platform_api', 'sandbox_runner', 'hasura', 'sqlalchemy', 'asyncpg', 'fastapi', 'pip'):\n"
        "    try:\n        importlib.import_module(name); result[name] = 'imported'\n"
        "    except ModuleNotFoundError: result[name] = 'missing'\n"
    )
    assert set(ended.result.values()) == {"missing"}


def test_importing_the_client_and_what_it_depends_on(live: LiveRunner) -> None:
    ended = live.execute(
        "import automio, httpx, gql, plugins, robotnikai, ssl, zoneinfo\n"
        "result = {'alias': robotnikai is automio, 'zone': str(zoneinfo.ZoneInfo('Europe/Warsaw'))}\n"
    )
    assert ended.result == {"alias": True, "zone": "Europe/Warsaw"}, ended


def test_forging_control_messages(live: LiveRunner) -> None:
    """User code may find the channel; what it writes can only concern its own run, and only known ends pass."""
    neighbour = live.submit("import time\ntime.sleep(1)\nprint('still here')\nresult = 'mine'\n")
    find = (
        "import json, os, socket, stat, struct, sys, time\n"
        "def channels():\n"
        "    for fd in range(3, 2048):\n"
        "        try:\n"
        "            if stat.S_ISSOCK(os.fstat(fd).st_mode): yield fd\n"
        "        except OSError: pass\n"
        "def send(message):\n"
        "    text = json.dumps(message).encode()\n"
        "    for fd in channels():\n"
        "        try: os.write(fd, struct.pack('!I', len(text)) + text)\n"
        "        except OSError: pass\n"
    )
    claimed = live.execute(
        find
        + "send({'kind': 'end', 'run_id': 1, 'status': 'completed', 'cause': 'returned', 'result': '\"forged\"'})\n"
        "time.sleep(20)\n"
    )
    assert (claimed.status, claimed.result) == ("completed", "forged")
    for broken in (
        "{'kind': 'end', 'status': 'completed', 'cause': 'runner_lost', 'result': '1'}",
        "{'kind': 'end', 'status': 'completed', 'cause': 'exception', 'result': '1'}",
        "{'kind': 'end', 'status': 'failed', 'cause': 'timeout', 'error': 'x'}",
        "{'kind': 'end', 'status': 'completed', 'cause': 'returned', 'result': 'not json'}",
        "'text'",
    ):
        ended = live.execute(find + f"send({broken})\ntime.sleep(20)\n")
        assert (ended.status, ended.cause) == ("failed", "killed"), (broken, ended)
        assert ended.error.startswith("ended by the runner: ")
    live.wait_for_line(neighbour, "still here")


def test_announcing_a_message_larger_than_memory(live: LiveRunner) -> None:
    ended = live.execute(
        "import os, stat, struct, time\n"
        "for fd in range(3, 2048):\n"
        "    try:\n"
        "        if stat.S_ISSOCK(os.fstat(fd).st_mode): os.write(fd, struct.pack('!I', 0xffffffff) + b'x' * 1000)\n"
        "    except OSError: pass\n"
        "time.sleep(20)\n"
    )
    assert (ended.status, ended.cause) == ("failed", "killed"), ended


def test_closing_every_descriptor(live: LiveRunner) -> None:
    ended = live.execute("import os\nos.closerange(0, 256)\n")
    assert ended.status == "failed", ended
    assert ended.cause in ("exit", "killed")


def test_finding_descriptors_that_were_left_open(bubblewrap_runner: LiveRunner) -> None:
    ended = bubblewrap_runner.execute(
        "import os\n"
        "found = {}\n"
        "for fd in set(os.listdir('/proc/self/fd')) - {'0', '1', '2'}:\n"
        "    try: found[fd] = os.readlink(f'/proc/self/fd/{fd}')\n"
        "    except FileNotFoundError: pass\n"
        "result = sorted(kind.partition(':')[0] for fd, kind in found.items())\n"
    )
    # The control channel and the output socket. (The listing's own descriptor is gone when it is looked at.)
    assert ended.result == ["socket", "socket"], ended

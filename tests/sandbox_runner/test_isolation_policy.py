"""Policy as data: what becomes of it as bwrap arguments and as Landlock rules, without a kernel."""

from dataclasses import replace

from sandbox_runner.isolation.bubblewrap import bubblewrap_arguments
from sandbox_runner.isolation.identities import UserIds, _widest_mapping
from sandbox_runner.isolation.landlock import Access, landlock_ruleset
from sandbox_runner.isolation.policy import (
    IsolationLevel,
    JailPaths,
    JailPolicy,
    PythonInstallation,
    SystemFiles,
)

POLICY = JailPolicy(
    level=IsolationLevel.BUBBLEWRAP,
    python=PythonInstallation(
        executable="/opt/py/bin/python3.11",
        directories=("/opt/py/lib/python3.11",),
        hidden=("/opt/py/lib/python3.11/site-packages",),
    ),
    system=SystemFiles(directories=("/usr/lib/x86_64-linux-gnu",), links=(("/lib", "usr/lib"),)),
    host=JailPaths(harness="/state/harness", site="/state/site", bundle="/state/j/bundle", work="/state/j/work"),
    user_id=1_880_000_001,
)


def arguments(policy: JailPolicy = POLICY) -> list[str]:
    return bubblewrap_arguments(policy, status_fd=7, block_fd=8, passwd_fd=9, seccomp_fd=10)


def after(name: str, policy: JailPolicy = POLICY) -> list[tuple[str, str]]:
    argv = arguments(policy)
    return [(argv[at + 1], argv[at + 2]) for at, argument in enumerate(argv) if argument == name]


def test_every_namespace_is_unshared_and_the_jail_dies_with_its_runner() -> None:
    assert {"--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"} <= set(
        arguments()
    )
    assert {"--die-with-parent", "--new-session", "--clearenv"} <= set(arguments())


def test_everything_from_the_host_is_read_only() -> None:
    assert "--bind" not in arguments() and "--dev-bind" not in arguments()
    assert set(after("--ro-bind")) == {
        ("/usr/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu"),
        ("/opt/py/lib/python3.11", "/opt/py/lib/python3.11"),
        ("/opt/py/bin/python3.11", "/opt/py/bin/python3.11"),
        ("/state/harness", "/automio/harness"),
        ("/state/site", "/automio/site"),
        ("/state/j/bundle", "/automio/bundle"),
    }
    assert "--remount-ro / --chdir" in " ".join(arguments())


def test_the_hosts_site_packages_are_hidden() -> None:
    argv = arguments()
    hidden = argv.index("/opt/py/lib/python3.11/site-packages")
    assert argv[hidden - 1] == "--tmpfs"
    assert hidden > argv.index("/opt/py/lib/python3.11")


def test_writable_space_is_bounded() -> None:
    argv = arguments(replace(POLICY, scratch_bytes=1234))
    for place in ("/tmp", "/dev/shm"):
        assert f"--size 1234 --tmpfs {place}" in " ".join(argv)


def test_root_needs_no_user_namespace_and_keeps_only_what_changes_its_user() -> None:
    argv = arguments()
    assert "--unshare-user" not in argv
    kept = [argv[at + 1] for at, argument in enumerate(argv) if argument == "--cap-add"]
    assert kept == ["CAP_SETUID", "CAP_SETGID"]


def test_an_ordinary_user_gets_a_user_namespace_and_no_capability() -> None:
    argv = arguments(replace(POLICY, own_user_namespace=True))
    assert "--unshare-user" in argv and "--cap-add" not in argv


def test_proc_can_be_left_out() -> None:
    assert "--proc" in arguments()
    assert "--proc" not in arguments(replace(POLICY, mount_proc=False))


LANDLOCK = replace(POLICY, level=IsolationLevel.LANDLOCK)


def test_only_the_work_directory_can_be_written_under_landlock() -> None:
    ruleset = landlock_ruleset(LANDLOCK, abi=7)
    writable = {path for path, rights in ruleset.rules if rights & Access.MAKE_REG}
    assert writable == {"/state/j/work"}
    assert {path for path, rights in ruleset.rules if rights & Access.WRITE_FILE} == {"/state/j/work", "/dev/null"}
    assert not any(rights & (Access.EXECUTE | Access.MAKE_SOCK | Access.MAKE_CHAR) for _, rights in ruleset.rules)


def test_landlock_refuses_all_that_the_kernels_version_can() -> None:
    assert landlock_ruleset(LANDLOCK, abi=3).handled_files == (1 << 15) - 1
    assert landlock_ruleset(LANDLOCK, abi=7).handled_files == (1 << 16) - 1
    old, new = landlock_ruleset(LANDLOCK, abi=3), landlock_ruleset(LANDLOCK, abi=6)
    assert (old.handled_network, old.scoped) == (0, 0)
    assert (new.handled_network, new.scoped) == (3, 3)


def test_rules_name_only_rights_the_ruleset_handles() -> None:
    for abi in range(1, 8):
        ruleset = landlock_ruleset(LANDLOCK, abi=abi)
        assert all(rights & ~ruleset.handled_files == 0 for _, rights in ruleset.rules)


def test_the_jail_sees_its_own_paths_only_with_a_mount_namespace() -> None:
    assert POLICY.inside.site == "/automio/site"
    assert LANDLOCK.inside == LANDLOCK.host


def test_a_user_id_is_used_by_one_jail_at_a_time() -> None:
    ids = UserIds(100, count=2)
    first, second = ids.take(), ids.take()
    assert {first, second} == {100, 101}
    ids.release(first)
    assert ids.take() == first


def test_user_ids_lie_within_what_a_container_was_given() -> None:
    assert _widest_mapping("         0          0 4294967295\n") == (0, 4294967294)
    assert _widest_mapping("0 1000 1\n1 100000 65536\n") == (1, 65536)

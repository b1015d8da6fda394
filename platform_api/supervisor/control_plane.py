"""Starts the control plane's process below the supervisor.

It serves on a socket it inherits, so that connections wait in the kernel, not fail, while it is restarted. Its code
is loaded while the database starts: where that is, the supervisor says through a pipe.
"""

import argparse
import gc
import os
import socket
import sys
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fd", type=int, required=True, help="the inherited listening socket")
    parser.add_argument("--database-fd", type=int, required=True, help="the pipe through which DATABASE_URL comes")
    parser.add_argument("--admin-file", type=Path, required=True, help="written on a first start")
    parser.add_argument("--owner", help="e-mail of the owner whom a first start creates")
    arguments = parser.parse_args()
    # What is loaded stays: looking for garbage in it, again and again, is a quarter of the time that loading takes.
    gc.disable()
    from platform_api.supervisor.serving import run

    gc.freeze()
    gc.enable()
    with os.fdopen(arguments.database_fd) as pipe:
        database_url = pipe.read()
    if not database_url:
        sys.exit("the supervisor ended before the database was there")
    os.environ["DATABASE_URL"] = database_url
    run(socket.socket(fileno=arguments.fd), admin_file=arguments.admin_file, owner=arguments.owner)


if __name__ == "__main__":
    main()

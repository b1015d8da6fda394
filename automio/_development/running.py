"""Runs an action on a developer's machine, in its own process and with the code that runs it in the sandbox.

python -P -m automio._development.running '{"entry": …, "event": …, "bundle": …, "result_fd": …}'
"""

import json
import os
import sys
from typing import NoReturn

from automio._sandbox.execution import execute
from automio._sandbox.output import flush_output

RESULT_BYTES = 1024 * 1024


def main() -> NoReturn:
    """Runs the entry and writes its outcome to `result_fd`, as the control message of the sandbox."""
    arguments = json.loads(sys.argv[1])
    sys.path.insert(0, arguments["bundle"])
    end = execute(
        entry=arguments["entry"], event=arguments["event"], bundle=arguments["bundle"], result_bytes=RESULT_BYTES
    )
    flush_output()
    with os.fdopen(arguments["result_fd"], "w") as stream:
        json.dump(end.message(), stream)
    os._exit(0 if end.status == "completed" else 1)


if __name__ == "__main__":
    main()

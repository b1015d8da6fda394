"""One run of an action on a developer's machine, in a process of its own, by the code that runs it in the sandbox.

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
    """Runs the entry and writes how it ended, as the sandbox's control message, to `result_fd`."""
    told = json.loads(sys.argv[1])
    sys.path.insert(0, told["bundle"])
    end = execute(entry=told["entry"], event=told["event"], bundle=told["bundle"], result_bytes=RESULT_BYTES)
    flush_output()
    with os.fdopen(told["result_fd"], "w") as stream:
        json.dump(end.message(), stream)
    os._exit(0 if end.status == "completed" else 1)


if __name__ == "__main__":
    main()

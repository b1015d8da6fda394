"""Tells whether a Python block can be pasted into the interactive prompt, which reads it line by line.

The prompt ends a compound statement at an empty line, not at the next unindented one, and inside one at any empty
line. So a block that is a good file may be a SyntaxError when it is pasted.
"""

import codeop
import warnings

from tests.docs.blocks import Block
from tests.docs.running import BlockFailed


def check_pastes(block: Block) -> None:
    """Raises BlockFailed with the line at which the prompt refuses the block."""
    pending: list[str] = []
    # An empty line at the end: the reader presses Enter until the prompt is back.
    for number, line in enumerate([*block.text.splitlines(), ""], block.line):
        if not pending and not line.strip():
            continue
        pending.append(line)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", SyntaxWarning)
                is_complete = codeop.compile_command("\n".join(pending), "<stdin>", "single") is not None
        except (SyntaxError, ValueError, OverflowError) as error:
            raise BlockFailed(
                block,
                f"line {number} is a {type(error).__name__} at the prompt: {line!r}. An indented block ends at an "
                "empty line and has none inside; a block that is a file says so (`file=NAME`)",
            ) from error
        if is_complete:
            pending = []
    if pending:
        raise BlockFailed(block, "the prompt waits for more at its end")

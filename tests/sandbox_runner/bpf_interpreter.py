"""Runs a seccomp filter in Python: checks what it would answer without loading it."""

import struct
from collections.abc import Sequence

_LOAD_WORD, _AND, _JUMP, _JUMP_EQUAL, _RETURN = 0x20, 0x54, 0x05, 0x15, 0x06


def interpret(program: bytes, *, architecture: int, number: int, arguments: Sequence[int] = ()) -> int:
    """Returns what the kernel would answer to a system call."""
    words = [0] * 16
    words[0], words[1] = number, architecture
    for index, argument in enumerate(arguments):
        words[4 + 2 * index], words[5 + 2 * index] = argument & 0xFFFFFFFF, argument >> 32 & 0xFFFFFFFF
    instructions = list(struct.iter_unpack("<HBBI", program))
    accumulator = position = 0
    while True:
        code, if_true, if_false, operand = instructions[position]
        position += 1
        if code == _RETURN:
            return int(operand)
        if code == _LOAD_WORD:
            accumulator = words[operand // 4]
        elif code == _AND:
            accumulator &= operand
        elif code == _JUMP:
            position += operand
        else:
            taken = accumulator == operand if code == _JUMP_EQUAL else accumulator > operand
            position += if_true if taken else if_false

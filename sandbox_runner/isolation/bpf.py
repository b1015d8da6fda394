"""Assembles seccomp rules into a classic BPF program for `PR_SET_SECCOMP`, without a compiler."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass

_LOAD_WORD = 0x20  # BPF_LD | BPF_W | BPF_ABS
_AND = 0x54  # BPF_ALU | BPF_AND | BPF_K
_JUMP_EQUAL = 0x15  # BPF_JMP | BPF_JEQ | BPF_K
_JUMP_GREATER = 0x25  # BPF_JMP | BPF_JGT | BPF_K
_JUMP = 0x05  # BPF_JMP | BPF_JA
_RETURN = 0x06  # BPF_RET | BPF_K

_OFFSET_NUMBER, _OFFSET_ARCHITECTURE, _OFFSET_ARGUMENTS = 0, 4, 16

ALLOW = 0x7FFF0000
KILL_PROCESS = 0x80000000
_ERRNO = 0x00050000

Instruction = tuple[int, int, int, int]
"""code, jump if true, jump if false, operand"""


@dataclass(frozen=True, slots=True)
class ArgumentIs:
    """Matches when (low 32 bits of argument `index`) & `mask` is one of `values` (or, `negated`, none of them)."""

    index: int
    values: tuple[int, ...]
    mask: int = 0xFFFFFFFF
    negated: bool = False


@dataclass(frozen=True, slots=True)
class ArgumentIsNull:
    """Matches when the whole 64-bit argument `index` is zero, which means a null pointer."""

    index: int


@dataclass(frozen=True, slots=True)
class ArgumentsAreNot:
    """Matches unless the low 32 bits of the first two arguments are these two values."""

    first: int
    second: int


Condition = ArgumentIs | ArgumentIsNull | ArgumentsAreNot


@dataclass(frozen=True, slots=True)
class Rule:
    """Makes system call `number` fail with `errno`, unless there are conditions and all of them hold."""

    number: int
    errno: int
    unless: tuple[Condition, ...] = ()


def assemble(rules: Sequence[Rule], *, architecture: int, highest_number: int, unknown_errno: int) -> bytes:
    """Returns the filter program; it allows calls without a rule, and refuses numbers above `highest_number`.

    Those fail with `unknown_errno`. A call through the table of another architecture (32-bit on a 64-bit kernel)
    kills the process.
    """
    program: list[Instruction] = [
        (_LOAD_WORD, 0, 0, _OFFSET_ARCHITECTURE),
        (_JUMP_EQUAL, 1, 0, architecture),
        (_RETURN, 0, 0, KILL_PROCESS),
        (_LOAD_WORD, 0, 0, _OFFSET_NUMBER),
        # Above the known numbers are system calls that we have not examined, and the x32 table of x86_64.
        (_JUMP_GREATER, 0, 1, highest_number),
        (_RETURN, 0, 0, _ERRNO | unknown_errno),
    ]
    for rule in rules:
        body = _body(rule)
        program += [(_JUMP_EQUAL, 0, len(body), rule.number), *body]
    program.append((_RETURN, 0, 0, ALLOW))
    return b"".join(struct.pack("<HBBI", *instruction) for instruction in program)


def _body(rule: Rule) -> list[Instruction]:
    refuse: Instruction = (_RETURN, 0, 0, _ERRNO | rule.errno)
    if not rule.unless:
        return [refuse]
    body: list[Instruction] = []
    for condition in rule.unless:
        body += _refuse_unless(condition, refuse)
    return [*body, (_RETURN, 0, 0, ALLOW)]


def _refuse_unless(condition: Condition, refuse: Instruction) -> list[Instruction]:
    if isinstance(condition, ArgumentsAreNot):
        return [
            (_LOAD_WORD, 0, 0, _OFFSET_ARGUMENTS),
            (_JUMP_EQUAL, 0, 3, condition.first),
            (_LOAD_WORD, 0, 0, _OFFSET_ARGUMENTS + 8),
            (_JUMP_EQUAL, 0, 1, condition.second),
            refuse,
        ]
    offset = _OFFSET_ARGUMENTS + 8 * condition.index
    if isinstance(condition, ArgumentIsNull):
        return [
            (_LOAD_WORD, 0, 0, offset),
            (_JUMP_EQUAL, 0, 2, 0),
            (_LOAD_WORD, 0, 0, offset + 4),
            (_JUMP_EQUAL, 1, 0, 0),
            refuse,
        ]
    code: list[Instruction] = [(_LOAD_WORD, 0, 0, offset), (_AND, 0, 0, condition.mask)]
    count = len(condition.values)
    for position, value in enumerate(condition.values):
        remaining = count - position - 1
        # A hit jumps over the refusal, the last miss falls into it. Negated: a hit jumps to the refusal, and after
        # the last miss stands a jump over it.
        code.append((_JUMP_EQUAL, remaining + 1, 0, value))
    if condition.negated:
        code.append((_JUMP, 0, 0, 1))
    return [*code, refuse]

"""Builds arguments of SQL functions."""

from collections.abc import Mapping

from hasura.engine.catalog.types import FunctionArgument
from hasura.engine.errors import EngineError
from hasura.engine.ir.documents.values import InputValue
from hasura.engine.ir.nodes import FunctionCall, Operand
from hasura.engine.ir.parameters import Constant, SessionDocument, source_of
from hasura.engine.schema_cache import FunctionInfo


def named_arguments(
    arguments: Mapping[str, InputValue], declared: tuple[FunctionArgument, ...]
) -> tuple[tuple[str, Operand], ...]:
    """Returns the members of `args` by their SQL names; unnamed ones are `arg_1`, `arg_2` ... by position."""
    members = arguments["args"].members("args") if "args" in arguments else {}
    operands: list[tuple[str, Operand]] = []
    for position, argument in enumerate(declared, start=1):
        name = argument.name or f"arg_{position}"
        given = members.get(name)
        if given is None:
            continue
        source = Constant(None) if given.is_null else source_of(given, argument.type)
        operands.append((name, Operand(source, argument.type)))
    return tuple(operands)


def function_call(function: FunctionInfo, arguments: Mapping[str, InputValue]) -> FunctionCall:
    """Returns a call of a tracked function: positional up to the first omitted argument, then by name."""
    given = dict(named_arguments(arguments, function.input_arguments))
    input_position = 0
    positional: list[Operand | None] = []
    by_name: list[tuple[str, Operand]] = []
    has_gap = False
    for index, argument in enumerate(function.function.arguments):
        if index == function.session_argument:
            operand: Operand | None = Operand(SessionDocument(), argument.type)
        else:
            input_position += 1
            operand = given.get(argument.name or f"arg_{input_position}")
        if operand is None:
            if not argument.has_default:
                # As in Hasura: an argument without default that is not given is NULL, but must be namable.
                operand = Operand(Constant(None), argument.type)
            else:
                has_gap = True
                continue
        if not has_gap:
            positional.append(operand)
        elif argument.name is not None:
            by_name.append((argument.name, operand))
        else:
            raise EngineError(
                f'argument {index + 1} of function "{function.name}" has no name and follows one left to its default',
                code="not-supported",
            )
    return FunctionCall(function.function, tuple(positional), tuple(by_name))

"""Parses GraphQL documents, chooses the operation, flattens fragments and directives into fields."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from graphql import GraphQLError, parse
from graphql.language import ast

from hasura.engine.errors import ParseFailed, ValidationFailed, json_path
from hasura.engine.ir.documents.values import Path, refuse_repeated
from hasura.engine.ir.documents.variables import VariableDefinition, require_fitting
from hasura.engine.schema.directives import DIRECTIVES, Directive
from hasura.engine.schema.types import BOOLEAN, NonNull

# Deeper documents would exhaust the stack; Hasura's own parsers have far lower limits.
MAX_DOCUMENT_TOKENS = 50_000
# Fragments that spread others below several fields select more with each level than the document is long.
MAX_SELECTED_FIELDS = MAX_DOCUMENT_TOKENS
# How errors call the places where a directive may stand.
_PLACES = {
    "QUERY": "a query",
    "MUTATION": "a mutation",
    "SUBSCRIPTION": "a subscription",
    "FIELD": "a field",
    "FRAGMENT_DEFINITION": "a fragment definition",
    "FRAGMENT_SPREAD": "a fragment spread",
    "INLINE_FRAGMENT": "an inline fragment",
    "VARIABLE_DEFINITION": "a variable definition",
}
_LOCATIONS: dict[type[ast.Node], str] = {
    ast.FieldNode: "FIELD",
    ast.FragmentSpreadNode: "FRAGMENT_SPREAD",
    ast.InlineFragmentNode: "INLINE_FRAGMENT",
}


@dataclass(frozen=True, slots=True)
class Operation:
    """Holds one operation of a document, with the fragments it may use."""

    definition: ast.OperationDefinitionNode
    fragments: Mapping[str, ast.FragmentDefinitionNode]

    @property
    def kind(self) -> str:
        """Returns query, mutation or subscription."""
        return self.definition.operation.value


@dataclass(slots=True)
class FlatField:
    """Describes a field to answer: all selections with this response key merged into one."""

    response_key: str
    name: str
    arguments: tuple[ast.ArgumentNode, ...]
    selection_sets: list[ast.SelectionSetNode] = field(default_factory=list)

    @property
    def has_selection(self) -> bool:
        """Returns whether sub-fields are asked for."""
        return bool(self.selection_sets)


def parse_operation(document: str, operation_name: str | None) -> Operation:
    """Returns the operation to run; raises ValidationFailed when the document or the choice is not valid."""
    try:
        parsed = parse(document, no_location=True, max_tokens=MAX_DOCUMENT_TOKENS)
    except GraphQLError as error:
        reason = error.message.removeprefix("Syntax Error: ")
        # A limit of the parser (nesting, tokens) is named; of syntax errors Hasura says no more than this.
        suffix = f": {reason}" if reason.endswith("Parsing aborted.") else ""
        raise ValidationFailed(f"not a valid graphql query{suffix}", path="$.query") from error
    operations: list[ast.OperationDefinitionNode] = []
    fragments: dict[str, ast.FragmentDefinitionNode] = {}
    for definition in parsed.definitions:
        if isinstance(definition, ast.OperationDefinitionNode):
            operations.append(definition)
        elif isinstance(definition, ast.FragmentDefinitionNode):
            name = definition.name.value
            if name in fragments:
                raise ParseFailed(f'multiple definitions for fragment "{name}"')
            fragments[name] = definition
            _refuse_directives(definition.directives, "FRAGMENT_DEFINITION")
        else:
            raise ValidationFailed("not a valid graphql query", path="$.query")
    chosen = _choose(operations, operation_name)
    _refuse_cycles(chosen.selection_set, fragments)
    for variable in chosen.variable_definitions or ():
        _refuse_directives(variable.directives, "VARIABLE_DEFINITION")
    return Operation(chosen, fragments)


def known_directive(name: str, location: str, path: str) -> Directive:
    """Returns the directive of this name. Raises ValidationFailed if there is none, or not in this place."""
    directive = DIRECTIVES.get(name)
    if directive is None:
        raise ValidationFailed(f"directive '{name}' is not defined in the schema", path=path)
    if location not in directive.locations:
        raise ValidationFailed(f"directive '{name}' is not allowed on {_PLACES[location]}", path=path)
    return directive


def _refuse_directives(directives: Iterable[ast.DirectiveNode] | None, location: str) -> None:
    for directive in directives or ():
        known_directive(directive.name.value, location, "$")


def _choose(operations: list[ast.OperationDefinitionNode], name: str | None) -> ast.OperationDefinitionNode:
    if name is not None and operations:
        if any(operation.name is None for operation in operations):
            raise ValidationFailed("operationName cannot be used when an anonymous operation exists in the document")
        matching = [operation for operation in operations if operation.name and operation.name.value == name]
        if not matching:
            raise ValidationFailed(f"no such operation found in the document: '{name}'")
        refuse_repeated("operation", [name] * len(matching))
        return matching[0]
    if len(operations) != 1:
        raise ValidationFailed(
            "exactly one operation has to be present in the document when operationName is not specified"
        )
    return operations[0]


def _refuse_cycles(root: ast.SelectionSetNode, fragments: Mapping[str, ast.FragmentDefinitionNode]) -> None:
    """Refuses fragments that spread each other, which would never end, and selections of nothing.

    The error's path is the way that led round.
    """
    done: set[str] = set()

    def walk(selections: ast.SelectionSetNode, path: Path, active: tuple[str, ...]) -> None:
        here = (*path, "selectionSet")
        if not selections.selections:
            raise ValidationFailed("not a valid graphql query", path="$.query")
        for selection in selections.selections:
            if isinstance(selection, ast.FieldNode):
                if selection.selection_set is not None:
                    walk(selection.selection_set, (*here, selection.name.value), active)
            elif isinstance(selection, ast.InlineFragmentNode):
                walk(selection.selection_set, path, active)
            elif isinstance(selection, ast.FragmentSpreadNode):
                name = selection.name.value
                if name in active:
                    cycle = active[active.index(name) :]
                    raise ValidationFailed(
                        f"the fragment definition(s) {_listed(cycle)} form a cycle", path=json_path(*here)
                    )
                if name not in done and name in fragments:
                    walk(fragments[name].selection_set, (*here, name), (*active, name))
                    done.add(name)

    walk(root, (), ())


def _listed(names: Iterable[str]) -> str:
    names = list(names)
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " and " + names[-1]


class Flattener:
    """Merges selection sets: fragments spread, `@include` and `@skip` decided."""

    def __init__(
        self,
        operation: Operation,
        definitions: Mapping[str, VariableDefinition],
        variables: Mapping[str, object],
    ) -> None:
        self._fragments = operation.fragments
        self._definitions = definitions
        self._variables = variables
        self._selected = 0

    def fields(self, selection_sets: Iterable[ast.SelectionSetNode], type_name: str, path: Path) -> list[FlatField]:
        """Returns the fields asked for of an object of this type, in order of first mention."""
        merged: dict[str, FlatField] = {}
        spread: set[str] = set()
        for selection_set in selection_sets:
            for node in self._walk(selection_set, type_name, path, spread):
                self._count(path)
                key = node.alias.value if node.alias else node.name.value
                flat = merged.get(key)
                if flat is None:
                    flat = merged[key] = FlatField(key, node.name.value, tuple(node.arguments or ()))
                elif flat.name != node.name.value:
                    raise ValidationFailed(
                        f"selection of both '{flat.name}' and '{node.name.value}' specify the same response name, "
                        f"'{key}'",
                        path=json_path(*path, "selectionSet"),
                    )
                elif not _same_arguments(flat.arguments, tuple(node.arguments or ())):
                    raise ValidationFailed(
                        f"inconsistent arguments between multiple selections of field '{flat.name}'",
                        path=json_path(*path, "selectionSet"),
                    )
                if node.selection_set is not None:
                    flat.selection_sets.append(node.selection_set)
        return list(merged.values())

    def _count(self, path: Path) -> None:
        self._selected += 1
        if self._selected > MAX_SELECTED_FIELDS:
            raise ValidationFailed(
                f"the operation selects more than {MAX_SELECTED_FIELDS} fields once its fragments are spread; "
                "ask for them in several operations",
                path=json_path(*path, "selectionSet"),
            )

    def _walk(
        self, selection_set: ast.SelectionSetNode, type_name: str, path: Path, spread: set[str]
    ) -> Iterator[ast.FieldNode]:
        for selection in selection_set.selections:
            if not self._is_included(selection, path):
                continue
            if isinstance(selection, ast.FieldNode):
                yield selection
            elif isinstance(selection, ast.InlineFragmentNode):
                condition = selection.type_condition
                if condition is None or condition.name.value == type_name:
                    yield from self._walk(selection.selection_set, type_name, path, spread)
            elif isinstance(selection, ast.FragmentSpreadNode):
                fragment = self._fragments.get(selection.name.value)
                if fragment is None:
                    raise ValidationFailed(
                        f'reference to undefined fragment "{selection.name.value}"',
                        path=json_path(*path, "selectionSet"),
                    )
                # Once is enough for an object; fragments that spread each other twice would double with each level.
                if fragment.type_condition.name.value == type_name and fragment.name.value not in spread:
                    spread.add(fragment.name.value)
                    yield from self._walk(fragment.selection_set, type_name, path, spread)

    def _is_included(self, selection: ast.SelectionNode, path: Path) -> bool:
        if not selection.directives:
            return True
        included = True
        where = json_path(*path, "selectionSet")
        refuse_repeated("directive", [directive.name.value for directive in selection.directives], where)
        for directive in selection.directives:
            name = known_directive(directive.name.value, _LOCATIONS[type(selection)], where).name
            condition = self._condition(directive, where)
            included = included and (condition if name == "include" else not condition)
        return included

    def _condition(self, directive: ast.DirectiveNode, where: str) -> bool:
        name = directive.name.value
        refuse_repeated("argument", [argument.name.value for argument in directive.arguments or ()], where)
        condition: ast.ValueNode | None = None
        for argument in directive.arguments or ():
            if argument.name.value != "if":
                raise ValidationFailed(f"'{name}' has no argument named '{argument.name.value}'", path=where)
            condition = argument.value
        if condition is None:
            raise ValidationFailed(f"missing required field 'if' of directive '{name}'", path=where)
        if isinstance(condition, ast.BooleanValueNode):
            return condition.value
        if isinstance(condition, ast.VariableNode):
            declared = self._definitions.get(condition.name.value)
            if declared is None:
                raise ValidationFailed(f"unbound variable '{condition.name.value}'", path=where)
            require_fitting(declared, _CONDITION, where)
            value = self._variables.get(condition.name.value)
            if isinstance(value, bool):
                return value
        raise ValidationFailed(f"expected a boolean for type 'Boolean', in directive '{name}'", path=where)


_CONDITION = NonNull(BOOLEAN)


def _same_arguments(left: tuple[ast.ArgumentNode, ...], right: tuple[ast.ArgumentNode, ...]) -> bool:
    def by_name(arguments: tuple[ast.ArgumentNode, ...]) -> dict[str, ast.ValueNode]:
        return {argument.name.value: argument.value for argument in arguments}

    return by_name(left) == by_name(right)

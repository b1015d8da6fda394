"""Checks that a plugin fulfils its interface when it is saved, not when it is called. Pure."""

from collections.abc import Sequence

from platform_api.plugins.signatures import CodeError, Module, Problem, Signature, read_module


def interface_file(namespace: str) -> str:
    """Returns the name of an interface's code in messages, tracebacks and folders."""
    return f"plugins/interfaces/{namespace}.py"


def plugin_file(namespace: str, integration_id: str) -> str:
    """Returns the name of a plugin's code in messages, tracebacks and folders."""
    return f"plugins/{namespace}_{integration_id}.py"


def check_interface(namespace: str, capabilities: Sequence[str], code: str) -> list[Problem]:
    """Returns what is wrong with an interface by itself."""
    try:
        module = read_module(code, interface_file(namespace))
    except CodeError as error:
        return [error.problem]
    signatures = [(name, module.functions[name]) for name in capabilities if name in module.functions]
    return [
        Problem(module.file, signature.line, message)
        for name, signature in signatures
        for message in _uncallable(name, signature)
    ]


def check_plugin(
    *, namespace: str, integration_id: str, capabilities: Sequence[str], interface_code: str, code: str
) -> list[Problem]:
    """Returns what keeps a plugin from fulfilling its interface; `interface_code` has passed `check_interface`."""
    interface = read_module(interface_code, interface_file(namespace))
    try:
        plugin = read_module(code, plugin_file(namespace, integration_id))
    except CodeError as error:
        return [error.problem]
    missing = _check_imports(plugin, interface, f"plugins.interfaces.{namespace}")
    return [*missing, *(problem for name in capabilities for problem in _check_capability(name, plugin, interface))]


def implemented(capabilities: Sequence[str], code: str) -> list[str]:
    """Returns the capabilities that the plugin's own code defines; the interface defines the rest."""
    module = read_module(code, "")
    return [name for name in capabilities if module.defines(name)]


def _check_imports(plugin: Module, interface: Module, name: str) -> list[Problem]:
    """Returns the names that the plugin imports from its interface and that are not there."""
    return [
        Problem(plugin.file, item.line, f"imports {item.name!r}, which {interface.file} does not define")
        for item in plugin.imports
        if item.module == name and item.name != "*" and not interface.may_define(item.name)
    ]


def _check_capability(name: str, plugin: Module, interface: Module) -> list[Problem]:
    if not plugin.defines(name):
        if interface.defines(name):
            return []
        message = f"the capability {name!r} is defined neither here nor in {interface.file}"
        return [Problem(plugin.file, 1, message)]
    if (signature := plugin.functions.get(name)) is None:
        return []
    messages = _uncallable(name, signature)
    if (contract := interface.functions.get(name)) is not None:
        messages += _differences(name, signature, contract, interface.file)
    return [Problem(plugin.file, signature.line, message) for message in messages]


def _uncallable(name: str, signature: Signature) -> list[str]:
    """Checks that a capability can be called as `name(connection_ids=..., **payload)`."""
    messages = []
    if not signature.accepts("connection_ids"):
        messages.append(f"{name}() must take `connection_ids`")
    for parameter in signature.positional_only:
        messages.append(f"{name}() takes {parameter!r} by position only; capabilities are called by keyword")
    return messages


def _differences(name: str, signature: Signature, contract: Signature, file: str) -> list[str]:
    """Checks that each way in which the interface's function may be called is a way to call the plugin's."""
    where = f"{file}:{contract.line}"
    messages = []
    if signature.is_async != contract.is_async:
        expected = "`async def`" if contract.is_async else "`def`"
        messages.append(f"{name}() must be {expected}, as in {where}")
    for parameter in sorted(contract.required | contract.optional):
        # `_uncallable` has reported it.
        if parameter != "connection_ids" and not signature.accepts(parameter):
            messages.append(f"{name}() must take {parameter!r}, as in {where}")
    for parameter in sorted(signature.required - contract.required - {"connection_ids"}):
        if parameter in contract.optional:
            messages.append(f"{name}() must have a default for {parameter!r}, as in {where}")
        elif not contract.takes_any:
            messages.append(f"{name}() requires {parameter!r}, which {where} does not have; give it a default")
        else:
            messages.append(f"{name}() requires {parameter!r}, which callers of {where} may leave out")
    if contract.takes_any and not signature.takes_any:
        messages.append(f"{name}() must take any further keyword (`**payload`), as in {where}")
    return messages

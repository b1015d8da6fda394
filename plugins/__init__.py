"""Makes plugins importable: `plugins.interfaces.<namespace>` and `plugins.<namespace>_<integration id>`.

The modules are files in these folders, which are searched in the order of `sys.path`:

    .plugins/    written by the platform beside the source tree of a run; takes precedence over
    plugins/     a folder beside scripts on a developer's machine

Interfaces are in `interfaces/<namespace>.py`, plugins in `<namespace>_<integration id>.py` (the id of an integration
may contain `-`; such a module can only be imported by `importlib`). The namespace of a plugin is the longest one that
has an interface and that the module's name begins with; the platform refuses ambiguous names.

Modules that are in no folder come from the client, which fetches them from the platform, caches them and checks their
hash; `use_source` replaces this source. In the sandbox nothing is fetched.

Plugin code may use `api` without importing it. A plugin inherits the functions of its interface that it does not
define.
"""

from plugins._api import use_api
from plugins._modules import install, use_source

__all__ = ["use_api", "use_source"]

install(__name__)

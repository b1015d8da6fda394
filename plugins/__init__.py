"""Plugins as modules: `plugins.interfaces.<namespace>` and `plugins.<namespace>_<integration id>`.

The modules are files. They are looked for, in the order of `sys.path`, in

    .plugins/    placed by the platform beside the source tree that a run executes; wins over
    plugins/     a folder beside scripts on a developer's own machine

with interfaces in `interfaces/<namespace>.py` and plugins in `<namespace>_<integration id>.py` (an integration's id
may hold `-`, so such a module can only be imported by string). The namespace of a plugin is the longest one that has
an interface and that the module's name begins with; the platform refuses names that could be read in two ways.

What no folder has is asked of the client, which fetches it from the platform, keeps it and checks its hash;
`use_source` puts something else in its place. In the sandbox nothing is fetched.

Their code may use `api` without importing it, and what a plugin leaves out is its interface's function of that name.
"""

from plugins._api import use_api
from plugins._modules import install, use_source

__all__ = ["use_api", "use_source"]

install(__name__)

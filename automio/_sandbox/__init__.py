"""The harness that runs inside the jail: seals itself, receives one run, executes user code, reports the end.

It is copied next to the jail's site directory under the name `automio_sandbox` and uses nothing but the standard
library and itself, so that whatever the site directory holds (our client, or a published one) runs unchanged.
"""

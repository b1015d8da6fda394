"""Completes and checks code while it is written: carries an editor's messages to a language server in the sandbox."""

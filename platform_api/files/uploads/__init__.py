"""Takes in files: from a form or an address, checked, with bounded memory."""

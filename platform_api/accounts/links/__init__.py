"""Makes secret links that give an account, a membership or a new password, and asks for the mail with them."""

"""Mail to the platform's users, sent over SMTP or kept to be read here; and in-app notifications."""

"""Signs users in on the web pages, lists and ends their sign-ins, and slows down guessing of passwords."""

"""Signs users in on the web pages, and slows down guessing of passwords."""

"""A bundle of evidence for another machine: a home folder that holds numbers, names and times, and no text of users.

Everything is built anew from what the readers use (an allow-list); nothing is copied and then cleaned.
"""

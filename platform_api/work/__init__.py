"""Lets any number of processes work on jobs in tables of PostgreSQL, by one lease protocol.

    models      the columns of such a table
    errors      how a job ends early
    queue       claim, renew, complete, retry, release
    worker      works on what is claimed, keeps its lease, and says what becomes of a job that goes wrong
    sweep       finds what waits where no notification came, with one statement for all queues of a process
    watch       judges whether an expired lease counts

Only the database's clock decides: every time that is stored or compared is its own.
"""

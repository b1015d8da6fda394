"""From one page of a list to the next, in every style that `Pagination` knows.

A walk ends only where the service says so, or where nothing can have been missed; where items may be missing it ends
with InvalidReply. Whether the service *said* that the list has ended is told apart (`is_certain`): only then may what
was not in it be taken for gone.

    walk        begins, and goes on from an answer: what both the client and the platform's syncs use
    link, cursor, number    one style each
    answer      what an answer says: items, flags, totals
    state       where a walk stands, and what it has seen
"""

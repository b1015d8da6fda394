"""Finds the next page of a list, in every style of `Pagination`.

A walk ends only when the service says so, or when no item can have been missed; when items may be missing, it ends
with InvalidReply. `is_certain` tells whether the service *said* that the list has ended: only then may items that
were not in the list be treated as deleted.

    walk        starts a walk and advances it by an answer; used by the client and by the platform's syncs
    link, cursor, number    one module per style
    answer      reads an answer: items, flags, totals
    state       position and progress of a walk
"""

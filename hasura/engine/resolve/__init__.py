"""Puts catalogue and metadata together into snapshots, incrementally.

    world          what one version of metadata and catalogue is: persistent maps that share untouched entries
    columns        a table's own part: columns, names, enum values
    relationships  relationships and computed fields, which look at other tables and at functions
    permissions    permissions, which look along relationships
    functions      tracked functions
    roles          inherited roles and their conflicts
    endpoints      REST endpoints
    root_fields    the indexes of root field names
    sets           persistent maps of sets
    builder        one world to the next: what a change touches is resolved again, and nothing else

What does not fit is listed as inconsistent and left out; the rest goes on.
"""

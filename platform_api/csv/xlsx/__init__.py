"""Excel's .xlsx (ECMA-376, transitional and strict), as streams of typed cells.

package     the archive: its parts, how they refer to each other, and limits on what they unpack to
formats     which number formats show dates, times and durations
serials     Excel's day numbers to dates and back
strings     texts: escapes, rich text, the shared strings
reading     a sheet's rows
writing     rows into a new file
"""

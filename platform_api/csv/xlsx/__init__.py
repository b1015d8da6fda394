"""Reads and writes Excel's .xlsx (ECMA-376, transitional and strict) as streams of typed cells.

package     opens the archive, its parts and relationships, and limits their unpacked size
formats     tells which number formats show dates, times and durations
serials     converts Excel's day numbers to dates and back
strings     escapes texts, and resolves their escapes
reading     reads a sheet's rows
writing     writes rows to a new file
"""

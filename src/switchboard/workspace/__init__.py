"""What screens show: the inbox and its counters, timelines, search; read models over other rooms' tables.

Tables: inbox_row, inbox_counter, search_document.
"""

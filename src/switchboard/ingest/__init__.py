"""Accept once, never lose: raw bodies, what was seen already, and the facts and commands that wait for their lane.

Tables: raw, seen, fact.
"""

"""Who gets it, when: queues, presence, capacity, assignment.

Tables: presence, work, assignment.
"""

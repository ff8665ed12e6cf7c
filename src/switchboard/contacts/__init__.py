"""Who is this person: contacts, their identities, claims, merges.

Tables: contact, identity, claim, merge.
"""

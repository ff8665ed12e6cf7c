"""Stand-ins for the platforms' own APIs, and a phone on which one plays the customer.

A separate process with its own state and clock. It speaks HTTP, SMTP and POP3 only and imports nothing else
of Switchboard, so that the product and its proof cannot share a mistake.
"""

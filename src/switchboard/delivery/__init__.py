"""Get it out, know what happened: outgoing pieces, their outcomes, receipts and echoes, phones to be woken.

Tables: outbound, waiting_receipt, device.
"""

"""Get it out, know what happened: outgoing pieces, their outcomes, receipts and echoes.

Tables: outbound, waiting_receipt.
"""

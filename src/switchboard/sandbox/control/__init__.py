"""The API under `/sandbox/`: connect accounts, play the customer, ask for failures, read the ledger."""

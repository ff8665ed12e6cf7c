"""A mail provider: SMTP takes the product's mail, POP3 hands out what the customers wrote."""

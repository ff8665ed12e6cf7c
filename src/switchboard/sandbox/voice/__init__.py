"""Speakers that people talk to: Alexa, DuerOS (Xiaodu), Tmall Genie."""

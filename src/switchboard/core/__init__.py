"""Pure vocabulary and rules: no I/O, no clock, no async, no framework."""

"""Programs of the system that only tests need. Filled from the machine or from Debian's packages."""

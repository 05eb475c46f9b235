"""Bad input by the thousand: what is fed in, where, and what must come of it."""

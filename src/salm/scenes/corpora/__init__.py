"""Where dry sounds come from: one file a corpus, and what all of them have in common in ``base``."""

"""From sentences to edits that can be heard."""

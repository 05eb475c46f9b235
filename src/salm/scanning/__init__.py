"""Long recordings as timelines of what is heard, where, and from when to when."""

"""Scenes as plain data: corpora, captions, drawing, rendering, batches."""

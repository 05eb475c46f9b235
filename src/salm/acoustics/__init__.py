"""Rooms, impulse responses, rendering."""

"""The local page and the JSON API of `salm serve`."""

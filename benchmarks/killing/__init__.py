"""What `kill.py` is made of.

`process` starts, kills and waits for; `witness` sees what a command does to files; `attack` kills one command again and
again and compares. What is killed is a `case`: `train`, `export`, `index`, `edit`, `scan`. A server is killed by
`siege`, while `clients` ask.
"""

"""What a round says to people and machines: text, JSON, status, exit code. Pure; decides nothing.

Text, JSON and exit code are made from the same value, so they cannot disagree.
"""

"""The nouns of the product: what is declared, what is live, what is planned, what came of it.

Imports nothing of ours and touches nothing outside: every value is checked when it is made and
trusted afterwards.
"""

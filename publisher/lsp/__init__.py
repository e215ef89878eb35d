"""Language server for editors: findings while typing, completion, explanations, fixes, navigation, renaming.

A document open in the editor replaces the file. Only this package imports pygls and lsprotocol, which are an extra.
"""

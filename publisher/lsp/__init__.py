"""The editors' language server: what check finds, while typing; completion, explanations, fixes, places, renaming.

A text that is open in the editor shadows the file. pygls and lsprotocol stand in this room alone; they are an extra.
"""

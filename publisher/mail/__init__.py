"""From an edition and a recipient to a message: the letter that is kept, headers, encoding, the bytes."""

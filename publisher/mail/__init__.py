"""Messages from an edition and a recipient: the frozen mail content, headers, encoding and bytes."""

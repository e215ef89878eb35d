"""An SMTP relay."""

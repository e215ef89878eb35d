"""What publish would do, and what a change does to each edition. Nothing is written, nobody is asked for an address."""

"""Amazon SES: submission in bulk and raw, its outcome table, its events by SNS and SQS, its suppression list."""

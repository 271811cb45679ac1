"""What truelimit itself keeps: backups, receipts, cache."""

"""Model servers, one folder each."""

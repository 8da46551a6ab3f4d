"""Reports as a person reads them, and as JSON."""

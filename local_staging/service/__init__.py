"""What every service process does alike: write its log, listen, report, end with its parent."""

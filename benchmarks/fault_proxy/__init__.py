"""What the fault proxy costs without a fault, beside HAProxy, in the same minute."""

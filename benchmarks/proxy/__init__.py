"""How fast the recording proxy is, beside HAProxy and mitmproxy, in the same minute."""

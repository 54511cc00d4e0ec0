"""`deadheat capture proxy|pcap`: make a capture."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from deadheat import event_loop
from deadheat.addresses import address_from


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    sources = parser.add_subparsers(dest="source", metavar="SOURCE", required=True)

    proxy = sources.add_parser("proxy", help="record what passes through a local proxy")
    proxy.add_argument("--upstream", required=True, metavar="URL", help="ws:// or wss:// server")
    proxy.add_argument(
        "--listen",
        default="127.0.0.1:0",
        metavar="HOST:PORT",
        help="where clients connect (default: 127.0.0.1 and a free port)",
    )
    proxy.add_argument(
        "--ca-file", type=Path, metavar="PEM", help="trust this authority for a wss upstream"
    )
    _add_output(proxy)
    proxy.set_defaults(run=run_proxy)

    pcap = sources.add_parser("pcap", help="import a packet file")
    pcap.add_argument("file", type=Path, metavar="FILE", help="pcap or pcapng")
    _add_output(pcap)
    pcap.set_defaults(run=run_pcap)


def _add_output(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", required=True, type=Path, metavar="CAPTURE")
    parser.add_argument("--overwrite", action="store_true", help="replace CAPTURE if it exists")
    parser.add_argument(
        "--keep-secrets",
        action="store_true",
        help="write tokens, cookies and passwords as they are, instead of placeholders",
    )


def run_proxy(options: argparse.Namespace) -> int:
    """Record until SIGINT or SIGTERM; one JSON line says when clients can connect."""
    from capture.proxy import ProxySettings, Upstream, record

    host, port = address_from(options.listen, "--listen")
    settings = ProxySettings(
        upstream=Upstream(options.upstream, options.ca_file),
        host=host,
        port=port,
        out=options.out,
        keep_secrets=options.keep_secrets,
        overwrite=options.overwrite,
    )

    def ready(listen: str) -> None:
        print(json.dumps({"ready": True, "listen": listen}), flush=True)

    events = event_loop.run(record(settings, ready))
    print(f"recorded {events} events in {options.out}", file=sys.stderr)
    return 0


def run_pcap(options: argparse.Namespace) -> int:
    """Import a packet file."""
    from capture.pcap import import_pcap

    events = import_pcap(
        options.file,
        options.out,
        keep_secrets=options.keep_secrets,
        overwrite=options.overwrite,
    )
    print(f"imported {events} events into {options.out}", file=sys.stderr)
    return 0

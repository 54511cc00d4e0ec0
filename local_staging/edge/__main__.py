"""Run the edge: `python -m local_staging.edge [--port N]`; CHAT_ variables are its instances'."""

from __future__ import annotations

import asyncio
import os
import signal
import sys

from local_staging.edge.http_head import LONGEST_HEAD_BYTES
from local_staging.edge.instances import Instances
from local_staging.edge.proxy import Proxy
from local_staging.edge.settings import Settings
from local_staging.errors import StagingError
from local_staging.service.listening import end_with_parent, listener, options, report_port
from local_staging.service.logs import configure_logs


def main() -> None:
    """Read the environment and serve."""
    configure_logs()
    try:
        settings = Settings.from_environment(os.environ)
    except StagingError as error:
        sys.exit(f"edge: {error}")
    asyncio.run(_serve(settings))


async def _serve(settings: Settings) -> None:
    given = options("edge")
    listening = listener("edge", given.port)
    fleet = Instances(settings.instance_log, settings.policy.start_timeout_s)
    proxy = Proxy(settings.policy, fleet)
    stopped = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(name, stopped.set)
    server = await asyncio.start_server(proxy.serve, sock=listening, limit=LONGEST_HEAD_BYTES)
    proxy.begin()
    report_port("edge", listening)
    if given.end_with_parent:
        end_with_parent()
    await stopped.wait()
    server.close()
    await fleet.close()


if __name__ == "__main__":
    main()

"""A mail server: it says where it listens, and then each mail that it takes, a line of JSON for each."""

import asyncio
import json
from email import message_from_bytes, policy

from aiosmtpd.smtp import SMTP


def read(value):
    """A header's text, or the names and addresses in it."""
    addresses = getattr(value, "addresses", None)
    return str(value) if addresses is None else [[address.display_name, address.addr_spec] for address in addresses]


class Handler:
    async def handle_DATA(self, server, session, envelope):
        mail = message_from_bytes(envelope.content, policy=policy.default)
        taken = {
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "options": envelope.mail_options,
            "headers": [[name, read(value)] for name, value in mail.items()],
            "body": mail.get_content(),
        }
        print(json.dumps(taken), flush=True)
        return "250 taken"


async def serve():
    server = await asyncio.get_running_loop().create_server(lambda: SMTP(Handler()), "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    print(f"{host}:{port}", flush=True)
    await server.serve_forever()


asyncio.run(serve())

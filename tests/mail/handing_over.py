"""A process that hands over one message, to be stopped: ``python -m tests.mail.handing_over PORT SECONDS BYTES``.

It prints the outcome when the hand-over has ended.
"""

import sys

from tests.mail.transports import mail, results, transport
from workspace_operator.mail.pools import SMTPTransportPool


def main(port: int, seconds: float, size: int) -> None:
    pool = SMTPTransportPool([transport(port)])
    (result,) = results(pool, mail(data=b"Subject: s\r\n\r\n" + b"QUJD\r\n" * (size // 6)), seconds=seconds)
    print(result.outcome.value, flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]))

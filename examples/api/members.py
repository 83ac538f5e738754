# ruff: noqa: INP001, T201 - a program by itself, which prints
"""A customer of the shop joins, buys and moves, by the vendor's own client; then is read back.

Needs ``pip install customerio``, a people API with TLS, and in the environment its credentials (``workspacectl
credentials create -o env``), API_HOST, API_PORT, and REQUESTS_CA_BUNDLE if its certificate is signed by itself.
"""

import os
from typing import Any

import requests
from customerio import CustomerIO

HOST, PORT = os.environ["API_HOST"], int(os.environ["API_PORT"])
APP = {"Authorization": f"Bearer {os.environ['APP_KEY']}"}


def customer(id_: str) -> dict[str, Any]:
    """What is known of a customer."""
    url = f"https://{HOST}:{PORT}/v1/customers/{id_}/attributes"
    answer = requests.get(url, headers=APP, timeout=10)
    answer.raise_for_status()
    found: dict[str, Any] = answer.json()["customer"]
    return found


def main() -> None:
    """Play it through; it can be done again, nothing is taken twice."""
    with CustomerIO(os.environ["SITE_ID"], os.environ["API_KEY"], host=HOST, port=PORT) as shop:
        shop.identify(id="c-601", email="mira@example.com", first_name="Mira", tier="gold")
        for _ in range(2):  # as after a connection that broke: an event with an id is taken once
            shop.track(customer_id="c-601", name="bought", id="order-7001", data={"what": "a hat"})

        # In this workspace only a caller who names a person by cio_id may change an address (emailUpdates: ByCioID).
        answer = shop.identify(id="c-601", email="mira@example.net", tier="platinum")
        print("refused:", answer.headers.get("X-Refused-Changes", "nothing"))
        cio_id = customer("c-601")["identifiers"]["cio_id"]
        shop.identify(id=f"cio_{cio_id}", email="mira@example.net")
    attributes = customer("c-601")["attributes"]
    print(attributes["email"], attributes["tier"])


if __name__ == "__main__":
    main()

"""What is taken of a device, track-api.md §1."""

import pytest

from workspace_operator.errors import InvalidInput
from workspace_operator.identity.values.devices import Device, device_of


@pytest.mark.parametrize(
    ("body", "device"),
    [
        ({"id": "t", "platform": "ios"}, Device(token="t", platform="ios", attributes={})),
        ({"id": "t"}, Device(token="t", platform="", attributes={})),
        ({"id": "t", "platform": None}, Device(token="t", platform="", attributes={})),
        ({"id": "t", "platform": ""}, Device(token="t", platform="", attributes={})),
        (
            {
                "id": "t" * 1000,
                "platform": "android",
                "last_used": "2023-11-14T22:13:20Z",
                "attributes": None,
                "else": 1,
            },
            Device(token="t" * 1000, platform="android", last_used=1_700_000_000, attributes={}),
        ),
        (
            {
                "id": "t",
                "platform": "ios",
                "last_used": 1700000000.5,
                "attributes": {"id": 1, "a": None, "b": "", "c": [1]},
            },
            Device(token="t", platform="ios", last_used=1_700_000_000, attributes={"id": 1, "c": [1]}),
        ),
    ],
)
def test_devices_within_limits_are_taken(body: dict[str, object], device: Device) -> None:
    assert device_of(body) == device


def test_token_goes_by_other_names() -> None:
    device = device_of({"token": "t", "platform": "ios"}, token="token")

    assert device.token == "t"


@pytest.mark.parametrize(
    ("body", "field", "words"),
    [
        ({"id": None}, "id", "is missing: send the token"),
        ({"id": " "}, "id", "is missing"),
        ({"id": "\N{ZERO WIDTH SPACE}"}, "id", "is missing"),
        ({"id": 7}, "id", "is 7: send text"),
        ({"id": "t" * 1001}, "id", "1001 bytes, 1000 are allowed"),
        ({"id": "t\0"}, "id", "contains NUL"),
        ({"platform": " "}, "platform", "is missing: send a platform such as ios or android"),
        ({"platform": ["ios"]}, "platform", "send text"),
        ({"platform": "\ud800"}, "platform", "no valid Unicode"),
        ({"last_used": "today"}, "last_used", "is no time"),
        ({"last_used": 45_322}, "last_used", "45322 is no time"),
        ({"attributes": "none"}, "attributes", "is 'none': send an object"),
        ({"attributes": {"a": "\0"}}, "attributes.a", "contains NUL"),
        ({"attributes": {str(number): 1 for number in range(301)}}, "attributes", "301 attributes"),
    ],
)
def test_devices_over_limits_are_refused(body: dict[str, object], field: str, words: str) -> None:
    with pytest.raises(InvalidInput, match=words) as caught:
        device_of({"id": "t", "platform": "ios", **body})

    assert caught.value.field == f"device.{field}"

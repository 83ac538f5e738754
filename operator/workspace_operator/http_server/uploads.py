"""Uploads: a multipart body is read in a worker thread, and its file as a stream, which is never kept as a whole."""

import io
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import BinaryIO, Final, TypeVar, cast

from anyio import from_thread
from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header

from workspace_operator.errors import Conflict, InvalidInput
from workspace_operator.http_server.request_body import BodyReader

Result = TypeVar("Result")

MULTIPART_TYPE: Final = "multipart/form-data"
MAX_FIELD_BYTES: Final = 4_096
MAX_FIELDS: Final = 20
MAX_UPLOAD_BYTES: Final = 101_000_000
"""The largest body: a file of 100 MB with what surrounds it."""

UPLOAD_SECONDS: Final = 900.0
"""Time for a whole upload."""


@dataclass(slots=True, kw_only=True)
class UploadBody:
    """The body of a request, for a worker thread.

    Attributes:
        pause_seconds: time in which something must arrive.
    """

    reader: BodyReader
    content_type: str
    pause_seconds: float
    received: int = 0
    _has_failed: bool = False
    _started: float = field(default_factory=time.monotonic)

    def read_chunk(self) -> bytes:
        """The next bytes; empty at the end.

        Raises InvalidInput if it is too large, does not arrive in time, or the client has disconnected.
        """
        chunk = from_thread.run(self.reader.next_chunk, self.pause_seconds)
        if chunk is None:
            raise self._failure("The upload stopped before its end. Send it again.")
        if time.monotonic() - self._started > UPLOAD_SECONDS:
            raise self._failure(f"The upload took longer than {UPLOAD_SECONDS / 60:g} minutes. Send a smaller file.")
        self.received += len(chunk)
        if self.received > MAX_UPLOAD_BYTES:
            raise self._failure("The upload has more than 100 MB. Split the file into several files.")
        return chunk

    def _failure(self, message: str) -> InvalidInput:
        self._has_failed = True
        return InvalidInput(message, field="file")

    def receive(self, use: "Callable[[UploadForm], Result]") -> "Result":
        """Have ``use`` read the form. Raises as `read_chunk`, and InvalidInput for a malformed form.

        The rest of a form that is refused is read, up to the limits: clients read the answer only afterwards.
        """
        try:
            result = use(UploadForm.read(self))
        except (InvalidInput, Conflict):
            self.drain()
            raise
        self.drain()
        return result

    def drain(self) -> None:
        """Read the rest, up to the limits."""
        with suppress(InvalidInput):
            while not self._has_failed and self.read_chunk():
                pass


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadForm:
    """The fields before a file, and the file, which can be read once.

    Attributes:
        file_name: as the client names it.
    """

    fields: Mapping[str, tuple[str, ...]]
    file_name: str
    file: BinaryIO

    @classmethod
    def read(cls, body: UploadBody) -> "UploadForm":
        """Read a body up to the content of its file. Raises InvalidInput if it has none."""
        kind, options = parse_options_header(body.content_type)
        boundary = options.get(b"boundary", b"")
        if kind != MULTIPART_TYPE.encode() or not boundary:
            raise InvalidInput(f"the body is not {MULTIPART_TYPE} with a boundary: send a form with a file")
        parts = _Parts(body.read_chunk, boundary)
        while not parts.has_file:
            if not parts.advance():
                raise InvalidInput("the form has no file: send one in the field file", field="file")
        return cls(
            fields={name: tuple(values) for name, values in parts.fields.items()},
            file_name=parts.file_name,
            file=cast("BinaryIO", _PartFile(parts)),
        )


class _Parts:
    """The parts of a multipart body, as they arrive."""

    def __init__(self, read_chunk: Callable[[], bytes], boundary: bytes) -> None:
        self._read_chunk = read_chunk
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._begin,
                "on_header_field": self._on_header_field,
                "on_header_value": self._on_header_value,
                "on_header_end": self._end_header,
                "on_headers_finished": self._end_headers,
                "on_part_data": self._on_data,
                "on_part_end": self._end,
            },
        )
        self.fields: dict[str, list[str]] = {}
        self.file_name = ""
        self.has_file = False
        self.file_has_ended = False
        self.content: deque[bytes] = deque()
        self._is_file = False
        self._name = ""
        self._value = bytearray()
        self._header_field, self._header_value = bytearray(), bytearray()
        self._headers: dict[bytes, bytes] = {}

    def advance(self) -> bool:
        """Parse more of the body; False at its end. Raises InvalidInput if it is malformed."""
        chunk = self._read_chunk()
        try:
            if chunk:
                self._parser.write(chunk)
            else:
                self._parser.finalize()
        except MultipartParseError as error:
            raise InvalidInput(f"the form is malformed: {error}") from error
        if not chunk and self.has_file and not self.file_has_ended:
            raise InvalidInput("the form ends within its file: send it again")
        return bool(chunk)

    def _begin(self) -> None:
        self._headers, self._value = {}, bytearray()

    def _on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._header_field += data[start:end]

    def _on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._header_value += data[start:end]

    def _end_header(self) -> None:
        self._headers[bytes(self._header_field).lower()] = bytes(self._header_value)
        self._header_field, self._header_value = bytearray(), bytearray()

    def _end_headers(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition", b""))
        self._name = options.get(b"name", b"").decode(errors="replace")
        self._is_file = b"filename" in options
        if self._is_file and self.has_file:
            raise InvalidInput("the form has more than one file: send one", field="file")
        if self._is_file:
            self.has_file = True
            self.file_name = options[b"filename"].decode(errors="replace")

    def _on_data(self, data: bytes, start: int, end: int) -> None:
        if self._is_file:
            self.content.append(data[start:end])
            return
        self._value += data[start:end]
        if len(self._value) > MAX_FIELD_BYTES:
            raise InvalidInput(f"the field {self._name} has more than {MAX_FIELD_BYTES} bytes", field=self._name)

    def _end(self) -> None:
        if self._is_file:
            self.file_has_ended = True
            return
        self.fields.setdefault(self._name, []).append(self._value.decode(errors="replace"))
        if sum(map(len, self.fields.values())) > MAX_FIELDS:
            raise InvalidInput(f"the form has more than {MAX_FIELDS} fields")


class _PartFile(io.RawIOBase):
    """The content of the file, as a stream."""

    def __init__(self, parts: _Parts) -> None:
        self._parts = parts

    def readable(self) -> bool:
        """Return that it can be read."""
        return True

    def read(self, size: int = -1, /) -> bytes:
        """Up to ``size`` bytes, at least one before the end. Raises as `UploadBody.read_chunk`."""
        content = self._parts.content
        while not content:
            if self._parts.file_has_ended or not self._parts.advance():
                return b""
        first = content.popleft()
        if 0 <= size < len(first):
            content.appendleft(first[size:])
            return first[:size]
        return first

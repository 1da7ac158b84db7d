"""Why a connection failed, in words that are the same whatever the event loop."""

import errno
import os
import socket
import ssl


def words(error: Exception) -> str:
    """What went wrong; the system's own words, since asyncio and uvloop each have theirs."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"certificate refused: {error.verify_message}"
    if isinstance(error, ssl.SSLError | socket.gaierror):
        return str(error.strerror)
    if isinstance(error, OSError) and error.errno:
        return os.strerror(error.errno)
    if isinstance(error, ConnectionResetError):  # asyncio's own, when the peer closes within a handshake
        return os.strerror(errno.ECONNRESET)
    return str(error) or type(error).__name__

"""The socket that every service answers on."""

import socket

from counterfoil_server.runtime.health import bound


def test_an_answer_does_not_wait_for_the_other_side_to_confirm_its_head():
    with bound("127.0.0.1", 0, "COUNTERFOIL_CONSOLE_PORT") as listening, socket.create_connection(listening.getsockname()):
        accepted, _ = listening.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)

"""Modbus units played by pymodbus: a relay board (unit 1) and a noise transmitter (unit 2) on one tty.

pymodbus knows coils as booleans, so the maker's word that starts a pulse is a request class of its own here. Everything
else is the library's: framing, checksums, exceptions, both tables of bits, registers.

usage: pymodbus_units.py TTY BAUD
stdout: "ready", "relay N on|off AT_MILLISECONDS", "pulse N MILLISECONDS"; stdin: "input N on|off", "level TENTHS_OF_DECIBELS"
"""

import asyncio
import struct
import sys
import time

from pymodbus.bit_write_message import WriteSingleCoilRequest
from pymodbus.datastore import ModbusSequentialDataBlock, ModbusServerContext, ModbusSlaveContext
from pymodbus.pdu import ModbusExceptions, ModbusResponse
from pymodbus.server import StartAsyncSerialServer
from pymodbus.transaction import ModbusRtuFramer

RELAYS = 8


def say(*words):
    print(*words, flush=True)


class CoilWordResponse(ModbusResponse):
    function_code = 5
    _rtu_frame_size = 8

    def __init__(self, address=None, word=None, **kwargs):
        super().__init__(**kwargs)
        self.address = address
        self.word = word

    def encode(self):
        return struct.pack(">HH", self.address, self.word)


class CoilWordRequest(WriteSingleCoilRequest):
    pulses = {}

    def decode(self, data):
        self.address, self.word = struct.unpack(">HH", data)

    def execute(self, context):
        block, relay = self.address >> 8, self.address & 0xFF
        if relay >= RELAYS or block not in (0, 2, 4):
            return self.doException(ModbusExceptions.IllegalAddress)
        if block == 0 and self.word not in (0xFF00, 0x0000):
            return self.doException(ModbusExceptions.IllegalValue)
        pulse = self.pulses.pop(relay, None)
        if pulse is not None:
            pulse.cancel()
        on = self.word == 0xFF00 if block == 0 else block == 2
        self.switch(context, relay, on)
        if block != 0:
            say("pulse", relay + 1, self.word * 100)
            loop = asyncio.get_event_loop()
            self.pulses[relay] = loop.call_later(self.word / 10, self.switch, context, relay, not on)
        return CoilWordResponse(self.address, self.word)

    @staticmethod
    def switch(context, relay, on):
        if context.getValues(1, relay, 1)[0] != on:
            context.setValues(5, relay, [on])
            say("relay", relay + 1, "on" if on else "off", round(time.monotonic() * 1000))


async def obey(board, noise):
    reader = asyncio.StreamReader()
    await asyncio.get_event_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := (await reader.readline()).decode().split():
        if line[0] == "input":
            board.setValues(2, int(line[1]) - 1, [line[2] == "on"])
        elif line[0] == "level":
            noise.setValues(3, 0, [int(line[1])])
    # Whoever started this is gone.
    sys.exit(0)


async def main(tty, baud):
    # A table that is left out has 65536 entries; one that a unit does not have lies out of the way.
    def table(values=None):
        return ModbusSequentialDataBlock(0xFFFF, [0]) if values is None else ModbusSequentialDataBlock(0, values)

    board = ModbusSlaveContext(
        co=table([False] * RELAYS), di=table([False] * 8), hr=table(), ir=table(), zero_mode=True
    )
    noise = ModbusSlaveContext(co=table(), di=table(), hr=table([420]), ir=table(), zero_mode=True)
    context = ModbusServerContext(slaves={1: board, 2: noise}, single=False)
    listening = asyncio.ensure_future(obey(board, noise))
    asyncio.get_event_loop().call_later(0.5, say, "ready")
    await StartAsyncSerialServer(
        context,
        custom_functions=[CoilWordRequest],
        framer=ModbusRtuFramer,
        port=tty,
        baudrate=int(baud),
        ignore_missing_slaves=True,
    )
    await listening


asyncio.run(main(*sys.argv[1:]))

"""Tars made field by field, right or wrong as an attack wants them."""

END = bytes(1024)
FILE, HARD, SYMBOLIC, CHARACTER, BLOCK, DIRECTORY, FIFO = b"0", b"1", b"2", b"3", b"4", b"5", b"6"


def header(name, size=0, kind=FILE, link="", size_field=None, magic=b"ustar\x0000", prefix=b"", device=(0, 0)):
    """512 bytes. `size_field` is the field itself, where `size` cannot say it."""
    def encoded(text):
        return text if isinstance(text, bytes) else text.encode("utf-8", "surrogateescape")

    field = size_field if size_field is not None else b"%011o\0" % size
    block = bytearray(512)
    for start, length, value in [
        (0, 100, encoded(name)), (100, 8, b"0000644\0"), (108, 8, b"0000000\0"), (116, 8, b"0000000\0"),
        (124, 12, field), (136, 12, b"00000000000\0"), (148, 8, b"        "), (156, 1, kind),
        (157, 100, encoded(link)), (257, 8, magic), (329, 8, b"%07o\0" % device[0]), (337, 8, b"%07o\0" % device[1]),
        (345, 155, prefix),
    ]:
        block[start:start + min(length, len(value))] = value[:length]
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def padded(data):
    return data + bytes(-len(data) % 512)


def member(name, data=b"", **fields):
    return header(name, len(data), **fields) + padded(data)


def link(name, target, kind=SYMBOLIC):
    return header(name, kind=kind, link=target)


def pax(*records):
    """An extended header for the member after it, of (key, value) in bytes or text."""
    body = b""
    for key, value in records:
        rest = b" " + str(key).encode() + b"=" + (value if isinstance(value, bytes) else str(value).encode()) + b"\n"
        length = len(rest)
        while len(str(length)) + len(rest) != length:
            length = len(str(length)) + len(rest)
        body += str(length).encode() + rest
    return member("PaxHeaders/x", body, kind=b"x")


def long_name(name):
    """GNU's way to say a long name of the member after it."""
    return member("././@LongLink", name.encode() + b"\0", kind=b"L")


def base256(number):
    """A size as GNU and star write it: 12 bytes of two's complement, with the first bit set."""
    return bytes([0x80 | (number >> 88) & 0x7F]) + (number % (1 << 88)).to_bytes(11, "big")


def write(path, *pieces, end=END):
    with open(path, "wb") as file:
        for piece in pieces:
            file.write(piece)
        file.write(end)

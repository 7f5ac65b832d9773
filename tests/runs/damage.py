"""What happens to files: by accident, or to somebody who takes one for another."""

DAMAGES = ("emptied", "cut", "flipped", "other JSON", "other YAML", "no text", "gone")


def damage(path, kind):
    """Damage a file, which must be there."""
    content = path.read_bytes()
    middle = len(content) // 2
    others = {
        "emptied": b"",
        "cut": content[:middle],
        "flipped": content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :],
        "other JSON": b'{"a": [1, {}]}\n',
        "other YAML": b"- a: 1\n  b: [x]\n",
        "no text": b"\xff\xfe\x00\x81" * 50,
    }
    if kind == "gone":
        path.unlink()
    else:
        path.write_bytes(others[kind])

"""Damage and malice done to files, from a seeded random generator."""

import json
import os
import re
import struct

from tests.support.session_folders import without_checks

NUMBERS = (
    *("nan", "inf", "-inf", "-1e9", "1e300", "-5", "0", "-0.0", "1e-320", "1e38", "²", '"text"', "true", "[]", "{}"),
    *("null", "9" * 400, "2147483648", "9223372036854775808", "-1", "0.5", '""', "[[[]]]", "1970-01-01"),
    '"' + "x" * 5000 + '"',
)
VALUES = (
    *(float("nan"), float("inf"), -1e9, 1e300, -5, 0, -1, 0.5, 2**31, 2**63, 10**400, True, None, "", "²", "text"),
    *([], {}, [1, 2], [[[]]], {"a": 1}, "x" * 20_000, "1,2", "nan", 1e-300, 1e9, 4096, 65536, ["low"], [None], "-1"),
)
DEEP = ("[" * 5000, '{"a":' * 5000, "a = " + "[" * 3000, "a = " + "{b=" * 2000, "a" + ".b" * 200_000 + "=1")
DOUBLES = (float("nan"), float("inf"), -1.0, 1e300, 1e18, -1e9, 0.0, 1e-300, 2.0**40, 86_400.0)


def mutated_text(text, rng):
    """Return a text file's content with something wrong in it, as bytes."""
    lines = text.split("\n")
    at = rng.randrange(len(lines))
    how = rng.randrange(12)
    if how < 4:
        numbers = list(re.finditer(r"-?\d+(\.\d+)?(e-?\d+)?", text))
        if numbers:
            one = rng.choice(numbers)
            return (text[: one.start()] + rng.choice(NUMBERS) + text[one.end() :]).encode()
    if how == 4:
        return "\n".join(lines[:at] + lines[at + 1 :]).encode()
    if how == 5:
        return "\n".join([*lines[:at], lines[at], *lines[at:]]).encode()
    if how == 6:
        return "\n".join([*lines[:at], rng.choice(DEEP), *lines[at:]]).encode()
    if how == 7:
        return text[: rng.randrange(len(text) + 1)].encode()
    if how == 8:
        dots = b"[" + b"a." * 100_000 + b"a]"
        return rng.choice([b"", b"\0" * 1000, b"\xff" * 100, b"\x1b[31m", text.encode("utf-16"), dots])
    if how == 9:
        key = rng.choice(re.findall(r"^(\w+) *[=:]", text, re.MULTILINE) or ["x"])
        value = rng.choice(NUMBERS)
        pattern = rf"^({re.escape(key[:100])}) *=.*$"
        return re.sub(pattern, lambda found: f"{found[1]} = {value}", text, count=100, flags=re.MULTILINE).encode()
    if how == 10:
        return (text + "\n" + "x = 1\n" * rng.choice([1, 2, 400_000])).encode()
    return mutated_bytes(text.encode(), rng)


def mutated_bytes(raw, rng):
    """Return a binary file's content with something wrong in it."""
    raw = bytearray(raw)
    for _ in range(rng.choice([1, 1, 1, 2, 5, 30])):
        if not raw:
            break
        at, how = rng.randrange(len(raw)), rng.randrange(9)
        size = rng.choice([1, 4, 8, 100, 5000])
        if how < 3:
            raw[at] ^= 1 << rng.randrange(8)
        elif how == 3:
            del raw[at:]
        elif how == 4:
            del raw[at : at + size]
        elif how == 5:
            raw[at:at] = raw[at : at + size]
        elif how == 6:
            raw[at : at + size] = rng.choice([b"\0", b"\xff"]) * len(raw[at : at + size])
        elif how == 7:
            raw[at : at + 8] = struct.pack("<d", rng.choice(DOUBLES))
        else:
            raw[at : at + 8] = struct.pack("<Q", rng.choice([0, 1, 2**31, 2**32 - 1, 2**63, 2**64 - 1]))
    return bytes(raw)


def mutated_value(value, rng):
    """Return a JSON value with one leaf replaced, or one key or item left out, doubled or renamed."""
    if isinstance(value, dict) and value and rng.random() < 0.93:
        key = rng.choice(sorted(value))
        if rng.random() < 0.08:
            return {name: one for name, one in value.items() if name != key}
        if rng.random() < 0.05:
            return {**value, "unknown": value[key]}
        return {**value, key: mutated_value(value[key], rng)}
    if isinstance(value, list) and value and rng.random() < 0.9:
        at = rng.randrange(len(value))
        if rng.random() < 0.1:
            return [*value, value[at]]
        return [*value[:at], mutated_value(value[at], rng), *value[at + 1 :]]
    return rng.choice(VALUES)


def mutate_file(path, rng):
    """Do something to one file of a folder that a reader will meet."""
    how = rng.randrange(20)
    if how == 0:
        path.unlink()
        os.mkfifo(path)
    elif how == 1:
        path.unlink()
        path.symlink_to(rng.choice(["/dev/zero", "/dev/full", "/proc/self/mem", "/etc/hostname", str(path)]))
    elif how == 2:
        path.unlink()
        path.mkdir()
    elif how == 3:
        path.unlink()
    elif how == 4:
        os.truncate(path, path.stat().st_size + 3_000_000_000)
    elif how == 5:
        others = [one for one in sorted(path.parent.rglob("*")) if one.is_file() and one != path]
        path.write_bytes(rng.choice(others).read_bytes() if others else b"")
    elif path.suffix in (".toml", ".json", ".jsonl"):
        text = path.read_text(errors="replace")  # it may have been damaged before
        if path.suffix == ".jsonl" and text and rng.random() < 0.7:
            lines = text.split("\n")
            at = rng.randrange(max(1, len(lines) - 1))
            plain = re.sub(r',"crc32":"\w+"}$', "}", lines[at])
            turned = lines[at][::-1]
            try:
                lines[at] = json.dumps(mutated_value(json.loads(plain), rng)) if rng.random() < 0.8 else turned
            except ValueError:  # damaged before
                lines[at] = turned
            path.write_text("\n".join(lines))
        else:
            path.write_bytes(mutated_text(text, rng))
    else:
        raw = path.read_bytes()
        raw = without_checks(raw) if path.suffix == ".xdf" and rng.random() < 0.6 else raw
        path.write_bytes(mutated_bytes(raw, rng))

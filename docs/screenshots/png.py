"""Makes a picture a third of its size: a PNG with a palette of the 256 most frequent of its colours.

A page has a few colours and the shades at the edges of its letters; the nearest stand in for the rare ones.
"""

import base64
import struct
import zlib

from playwright.sync_api import Page

SIGNATURE = b"\x89PNG\r\n\x1a\n"
EIGHT_BIT_PALETTE = (8, 3, 0, 0, 0)
REDUCE = """async png => {
  const image = await createImageBitmap(await (await fetch('data:image/png;base64,' + png)).blob());
  const canvas = new OffscreenCanvas(image.width, image.height), context = canvas.getContext('2d');
  context.drawImage(image, 0, 0);
  const { data } = context.getImageData(0, 0, image.width, image.height);
  const colour = i => data[i] << 16 | data[i + 1] << 8 | data[i + 2];
  const counts = new Map();
  for (let i = 0; i < data.length; i += 4) counts.set(colour(i), (counts.get(colour(i)) ?? 0) + 1);
  const palette = [...counts].sort((a, b) => b[1] - a[1] || a[0] - b[0]).slice(0, 256).map(([one]) => one);
  const distance = (a, b) => [16, 8, 0].reduce((sum, by) => sum + ((a >> by & 255) - (b >> by & 255)) ** 2, 0);
  const nearest = new Map([...counts.keys()].map(one =>
    [one, palette.reduce((best, other, i) => distance(one, other) < distance(one, palette[best]) ? i : best, 0)]));
  let pixels = '';
  for (let i = 0; i < data.length; i += 4) pixels += String.fromCharCode(nearest.get(colour(i)));
  return [image.width, image.height, palette, btoa(pixels)];
}"""


def reduced(page: Page, picture: bytes) -> bytes:
    """Return the picture with a palette; the browser, on an empty page, knows how to read it."""
    width, height, palette, encoded = page.evaluate(REDUCE, base64.b64encode(picture).decode())
    pixels = base64.b64decode(encoded)
    lines = b"".join(b"\0" + pixels[start : start + width] for start in range(0, len(pixels), width))
    return SIGNATURE + b"".join(
        (
            _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, *EIGHT_BIT_PALETTE)),
            _chunk(b"PLTE", b"".join(colour.to_bytes(3, "big") for colour in palette)),
            _chunk(b"IDAT", zlib.compress(lines, 9)),
            _chunk(b"IEND", b""),
        )
    )


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

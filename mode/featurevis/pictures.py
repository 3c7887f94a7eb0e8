"""Small inline pictures without a drawing library: arrays to PNG to HTML."""

import base64
import struct
import zlib

import numpy as np


def png(image: np.ndarray) -> bytes:
    """Return `image` (h, w), (h, w, 1) or (h, w, 3) in [0, 1] as the bytes of a PNG file."""
    pixels = np.rint(np.clip(image, 0, 1) * 255).astype(np.uint8)
    pixels = pixels.reshape(*pixels.shape[:2], -1)
    height, width, channels = pixels.shape
    rows = np.concatenate([np.zeros((height, 1), np.uint8), pixels.reshape(height, -1)], axis=1)
    head = struct.pack(">IIBBBBB", width, height, 8, 2 if channels == 3 else 0, 0, 0, 0)
    chunks = [(b"IHDR", head), (b"IDAT", zlib.compress(rows.tobytes(), 9)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )


def strip(images: np.ndarray, gap: int = 2) -> np.ndarray:
    """Return images (n, h, w, c) side by side as one picture, `gap` white pixels between."""
    padded = np.pad(images, ((0, 0), (0, 0), (0, gap), (0, 0)), constant_values=1.0)
    return np.concatenate(list(padded), axis=1)[:, : -gap or None]


def inline(image: np.ndarray, zoom: int = 2) -> str:
    """Return an HTML image that holds its own data, `zoom` screen pixels a pixel."""
    data = base64.b64encode(png(image)).decode()
    look = f'width="{image.shape[1] * zoom}" style="image-rendering:pixelated"'
    return f'<img {look} src="data:image/png;base64,{data}">'


def table(images: np.ndarray, names: list[str], restarts: int = 8) -> str:
    """Return an HTML table, a row of stimuli a unit; images (units, restarts, h, w, c)."""
    rows = [
        f"<tr><td>{name}</td><td>{inline(strip(row[:restarts]))}</td></tr>"
        for name, row in zip(names, images, strict=True)
    ]
    return f"<table><tr><th>unit</th><th>preferred pictures</th></tr>{''.join(rows)}</table>"

"""Draw a face from an exported ONNX file with onnxruntime, NumPy and Pillow only.

python onnx_without_torch.py faces.onnx 17 face.png
"""

import json
import os
import sys

import numpy as np

os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # read when onnxruntime is imported
import onnxruntime
from PIL import Image


def latent(seed: int, size: int, distribution: str) -> np.ndarray:
    """Return the latent of a seed (docs/reference/latents.md): Philox4x32-10, then Box-Muller."""
    c0, c1, c2, c3 = np.zeros((4, -(-size // 4)), np.uint64)
    c0, k0, k1 = np.arange(len(c0), dtype=np.uint64), np.uint64(seed & 0xFFFFFFFF), np.uint64(seed >> 32)
    half, word = np.uint64(32), np.uint64(0xFFFFFFFF)
    for _ in range(10):
        p0, p1 = np.uint64(0xD2511F53) * c0, np.uint64(0xCD9E8D57) * c2
        c0, c1, c2, c3 = (p1 >> half) ^ c1 ^ k0, p1 & word, (p0 >> half) ^ c3 ^ k1, p0 & word
        k0, k1 = (k0 + np.uint64(0x9E3779B9)) & word, (k1 + np.uint64(0xBB67AE85)) & word
    u = (np.stack([c0, c1, c2, c3], 1).ravel() + 0.5) / 2**32
    radius, angle = np.sqrt(-2 * np.log(u[0::2])), 2 * np.pi * u[1::2]
    normal = np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1).ravel()
    return (2 * u - 1 if distribution == "uniform" else normal)[:size].astype(np.float32)


file, seed, out = sys.argv[1:]
session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
recipe = json.loads(session.get_modelmeta().custom_metadata_map["strangers"])["recipe"]
z = latent(int(seed), recipe["latent_size"], recipe["latent"])
(images,) = session.run(None, {"z": z[None]})  # (1, 3, size, size) in [-1, 1]
pixels = np.round((images[0].transpose(1, 2, 0) + 1) * 127.5).clip(0, 255).astype(np.uint8)
Image.fromarray(pixels).save(out)

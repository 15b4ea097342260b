"""Every augmentation again, for one example of one lane, by numpy, scipy and loops. It shares nothing with the engine.

x is an example: image [height width channel], series [time channel], text [position]; of what is drawn for a step it
is the lane's batch. u are the draws that the engine hands to its own.
"""

import math
from collections.abc import Callable

import numpy as np
from scipy.ndimage import affine_transform

Array = np.ndarray
Twin = Callable[[Array, float, Array], Array]


def matrix(name: str, strength: float, u: Array, height: int, width: int) -> Array:
    """The 3x3 matrix of one move, from a place (across, down) of the new image to one of the old."""
    v = 2 * u.astype(float) - 1
    found = np.eye(3)
    if name == "flip":
        found[0, 0] = -1 if u[0] < strength else 1
    elif name == "rotate":
        angle = math.radians(v[0] * strength)
        found[:2, :2] = [[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]]
    elif name == "translate":
        found[:2, 2] = v[0] * strength * width, v[1] * strength * height
    elif name == "zoom":
        found[:2, :2] /= 1 + v[0] * strength
    elif name == "shear":
        found[0, 1], found[1, 0] = v[0] * strength, v[1] * strength
    elif name == "crop":
        border = math.floor(strength)
        found[:2, 2] = [math.floor(one * (2 * border + 1)) - border for one in u.astype(float)]
    else:
        raise KeyError(name)
    return found


def warp(x: Array, moved: Array) -> Array:
    """Read x at the places that a 3x3 matrix names, by scipy, which counts (down, across) from a corner."""
    height, width, channels = x.shape
    turned = moved[[1, 0]][:, [1, 0, 2]]
    middle = np.array([(height - 1) / 2, (width - 1) / 2])
    offset = turned[:, 2] + middle - turned[:, :2] @ middle
    planes = [
        affine_transform(x[..., c].astype(float), turned[:, :2], offset, order=1, mode="nearest")
        for c in range(channels)
    ]
    return np.stack(planes, -1)


def move(name: str) -> Twin:
    return lambda x, strength, u: warp(x, matrix(name, strength, u, *x.shape[:2]))


def brightness(x: Array, strength: float, u: Array) -> Array:
    return x + (2 * u[0] - 1) * strength


def contrast(x: Array, strength: float, u: Array) -> Array:
    mean = x.mean()
    return mean + (1 + (2 * u[0] - 1) * strength) * (x - mean)


def erase(x: Array, strength: float, u: Array) -> Array:
    height, width, _ = x.shape
    area = np.float32(u[0] * np.float32(strength) * np.float32(height * width))
    aspect = np.float32(0.3) + u[1] * np.float32(1 / 0.3 - 0.3)
    tall = min(height, round(math.sqrt(area * aspect)))
    wide = min(width, round(math.sqrt(area / aspect)))
    top, left = math.floor(u[2] * (height - tall + 1)), math.floor(u[3] * (width - wide + 1))
    found = x.copy()
    found[top : top + tall, left : left + wide] = 0
    return found


def read(x: Array, times: list[float]) -> Array:
    steps = np.arange(len(x))
    return np.stack([np.interp(times, steps, x[:, c]) for c in range(x.shape[1])], 1)


def time_warp(x: Array, strength: float, u: Array) -> Array:
    """By summing up the speed in ten thousand small steps."""
    speeds = 1 + (2 * u.astype(float) - 1) * strength
    fine = np.linspace(0, 1, 10_001)
    speed = np.interp(fine, np.linspace(0, 1, len(speeds)), speeds)
    passed = np.concatenate([[0], np.cumsum((speed[1:] + speed[:-1]) / 2)])
    last = len(x) - 1
    return read(x, [np.interp(i / last, fine, passed) / passed[-1] * last for i in range(len(x))])


def window(x: Array, strength: float, u: Array) -> Array:
    share = 1 - float(u[0]) * strength
    start, last = float(u[1]) * (1 - share), len(x) - 1
    return read(x, [(start + share * i / last) * last for i in range(len(x))])


def amplitude(x: Array, strength: float, z: Array) -> Array:
    found = x.copy()
    for channel in range(x.shape[1]):
        found[:, channel] *= 1 + strength * z[channel]
    return found


def jitter(x: Array, strength: float, z: Array) -> Array:
    found, at = x.copy(), 0
    for step in range(x.shape[0]):
        for channel in range(x.shape[1]):
            found[step, channel] += strength * z[at]
            at += 1
    return found


def word_dropout(x: Array, strength: float, u: Array) -> Array:
    hit = [bool(one < np.float32(strength)) and word != 0 for word, one in zip(x, u, strict=True)]
    return np.array([1 if lost else word for word, lost in zip(x, hit, strict=True)])


def word_swap(x: Array, strength: float, u: Array) -> Array:
    found, count = x.copy(), len(x)
    known = sorted((i for i in range(count) if x[i] != 0), key=lambda i: u[i])
    for pair in range(len(known) // 2):
        if u[count + pair] < np.float32(strength):
            a, b = known[2 * pair], known[2 * pair + 1]
            found[a], found[b] = x[b], x[a]
    return found


def edge_drop(kept: Array, strength: float, u: Array) -> Array:
    return np.array([bool(k) and one >= np.float32(strength) for k, one in zip(kept, u, strict=True)])


def feature_mask(x: Array, strength: float, u: Array) -> Array:
    found = x.copy()
    for feature in range(x.shape[1]):
        if u[feature] < np.float32(strength):
            found[:, feature] = 0
    return found


TWINS: dict[str, Twin] = {
    **{name: move(name) for name in ("flip", "rotate", "translate", "zoom", "shear", "crop")},
    "brightness": brightness,
    "contrast": contrast,
    "erase": erase,
    "time_warp": time_warp,
    "window": window,
    "amplitude": amplitude,
    "jitter": jitter,
    "word_swap": word_swap,
    "word_dropout": word_dropout,
    "edge_drop": edge_drop,
    "feature_mask": feature_mask,
}


def mixup(x: Array, share: float, order: Array) -> Array:
    return np.stack([share * x[i] + (1 - share) * x[order[i]] for i in range(len(x))])


def cutmix(x: Array, share: float, u: Array, order: Array) -> tuple[Array, float]:
    """The mixed batch, and the share of their own that is left to its images."""
    _, height, width, _ = x.shape
    side = np.sqrt(np.float32(1) - np.float32(share))
    tall, wide = int(side * np.float32(height)), int(side * np.float32(width))
    y, z = int(u[0] * np.float32(height)), int(u[1] * np.float32(width))
    top, bottom = max(y - tall // 2, 0), min(y + tall // 2, height)
    left, right = max(z - wide // 2, 0), min(z + wide // 2, width)
    found = x.copy()
    found[:, top:bottom, left:right] = x[order][:, top:bottom, left:right]
    return found, 1 - (bottom - top) * (right - left) / (height * width)

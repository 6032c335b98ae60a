"""Conversion of the reference networks' fixtures to our parameter trees.

Our matrices are stored (in, out), those of PyTorch (out, in).
"""

import numpy as np


def tree(arrays, prefix: str) -> dict:
    """Returns a nested dict of all arrays whose names start with `prefix`; matrices but embeddings are transposed."""
    nested: dict = {}
    for name in arrays:
        if not name.startswith(prefix + "/"):
            continue
        *folders, leaf = name[len(prefix) + 1 :].split("/")
        value = arrays[name]
        here = nested
        for folder in folders:
            here = here.setdefault(folder, {})
        here[leaf] = value.T if value.ndim == 2 and leaf != "embedding" else value
    return nested


def measure_vae(arrays, prefix: str) -> dict:
    """Returns our parameters of MeasureVAE, made from the fixture's."""
    theirs = tree(arrays, prefix)
    encoder, decoder = dict(theirs["encoder"]), dict(theirs["decoder"])
    encoder |= encoder.pop("gru")
    for gru in ("beat", "tick"):
        decoder |= {f"{gru}_{layer}": weights for layer, weights in decoder.pop(f"{gru}_gru").items()}
    return {"encoder": encoder, "decoder": decoder}


def adversarial_vae(arrays, prefix: str, latent_dim: int) -> dict:
    """Returns our parameters of AdversarialVAE, {"vae": ..., "classifier": ...}, made from the fixture's."""
    theirs = tree(arrays, prefix)
    vae = theirs["vae"]
    encoder = {**vae["encoder"].pop("gru"), **vae["encoder"]}
    cell1 = vae["decoder"]["cell1"]
    w_ih = cell1.pop("w_ih")
    n_tokens = vae["decoder"]["out"]["b"].shape[0]
    cell1 |= {
        "w_token": w_ih[:n_tokens],
        "w_z": w_ih[n_tokens : n_tokens + latent_dim],
        "w_attributes": w_ih[n_tokens + latent_dim :],
    }
    return {"vae": {"encoder": encoder, "decoder": vae["decoder"]}, "classifier": theirs["cls"]}


def error(ours, stored) -> float:
    """Returns the largest absolute difference over max(1, largest stored value), as the fixtures' page suggests."""
    ours, stored = np.asarray(ours, np.float64), np.asarray(stored, np.float64)
    assert ours.shape == stored.shape, (ours.shape, stored.shape)
    return float(np.abs(ours - stored).max() / max(1.0, np.abs(stored).max()))

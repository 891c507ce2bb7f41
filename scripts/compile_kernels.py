"""Run what numba compiles, so that it lies compiled beside the code: `make kernels`.

Otherwise the first tests of every worker would compile the same loops, each for itself.
"""

from __future__ import annotations

import numpy as np

from matting_nodes import MattingSession, alpha_matte, estimate_foreground, sample_data

PART = np.s_[60:160, 220:340]

if __name__ == "__main__":
    image, trimap = sample_data.lemur()[PART], sample_data.lemur_trimap()[PART].copy()
    for picture in (image, image[..., :1]):
        session = MattingSession.begin(picture, trimap)
        stroke = trimap.copy()
        stroke[40:50, 50:60] = 255
        session.update(stroke)
        alpha = alpha_matte(picture, trimap, method="closed_form")
        estimate_foreground(picture, alpha)

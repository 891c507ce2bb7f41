"""Checkpoints for the example workflows that ask networks, since the published ones are not ours.

All weights are seeded. In the networks that look for a person, the last layer is solved for on
the one picture that the workflows use, so that masks and trimaps have both sides.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from matting_nodes import read_image, sample_data
from matting_nodes.graph import Graph
from matting_nodes.models import catalog
from matting_nodes.models.inputs import blue_first, normalized
from matting_nodes.resizing import resized

EXAMPLES = Path(__file__).parent.parent / "examples/api"
# The networks that the nodes of each workflow ask.
NETWORKS = {
    "deeplab_indexnet": {"2": "deeplabv3_resnet101", "4": "indexnet"},
    "tnet_id_photo": {"2": "tnet"},
    "deep_image_matting": {"6": "dim_vgg16"},
    "unet_gca": {"3": "unet_resnext50", "5": "gca"},
}
# The last layer of those that look for a person, and the side they look at.
LAST = {
    "deeplabv3_resnet101": ("classifier.4", 512),
    "unet_resnext50": ("final", 320),
    "tnet": ("backbone.final.0", 400),
}
PERSON = 15


def with_weights(name: str, folder: Path) -> Graph:
    """Return a workflow whose networks take their weights from files in a folder."""
    graph = Graph.read(EXAMPLES / f"{name}.json")
    for node, network in NETWORKS.get(name, {}).items():
        graph = graph.with_input(node, "method.weights", str(checkpoint(network, folder)))
    return graph


def checkpoint(name: str, folder: Path) -> Path:
    """Return a file as the network's authors publish theirs, made unless it is there."""
    model = catalog.model(name)
    path = folder / model.file
    if not path.is_file():
        torch.manual_seed(0)
        network = model.build().eval()
        if name in LAST:
            look_for_the_person(name, network)
        state = network.state_dict()
        torch.save({model.state_key: state} if model.state_key else state, path)
    return path


def look_for_the_person(name, network):
    """Solve for the last layer that tells the astronaut's outline from the rest, in least squares.

    Random features of a picture know enough of it for that.
    """
    layer, side = network.get_submodule(LAST[name][0]), LAST[name][1]
    photo = resized(
        read_image(sample_data.find("astronaut.png")) / np.float32(255), side, side, "area"
    )
    seen = []
    hook = layer.register_forward_hook(lambda module, inputs, answer: seen.append(inputs[0]))
    with torch.no_grad():
        network(torch.from_numpy(blue_first(photo) if name == "tnet" else normalized(photo))[None])
    hook.remove()
    features = seen[0][0].flatten(1).T.double()
    mean, deviation = features.mean(0), features.std(0) + 1e-12
    told = torch.from_numpy(resized(person(), *seen[0].shape[2:], "area")).flatten().double()
    columns = torch.cat([(features - mean) / deviation, torch.ones(len(told), 1)], dim=1)
    damping = 1e-3 * len(told) * torch.eye(columns.shape[1])
    solved = torch.linalg.solve(columns.T @ columns + damping, columns.T @ (2 * told - 1))
    weight = solved[:-1] / deviation
    write(layer, weight, solved[-1] - weight @ mean)


def write(layer, weight, bias):
    """Let the score speak for the person: of 21 classes, of background and foreground, or alone."""
    signs = torch.zeros(layer.out_channels)
    signs[0] = -1 if layer.out_channels > 1 else 1
    if layer.out_channels > 1:
        signs[PERSON if layer.out_channels > PERSON else -1] = 1
    with torch.no_grad():
        layer.weight.copy_(signs[:, None, None, None] * 10 * weight[None, :, None, None])
        layer.bias.copy_(signs * 10 * bias)


def person():
    """Return about where the astronaut is in her picture: head and shoulders."""
    y, x = np.mgrid[:512, :512]
    head = np.hypot((x - 225) / 70, (y - 115) / 95) < 1
    body = np.hypot(x - 230, y - 420) < 200
    return (head | body).astype(np.float32)

"""Where networks live: the folder of their weights and the devices they can run on."""

from ._devices import available_devices, torch_device
from ._folder import model_folder

__all__ = ["available_devices", "model_folder", "torch_device"]

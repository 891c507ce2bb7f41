"""Where networks live: the catalog, their weights on disk, and the devices they run on."""

from ._devices import available_devices, torch_device
from ._folder import model_folder

__all__ = ["available_devices", "model_folder", "torch_device"]
